"""Deep checks, process: starts the child, watches its time, and gives its lines or words for a
failure.  Whatever the child does, the parent goes on; nothing of the child's own errors is shown
as a traceback.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from forensics.children import ChildStopped, end_words
from forensics.deep.child import END, REFUSED

__all__ = ["Caps", "ChildRefused", "ChildStopped", "child_lines", "program"]

MODULE: Final = "forensics.deep.child"
_LINE_CHARACTERS: Final = 8192
_TAIL_BYTES: Final = 2000


@dataclass(frozen=True)
class Caps:
    """What one child may use. ``seconds`` is wall time and, as a second net, processor time."""

    seconds: float = 900.0
    memory_bytes: int = 6 * 2**30
    file_bytes: int = 2**30


class ChildRefused(Exception):
    """The child read the file and says in words why it cannot be examined."""


def program() -> Sequence[str]:
    """The command that starts a child; the working folder is not on its path."""
    return (sys.executable, "-P", "-m", MODULE)


def child_lines(job: Mapping[str, object], caps: Caps) -> Generator[str, None, None]:
    """The lines of one job as they come, without the last one.

    Raises `ChildRefused` or `ChildStopped`.  Closing the iterator ends the child.
    """
    limits = {
        "memory_bytes": caps.memory_bytes,
        "file_bytes": caps.file_bytes,
        "cpu_s": int(caps.seconds) + 1,
    }
    command = [*program(), json.dumps({**job, **limits})]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    late = threading.Event()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=quiet,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as child,
    ):

        def stop() -> None:
            late.set()
            child.kill()

        watch = threading.Timer(caps.seconds, stop)
        watch.start()
        try:
            ended = yield from _until_end(child)
            code = child.wait()
        finally:
            watch.cancel()
            child.kill()
        if not ended:
            raise ChildStopped(_words(code, late.is_set(), caps, errors))


def _until_end(child: subprocess.Popen[str]) -> Generator[str, None, bool]:
    """Yield lines; returns whether the child said that it was done."""
    if child.stdout is None:
        raise AssertionError("the child was started with a pipe")
    while line := child.stdout.readline(_LINE_CHARACTERS):
        if line.rstrip("\n") == END:
            return True
        if line.startswith(REFUSED):
            raise ChildRefused(str(json.loads(line[len(REFUSED) :]))[:500])
        yield line
    return False


def _words(code: int, late: bool, caps: Caps, errors: IO[bytes]) -> str:
    if late:
        return f"it did not end within {caps.seconds:.0f} s and was stopped"
    if code < 0:
        return f"it {end_words(code)}"
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - _TAIL_BYTES))
    tail = errors.read().decode("utf-8", "replace").strip().splitlines()
    last = "".join(c if c.isprintable() else " " for c in tail[-1])[:300] if tail else ""
    if "MemoryError" in last or "Cannot allocate" in last:
        return "the memory allowed for it ran out"
    return f"it stopped with code {code}" + (f" ({last})" if last else "")
