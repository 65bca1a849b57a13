"""The journal of a run: what it is, and every face that was restored, so that it can be resumed.

One JSON line each, appended and handed to the system at once, in a file that stands beside the
payload and is gone when the bundle is sealed.  Promise: a torn last line, a line of garbage or a
journal that breaks off costs the faces it would have named, never a wrong one: whoever reads a
face back holds crop and result against the digests that stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from forensics.errors import IntegrityError, UsageError
from forensics.evidence import strict

SCHEMA: Final = "restoration-forensics/journal/1"
NAME: Final = "journal.jsonl"
_ANEW: Final = "Run it without --resume, and with --force, to start over."
_HEX: Final = frozenset("0123456789abcdef")

Value = str | int | float | bool | None
Face = tuple[int, int]
"""Frame and person."""


@dataclass(frozen=True)
class Identity:
    """What must be equal for faces of an earlier run to be faces of this one.

    ``source`` holds the digests of the source, ``settings`` every setting by name, ``versions``
    what decides pixels (`forensics.evidence.environment.pixel_versions`).
    """

    source: Mapping[str, Value]
    settings: Mapping[str, Value]
    versions: Mapping[str, Value]

    def check(self, then: Mapping[str, object]) -> None:
        """Hold this run against the header of an earlier one.

        Raises `IntegrityError` for another source, `UsageError` for other settings or versions.
        """
        if _differences(then.get("source"), self.source):
            raise IntegrityError(
                "the source is not the one that the interrupted run read",
                f"Give the same file, unchanged. {_ANEW}",
            )
        for words, before, now in (
            ("settings", then.get("settings"), self.settings),
            ("versions", then.get("versions"), self.versions),
        ):
            if different := _differences(before, now):
                raise UsageError(
                    f"the interrupted run had other {words}: {'; '.join(different)}",
                    f"Give the same command on the same installation. {_ANEW}",
                )


@dataclass(frozen=True)
class Kept:
    """Digests of a face that an earlier run restored."""

    crop_sha256: str
    restored_sha256: str


class Journal:
    """The journal of one run: begun with `begin` or taken up again with `resume`."""

    def __init__(
        self, stream: BinaryIO, force: bool, kept: dict[Face, Kept], engines: Mapping[str, object]
    ) -> None:
        self._stream = stream
        self.force = force
        """Whether the run may replace what stands at its target."""
        self.kept = kept
        """Faces that stood in the journal when it was opened."""
        self._engines = engines
        self._new = 0

    @classmethod
    def begin(cls, path: Path, identity: Identity, force: bool) -> Journal:
        """Start a journal; its header is on the system's side before this returns."""
        journal = cls(path.open("xb"), force, {}, {})
        journal._add(
            {
                "journal": SCHEMA,
                "force": force,
                "source": dict(identity.source),
                "settings": dict(identity.settings),
                "versions": dict(identity.versions),
            }
        )
        return journal

    @classmethod
    def resume(cls, path: Path, identity: Identity) -> Journal:
        """Take up a journal. Raises `UsageError` and `IntegrityError`, see `Identity.check`."""
        try:
            raw = path.read_bytes()
        except OSError:
            raise UsageError("the interrupted run left no journal", _ANEW) from None
        lines = [found for line in raw.splitlines() if (found := _parsed(line)) is not None]
        if not lines or lines[0].get("journal") != SCHEMA:
            raise UsageError("the journal of the interrupted run cannot be read", _ANEW)
        identity.check(lines[0])
        engines: Mapping[str, object] = {}
        kept: dict[Face, Kept] = {}
        for line in lines[1:]:
            if "models" in line:
                engines = line
            elif engines and (face := _face(line)) is not None:  # drawn by weights that are known
                kept[face[0]] = face[1]
        stream = path.open("ab")
        if raw and not raw.endswith(b"\n"):  # a torn line must not swallow the next one
            stream.write(b"\n")
            stream.flush()
        return cls(stream, lines[0].get("force") is True, kept, engines)

    @property
    def faces(self) -> int:
        """How many faces can be kept if the run ends now."""
        return len(self.kept) + self._new

    def engines(self, models: Mapping[str, str], numeric: Mapping[str, Value]) -> None:
        """Note the weights and the switches in use, or hold them against the earlier run's.

        Raises `IntegrityError` for other weights, `UsageError` for other switches or devices.
        """
        now = {"models": dict(models), "numeric": dict(numeric)}
        if not self._engines:
            self._add(now)
            return
        if different := _differences(self._engines.get("models"), models):
            raise IntegrityError(
                f"the interrupted run used other weights: {'; '.join(different)}", _ANEW
            )
        if different := _differences(self._engines.get("numeric"), numeric):
            raise UsageError(
                f"the interrupted run computed otherwise: {'; '.join(different)}",
                f"Resume it on the same machine with the same threads. {_ANEW}",
            )

    def face(self, frame: int, person: int, crop_sha256: str, restored_sha256: str) -> None:
        """Note a restored face whose picture has been written."""
        if self.kept.get((frame, person)) == Kept(crop_sha256, restored_sha256):
            return
        self._new += 1
        self._add({"face": [frame, person], "crop": crop_sha256, "restored": restored_sha256})

    def _add(self, line: Mapping[str, object]) -> None:
        self._stream.write(strict.dump_line(dict(line)))
        self._stream.flush()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.close()


def faces_in(path: Path) -> int:
    """How many faces the journal of an interrupted run names; 0 where there is none."""
    try:
        raw = path.read_bytes()
    except OSError:
        return 0
    lines = (_parsed(line) for line in raw.splitlines())
    return len({face[0] for line in lines if line is not None and (face := _face(line))})


def _parsed(line: bytes) -> dict[str, object] | None:
    try:
        found = strict.loads(line, strict.MAX_LINE_BYTES)
    except strict.StrictJsonError:
        return None
    return found if isinstance(found, dict) else None


def _face(line: Mapping[str, object]) -> tuple[Face, Kept] | None:
    place, crop, restored = (line.get(name) for name in ("face", "crop", "restored"))
    if not (isinstance(place, list) and len(place) == 2):
        return None
    frame, person = place
    if not (isinstance(frame, int) and isinstance(person, int) and frame >= 1 and person >= 0):
        return None
    if not (isinstance(crop, str) and isinstance(restored, str)):
        return None
    sound = all(len(digest) == 64 and _HEX.issuperset(digest) for digest in (crop, restored))
    return ((frame, person), Kept(crop, restored)) if sound else None


def _differences(then: object, now: Mapping[str, Value]) -> list[str]:
    """``NAME (THEN then, NOW now)`` for each value that differs."""
    before = then if isinstance(then, dict) else {}
    names = sorted({*before, *now})
    return [
        f"{name} ({before.get(name)} then, {now.get(name)} now)"
        for name in names
        if before.get(name) != now.get(name)
    ]
