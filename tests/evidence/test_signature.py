"""Signed bundles: who signed is answered by pinned keys alone, and every attack is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import forensics
from forensics.errors import UsageError
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.signing import Signing
from forensics.evidence.statement import difference
from forensics.evidence.trust import load_trust
from forensics.evidence.verify import verify
from tests.bundles import make_bundle, rebag
from tests.evidence.edits import edit, edit_audit, failed_steps
from tests.signers import (
    envelope_of,
    public_file,
    signer,
    statement_of,
    trust,
)

ALICE, BOB, MALLORY = signer(1), signer(2), signer(66)
SIGNERS = "signatures/signer.pem"

# ---------------------------------------------------------------- intact


def test_with_the_right_key_the_signer_is_known(sealed: Path) -> None:
    result = verify(sealed, trust(ALICE))
    assert failed_steps(result) == {}
    assert (result.exit_code, result.verdict) == (0, "intact_signer_known")
    assert f"intact, signed with the given key {ALICE.fingerprint[:16]}" in result.first_line
    assert result.answers()["signer"] == f"yes: signed with the given key {ALICE.fingerprint}"


def test_without_a_key_the_first_line_says_that_the_signer_was_not_checked(sealed: Path) -> None:
    result = verify(sealed)
    assert (result.exit_code, result.verdict) == (0, "intact_signer_unchecked")
    assert "signer not checked: anyone could have made and signed it" in result.first_line
    assert ALICE.fingerprint in result.answers()["signer"]


def test_the_document_names_signers_and_keeps_the_questions_apart(sealed: Path) -> None:
    document = json.loads(json.dumps(verify(sealed, trust(ALICE)).document(), allow_nan=False))
    assert document["verdict"] == "intact_signer_known"
    assert document["signers"] == [ALICE.fingerprint]
    assert document["time_utc"] is None
    assert set(document["questions"]) == {"intact", "signer", "time", "input", "method"}
    assert document["questions"]["time"] == "no: its dates are its maker's claim"


def test_the_record_names_the_signer_before_it_is_sealed(sealed: Path) -> None:
    audit = forensics.load(sealed)
    assert audit.run.signers == (ALICE.fingerprint,)
    assert (sealed / SIGNERS).read_bytes() == ALICE.public_pem


def test_the_statement_names_run_case_input_totals_and_the_end_of_the_log(sealed: Path) -> None:
    statement = statement_of(sealed)
    predicate = statement["predicate"]
    audit = forensics.load(sealed)
    assert isinstance(predicate, dict)
    assert (predicate["run"], predicate["case"]) == (audit.run.id, audit.run.case)
    assert predicate["source_sha256"] == audit.source.sha256
    assert predicate["totals"] == audit.totals.signed()
    names = [subject["name"] for subject in statement["subject"]]  # type: ignore[attr-defined] # a list
    assert names == [
        "data/audit.json",
        "data/original/two_people.mp4",
        "data/report/report.html",
        "data/restored/two_people.mp4",
        "tagmanifest-sha256.txt",
        "tagmanifest-sha512.txt",
    ]


def test_several_signers_and_a_threshold(double: Path) -> None:
    assert verify(double, trust(ALICE)).exit_code == 0
    assert verify(double, trust(BOB)).verdict == "intact_signer_known"
    assert verify(double, trust(ALICE, BOB, threshold=2)).exit_code == 0
    both = verify(double, trust(ALICE, MALLORY, threshold=2))
    assert both.exit_code == 4
    assert "1 of the given keys signed; 2 are needed" in failed_steps(both)["signature"]
    assert verify(double, trust(ALICE, MALLORY)).exit_code == 0
    known = verify(double, trust(ALICE, MALLORY)).answers()["signer"]
    assert MALLORY.fingerprint not in known


def test_without_the_original_its_digest_is_signed_all_the_same(tmp_path: Path) -> None:
    """As `--no-original` does it: the bytes are left out before the bundle is sealed."""
    made = make_bundle(tmp_path / "a", side=16, no_faces=True)
    (made / "data" / "original" / "two_people.mp4").unlink()
    edit_audit(made, lambda d: d["run"].update(signers=[ALICE.fingerprint]))  # type: ignore[attr-defined] # an object
    writer = BundleWriter.create(tmp_path / "b", force=False)
    shutil.copytree(made / "data", writer.data, dirs_exist_ok=True)
    writer.seal({"External-Identifier": forensics.load(made).run.id}, Signing((ALICE,)))
    result = verify(writer.out, trust(ALICE))
    assert failed_steps(result) == {}
    names = [subject["name"] for subject in statement_of(writer.out)["subject"]]  # type: ignore[attr-defined] # a list
    assert "data/original/two_people.mp4" in names


def test_a_predicate_is_signed_as_it_is(tmp_path: Path) -> None:
    made = make_bundle(tmp_path / "a", side=16, no_faces=True)
    edit_audit(made, lambda d: d["run"].update(signers=[ALICE.fingerprint]))  # type: ignore[attr-defined] # an object
    predicate = made / "data" / "run" / "predicate.json"
    predicate.write_text('{"b": 0.1, "a": [12345678901234567, "é"]}', encoding="utf-8")
    writer = BundleWriter.create(tmp_path / "b", force=False)
    shutil.copytree(made / "data", writer.data, dirs_exist_ok=True)
    writer.seal({"External-Identifier": forensics.load(made).run.id}, Signing((ALICE,)))
    provenance = statement_of(writer.out)["predicate"]["provenance"]  # type: ignore[index] # an object
    assert provenance == {"b": 0.1, "a": [12345678901234567, "é"]}
    # Another step may find this predicate wanting; it is signed as it is all the same.
    assert "statement" not in failed_steps(verify(writer.out, trust(ALICE)))
    edit(writer.out / "data" / "run" / "predicate.json", "0.1", "0.2")
    rebag(writer.out)
    failed = failed_steps(verify(writer.out, trust(ALICE)))
    assert "statement.predicate.provenance.b is 0.1, the bundle has 0.2" in failed["statement"]


# ---------------------------------------------------------------- sealing


def test_a_record_that_names_other_signers_is_not_sealed(made: Path, tmp_path: Path) -> None:
    writer = BundleWriter.create(tmp_path / "out", force=False)
    shutil.copytree(made / "data", writer.data, dirs_exist_ok=True)
    with pytest.raises(ValueError, match=r"audit.json names other signers"):
        writer.seal({}, Signing((ALICE,)))
    assert not writer.out.exists()
    writer.abort(keep=False)


def test_a_time_stamp_needs_a_key_and_no_key_counts_twice() -> None:
    with pytest.raises(UsageError, match="there is no key"):
        Signing(timestamp_url="http://127.0.0.1/")
    with pytest.raises(UsageError, match="the same key was given twice"):
        Signing((ALICE, signer(1)))


def test_the_same_bundle_is_signed_with_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        make_bundle(tmp_path / name, side=16, no_faces=True, signing=Signing((ALICE, BOB)))
        for name in ("a", "b")
    )
    # The environment's clock differs, so the statements do; the form is the same.
    assert (first / SIGNERS).read_bytes() == (second / SIGNERS).read_bytes()
    assert set(envelope_of(first)) == {"payload", "payloadType", "signatures"}


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"a": True}, "s.a is 1, the bundle has True"),
        ({"a": 1}, {"b": 1}, "s: 'a' is only in it"),
        ({}, {"b": 1}, "s: 'b' is only in the bundle"),
        ([1], [1, 2], "s has 1 entries, the bundle 2"),
        ([{"name": "x", "d": 1}], [{"name": "x", "d": 2}], "s.x.d is 1, the bundle has 2"),
        ({"a": None}, {"a": {}}, "s.a is None, the bundle has {}"),
    ],
)
def test_the_first_difference_is_named(one: object, other: object, words: str | None) -> None:
    assert difference(one, other, "s") == words


# ---------------------------------------------------------------- Python, and what is imported


def test_the_python_function_takes_one_key_or_several(sealed: Path, tmp_path: Path) -> None:
    alice, bob = public_file(ALICE, tmp_path, "a.pem"), public_file(BOB, tmp_path, "b.pem")
    assert forensics.verify(sealed).verdict == "intact_signer_unchecked"
    assert forensics.verify(sealed, alice).verdict == "intact_signer_known"
    assert forensics.verify(sealed, [bob, alice]).exit_code == 0
    assert forensics.verify(sealed, [bob, alice], threshold=2).exit_code == 4
    assert forensics.verify(sealed, bob).exit_code == 4


@pytest.mark.parametrize("threshold", [0, 3])
def test_a_threshold_that_does_not_fit_is_wrong_use(tmp_path: Path, threshold: int) -> None:
    keys = [public_file(key, tmp_path, f"{key.fingerprint}.pem") for key in (ALICE, BOB)]
    with pytest.raises(UsageError, match="does not fit 2 different"):
        load_trust(keys, threshold)
    with pytest.raises(UsageError, match="does not fit 1 different"):
        load_trust([keys[0], keys[0]], 2)


def test_checking_a_signature_loads_nothing_heavy_and_no_http(sealed: Path, tmp_path: Path) -> None:
    key = public_file(ALICE, tmp_path)
    code = (
        "import sys, pathlib, forensics\n"
        "r = forensics.verify(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))\n"
        "heavy = {'torch', 'cv2', 'av', 'weasyprint', 'numpy', 'c2pa', 'cyclonedx', 'jinja2',"
        " 'urllib.request', 'http.client', 'rfc3161_client'}\n"
        "print(r.verdict, sorted(heavy & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, str(sealed), str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("intact_signer_known []", "")
