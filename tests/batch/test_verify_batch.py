"""Verify of a batch: every change of roll-up or bundles is found, and nothing in it is believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.evidence.batch_seal import list_bytes, summary_bytes
from forensics.evidence.check_batch import is_batch, verify_batch
from forensics.evidence.verify import verify
from forensics.record_batch import BatchSummary
from tests.signers import signer, trust


def test_both_batches_are_intact(made: Path, signed: Path) -> None:
    assert is_batch(made)
    assert not is_batch(made / "a")
    assert verify_batch(made, verify).verdict == "intact_unsigned"
    pinned = trust(signer(1))
    found = verify_batch(signed, lambda path: verify(path, pinned), pinned)
    assert found.verdict == "intact_signer_known"
    assert found.document()["exit_code"] == 0
    unpinned = verify_batch(signed, verify)
    assert (unpinned.verdict, unpinned.exit_code) == ("intact_signer_unchecked", 0)


def _reseal(out: Path, change: Callable[[dict[str, object]], None]) -> None:
    """As somebody would who changes batch.json and makes the lists anew."""
    document = json.loads((out / "batch.json").read_bytes())
    change(document)
    summary = BatchSummary.model_validate_json(json.dumps(document), strict=True)
    (out / "batch.json").write_bytes(summary_bytes(summary))
    from forensics.evidence.bag import digest_file
    from forensics.evidence.batch_seal import VIEWS, bundle_digests

    names = ["batch.json", *(name for name in VIEWS if (out / name).exists())]
    digests = {name: digest_file(out / name).sha256 for name in names}
    (out / "batch.sha256").write_bytes(list_bytes(digests | bundle_digests(summary)))


def _items(document: dict[str, object]) -> list[dict[str, object]]:
    items = document["items"]
    assert isinstance(items, list)
    return items


def _other_band(document: dict[str, object]) -> None:
    people = _items(document)[0]["people"]
    assert isinstance(people, list)
    for person in people:
        person["band"] = "no_sign"
    counts = [p["band"] for item in _items(document) for p in item["people"]]  # type: ignore[attr-defined]
    document["bands"] = {
        band: counts.count(band)
        for band in ("high", "caution", "no_sign", "not_calculable")
        if band in counts
    }


def _drop_an_item(document: dict[str, object]) -> None:
    document["items"] = _items(document)[1:]


def _other_counts(document: dict[str, object]) -> None:
    counts = document["counts"]
    assert isinstance(counts, dict)
    counts["failed"], counts["done"] = 0, counts["done"] + 1


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a view changed": (lambda o: (o / "batch.html").write_text("<p>all is well</p>"), "digests"),
    "a table changed": (lambda o: (o / "batch.csv").write_text("id\n"), "digests"),
    "the list changed": (lambda o: (o / "batch.sha256").write_text(""), "digests"),
    "the list gone": (lambda o: (o / "batch.sha256").unlink(), "digests"),
    "faces gone": (lambda o: (o / "faces.parquet").unlink(), "digests"),
    "a stranger": (lambda o: (o / "batch2.html").write_text("x"), "names"),
    "a strange folder": (lambda o: shutil.copytree(o / "a", o / "z"), "names"),
    "a link": (lambda o: (o / "x").symlink_to(o / "a"), "names"),
    "other counts": (lambda o: _reseal(o, _other_counts), "totals"),
    "a lost item": (lambda o: _reseal(o, _drop_an_item), "totals"),
    "a lighter band": (lambda o: _reseal(o, _other_band), "bundle a"),
    "a changed bundle": (lambda o: (o / "n" / "data" / "faces.csv").write_text("x"), "bundle n"),
    "another bundle": (
        lambda o: (shutil.rmtree(o / "n"), shutil.copytree(o / "a", o / "n")),
        "bundle n",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_batch_is_altered(name: str, made: Path, signed: Path, tmp_path: Path) -> None:
    change, where = CHANGES[name]
    for batch, pinned in ((made, None), (signed, trust(signer(1)))):
        out = tmp_path / ("signed" if pinned else "plain")
        shutil.copytree(batch, out)
        change(out)
        if pinned is None:
            found = verify_batch(out, verify)
        else:
            found = verify_batch(out, lambda path, p=pinned: verify(path, p), pinned)
        assert (found.verdict, found.exit_code) == ("altered", 4), found.lines()
        assert "ALTERED" in found.first_line
        failed = [step.name for step in found.steps if step.status == "failed"]
        failed += [f"bundle {bundle.name}" for bundle in found.bundles if bundle.exit_code]
        # Whoever re-makes the lists of an unsigned batch is caught by what the bundles say.
        assert where in failed, failed


def test_a_re_made_roll_up_is_refused_by_its_signature(signed: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(signed, tmp_path / "out"))

    def change(document: dict[str, object]) -> None:
        document["notes"] = ["nothing was left out"]

    _reseal(out, change)
    pinned = trust(signer(1))
    found = verify_batch(out, lambda path: verify(path, pinned), pinned)
    assert found.exit_code == 4
    assert [step.name for step in found.steps if step.status == "failed"] == ["statement"]
    shutil.rmtree(out / "signatures")
    found = verify_batch(out, lambda path: verify(path, pinned), pinned)
    assert [step.name for step in found.steps if step.status == "failed"] == ["signature"]


def test_a_bundle_that_is_not_here_is_an_incomplete_batch(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    shutil.rmtree(out / "n")
    found = verify_batch(out, verify)
    assert (found.verdict, found.exit_code) == ("incomplete", 3)
    assert "2 of 3 bundles intact" in found.first_line


def test_a_bundle_that_cannot_be_judged_is_an_incomplete_batch(made: Path, tmp_path: Path) -> None:
    """The contract: some of several could not be judged is exit 3, whatever one alone would be."""
    from forensics.evidence.verification import Step, Verification, conclude

    def judge(path: Path) -> Verification:
        if path.name == "a":
            return conclude("a", [Step("media", "not_checked", "a library is missing", 5)], None)
        return verify(path)

    found = verify_batch(made, judge)
    assert (found.verdict, found.exit_code) == ("incomplete", 3)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"schema": "restoration-forensics/batch/1"}', b"\xff" * 9]
)
def test_a_broken_roll_up_is_a_verdict_and_no_crash(
    content: bytes, made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "batch.json").write_bytes(content)
    found = verify_batch(out, verify)
    assert found.exit_code in {3, 4}
    assert found.lines()


def test_a_bundle_s_name_that_is_a_path_is_not_followed(made: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(made, tmp_path / "out"))
    shutil.move(out / "a", tmp_path / "elsewhere")

    def change(document: dict[str, object]) -> None:
        _items(document)[0]["bundle"] = "../elsewhere"

    _reseal(out, change)
    found = verify_batch(out, verify)
    assert found.exit_code == 4
    (bundle,) = [b for b in found.bundles if b.name == "../elsewhere"]
    assert bundle.said == "the bundle is not here"
