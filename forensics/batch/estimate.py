"""Estimate: how long a batch takes and how much disk it needs, as far as it can be known before.

How many faces are in a clip is known only when it is read, so both are said for each person seen in
every frame.  The costs were measured; on another machine they are a scale, not a promise.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from forensics.batch.plan import BatchPlan, Contents
from forensics.config import Settings
from forensics.errors import ForensicsError
from forensics.progress import Progress

FACE_BYTES = 1_500_000
"""Crop, restored face, pair and map of one face as PNG, and its lines: about 1.5 MB."""
ITEM_BYTES = 1_200_000
"""Report, records and cards of one bundle."""
WORKER_S = 7.2
ITEM_S = 0.24
MEGAPIXEL_S = 0.22
PERSON_S = 4.0
FACE_S = 0.5
"""Processor seconds of one core of a 2-core Xeon with ``embedded``, ``exact``, 2x and one thread,
as ``benchmarks/batch_cost.py`` prints them: loading the networks once a worker, an audit whatever
is in it, a million pixels of a frame, the key faces of a person, a face."""
_COSTED = "embedded"


@dataclass(frozen=True)
class Looked:
    """What probing an item found."""

    id: str
    kind: str | None
    frames: int
    bytes: int
    reason: str | None
    megapixels: float = 0.0
    """Of one frame."""


@dataclass(frozen=True)
class Estimate:
    """What a batch is expected to take."""

    items: tuple[Looked, ...]
    same: int
    workers: int
    every: int
    original: bool
    free_bytes: int
    costed: bool

    @property
    def frames(self) -> int:
        """Frames of all items that can be read."""
        return sum(item.frames for item in self.items)

    @property
    def disk_bytes(self) -> int:
        """For each person seen in every frame, and the sources where they are kept."""
        kept = sum(item.bytes for item in self.items) if self.original else 0
        return self.frames * FACE_BYTES + len(self.items) * ITEM_BYTES + kept

    @property
    def seconds(self) -> float:
        """For one person seen in every frame of every item."""
        work = sum(
            ITEM_S + PERSON_S + item.frames * (item.megapixels * MEGAPIXEL_S + FACE_S / self.every)
            for item in self.items
            if item.reason is None
        )
        return WORKER_S + work / self.workers

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "plan": {
                "items": [
                    {"id": i.id, "kind": i.kind, "frames": i.frames, "reason": i.reason}
                    for i in self.items
                ],
                "same_as_another": self.same,
                "frames": self.frames,
                "workers": self.workers,
                "disk_bytes_for_one_face_a_frame": self.disk_bytes,
                "disk_free_bytes": self.free_bytes,
                "seconds_for_one_face_a_frame": round(self.seconds) if self.costed else None,
            }
        }

    def lines(self) -> list[str]:
        """For a person."""
        lines = [
            f"{item.id}: {item.kind}, {item.frames} frame(s)"
            if item.reason is None
            else f"{item.id}: will fail: {item.reason}"
            for item in self.items
        ]
        lines.append(
            f"{len(self.items)} item(s) to do, {self.frames:,} frame(s)"
            + (f"; {self.same} more are the same as one of them" if self.same else "")
            + "."
        )
        lines.append(
            f"Disk: about {self.disk_bytes / 1e9:.2f} GB for each person seen in every frame "
            f"(about 1.5 MB a face); {self.free_bytes / 1e9:.1f} GB are free. "
            "People are counted only when a clip is read."
        )
        lines.append(
            f"Time: about {_duration(self.seconds)} with {self.workers} worker(s) for one person "
            f"seen in every frame, at {FACE_S:g} s a face, {MEGAPIXEL_S:g} s a million pixels, "
            f"{PERSON_S:g} s a person and {WORKER_S:g} s to begin, measured on one core of a "
            "2-core Xeon."
            if self.costed
            else "Time: not estimated; costs were measured for the profile 'embedded' alone."
        )
        if self.disk_bytes > self.free_bytes:
            lines.append(_too_full(self.disk_bytes, self.free_bytes))
        return lines


def estimate(
    plan: BatchPlan, out: Path, settings: Settings, workers: int, progress: Progress
) -> Estimate:
    """Probe every item (each frame is decoded once to be counted) and add up."""
    from forensics.media.probe import probe

    looked = []
    todo = [planned.item for planned in plan.items if planned.same_as is None]
    with progress.step("Looking at items", len(todo)) as step:
        for item in todo:
            try:
                source = probe(item.source).source
            except ForensicsError as error:
                looked.append(Looked(item.id, None, 0, 0, error.message))
            except OSError as error:
                looked.append(Looked(item.id, None, 0, 0, error.strerror or str(error)))
            else:
                looked.append(
                    Looked(
                        item.id,
                        source.kind,
                        source.frames,
                        source.bytes,
                        None,
                        source.display_width * source.display_height / 1e6,
                    )
                )
            step.advance()
    return Estimate(
        items=tuple(looked),
        same=len(plan.items) - len(todo),
        workers=min(workers, max(1, len(todo))),
        every=settings.every,
        original=settings.original,
        free_bytes=free_bytes(out),
        costed=settings.models == _COSTED and settings.device in {"auto", "cpu"},
    )


def disk_warning(plan: BatchPlan, out: Path, settings: Settings) -> str | None:
    """A warning when not even one face an item fits; asks no decoder."""
    contents = Contents()
    todo = [planned.item for planned in plan.items if planned.same_as is None]
    kept = sum(contents.size(item.source) or 0 for item in todo) if settings.original else 0
    least = kept + len(todo) * (ITEM_BYTES + FACE_BYTES)
    free = free_bytes(out)
    return _too_full(least, free) if least > free else None


def free_bytes(out: Path) -> int:
    """Free space where ``out`` is or will be."""
    place = out
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _too_full(needed: int, free: int) -> str:
    return (
        f"Warning: the disk may not hold this: about {needed / 1e9:.2f} GB are needed, "
        f"{free / 1e9:.2f} GB are free. Items that do not fit will fail and can be resumed."
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
