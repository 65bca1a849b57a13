"""Apart: asks a child process what it would be unwise to find out in this one.

Promise: what a child says is checked before it is used, and a child that dies is an error with
words, never the end of this process.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from forensics.children import ChildStopped
from forensics.errors import InputError
from forensics.media.apart.plain import footage_out, header_in
from forensics.media.apart.process import Caps, Worker
from forensics.media.apart.slots import Slots
from forensics.media.apart.wire import NONSENSE, Said, integer, integer_or_none, text, text_or_none
from forensics.media.codec import BLOCK_PX, QpGrid
from forensics.media.decode import DecodedFrame, Footage, FrameFailure
from forensics.media.examine import Examined
from forensics.media.limits import Limits

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from forensics.media.picture import Header, Still

CAPS: Final = Caps()
MAX_TEXT_BYTES: Final = 2 * 2**30
_HINT: Final = "The file may be damaged, or made to crash a decoder. Nothing of it was used."
_HEX: Final = frozenset("0123456789abcdef")


# ---------------------------------------------------------------- what a source is


class Apart:
    """Examines in a child process."""

    def video(self, path: Path, demuxer: str, limits: Limits) -> Examined:
        """As `forensics.media.examine.examine_video`; `InputError` also when the child dies."""
        job = {"do": "examine", "path": os.fspath(path.absolute()), "demuxer": demuxer}
        try:
            document = _document("video", {**job, "limits": asdict(limits)})
            return _examined(document, path.name, limits)
        except ChildStopped as error:
            raise _cannot(path.name, error) from error

    def pictures(
        self, paths: tuple[Path, ...], folder: bool, limits: Limits
    ) -> Iterator[Header | InputError]:
        """As `examine.examine_pictures`; a picture that kills a child counts as damaged."""
        done = 0
        while done < len(paths):
            try:
                for found in _pictures(paths[done:], folder, limits):
                    done += 1
                    yield found
            except ChildStopped as error:
                done += 1
                yield _cannot(paths[done - 1].name, error)


def _pictures(
    paths: tuple[Path, ...], folder: bool, limits: Limits
) -> Iterator[Header | InputError]:
    job = {
        "do": "pictures",
        "paths": [os.fspath(path.absolute()) for path in paths],
        "folder": folder,
    }
    with closing(Worker("pictures", {**job, "limits": asdict(limits)}, CAPS)) as worker:
        for _ in paths:
            said, _ = worker.receive()
            if "damaged" in said:
                yield InputError(text(said, "damaged"), text(said, "hint"))
            else:
                yield header_in(_inner(said, "header"), limits)


def _cannot(name: str, error: ChildStopped) -> InputError:
    return InputError(f"{name} cannot be examined: {error.message}", _HINT)


@cache
def _adapter() -> TypeAdapter[Examined]:
    from pydantic import TypeAdapter

    return TypeAdapter(Examined)


def _examined(document: bytes, name: str, limits: Limits) -> Examined:
    """What the child says, as a value of the right type and within the limits."""
    try:
        found = _adapter().validate_json(document, strict=True)
    except ValueError as error:
        raise ChildStopped(NONSENSE) from error
    ratios = [found.sar, *(r for r in (found.time_base, found.rate) if r is not None)]
    sound = all(n > 0 and d > 0 for n, d in ratios) and 0 <= found.lost < found.frames
    if not sound or found.index < 0:
        raise ChildStopped(NONSENSE)
    limits.check_frames(name, found.frames)
    limits.check_size(name, found.width, found.height)
    limits.check_size(name, *found.geometry.display_size)
    return found


# ---------------------------------------------------------------- lists and facts


def container_facts_apart(path: Path) -> dict[str, object]:
    """What `forensics.media.describe.container_facts_here` finds. Raises `InputError`."""
    try:
        found = json.loads(_document("video", {"do": "facts", "path": os.fspath(path.absolute())}))
    except (ChildStopped, ValueError) as error:
        raise InputError(f"the headers of {path.name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"the headers of {path.name} cannot be read: {NONSENSE}")
    return found


def text_apart(task: Literal["framehash", "packets"], path: Path) -> Iterator[str]:
    """The text of a list of digests, in parts. Raises `InputError` and `ChildStopped`."""
    total = 0
    job = {"do": task, "path": os.fspath(path.absolute())}
    with closing(Worker("video", job, CAPS)) as worker:
        while True:
            said, blob = worker.receive()
            if "end" in said:
                return
            total += len(blob)
            if total > MAX_TEXT_BYTES:
                raise ChildStopped(f"{NONSENSE}: the list is too long")
            yield blob.decode("utf-8", "replace")


def _document(needs: Literal["video"], job: Said) -> bytes:
    """The one document that a task gives."""
    with closing(Worker(needs, job, CAPS)) as worker:
        while True:
            said, blob = worker.receive()
            if "document" in said:
                return blob


def _inner(said: Said, name: str) -> Said:
    value = said.get(name)
    if not isinstance(value, dict):
        raise ChildStopped(f"{NONSENSE}: {name}")
    return value


# ---------------------------------------------------------------- frames


def decode_apart(
    footage: Footage, caps: Caps = CAPS
) -> Generator[DecodedFrame | FrameFailure, None, None]:
    """As `forensics.media.decode.decode`. Raises `ChildStopped` when the child dies or lies."""
    width, height = footage.geometry.display_size
    with Slots(width, height) as slots:
        job = {"do": "frames", **footage_out(footage), "slots": slots.count}
        job["slot_bytes"] = slots.each
        needs: Literal["video", "pictures"] = "pictures" if footage.pictures else "video"
        with closing(Worker(needs, job, caps, slots)) as worker:
            frame = 0
            while True:
                said, blob = worker.receive()
                if "end" in said:
                    return
                frame += 1
                integer(said, "frame", frame, min(frame, footage.limits.frames))
                if "lost" in said:
                    yield _failure(footage, said)
                else:
                    item = _shown(footage, slots, said, blob)
                    worker.release(integer(said, "slot", 0, slots.count - 1))
                    yield item


def name_of(footage: Footage, frame: int) -> str | None:
    """The name that a frame of a folder has; the child's word is not asked."""
    from forensics.media.decode import readable

    return readable(footage.pictures[frame - 1].name) if footage.folder else None


def _failure(footage: Footage, said: Said) -> FrameFailure:
    frame = integer(said, "frame", 1, footage.limits.frames)
    pts = integer_or_none(said, "pts")
    return FrameFailure(
        frame, pts, text(said, "lost"), text(said, "error"), name_of(footage, frame)
    )


def _shown(footage: Footage, slots: Slots, said: Said, blob: bytes) -> DecodedFrame:
    frame = integer(said, "frame", 1, footage.limits.frames)
    slot = integer(said, "slot", 0, slots.count - 1)
    native = text(said, "native_sha256", 64)
    if len(native) != 64 or not _HEX.issuperset(native):
        raise ChildStopped(f"{NONSENSE}: native_sha256")
    pts, base = integer_or_none(said, "pts"), footage.time_base
    video = not footage.pictures
    grid, rest = _grid(footage, said, blob)
    shown = DecodedFrame(
        frame=frame,
        name=name_of(footage, frame),
        pts=pts,
        pts_s=None if pts is None or base is None else float(pts * base),
        duration=integer_or_none(said, "duration"),
        rgb_u8=slots.rgb_u8(slot),
        native_sha256=native,
        qp=grid,
        qp_reason=text_or_none(said, "qp_reason"),
        alpha_u8=slots.alpha_u8(slot) if said.get("alpha") is True else None,
        geometry=footage.geometry if video else None,
        note=text_or_none(said, "note"),
    )
    return shown if video else replace(shown, still=_still(footage, shown, said, rest))


def _grid(footage: Footage, said: Said, blob: bytes) -> tuple[QpGrid | None, bytes]:
    """The quantiser's grid from the front of the blob, and the rest of it."""
    shape = said.get("qp")
    if shape is None:
        return None, blob
    if not isinstance(shape, list) or len(shape) != 2:
        raise ChildStopped(f"{NONSENSE}: qp")
    sizes = (footage.geometry.coded_height, footage.geometry.coded_width)
    most = [size // BLOCK_PX + 8 for size in sizes]
    whole = {str(n): value for n, value in enumerate(shape)}
    rows, columns = (integer(whole, str(n), 1, most[n]) for n in (0, 1))
    length = rows * columns * 4
    if len(blob) < length:
        raise ChildStopped(f"{NONSENSE}: qp")
    values = np.frombuffer(blob, "<i4", rows * columns).astype(np.int32)
    return QpGrid(values.reshape(rows, columns)), blob[length:]


def _still(footage: Footage, shown: DecodedFrame, said: Said, blob: bytes) -> Still:
    from forensics.media.picture import Still  # loads OpenCV, which no video needs

    header = header_in(_inner(said, "header"), footage.limits)
    extras = []
    for name in ("icc", "exif"):
        length = None if said.get(name) is None else integer(said, name, 0, len(blob))
        extras.append(None if length is None else blob[:length])
        blob = blob[length or 0 :]
    return Still(header, shown.rgb_u8, shown.alpha_u8, extras[0], extras[1], shown.native_sha256)
