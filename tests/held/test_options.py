"""Options that make no sense together are refused with advice, before anything is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.held.conftest import MadePair, command


def run(*words: object) -> tuple[int, str, str]:
    return command("audit", *words)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", "gfpgan-1.4"], "--models would have no effect"),
        (["-s", "2"], "--upscale would have no effect"),
        (["--background", "lanczos"], "--background would have no effect"),
        (["--engine", "native"], "--engine would have no effect"),
        (["--noise", "seed:3"], "--noise would have no effect"),
        (["--precision", "fast"], "--precision would have no effect"),
        (["--upstream-compat"], "--upstream-compat would have no effect"),
        (["--calibration", "none"], "--calibration would have no effect"),
        (["--resume"], "cannot be resumed"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
@pytest.mark.parametrize("alone", [True, False], ids=["restored-only", "restored"])
def test_what_would_have_no_effect_is_refused(
    pair: MadePair, tmp_path: Path, options: list[str], said: str, alone: bool
) -> None:
    kind = ["--restored-only"] if alone else ["--restored", str(pair.other)]
    code, _, told = run(pair.source, "-o", tmp_path / "out", *kind, *options)
    assert code == 2, told
    assert said in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-on", "high"], "can never be crossed"),
        (["--save", "frames"], "the clip's own frames are all there is"),
    ],
)
def test_without_an_original_no_gate_can_be_crossed(
    pair: MadePair, tmp_path: Path, options: list[str], said: str
) -> None:
    code, _, told = run(pair.source, "-o", tmp_path / "out", "--restored-only", *options)
    assert code == 2
    assert said in told


def test_with_and_without_an_original_exclude_each_other(pair: MadePair, tmp_path: Path) -> None:
    code, _, told = run(pair.source, "--restored", pair.other, "--restored-only")
    assert code == 2
    assert "exclude each other" in told


def test_a_restoration_that_is_not_there(pair: MadePair, tmp_path: Path) -> None:
    code, _, told = run(pair.source, "--restored", tmp_path / "none.mp4", "-o", tmp_path / "out")
    assert code == 2
    assert "there is no file or folder" in told
    assert not list(tmp_path.iterdir())


def test_a_restoration_that_is_no_footage(pair: MadePair, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no clip", "utf-8")
    code, _, told = run(pair.source, "--restored", tmp_path / "text.mp4", "-o", tmp_path / "out")
    assert code == 3
    assert "not footage" in told
    assert not list(tmp_path.glob("out*"))


def test_the_bundle_may_not_be_written_into_the_restoration(pair: MadePair, tmp_path: Path) -> None:
    from tests.held.made import write_pictures

    tool = tmp_path / "results"
    write_pictures(tool / "restored_imgs", pair.restored[:1], lambda _: "a")
    code, _, told = run(pair.source, "--restored", tool, "-o", tool / "out")
    assert code == 2
    assert "into the source" in told


def test_a_dry_run_says_what_would_be_done(pair: MadePair, tmp_path: Path) -> None:
    code, out, told = run(pair.source, "--restored", pair.other, "--dry-run", "--json")
    assert code == 0, told
    planned = json.loads(out)["plan"]
    assert planned["undertaking"].startswith("Nothing is restored")
    assert planned["restored"] == "theirs.mp4: video, 10 frame(s), 720x600"
    code, _, told = run(pair.source, "--restored-only", "--dry-run")
    assert code == 0
    assert "there is no original" in told
