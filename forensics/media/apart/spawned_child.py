"""Spawned child: run as a script, it does one task for the process that started it and ends.

It reads one line from standard input and connects back over the loopback with the word that stands
there (`spawned`).
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_HERE: Final = "127.0.0.1"
# Run by its path: the package is the one that this file belongs to, wherever that stands.
_PACKAGE_ROOT: Final = str(Path(__file__).resolve().parents[3])


def main() -> int:
    """Connect, do the task, end."""
    told = json.loads(sys.stdin.buffer.readline())
    if _PACKAGE_ROOT not in sys.path:
        sys.path.insert(0, _PACKAGE_ROOT)
    from forensics.media.apart.tasks import work

    connection = socket.create_connection((_HERE, told["port"]))
    connection.sendall(told["word"].encode("ascii"))
    memory = -1
    if told["memory"]:
        memory = os.open(told["memory"], os.O_RDWR | getattr(os, "O_BINARY", 0))
    return work(connection.detach(), memory)


if __name__ == "__main__":
    code = 1
    with suppress(KeyboardInterrupt):
        code = main()
    sys.exit(code)
