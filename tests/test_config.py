"""Settings: the order of origins, refusals, the digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.config import Settings, models_dir, resolve
from forensics.errors import UsageError


def test_flag_beats_environment_beats_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    (user / "forensics").mkdir(parents=True)
    (user / "forensics" / "config.toml").write_text(
        "upscale = 1\nevery = 2\nbackground = 'lanczos'"
    )
    (tmp_path / "forensics.toml").write_text("upscale = 3\nevery = 5\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user))
    monkeypatch.setenv("FORENSICS_EVERY", "7")
    got = resolve({"upscale": 4}, tmp_path)
    assert (got.settings.upscale, got.settings.every) == (4, 7)
    assert got.settings.background == "lanczos"
    assert got.origins["upscale"] == "flag"
    assert got.origins["every"] == "environment"
    assert got.origins["background"] == "user file"
    assert got.origins["device"] == "default"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"upscale": 9}, "--upscale"),
        ({"format": "docx"}, "docx"),
        ({"format": ""}, "no format"),
        ({"models": "../weights.pth"}, "--models"),
        ({"background": "esrgan"}, "--background"),
        ({"engine": "official"}, "--engine"),
        ({"precision": "fp16"}, "--precision"),
        ({"noise": "seed:x"}, "--noise"),
        ({"noise": "random"}, "--noise"),
        ({"device": "tpu"}, "--device"),
        ({"weight": 0.5}, "unknown setting 'weight'"),
        ({"fail_on": "maybe"}, "--fail-on"),
    ],
)
def test_what_is_not_honoured_is_refused(
    flags: dict[str, str | int | float], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        resolve(flags, tmp_path)
    assert refused.value.exit_code == 2


def test_an_unknown_key_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "forensics.toml").write_text("upscael = 3\n")
    with pytest.raises(UsageError, match=r"'upscael' in forensics\.toml"):
        resolve({}, tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "forensics.toml").write_text("upscale = = 3\n")
    with pytest.raises(UsageError, match="not TOML"):
        resolve({}, tmp_path)


def test_formats_are_a_set_in_a_fixed_order() -> None:
    assert Settings(format="pdf, html").formats == ("html", "pdf")
    assert Settings(save="frames").saves == ("frames",)


def test_digest_follows_the_values() -> None:
    assert Settings().digest() == Settings(upscale=2).digest()
    assert Settings().digest() != Settings(upscale=3).digest()
    assert len(Settings().digest()) == 64


def test_models_dir_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(tmp_path))
    assert models_dir() == tmp_path
