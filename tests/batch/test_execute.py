"""Execute: one item in this process; networks that stay loaded draw the same faces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forensics.batch import execute
from forensics.batch.results import failed, result_of_bundle
from forensics.batch.runner import Order, Task
from forensics.config import Settings
from forensics.errors import IncompleteError, Interrupted, UsageError
from forensics.evidence.signing import Signing
from forensics.evidence.verify import verify
from forensics.record_batch import BatchItem
from forensics.records import CLOCK_FIELDS
from tests.batch import material
from tests.signers import signer

ORDER = Order(Settings(format="html", device="cpu"))


def _task(source: Path, out: Path, **more: bool) -> Task:
    return Task(BatchItem(source.stem, source, None, source.name), out, **more)


def _audit(bundle: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((bundle / "data" / "audit.json").read_bytes())
    for name in CLOCK_FIELDS:
        section, _, field = name.partition(".")
        part = document[section]
        assert isinstance(part, dict)
        part.pop(field)
    return document


def _pixels(bundle: Path) -> list[str]:
    lines = (bundle / "data" / "faces.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["restored_sha256"] for line in lines]


@pytest.mark.slow
def test_networks_that_stay_loaded_change_nothing(tmp_path: Path, two_people: Path) -> None:
    """The same picture first, and again after another one, gives the same record."""
    (frame,) = material.frames_of(two_people, 3, 1)
    face = material.face(tmp_path / "face.png", frame, 0)
    other = material.face(tmp_path / "other.png", frame, 5)
    execute._loaded.clear()
    first = execute.execute_item(_task(face, tmp_path / "a" / "out"), ORDER)
    kept = dict(execute._loaded)
    assert len(kept) == 1
    execute.execute_item(_task(other, tmp_path / "b" / "out"), ORDER)
    second = execute.execute_item(_task(face, tmp_path / "c" / "out"), ORDER)
    assert execute._loaded == kept, "nothing is loaded twice"
    assert first.people
    assert first.people == second.people
    bundles = tmp_path / "a" / "out", tmp_path / "c" / "out"
    assert _audit(bundles[0]) == _audit(bundles[1])
    assert _pixels(bundles[0]) == _pixels(bundles[1])


def test_an_item_that_was_sealed_and_not_told_of_is_not_done_again(tmp_path: Path) -> None:
    source = material.plain(tmp_path / "p.png", 1)
    order = Order(ORDER.settings, Signing(elsewhere=(signer(1).fingerprint,)))
    first = execute.execute_item(_task(source, tmp_path / "out"), order)
    assert first.outcome == "done", first
    again = execute.execute_item(_task(source, tmp_path / "out", begun=True), order, attempt=2)
    assert again.run == first.run
    assert (again.bundle_sha256, again.attempts) == (first.bundle_sha256, 2)
    other = Order(Settings(format="html", device="cpu", every=2), order.signing)
    anew = execute.execute_item(_task(source, tmp_path / "out", begun=True), other)
    assert anew.run != first.run, "other settings make another bundle"
    material.plain(source, 2)
    changed = execute.execute_item(_task(source, tmp_path / "out", begun=True), other)
    assert changed.run != anew.run, "another source makes another bundle"
    events = (tmp_path / "out" / "data" / "log" / "events.jsonl").read_text("utf-8")
    assert "the signing key is held elsewhere and signs the sealed bundle alone" in events
    assert verify(tmp_path / "out").verdict == "altered", "it names a signer and is not signed yet"


def test_whatever_goes_wrong_is_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = material.plain(tmp_path / "p.png", 1)
    task = _task(source, tmp_path / "out")

    def raising(error: BaseException) -> object:
        def run(*_: object, **__: object) -> None:
            raise error

        return run

    for error, words, code in (
        (RuntimeError("boom"), "internal error: RuntimeError: boom", 3),
        (MemoryError(), "the memory of this machine did not suffice", 3),
        (OSError(28, "No space left on device"), "No space left on device", 3),
        (UsageError(f"no {str(source)!r}", "look"), "no 'p.png'", 2),
    ):
        monkeypatch.setattr("forensics.api.run_audit", raising(error))
        result = execute.execute_item(task, ORDER)
        assert (result.outcome, result.exit_code, result.complete) == ("failed", code, False)
        assert words in (result.reason or "")
    monkeypatch.setattr("forensics.api.run_audit", raising(Interrupted("stopped")))
    with pytest.raises(Interrupted):
        execute.execute_item(task, ORDER)


def test_a_pair_that_cannot_be_aligned_is_unscorable_and_a_full_disk_is_not() -> None:
    item = BatchItem("p", Path("/in/s.mp4"), Path("/in/r.mp4"), "s.mp4", "r.mp4")
    apart = IncompleteError("the two cannot be aligned")
    assert failed(item, apart, 1.0).outcome == "unscorable"
    full = IncompleteError("the audit stopped")
    full.__cause__ = OSError(28, "No space left on device")
    assert failed(item, full, 1.0).outcome == "failed"
    alone = BatchItem("s", Path("/in/s.mp4"), None, "s.mp4")
    assert failed(alone, apart, 1.0).outcome == "failed"


def test_a_result_of_something_that_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"audit\.json"):
        result_of_bundle(BatchItem("x", tmp_path, None, "x"), tmp_path, 0.0)
