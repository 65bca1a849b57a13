"""Step "credentials": what a medium says today against what the audit recorded, and anchors."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.credentials.process import ChildStopped
from forensics.errors import EnvironmentLacks
from forensics.evidence import check_credentials
from forensics.evidence.check_credentials import credentials_step
from forensics.evidence.lines import load_audit
from forensics.evidence.tree import scan
from forensics.evidence.verification import Step
from forensics.record_credentials import CredentialFailure, Credentials
from forensics.records import Audit

READER = "c2pa-python 0.38.1"
FOUND = Credentials(
    outcome="found",
    state="Valid",
    manifest="urn:c2pa:1",
    signer="City desk",
    files_with=1,
    reader=READER,
)
NONE = Credentials(outcome="none", reader=READER)
EXPIRED = CredentialFailure(code="signingCredential.expired", place="this file")
MISMATCH = CredentialFailure(code="assertion.dataHash.mismatch", place="this file")


def recorded(made: Path, source: Credentials | None, restored: Credentials | None) -> Audit:
    audit = load_audit(made)
    assert audit.restored is not None
    return audit.model_copy(
        update={
            "source": audit.source.model_copy(update={"credentials": source}),
            "restored": audit.restored.model_copy(update={"credentials": restored}),
        }
    )


def step(
    monkeypatch: pytest.MonkeyPatch,
    made: Path,
    audit: Audit,
    restored: Credentials,
    original: Credentials = NONE,
    anchors: str | None = None,
) -> Step:
    """The step where the reader finds the given credentials."""
    answers = {"restored": restored, "original": original}

    def reading(tree: object, files: list[str], anchors_pem: str | None) -> Credentials:
        return answers[files[0].split("/")[1]]

    monkeypatch.setattr(check_credentials, "_read", reading)
    return credentials_step("credentials", scan(made), audit, anchors)


def test_bundles_of_before_include_none(made: Path) -> None:
    found = credentials_step("credentials", scan(made), load_audit(made), None)
    assert (found.status, found.exit_code) == ("not_included", 0)


def test_media_without_any_are_read_for_real(made: Path) -> None:
    """Nothing is patched: a child reads the drawn stand-ins."""
    unreadable = Credentials(outcome="unreadable", reason="drawn", reader=READER)
    audit = recorded(made, unreadable, None)
    found = credentials_step("credentials", scan(made), audit, None)
    assert (found.status, found.exit_code) == ("failed", 4)  # restored: unreadable, recorded: none


def test_as_recorded_passes(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), FOUND)
    assert found.status == "passed"
    assert found.reason == (
        "restored: Valid, signed by City desk (signer not checked); original: none"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "none", "state": None}, "none instead of found"),
        ({"manifest": "urn:c2pa:2"}, "another manifest"),
        ({"signer": "Somebody"}, "signed by 'Somebody' instead of 'City desk'"),
        ({"state": "Invalid", "failures": (MISMATCH,)}, "assertion.dataHash.mismatch"),
        ({"state": "Invalid"}, "Invalid instead of Valid"),
    ],
)
def test_anything_else_is_altered(
    made: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], said: str
) -> None:
    now = FOUND.model_copy(update=change)
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), now)
    assert (found.status, found.exit_code) == ("failed", 4)
    assert said in found.reason
    # The same difference seen by another version of the reader cannot be judged here.
    later = now.model_copy(update={"reader": "c2pa-python 0.99.0"})
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), later)
    assert (found.status, found.exit_code) == ("not_checked", 5)
    assert "read with c2pa-python 0.99.0, recorded with c2pa-python 0.38.1" in found.reason


def test_credentials_put_into_a_source_that_had_none_are_altered(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), FOUND, FOUND)
    assert (found.status, found.exit_code) == ("failed", 4)
    assert "original medium" in found.reason


def test_a_certificate_that_expired_since_is_no_alteration(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = FOUND.model_copy(update={"state": "Invalid", "failures": (EXPIRED,)})
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), later)
    assert found.status == "passed"
    assert "signingCredential.expired" in found.reason


def test_anchors_must_vouch_for_the_restored_medium(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = FOUND.model_copy(update={"state": "Trusted", "anchored": True})
    audit = recorded(made, NONE, FOUND)
    assert step(monkeypatch, made, audit, trusted, anchors="PEM").status == "passed"
    found = step(monkeypatch, made, audit, FOUND, anchors="PEM")
    assert (found.status, found.exit_code) == ("failed", 4)
    bare = step(monkeypatch, made, recorded(made, NONE, None), NONE, anchors="PEM")
    assert bare.exit_code == 4
    assert "(no credentials)" in bare.reason


@pytest.mark.parametrize(
    ("original", "said"),
    [
        (FOUND, "do not vouch for the original (Valid)"),
        (
            FOUND.model_copy(update={"state": "Trusted", "failures": (MISMATCH,)}),
            "own credentials have failures (assertion.dataHash.mismatch)",
        ),
    ],
)
def test_a_bad_original_under_anchors_is_a_gate(
    made: Path, monkeypatch: pytest.MonkeyPatch, original: Credentials, said: str
) -> None:
    trusted = FOUND.model_copy(update={"state": "Trusted"})
    audit = recorded(made, original, FOUND)
    found = step(monkeypatch, made, audit, trusted, original, anchors="PEM")
    assert (found.status, found.exit_code) == ("failed", 1)
    assert said in found.reason


def test_a_crash_of_the_reader_is_not_called_altered(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed = Credentials(outcome="unreadable", reason=ChildStopped("it crashed").message)
    found = step(monkeypatch, made, recorded(made, NONE, FOUND), crashed)
    assert (found.status, found.exit_code) == ("not_checked", 5)


@pytest.mark.parametrize(
    ("restored", "anchors", "code"), [(FOUND, None, 5), (None, None, 0), (None, "PEM", 5)]
)
def test_without_the_library_it_is_required_where_there_is_something_to_check(
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    restored: Credentials | None,
    anchors: str | None,
    code: int,
) -> None:
    def lacking(*_: object) -> Credentials:
        raise EnvironmentLacks("the library c2pa is missing here")

    monkeypatch.setattr(check_credentials, "_read", lacking)
    audit = recorded(made, NONE, restored)
    found = credentials_step("credentials", scan(made), audit, anchors)
    assert (found.status, found.exit_code) == ("not_checked", code)
    assert found.reason == "the library c2pa is missing here"
