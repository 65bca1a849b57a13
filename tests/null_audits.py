"""Small real audits with null networks: everything but the networks is what a user runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from forensics.api import run_audit
from forensics.config import Settings
from forensics.progress import Silent
from forensics.undertaking import Undertaking
from tests.attacks.null_engines import null_engines, null_measuring
from tests.clips import Spec, make_clip, pattern

FRAMES = 12


@contextmanager
def null_networks() -> Iterator[None]:
    """Audits and replays inside the block use the null networks."""
    with pytest.MonkeyPatch.context() as patch:
        for place in ("forensics.run", "forensics.replay.run"):
            patch.setattr(f"{place}.load_engines", null_engines)
        patch.setattr("forensics.run_pair.load_measuring", null_measuring)
        # The checkout under test may change while tests run; that is no fact of the machine.
        tool = {"name": "restoration-forensics", "version": "0.1.0", "commit": None}
        patch.setattr("forensics.evidence.environment._tool_record", lambda: tool)
        yield


def make_picture(path: Path) -> Path:
    """A PNG of 96 x 96 px in which the null detector sees one face."""
    Image.fromarray(pattern(3, 96, 96)).save(path)
    return path


def make_moving(path: Path) -> Path:
    """A clip of `FRAMES` frames, 96 x 96 px."""
    pts = tuple(range(0, FRAMES * 512, 512))
    return make_clip(path, Spec(pts=pts, size=(96, 96)))


def null_audit(source: Path, out: Path, settings: Settings, restored: Path | None = None) -> Path:
    """Audit with null networks; returns the bundle.  ``restored``: what is held against it."""
    with null_networks():
        done = run_audit(
            source,
            out,
            settings,
            force=False,
            progress=Silent(),
            say=lambda _: None,
            undertaking=Undertaking.of(restored, restored_only=False),
        )
    return done.bundle
