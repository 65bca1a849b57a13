"""Slots: shared memory through which decoded pictures pass, a small ring of fixed size.

The parent fixes the size and seals it, so that a child can neither grow it nor pull it away under
the parent's eyes; what lies in a slot is copied out before the slot is given back.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys
import tempfile
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

RING_BYTES = 64 * 2**20
MOST, FEWEST = 6, 2
"""How many slots: as many as fit into `RING_BYTES`, within these bounds."""


def slot_bytes(width: int, height: int) -> int:
    """Room for RGB and alpha of one picture."""
    return width * height * 4


class Slots:
    """The parent's side; a context that frees the memory. ``file`` is its name, if it has one."""

    def __init__(self, width: int, height: int) -> None:
        self._shape = (height, width)
        self.each = slot_bytes(width, height)
        self.count = max(FEWEST, min(MOST, RING_BYTES // self.each))
        size = self.count * self.each
        self.handle, self.file = (_memory(size), "") if can_fork() else _file(size)
        self._map = mmap.mmap(self.handle, size, access=mmap.ACCESS_READ)

    def rgb_u8(self, slot: int) -> NDArray[np.uint8]:
        """A copy of the picture (H, W, 3) in a slot."""
        height, width = self._shape
        flat = self._copy(slot * self.each, height * width * 3)
        return flat.reshape(height, width, 3)

    def alpha_u8(self, slot: int) -> NDArray[np.uint8]:
        """A copy of the alpha plane (H, W) in a slot."""
        height, width = self._shape
        flat = self._copy(slot * self.each + height * width * 3, height * width)
        return flat.reshape(height, width)

    def _copy(self, start: int, count: int) -> NDArray[np.uint8]:
        return np.frombuffer(self._map, np.uint8, count, start).copy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._map.close()
        os.close(self.handle)
        if self.file:
            with suppress(
                OSError
            ):  # a child that will not end still holds it: the system's to clear
                os.unlink(self.file)


def can_fork() -> bool:
    """Whether this system forks processes and hands open files to them."""
    return hasattr(os, "fork") and hasattr(socket, "send_fds")


def _file(size: int) -> tuple[int, str]:
    """An open file of ``size`` bytes and its name, for a child that must open it by name."""
    handle, name = tempfile.mkstemp(prefix="forensics-frames-")
    os.ftruncate(handle, size)
    return handle, name


def _memory(size: int) -> int:
    """An open file of ``size`` bytes that has no name and lies in memory where the system can."""
    if sys.platform != "linux":
        with tempfile.TemporaryFile() as file:
            os.ftruncate(file.fileno(), size)
            return os.dup(file.fileno())
    import fcntl

    handle = os.memfd_create("frames", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(handle, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
    return handle


class Filled:
    """The child's side: puts pictures into slots."""

    def __init__(self, handle: int, count: int, each: int) -> None:
        self._each = each
        self._map = mmap.mmap(handle, count * each, access=mmap.ACCESS_WRITE)
        self._bytes = np.frombuffer(self._map, np.uint8)

    def put(self, slot: int, rgb_u8: NDArray[np.uint8], alpha_u8: NDArray[np.uint8] | None) -> None:
        """Copy a picture (H, W, 3) and its alpha (H, W), if any, into a slot."""
        at = slot * self._each
        self._bytes[at : at + rgb_u8.size] = rgb_u8.reshape(-1)
        if alpha_u8 is not None:
            at += rgb_u8.size
            self._bytes[at : at + alpha_u8.size] = alpha_u8.reshape(-1)
