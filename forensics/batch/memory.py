"""Memory: how much a process holds, and how much this machine has, as far as it tells."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def measurable() -> bool:
    """Whether `resident_bytes` can tell anything here."""
    return resident_bytes(os.getpid()) is not None


def resident_bytes(pid: int) -> int | None:
    """Resident memory of a process in bytes; None when it is gone or this system does not tell."""
    statm = Path(f"/proc/{pid}/statm")
    if statm.exists() and hasattr(os, "sysconf"):  # Linux
        try:
            pages = int(statm.read_text("ascii").split()[1])
        except (OSError, ValueError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")
    ps = shutil.which("ps")
    if ps is None:  # Windows has none
        return None
    done = subprocess.run(  # noqa: S603 - a fixed command and a number
        [ps, "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    text = done.stdout.strip()
    return int(text) * 1024 if text.isdigit() else None


def machine_bytes() -> int | None:
    """Memory of the machine in bytes; None when this system does not tell."""
    if not hasattr(os, "sysconf"):
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
