"""Child: the starter of decoders, run by its path, and the workers that it forks.

The starter loads the decoding libraries, touches no footage, and forks one worker for each task
that `process` asks for.  A worker caps itself, does one task (`tasks`) and ends.  When the parent
has gone, the starter ends its workers and itself.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

_PID = struct.Struct(">q")
_ASKED = 1 + _PID.size
_GRACE_S = 2.0
# Run by its path: the package is the one that this file belongs to, wherever that stands.
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[3])


def serve(control: socket.socket) -> None:
    """Answer requests until the parent has gone."""
    if not hasattr(os, "fork"):
        raise SystemExit("decoders are forked; this system cannot")
    workers: set[int] = set()
    while asked := _receive(control):
        raw, handles = asked
        what, number = raw[:1], _PID.unpack(raw[1:])[0]
        if what == b"E":
            answer = _end(number) if number in workers else 0
            workers.discard(number)
        else:
            if what == b"P":  # loaded once, before the fork, and only where pictures are read
                import forensics.media.picture  # noqa: F401 - for the workers
            answer = os.fork()
            if answer == 0:
                control.close()
                _work(handles)
            workers.add(answer)
        for handle in handles:
            os.close(handle)
        control.sendall(_PID.pack(answer))
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def _receive(control: socket.socket) -> tuple[bytes, list[int]] | None:
    """One request with the open files that come with it; None when the parent has gone."""
    raw, handles, _, _ = socket.recv_fds(control, _ASKED, 2)
    while raw and len(raw) < _ASKED:
        more = control.recv(_ASKED - len(raw))
        if not more:
            return None
        raw += more
    return (raw, handles) if raw else None


def _end(pid: int) -> int:
    """How a worker ended, as `subprocess` says it; one that lives is soon killed."""
    if sys.platform == "win32":
        raise SystemExit("decoders are forked; this system cannot")
    until = time.monotonic() + _GRACE_S
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _work(handles: list[int]) -> None:
    """The worker: never returns."""
    from forensics.media.apart.tasks import work

    code = 1
    try:
        code = work(handles[0], handles[1] if len(handles) > 1 else -1)
    finally:
        # No clean-up of what the starter set up; also not when something was raised.
        os._exit(code)


def main() -> None:
    """Load what decodes, then serve the socket named on the command line."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if _PACKAGE_ROOT not in sys.path:
        sys.path.insert(0, _PACKAGE_ROOT)
    import forensics.media.apart.tasks  # noqa: F401 - loaded here, once

    gc.freeze()  # what is loaded stays shared with the workers
    serve(control)


if __name__ == "__main__":
    main()
