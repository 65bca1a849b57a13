"""Spawned: a decoder in a process of its own where processes cannot fork (Windows).

The child (`spawned_child`) connects back over the loopback with a word that only it was told, and
does one task.  Slower to start than a forked worker, and without caps on memory where the system
has none; the rest is the same.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

_HERE: Final = "127.0.0.1"
_WORD_BYTES: Final = 32
_STEP_S: Final = 0.25
_GRACE_S: Final = 2.0
_CHILD: Final = str(Path(__file__).with_name("spawned_child.py"))


class Spawned:
    """The parent's hold on one child that does one task."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def end(self, pid: int) -> int:
        """How the child ended, as `subprocess` says it; one that lives is soon killed."""
        if pid != self.pid:
            raise ValueError(f"{pid} is another process")
        try:
            return self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def spawn(
    memory_file: str, patience_s: float, variables: dict[str, str]
) -> tuple[socket.socket, Spawned]:
    """Start a child and return its connection and the hold on it.

    ``memory_file``: the file of shared memory, empty for none.  ``variables``: the child's
    environment.  Raises `OSError` when it cannot be started or does not answer in time.
    """
    word = secrets.token_hex(_WORD_BYTES)
    with socket.create_server((_HERE, 0)) as listening:
        process = subprocess.Popen(  # noqa: S603 - our own script, no shell
            [sys.executable, "-P", "-B", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=variables,
        )
        hold = Spawned(process)
        told = {"port": listening.getsockname()[1], "word": word, "memory": memory_file}
        try:
            if process.stdin is not None:
                with process.stdin as stdin:
                    stdin.write(json.dumps(told).encode("ascii") + b"\n")
            return _answer(listening, process, word, patience_s), hold
        except OSError:
            hold.end(hold.pid)
            raise


def _answer(
    listening: socket.socket, process: subprocess.Popen[bytes], word: str, patience_s: float
) -> socket.socket:
    """The connection of the child that knows the word; others are turned away."""
    listening.settimeout(_STEP_S)
    for _ in range(max(1, int(patience_s / _STEP_S))):
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            if process.poll() is not None:
                raise ConnectionError("the decoder ended before it answered") from None
            continue
        connection.settimeout(patience_s)
        if hmac.compare_digest(_exactly(connection, 2 * _WORD_BYTES), word.encode("ascii")):
            return connection
        connection.close()
    raise TimeoutError("the decoder did not answer")


def _exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes, or fewer where the other end has closed."""
    out = b""
    while len(out) < count:
        block = connection.recv(count - len(out))
        if not block:
            break
        out += block
    return out
