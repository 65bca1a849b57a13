"""Children: what every child process of this tool has in common: caps, and words for its end.

Libraries that parse what strangers send run in processes of their own.  Whatever such a process
does, the run goes on: it ends with an answer or as a `ChildStopped` with words for a reader.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Final

from forensics.errors import ForensicsError

_KEPT: Final = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HOME", "SYSTEMROOT",
    "TMPDIR",
)  # fmt: skip


class ChildStopped(ForensicsError):
    """A child ended, hung or spoke nonsense before it had answered; the message says which."""


def environment() -> dict[str, str]:
    """What a child gets of the environment: no settings, no secrets, one thread for sums."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def cap(memory_bytes: int, file_bytes: int, cpu_s: int | None = None) -> None:
    """Cap this process for good, and forbid core dumps; caps are Unix's alone."""
    if sys.platform == "win32":
        return
    import resource

    caps = [
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ]
    if cpu_s is not None:
        caps.append((resource.RLIMIT_CPU, cpu_s))
    for kind, value in caps:
        _, most = resource.getrlimit(kind)
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        # macOS refuses a cap on address space; the cap on time still holds there.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (least, least))


_DENIED: Final = (
    "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system", "os.fork", "ftplib.",
)  # fmt: skip


def deny(who: str) -> None:
    """Forbid this process new sockets and processes for good; ``who`` stands in the error."""

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if event.startswith(_DENIED):
            raise PermissionError(f"{who} does no {event}")

    sys.addaudithook(refuse)


def end_words(code: int) -> str:
    """Words for how a process ended; ``code`` as `subprocess` gives it (negative: a signal)."""
    if code >= 0:
        return f"stopped with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"crashed ({name})"
