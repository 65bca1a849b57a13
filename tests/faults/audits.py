"""Small audits with stub networks and planned faults, in this process, and how to compare two."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from forensics.api import run_audit
from forensics.config import Settings
from forensics.engines import Engines, NativeNetworks
from forensics.progress import Silent
from forensics.restore.restorer import restore_batched
from forensics.run import Done
from tests.attacks.null_engines import NullRestorer, null_engines
from tests.clips import Spec, make_clip

FRAMES = 8
IDENTITY = "00000000-0000-4000-8000-000000000000"
SETTINGS = Settings(format="html")
VERSIONS = {"restoration-forensics": "0", "commit": None}
TOOL = {"name": "restoration-forensics", "version": "0.1.0", "commit": None}


def moving(path: Path, frames: int = FRAMES) -> Path:
    """A clip of 96 x 96 px; the stub detector sees one face in each frame."""
    return make_clip(path, Spec(pts=tuple(range(0, frames * 512, 512)), size=(96, 96)))


@dataclass
class Drawing(NullRestorer):
    """Draws every crop as its negative, so that what was not drawn can be told from what was.

    ``strike`` is called with the number of each face, from 1, before it is drawn.
    """

    strike: Callable[[int], None] = lambda number: None
    faces: int = 0
    _nan: bool = field(default=False, repr=False)

    def restore(self, crops_rgb_u8: Any, seeds: Any = ()) -> Any:
        return restore_batched(crops_rgb_u8, self._forward, 1)

    def _forward(self, batch: np.ndarray) -> np.ndarray:
        self.faces += 1
        self.strike(self.faces)
        return (255 - batch).astype("f4")


class AtOnce:
    """In place of the relay: does each job when it is handed in."""

    def __init__(self, ahead: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def put(self, job: Callable[[], None]) -> None:
        """Do it now."""
        job()


@contextmanager
def stubs(restorer: Drawing) -> Iterator[pytest.MonkeyPatch]:
    """Audits inside the block draw with ``restorer``, two faces at a time, under one name."""

    def engines(settings: Settings, *_: object, **__: object) -> Engines:
        found = null_engines(settings)
        assert isinstance(found.drawing, NativeNetworks)
        drawing = replace(found.drawing, restorer=restorer)  # type: ignore[arg-type]  # a stub
        return replace(found, drawing=drawing)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forensics.run.load_engines", engines)
        patch.setattr("forensics.passes.redraw.FACES_AT_ONCE", 2)
        # What is written when a fault strikes must not depend on how fast this machine is.
        patch.setattr("forensics.passes.redraw.Relay", AtOnce)
        # The checkout under test may change while tests run; that is no fact of the machine.
        patch.setattr("forensics.evidence.environment.pixel_versions", lambda: VERSIONS)
        patch.setattr("forensics.evidence.environment._tool_record", lambda: TOOL)
        patch.setattr("uuid.uuid4", lambda: IDENTITY)
        yield patch


def audit(
    source: Path,
    out: Path,
    restorer: Drawing | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    settings: Settings = SETTINGS,
    say: Callable[[str], None] = lambda _: None,
) -> Done:
    """One audit in this process."""
    with stubs(restorer or Drawing()):
        return run_audit(
            source,
            out,
            settings,
            force=force,
            progress=Silent(),
            say=say,
            resume=resume,
        )


# ---------------------------------------------------------------- two bundles compared

# Times of the clock, what names them by digest, and the log, which says that a run was resumed.
CLOCK_FILES = {
    "data/log/events.jsonl",
    "data/run/acquisition.json",
    "data/run/command.json",
    "data/run/environment.json",
    "data/run/predicate.json",
}
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\(\d+ s\)")


def contents(bundle: Path) -> dict[str, bytes]:
    """Payload by path, without what a clock decides."""
    found = {}
    for path in sorted(bundle.rglob("*")):
        name = path.relative_to(bundle).as_posix()
        if not path.is_file() or not name.startswith("data/") or name in CLOCK_FILES:
            continue
        raw = path.read_bytes()
        if name == "data/audit.json":
            document = json.loads(raw)
            for clock in ("started_utc", "ended_utc", "seconds"):
                del document["run"][clock]
            raw = json.dumps(document).encode()
        elif name.endswith(".html"):
            raw = _TIMES.sub("TIME", raw.decode("utf-8")).encode()
        found[name] = raw
    return found


def differing(one: Path, other: Path) -> list[str]:
    """Names of files that are not the same in both bundles."""
    a, b = contents(one), contents(other)
    return sorted(name for name in {*a, *b} if a.get(name) != b.get(name))


def steps(bundle: Path) -> list[str]:
    """The steps of the bundle's log."""
    lines = (bundle / "data" / "log" / "events.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["step"] for line in lines]


# ---------------------------------------------------------------- faults at a place


def find(place: str) -> Any:
    """The module or class that a dotted name means."""
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError:
        module, _, name = place.rpartition(".")
        return getattr(importlib.import_module(module), name)


def counted(
    patch: pytest.MonkeyPatch, name: str, at: int, strike: type[BaseException] | Callable[[], None]
) -> None:
    """Strike before call number ``at`` of a function: raise an error, or call something."""
    place, _, attribute = name.rpartition(".")
    holder = find(place)
    real = getattr(holder, attribute)
    calls = 0

    def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            if isinstance(strike, type):
                raise strike
            strike()
        return real(*args, **kwargs)

    patch.setattr(holder, attribute, watched)
