"""Traps: notice every file opened outside what was given, every request, process and unpickling.

Three kinds, because none sees everything: an audit hook (all that Python does), inotify on bait
files (also what a C library opens), and a listening socket on loopback (also what a C library
asks for).  Nothing is prevented: what was tried is noted and counted.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_IN_ACCESS, _IN_OPEN, _IN_NONBLOCK = 0x1, 0x20, 0x800
_NETWORK = frozenset({
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
    "urllib.Request", "ftplib.connect", "http.client.connect", "smtplib.connect",
})  # fmt: skip
_PROCESS = frozenset({
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile",
})  # fmt: skip
_CODE = "pickle.find_class"
SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev", "/opt", "/var/cache")
_NEVER = ("/etc/passwd", "/etc/shadow", "/etc/hosts")


@dataclass
class Caught:
    """What one job tried; empty lists are good."""

    files: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)


def system_roots() -> tuple[str, ...]:
    """Folders whose files belong to Python, its packages, this checkout or the system."""
    checkout = Path(__file__).resolve().parents[2]
    paths = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(checkout), *SYSTEM}
    return tuple(sorted({os.path.realpath(path) for path in paths}))


def _own(args: tuple[object, ...]) -> bool:
    """The tool's own children: git with fixed words (which commit is this code?), its own scripts.

    What a child of ours opens is watched by `Bait` and `Canary`, which see every process.
    """
    command = args[1]
    if str(args[0]).endswith("git"):
        return True
    package = Path(__file__).resolve().parents[2] / "forensics"
    words = [str(word) for word in command] if isinstance(command, list | tuple) else []
    return args[0] == sys.executable and any(word.startswith(f"{package}/") for word in words)


class Hook:
    """The audit hook; it cannot be removed, so it is switched."""

    def __init__(self) -> None:
        self._caught: Caught | None = None
        self._roots: tuple[str, ...] = ()
        sys.addaudithook(self._see)

    @contextmanager
    def on(self, readable: list[str]) -> Iterator[Caught]:
        """Note what happens inside; ``readable`` are the files and folders that were given."""
        caught = Caught()
        given = {os.path.realpath(path) for path in readable}
        self._roots = (*system_roots(), *sorted(given))
        self._caught = caught
        try:
            yield caught
        finally:
            self._caught = None

    def _see(self, event: str, args: tuple[object, ...]) -> None:
        caught = self._caught
        if caught is None:
            return
        if event == "open":
            self._file(args[0], caught)
        elif event in _NETWORK:
            if event == "socket.connect" and isinstance(args[1], str | bytes):
                return  # a Unix socket
            caught.network.append(f"{event} {args[1:2] or args}")
        elif event in _PROCESS:
            if not (event == "subprocess.Popen" and _own(args)):
                caught.processes.append(f"{event} {args[0]!r}")
        elif event == _CODE:
            caught.code.append(repr(args))

    def _file(self, path: object, caught: Caught) -> None:
        if not isinstance(path, str | bytes):
            return  # a descriptor that is open already
        text = os.path.realpath(os.fsdecode(path))
        inside = any(text == root or text.startswith(root + "/") for root in self._roots)
        if not inside or text in _NEVER:
            caught.files.append(text)


class Bait:
    """Files that nobody may open, watched by the kernel."""

    def __init__(self, paths: list[str]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_IN_NONBLOCK)
        self._watched: dict[int, str] = {}
        for path in paths:
            number = self._libc.inotify_add_watch(self._fd, path.encode(), _IN_ACCESS | _IN_OPEN)
            if number < 0:
                raise OSError(ctypes.get_errno(), "cannot watch", path)
            self._watched[number] = path

    def touched(self) -> list[str]:
        """Paths that were opened since the last call."""
        found = set()
        while True:
            try:
                raw = os.read(self._fd, 65536)
            except BlockingIOError:
                return sorted(found)
            at = 0
            while at < len(raw):
                number, _, _, length = struct.unpack_from("iIII", raw, at)
                found.add(self._watched.get(number, "?"))
                at += 16 + length


class Canary:
    """A socket on loopback that counts who knocks."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._server.setblocking(False)

    def knocks(self) -> int:
        """Connections since the last call."""
        count = 0
        while True:
            try:
                peer, _ = self._server.accept()
            except BlockingIOError:
                return count
            peer.close()
            count += 1
