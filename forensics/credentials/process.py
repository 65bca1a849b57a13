"""Credentials, process: runs `child` with a time cap, so that no file can take the run with it.

Promise: `run` returns or raises within its cap whatever the files hold; the child gets open file
handles and no private key.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from forensics.children import ChildStopped
from forensics.errors import EnvironmentLacks

__all__ = ["Answer", "ChildStopped", "Sign", "run"]

log = logging.getLogger(__name__)

Sign = Callable[[bytes], bytes]
Answer = Mapping[str, object]

SCRIPT: Final = Path(__file__).with_name("child.py")
MAX_ANSWER_BYTES: Final = 16 * 2**20
_READ_BYTES: Final = 2**16
_KEPT: Final = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME", "SYSTEMROOT",
    "TMPDIR",
)  # fmt: skip


def run(
    task: str,
    jobs: Sequence[Mapping[str, object]],
    common: Mapping[str, object],
    handles: Sequence[int],
    seconds: float,
    sign: Sign | None = None,
) -> list[Answer]:
    """One answer per job: ``{"result": ...}`` or ``{"error": text}``.

    ``handles`` are the open files that the jobs name; ``sign`` signs what the child asks for, at
    most once per job.  Raises `ChildStopped`, and `EnvironmentLacks` when c2pa is not installed.
    """
    command = [sys.executable, "-P", "-B", str(SCRIPT)]
    request = json.dumps({"task": task, "jobs": list(jobs), **common}) + "\n"
    with subprocess.Popen(  # noqa: S603 - our own script, no shell, no argument from outside
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(handles),
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    ) as child:
        try:
            return _Talk(child, seconds, sign, len(jobs)).hold(request.encode())
        finally:
            child.kill()


class _Talk:
    """The conversation with one child."""

    def __init__(
        self, child: subprocess.Popen[bytes], seconds: float, sign: Sign | None, jobs: int
    ) -> None:
        self._child, self._sign, self._jobs = child, sign, jobs
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._pending = bytearray()
        self._signed = 0

    def hold(self, request: bytes) -> list[Answer]:
        answers: list[Answer] = []
        with selectors.DefaultSelector() as ready:
            assert self._child.stdout is not None  # noqa: S101 - opened as a pipe above
            ready.register(self._child.stdout, selectors.EVENT_READ)
            self._tell(request)
            while len(answers) < self._jobs:
                answer = self._next(ready)
                if "missing" in answer:
                    raise EnvironmentLacks(
                        "the library c2pa is missing here",
                        "Install it: pip install c2pa-python",
                    )
                if "sign" in answer:
                    self._reply(answer["sign"])
                else:
                    answers.append(answer)
        return answers

    def _tell(self, line: bytes) -> None:
        assert self._child.stdin is not None  # noqa: S101 - opened as a pipe by `run`
        try:
            self._child.stdin.write(line)
            self._child.stdin.flush()
        except OSError:
            raise ChildStopped("the reader of credentials could not be started") from None

    def _reply(self, asked: object) -> None:
        self._signed += 1
        if self._sign is None or self._signed > self._jobs or not isinstance(asked, str):
            raise ChildStopped("the reader of credentials asked for a signature that is not due")
        try:
            data = base64.b64decode(asked, validate=True)
        except ValueError:
            raise ChildStopped("the reader of credentials asked to sign nonsense") from None
        self._tell(base64.b64encode(self._sign(data)) + b"\n")

    def _next(self, ready: selectors.BaseSelector) -> Answer:
        """The next whole line as an object."""
        assert self._child.stdout is not None  # noqa: S101 - opened as a pipe by `run`
        end = self._pending.find(b"\n")
        while end < 0:
            left = self._until - time.monotonic()
            if left <= 0 or not ready.select(left):
                raise ChildStopped(
                    f"the reader of credentials took longer than {self._seconds:.1f} s"
                )
            block = os.read(self._child.stdout.fileno(), _READ_BYTES)
            if not block:
                raise ChildStopped(f"the reader of credentials {self._end()}")
            found_at = block.find(b"\n")
            end = len(self._pending) + found_at if found_at >= 0 else -1
            self._pending += block
            if len(self._pending) > MAX_ANSWER_BYTES:
                raise ChildStopped("the reader of credentials gave too long an answer")
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            raise ChildStopped("the reader of credentials gave no readable answer") from None
        if not isinstance(found, dict):
            raise ChildStopped("the reader of credentials gave no readable answer")
        return found

    def _end(self) -> str:
        """How the child ended."""
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return f"crashed (signal {-code})" if code < 0 else f"stopped (exit {code})"
