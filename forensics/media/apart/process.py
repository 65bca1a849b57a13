"""Process: starts the children that decode, and says in words how one ended.

The first child of a run is the *starter*: `child.py`, started by its path, which loads the decoding
libraries, parses nothing, and forks one worker for each task.  So no task can spoil another one, a
worker starts in milliseconds, and this process, with its networks and threads, is never forked.
Where no process can fork, each task gets a new process (`spawned`).
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from forensics.children import ChildStopped, end_words, environment
from forensics.errors import InputError
from forensics.media.apart.slots import Slots, can_fork
from forensics.media.apart.spawned import Spawned, spawn
from forensics.media.apart.wire import Said, Wire, text

log = logging.getLogger(__name__)

SCRIPT: Final = Path(__file__).with_name("child.py")
Needs = Literal["video", "pictures"]
START: Final[Mapping[Needs, bytes]] = {"video": b"V", "pictures": b"P"}
END: Final = b"E"
_PID: Final = struct.Struct(">q")
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True)
class Caps:
    """What one worker may use; ``stall_s`` is the longest time without a word from it."""

    stall_s: float = 120.0
    memory_bytes: int = 6 * 2**30


class Starter:
    """The process that forks workers. One for this process, started when first needed."""

    def __init__(self) -> None:
        if not hasattr(os, "fork"):
            raise AssertionError("where no process can fork, decoders are spawned")
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-B", str(SCRIPT), str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - our own script, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment(),
                # Ctrl-C on a terminal is for this process, which then ends its children.
                start_new_session=True,
            )
        ours.settimeout(_PATIENCE_S)
        self._control = ours
        self._lock = threading.Lock()
        self.owner = os.getpid()

    def fork(self, needs: Needs, handles: Sequence[int]) -> int:
        """Start a worker that gets these open files; returns its process id."""
        return self._ask(START[needs], 0, handles)

    def end(self, pid: int) -> int:
        """Make sure that a worker has ended; returns how, as `subprocess` does."""
        return self._ask(END, pid, ())

    def _ask(self, what: bytes, number: int, handles: Sequence[int]) -> int:
        with self._lock:
            socket.send_fds(self._control, [what + _PID.pack(number)], list(handles))
            answer = b""
            while len(answer) < _PID.size:
                block = self._control.recv(_PID.size - len(answer))
                if not block:
                    raise ConnectionError("the starter of decoders has ended")
                answer += block
        return int(_PID.unpack(answer)[0])

    def close(self) -> None:
        """End the starter, which ends its workers; safe to call twice."""
        self._control.close()
        if self.owner == os.getpid():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
            self._process.kill()
            self._process.wait()


_starter: Starter | None = None
_making = threading.Lock()


def starter() -> Starter:
    """The starter of this process; after a fork of this process, a new one."""
    global _starter
    with _making:
        if _starter is None or _starter.owner != os.getpid():
            _starter = Starter()
        return _starter


@atexit.register
def _close() -> None:
    _drop(_starter)


def _drop(old: Starter | None) -> None:
    global _starter
    with _making:
        if old is not None:
            old.close()
        if _starter is old:
            _starter = None


class Worker:
    """One task in one child process: send the job, receive messages, close."""

    def __init__(
        self, needs: Needs, job: Mapping[str, object], caps: Caps, slots: Slots | None = None
    ) -> None:
        """``slots``: the shared memory that pictures come through. Raises `ChildStopped`."""
        self._caps = caps
        self._starter: Starter | Spawned
        if can_fork():
            ours, theirs = socket.socketpair()
            handles = [theirs.fileno()] + ([slots.handle] if slots is not None else [])
            with theirs:
                self._starter, self.pid = _forked(needs, handles)
        else:
            ours, self._starter = _spawned(slots.file if slots is not None else "")
            self.pid = self._starter.pid
        ours.settimeout(caps.stall_s)
        self._wire: Wire | None = Wire(ours)
        log.debug("worker %d: %s", self.pid, job.get("do"))
        try:
            self._wire.send({**job, "memory_bytes": caps.memory_bytes})
        except OSError:
            raise ChildStopped(self._ended()) from None

    def receive(self) -> tuple[Said, bytes]:
        """The next message.

        Raises `ChildStopped` when the worker ended, hung or failed, `InputError` when it says in
        words what is wrong with the source.
        """
        if self._wire is None:
            raise ChildStopped("the decoder was closed")
        try:
            said, blob = self._wire.receive()
        except EOFError:
            raise ChildStopped(self._ended()) from None
        except TimeoutError:
            self.close()
            seconds = f"{self._caps.stall_s:.0f} s"
            raise ChildStopped(f"the decoder gave nothing for {seconds} and was stopped") from None
        if "refused" in said:
            raise InputError(text(said, "refused"), text(said, "hint"))
        if "failed" in said:
            raise ChildStopped(f"the decoder failed: {text(said, 'failed')}")
        return said, blob

    def release(self, slot: int) -> None:
        """Say that a slot may be filled again."""
        if self._wire is not None:
            with suppress(OSError):  # it has ended: what it said before is still to be read
                self._wire.send_byte(slot)

    def close(self) -> int:
        """End the worker; returns how it ended. Safe to call twice."""
        if self._wire is None:
            return 0
        self._wire.close()
        self._wire = None
        try:
            return self._starter.end(self.pid)
        except OSError:  # the starter was ended by someone, and its workers with it
            return -9

    def _ended(self) -> str:
        return f"the decoder {end_words(self.close())}"


def _spawned(memory_file: str) -> tuple[socket.socket, Spawned]:
    try:
        return spawn(memory_file, _PATIENCE_S, environment())
    except OSError as error:
        raise ChildStopped(f"the decoder could not be started: {error}") from error


def _forked(needs: Needs, handles: Sequence[int]) -> tuple[Starter, int]:
    """A worker of the starter, or of a new starter where the old one has ended."""
    for last in (False, True):
        one = starter()
        try:
            return one, one.fork(needs, handles)
        except OSError as error:
            _drop(one)
            if last:
                raise ChildStopped(f"the decoder could not be started: {error}") from error
    raise AssertionError("two tries were made")
