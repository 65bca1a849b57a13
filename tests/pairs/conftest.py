"""Clips for pairs: the half that thresholds were chosen on, and the half that is only tested on."""

from __future__ import annotations

from pathlib import Path

import pytest

SIGNERS = Path("clips/intel/asl_gestures")


def _listed(root: Path, name: str) -> list[str]:
    lines = (root / "training" / "lists" / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="session")
def held_out(shared_data: Path, repo_root: Path) -> list[Path]:
    """Signers of ``clips_test.txt`` and the White House clip; nothing was chosen on them."""
    clips = [shared_data / SIGNERS / name for name in _listed(repo_root, "clips_test.txt")]
    return [*clips, shared_data / "clips/face_recognition/short_hamilton_clip.mp4"]


@pytest.fixture(scope="session")
def tuned_on(shared_data: Path, repo_root: Path) -> list[Path]:
    """Signers of ``clips_train.txt`` and Foreman: thresholds were chosen on these."""
    clips = [shared_data / SIGNERS / name for name in _listed(repo_root, "clips_train.txt")]
    return [*clips, shared_data / "clips/openh264/BA_MW_D.264"]
