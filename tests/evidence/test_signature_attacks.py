"""Attacks on a signed bundle: every one is named, and the exit code is the right one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.evidence.bundle import BundleWriter
from forensics.evidence.keys import SigningKey
from forensics.evidence.signing import Signing
from forensics.evidence.trust import Trust
from forensics.evidence.verify import verify
from tests.bundles import rebag
from tests.evidence.edits import append, edit_audit, failed_steps, remove
from tests.signers import (
    change_statement,
    envelope_of,
    signer,
    statement_of,
    trust,
    write_envelope,
)

ALICE, MALLORY = signer(1), signer(66)
ENVELOPE, SIGNERS = "signatures/bundle.dsse.json", "signatures/signer.pem"
OTHER_RUN = "11111111-2222-4333-8444-555555555555"


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
