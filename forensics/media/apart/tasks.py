"""Tasks: what a worker does, one task a process: examine, decode, list digests.

A worker reads files and writes none; it says what it found over the wire.  The last message of a
task is ``{"end": N}``; ``refused`` says in words what is wrong with the source.
"""

from __future__ import annotations

import gc
import json
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from forensics.children import cap, deny
from forensics.errors import ForensicsError
from forensics.media.apart.plain import footage_in, header_out
from forensics.media.apart.slots import Filled
from forensics.media.apart.wire import Said, Wire
from forensics.media.decode import DecodedFrame, FrameFailure, decode
from forensics.media.describe import container_facts_here, packet_hash_here
from forensics.media.examine import examine_pictures, examine_video
from forensics.media.framehash import framehash_lines
from forensics.media.limits import Limits

Job = Mapping[str, Any]
BEAT_S: Final = 1.0
TEXT_CHARACTERS: Final = 2**16
_WORDS: Final = 500


def work(connection: int, memory: int) -> int:
    """Do the one task that comes over the connection; returns the exit code."""
    wire = Wire(socket.socket(fileno=connection))
    job, _ = wire.receive()
    cap(int(str(job["memory_bytes"])), 0)
    deny("a decoder")
    try:
        count = _do(wire, job, memory)
    except ForensicsError as error:
        wire.send({"refused": error.message, "hint": error.hint})
        return 3
    except EOFError:  # the parent wants no more
        return 0
    except MemoryError:
        wire.send({"failed": "the memory allowed for it ran out"})
        return 5
    except Exception as error:  # the last boundary of this process: the parent says it in words
        wire.send({"failed": f"{type(error).__name__}: {error}"[:_WORDS]})
        return 1
    wire.send({"end": count})
    return 0


def _do(wire: Wire, job: Job, memory: int) -> int:
    if job["do"] == "frames":
        return _frames(wire, job, memory)
    if job["do"] == "examine":
        return _examine(wire, job)
    if job["do"] == "pictures":
        return _pictures(wire, job)
    if job["do"] == "facts":
        facts = json.dumps(container_facts_here(Path(job["path"])))
        wire.send({"document": True}, facts.encode("ascii"))
        return 1
    path = Path(job["path"])
    if job["do"] == "framehash":
        return _text(wire, framehash_lines(path))
    return _text(wire, [packet_hash_here(path, Heart(wire).beat)])


class Heart:
    """Says now and then that work goes on."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._next = time.monotonic() + BEAT_S

    def beat(self) -> None:
        """To be called often."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BEAT_S
            self._wire.send({"beat": True})


def _examine(wire: Wire, job: Job) -> int:
    limits = Limits(**job["limits"])
    found = examine_video(Path(job["path"]), job["demuxer"], limits, Heart(wire).beat)
    wire.send({"document": True}, json.dumps(asdict(found)).encode("ascii"))
    return 1


def _pictures(wire: Wire, job: Job) -> int:
    paths = tuple(Path(path) for path in job["paths"])
    for found in examine_pictures(paths, job["folder"], Limits(**job["limits"])):
        if isinstance(found, ForensicsError):
            wire.send({"damaged": found.message, "hint": found.hint})
        else:
            wire.send({"header": header_out(found)})
    return len(paths)


def _text(wire: Wire, lines: Iterable[str]) -> int:
    waiting: list[str] = []
    length = count = 0
    until = time.monotonic() + BEAT_S
    for line in lines:
        waiting.append(line)
        length += len(line)
        count += 1
        if length >= TEXT_CHARACTERS or time.monotonic() >= until:
            wire.send({"text": True}, "".join(waiting).encode("utf-8"))
            waiting, length, until = [], 0, time.monotonic() + BEAT_S
    wire.send({"text": True}, "".join(waiting).encode("utf-8"))
    return count


# ---------------------------------------------------------------- frames


def _frames(wire: Wire, job: Job, memory: int) -> int:
    slots = Filled(memory, job["slots"], job["slot_bytes"])
    free = deque(range(job["slots"]))
    count = 0
    gc.freeze()  # what is loaded stays; only what comes from here on is looked through
    for item in decode(footage_in(job)):
        count += 1
        # A decoded frame and its side data hold each other: without this a hundred frames pile up.
        gc.collect()
        if isinstance(item, FrameFailure):
            wire.send(_lost(item))
            continue
        if not free:
            free.append(wire.receive_byte())
        slot = free.popleft()
        slots.put(slot, item.rgb_u8, item.alpha_u8)
        wire.send(*_shown(item, slot))
    return count


def _lost(item: FrameFailure) -> Said:
    reason, error = item.reason[:_WORDS], item.error[:_WORDS]
    return {"frame": item.frame, "pts": item.pts, "lost": reason, "error": error}


def _shown(item: DecodedFrame, slot: int) -> tuple[Said, bytes]:
    said: Said = {
        "frame": item.frame,
        "slot": slot,
        "pts": item.pts,
        "duration": item.duration,
        "native_sha256": item.native_sha256,
        "qp": None if item.qp is None else list(item.qp.qp.shape),
        "qp_reason": item.qp_reason,
        "alpha": item.alpha_u8 is not None,
        "note": item.note,
    }
    parts = [] if item.qp is None else [item.qp.qp.astype("<i4").tobytes()]
    if item.still is not None:
        said["header"] = header_out(item.still.header)
        for name, extra in (("icc", item.still.icc), ("exif", item.still.exif)):
            said[name] = None if extra is None else len(extra)
            parts.append(extra or b"")
    return said, b"".join(parts)
