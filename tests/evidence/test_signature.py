"""Signed bundles: who signed is answered by pinned keys alone, and every attack is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import forensics
from forensics.errors import UsageError
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.keys import SigningKey
from forensics.evidence.signing import Signing
from forensics.evidence.statement import difference
from forensics.evidence.trust import Trust, load_trust
from forensics.evidence.verify import verify
from tests.bundles import make_bundle, rebag
from tests.evidence.edits import append, edit, edit_audit, failed_steps, remove
from tests.signers import (
    change_statement,
    envelope_of,
    public_file,
    signer,
    statement_of,
    trust,
    write_envelope,
)

ALICE, BOB, MALLORY = signer(1), signer(2), signer(66)
ENVELOPE, SIGNERS = "signatures/bundle.dsse.json", "signatures/signer.pem"
OTHER_RUN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle signed by Alice, which no test may change."""
    return make_bundle(tmp_path_factory.mktemp("sealed"), side=16, signing=Signing((ALICE,)))


@pytest.fixture
def signed(sealed: Path, tmp_path: Path) -> Path:
    """A copy of `sealed` to attack."""
    return Path(shutil.copytree(sealed, tmp_path / "signed"))


@pytest.fixture(scope="session")
def double(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed by Alice and Bob."""
    folder = tmp_path_factory.mktemp("double")
    return make_bundle(folder, side=16, no_faces=True, signing=Signing((ALICE, BOB)))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another bundle of Alice's."""
    folder = tmp_path_factory.mktemp("foreign")
    signing = Signing((ALICE,))
    return make_bundle(folder, side=16, no_faces=True, run_id=OTHER_RUN, signing=signing)


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
    assert predicate["totals"] == audit.totals.model_dump()
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


# ---------------------------------------------------------------- attacks


def _swap_in(bundle: Path, other: Path) -> None:
    shutil.rmtree(bundle / "signatures")
    shutil.copytree(other / "signatures", bundle / "signatures")


def _empty_signatures(root: Path) -> None:
    document = envelope_of(root)
    document["signatures"] = []
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    (root / ENVELOPE).write_text(text + "\n", encoding="utf-8")


def _duplicate_entry(root: Path) -> None:
    document = envelope_of(root)
    document["signatures"] = document["signatures"] * 2  # type: ignore[operator] # a list
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    (root / ENVELOPE).write_text(text + "\n", encoding="utf-8")


def _sign_again(root: Path, *keys: SigningKey) -> None:
    """Mallory's way: everything re-made, the record naming whoever signs now."""
    names = [key.fingerprint for key in keys]
    edit_audit(root, lambda d: d["run"].update(signers=names))  # type: ignore[attr-defined] # an object
    shutil.rmtree(root / "signatures")
    data = root.with_name("data-of-" + root.name)
    shutil.move(root / "data", data)
    shutil.rmtree(root)
    writer = BundleWriter.create(root, force=False)
    shutil.copytree(data, writer.data, dirs_exist_ok=True)
    run_id = json.loads((data / "audit.json").read_bytes())["run"]["id"]
    writer.seal({"External-Identifier": run_id}, Signing(keys))


def _with_mallory(root: Path) -> None:
    payload = json.dumps(statement_of(root), sort_keys=True, separators=(",", ":"))
    write_envelope(root, payload.encode(), ALICE, MALLORY)
    pems = sorted((ALICE, MALLORY), key=lambda key: key.fingerprint)
    (root / SIGNERS).write_bytes(b"".join(key.public_pem for key in pems))


def _other_predicate_type(statement: dict[str, object]) -> None:
    statement["predicateType"] = "urn:something:else"


def _drop_subject(statement: dict[str, object]) -> None:
    statement["subject"] = statement["subject"][1:]  # type: ignore[index] # a list


def _change_totals(statement: dict[str, object]) -> None:
    statement["predicate"]["totals"]["faces_failed"] = 0  # type: ignore[index] # an object


def _edit_report_and_rebag(root: Path) -> None:
    (root / "data" / "report" / "report.html").write_text("all is well", encoding="utf-8")
    rebag(root)


def _payload_not_canonical(root: Path) -> None:
    write_envelope(root, json.dumps(statement_of(root), indent=1).encode(), ALICE)


Attack = Callable[[Path], object]
# name: what is done, the step that fails, words of its reason. All without any key given.
ATTACKS: dict[str, tuple[Attack, str, str]] = {
    "signatures removed": (
        lambda root: shutil.rmtree(root / "signatures"),
        "signature",
        "signed this bundle, and no signature is there",
    ),
    "envelope removed": (remove(ENVELOPE), "signature", f"'{ENVELOPE}' is missing"),
    "signer.pem removed": (remove(SIGNERS), "signature", f"'{SIGNERS}' is missing"),
    "list of signatures emptied": (_empty_signatures, "signature", "1 to 16 signatures"),
    "signature entry twice": (_duplicate_entry, "signature", "two signatures by one key"),
    "byte after the envelope": (append(ENVELOPE), "signature", "not JSON"),
    "space after the envelope": (append(ENVELOPE, b" "), "signature", "not in the form"),
    "byte after signer.pem": (append(SIGNERS), "signature", "no readable keys"),
    "line after signer.pem": (append(SIGNERS, b"\n"), "signature", "no readable keys"),
    "signer.pem twice in one": (
        append(SIGNERS, ALICE.public_pem), "signature", "not in the form",
    ),
    "text before the key": (
        lambda root: (root / SIGNERS).write_bytes(b"# Alice\n" + ALICE.public_pem),
        "signature",
        "not in the form",
    ),
    "signer.pem of another": (
        lambda root: (root / SIGNERS).write_bytes(MALLORY.public_pem),
        "signature",
        "holds other keys than those that signed",
    ),
    "file beside the signature": (
        append("signatures/note.txt"), "signature", "does not belong in signatures/",
    ),
    "folder beside the signature": (
        append("signatures/more/note.txt"), "bag", "is listed nowhere",
    ),
    "token without envelope": (
        lambda root: (root / ENVELOPE).rename(root / f"{ENVELOPE}.tsr"),
        "signature",
        "a time stamp is there without the signature",
    ),
    "second signature by a stranger": (_with_mallory, "signature", "audit.json names"),
    "report edited and bagged again": (
        _edit_report_and_rebag, "statement", "statement.subject.data/report/report.html",
    ),
    "statement signed by a stranger": (
        lambda root: change_statement(root, lambda _: None, MALLORY),
        "signature",
        "holds other keys than those that signed",
    ),
    # From here on even Alice's key could not make the statement fit the bundle.
    "another predicate type": (
        lambda root: change_statement(root, _other_predicate_type, ALICE),
        "statement",
        "predicateType is 'urn:something:else', unknown here",
    ),
    "a subject dropped": (
        lambda root: change_statement(root, _drop_subject, ALICE), "statement", "5 entries",
    ),
    "totals in the statement changed": (
        lambda root: change_statement(root, _change_totals, ALICE),
        "statement",
        "statement.predicate.totals.faces_failed is 0, the bundle has 1",
    ),
    "payload in another spelling": (
        _payload_not_canonical, "statement", "not in canonical form",
    ),
    "payload no JSON": (
        lambda root: write_envelope(root, b"{", ALICE), "statement", "is damaged",
    ),
    "payload a list": (
        lambda root: write_envelope(root, b"[]", ALICE), "statement", "not in canonical form",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_on_the_signature_is_named(signed: Path, attack: str) -> None:
    act, step, words = ATTACKS[attack]
    act(signed)
    for reader in (Trust(), trust(ALICE)):
        result = verify(signed, reader)
        assert (result.exit_code, result.verdict) == (4, "altered")
        assert words in failed_steps(result)[step]


def test_the_signature_of_another_bundle_is_named(signed: Path, foreign: Path) -> None:
    _swap_in(signed, foreign)
    result = verify(signed, trust(ALICE))
    assert result.exit_code == 4
    reason = failed_steps(result)["statement"]
    assert f"the signature is over another bundle, of the run '{OTHER_RUN}'" in reason
    assert result.answers()["signer"] == "not decided"


def test_a_bundle_re_made_with_another_key_needs_the_right_key_to_be_found(signed: Path) -> None:
    (signed / "data" / "report" / "report.html").write_text("all is well", encoding="utf-8")
    _sign_again(signed, MALLORY)
    with_key = verify(signed, trust(ALICE))
    assert (with_key.exit_code, with_key.verdict) == (4, "altered")
    reason = failed_steps(with_key)["signature"]
    assert f"not signed by the given key {ALICE.fingerprint[:16]}" in reason
    assert MALLORY.fingerprint[:16] in reason
    without = verify(signed)
    assert (without.exit_code, without.verdict) == (0, "intact_signer_unchecked")
    assert "signer not checked" in without.first_line


def test_an_unsigned_bundle_does_not_pass_where_a_key_is_given(made: Path) -> None:
    result = verify(made, trust(ALICE))
    assert (result.exit_code, result.verdict) == (4, "altered")
    assert "a key was given, and this bundle is not signed" in failed_steps(result)["signature"]
    assert verify(made).verdict == "intact_unsigned"


def test_one_of_two_signatures_taken_away_is_found(double: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(double, tmp_path / "double"))
    payload = json.dumps(statement_of(copy), sort_keys=True, separators=(",", ":")).encode()
    write_envelope(copy, payload, ALICE)
    (copy / SIGNERS).write_bytes(ALICE.public_pem)
    result = verify(copy, trust(ALICE))
    assert result.exit_code == 4
    assert "audit.json names" in failed_steps(result)["signature"]


def test_a_signature_added_to_an_unsigned_bundle_is_found(
    made: Path, sealed: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    shutil.copytree(sealed / "signatures", copy / "signatures")
    failed = failed_steps(verify(copy, trust(ALICE)))
    assert "audit.json names nobody" in failed["signature"]


def test_every_byte_of_the_signature_files_counts(signed: Path) -> None:
    survivors = []
    for name in (ENVELOPE, SIGNERS):
        raw = (signed / name).read_bytes()
        for byte in range(3, len(raw), len(raw) // 20):
            changed = bytearray(raw)
            changed[byte] ^= 1 << (byte % 8)
            (signed / name).write_bytes(changed)
            if verify(signed).exit_code != 4:
                survivors.append(f"{name} byte {byte}")
        (signed / name).write_bytes(raw)
    assert survivors == []
    assert verify(signed).exit_code == 0


def test_damaged_records_leave_the_statement_unread_and_never_pass(signed: Path) -> None:
    (signed / "data" / "audit.json").write_bytes(b"{")
    rebag(signed)
    result = verify(signed, trust(ALICE))
    assert result.exit_code == 4
    statement = next(step for step in result.steps if step.name == "statement")
    assert (statement.status, statement.reason) == ("not_checked", "the records could not be read")


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
