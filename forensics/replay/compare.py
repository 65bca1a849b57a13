"""Replay, comparison: a sink that holds what is restored now against what the bundle holds.

Nothing is written but a spool of lines that is gone when the replay ends.  Pictures are compared
with the stored files pixel by pixel, digests with the lines, outcomes, flags and bands at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forensics.assembly import FlagsByFace, Gathered
from forensics.evidence.tree import Tree
from forensics.passes.kept import NOTHING_KEPT, Kept
from forensics.passes.sink import Folder
from forensics.records import FaceLine, FlagCode, FrameLine, Outcome
from forensics.replay.outcome import Difference, Tally
from forensics.replay.pictures import Unreadable, largest_step, stored_pixels
from forensics.scoring.facts import FaceFact

# Only the whole clip can say these of a face.
CLIP_FLAGS: Final[frozenset[FlagCode]] = frozenset(
    {"pop", "swap", "jitter", "morphing", "restored_twice"}
)
_FACE_DIGESTS: Final = (("cropped_faces", "crop_sha256"), ("restored_faces", "restored_sha256"))
_FRAME_DIGESTS: Final = ("source_rgb_sha256", "restored_rgb_sha256")

Key = tuple[int, int]


class Enough(Exception):
    """All faces that were asked for are compared; not an error."""


class ReplaySink:
    """A `forensics.passes.sink.Sink` that compares and stores nothing."""

    kept: Kept = NOTHING_KEPT

    def __init__(
        self,
        tree: Tree,
        frames: Iterator[FrameLine],
        faces: Iterator[FaceLine],
        tally: Tally,
        last: Key | None = None,
    ) -> None:
        """``last``: the last (frame, person) to compare; None for the whole clip."""
        self._tree, self._tally, self._last = tree, tally, last
        self._frames, self._faces = frames, faces
        self._frame: FrameLine | None = next(frames, None)
        self._face: FaceLine | None = next(faces, None)
        self._flags: dict[Key, tuple[set[FlagCode], set[FlagCode]]] = {}
        self._moved: set[str] = set()
        self.gathered = Gathered()

    def _wanted(self, frame: int, person: int | None) -> bool:
        if self._last is None:
            return True
        return frame < self._last[0] or (
            frame == self._last[0] and person is not None and person <= self._last[1]
        )

    def picture(self, folder: Folder, name: str, rgb_u8: NDArray[np.uint8]) -> None:
        """Hold a picture against the stored file of its name."""
        parts = name.partition(".")[0].split("_")
        frame, person = int(parts[0]), int(parts[1]) if len(parts) > 1 else None
        if self._wanted(frame, person):
            self.compare(f"{folder}/{name}", frame, person, rgb_u8)

    def compare(self, file: str, frame: int, person: int | None, rgb_u8: NDArray[np.uint8]) -> None:
        """Hold pixels against a stored picture; margins below it are not compared."""

        def note(what: str) -> None:
            self._tally.decision(Difference(frame, person, file, what))

        if not self._tree.has(f"data/{file}"):
            note("the bundle holds no such picture")
            return
        try:
            stored = stored_pixels(self._tree, f"data/{file}")
        except Unreadable as error:
            note(f"the stored picture cannot be compared: {error}")
            return
        if file.startswith("cmp/"):
            stored = stored[: rgb_u8.shape[0]]
        if stored.shape != rgb_u8.shape:
            note("the stored picture has another size")
            return
        self._tally.pictures += 1
        if step := largest_step(stored, rgb_u8):
            what = "the stored picture is not what is restored now"
            self._moved.add(file)
            self._tally.bits(Difference(frame, person, file, what, step))

    def frame(self, line: FrameLine) -> None:
        """Hold a frame's line against the recorded one."""
        if self._last is not None and line.frame > self._last[0]:
            raise Enough
        then, self._frame = self._frame, next(self._frames, None)
        self.gathered.frame(line)
        self._tally.frames += 1
        if then is None or then.frame != line.frame:
            self._decided(line.frame, None, "frames.jsonl", "the bundle records no such frame")
            return
        if then.outcome != line.outcome:
            words = f"{then.outcome} then, {line.outcome} now"
            self._decided(line.frame, None, "frames.jsonl", words)
        for name in _FRAME_DIGESTS:
            if getattr(then, name) != getattr(line, name):
                what = "the decoded" if name.startswith("source") else "the restored"
                words = f"{what} frame has other pixels than recorded"
                self._tally.bits(Difference(line.frame, None, "frames.jsonl", words))
        if self._last is not None and line.frame == self._last[0]:
            raise Enough

    def face(self, line: FaceLine, fact: FaceFact) -> None:
        """Hold a face's line against the recorded one; its flags wait for the clip's end."""
        if not self._wanted(line.frame, line.person):
            return
        self.gathered.face(fact, line.reason)
        self._tally.faces += 1
        key = (line.frame, line.person)
        while self._face is not None and (self._face.frame, self._face.person) < key:
            self._lost(self._face)
            self._face = next(self._faces, None)
        then = self._face
        if then is None or (then.frame, then.person) != key:
            self._decided(*key, "faces.jsonl", "the bundle records no such face")
            return
        self._face = next(self._faces, None)
        self._flags[key] = set(then.flags), set(line.flags)
        if (then.outcome, then.risk.band) != (line.outcome, line.risk.band):
            words = (
                f"{_said(then.outcome, then.risk.band)} then, "
                f"{_said(line.outcome, line.risk.band)} now"
            )
            self._decided(*key, "faces.jsonl", words)
        for folder, name in _FACE_DIGESTS:
            if getattr(then, name) != getattr(line, name):
                self._digest_differs(key, folder)

    def _digest_differs(self, key: Key, folder: str) -> None:
        """A digest that differs where the stored picture does not belongs to neither."""
        file = f"{folder}/{key[0]:06d}_{key[1]:02d}.png"
        words = "its recorded digest is not that of what is restored now"
        note = self._tally.bits if file in self._moved else self._tally.decision
        note(Difference(*key, file, words))

    def event(self, step: str, data: Mapping[str, object]) -> None:
        """A replay keeps no log."""

    def finish(self, clip_flags: FlagsByFace | None) -> None:
        """Compare flags, and look for recorded frames and faces that did not come.

        ``clip_flags`` are those that only the whole clip tells; None when part of it was replayed,
        and then such flags are not compared.
        """
        whole = clip_flags is not None
        for key, (then, now) in self._flags.items():
            now_all = now | set((clip_flags or {}).get(key, ()))
            then_all = then if whole else then - CLIP_FLAGS
            if then_all != (now_all if whole else now_all - CLIP_FLAGS):
                words = f"flags {_listed(then_all)} then, {_listed(now_all)} now"
                self._decided(*key, "faces.jsonl", words)
        if not whole:
            return
        while self._face is not None:
            self._lost(self._face)
            self._face = next(self._faces, None)
        if self._frame is not None:
            words = "a recorded frame did not come again"
            self._decided(self._frame.frame, None, "frames.jsonl", words)

    def _lost(self, face: FaceLine) -> None:
        words = "a recorded face was not found again"
        self._decided(face.frame, face.person, "faces.jsonl", words)

    def _decided(self, frame: int, person: int | None, file: str, what: str) -> None:
        self._tally.decision(Difference(frame, person, file, what))


def _said(outcome: Outcome, band: str) -> str:
    return f"{outcome} with band {band}"


def _listed(flags: set[FlagCode]) -> str:
    return ", ".join(sorted(flags)) or "none"
