"""Wire: how the decoding child and its parent talk: a length, plain JSON, then raw bytes.

No object is ever built from what a child says: numbers and texts come as JSON and are checked by
whoever reads them, pictures come as bytes in shared memory whose size the parent fixed.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Final

from forensics.children import ChildStopped

_HEAD: Final = struct.Struct(">II")
MAX_JSON_BYTES: Final = 64 * 2**20
MAX_BLOB_BYTES: Final = 256 * 2**20
NONSENSE: Final = "the decoder spoke nonsense"

Said = dict[str, object]


class Wire:
    """One end of a connection; blocking, with the timeout that its socket has."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, document: Mapping[str, object], blob: bytes = b"") -> None:
        """One message. Raises `OSError` when nobody listens any more."""
        text = json.dumps(document).encode("ascii")
        self._connection.sendall(_HEAD.pack(len(text), len(blob)) + text)
        if blob:
            self._connection.sendall(blob)

    def receive(self) -> tuple[Said, bytes]:
        """The next message.

        Raises `EOFError` when the other end has closed, `TimeoutError` when nothing comes in time,
        `ChildStopped` when what comes is no message.
        """
        sizes: tuple[int, int] = _HEAD.unpack(self._exactly(_HEAD.size))
        if sizes[0] > MAX_JSON_BYTES or sizes[1] > MAX_BLOB_BYTES:
            raise ChildStopped(NONSENSE)
        text = self._exactly(sizes[0])
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise ChildStopped(NONSENSE) from None
        if not isinstance(document, dict):
            raise ChildStopped(NONSENSE)
        return document, self._exactly(sizes[1])

    def send_byte(self, value: int) -> None:
        """One byte outside of any message: the number of a slot that may be filled again."""
        self._connection.sendall(bytes([value]))

    def receive_byte(self) -> int:
        """The next such byte. Raises `EOFError`."""
        return self._exactly(1)[0]

    def _exactly(self, count: int) -> bytes:
        out = bytearray(count)
        view, at = memoryview(out), 0
        while at < count:
            try:
                got = self._connection.recv_into(view[at:])
            except ConnectionError:
                got = 0
            if not got:
                raise EOFError
            at += got
        return bytes(out)

    def close(self) -> None:
        """Close this end; safe to call twice."""
        self._connection.close()


def integer(said: Mapping[str, object], name: str, least: int, most: int) -> int:
    """A whole number in a range, or `ChildStopped`."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ChildStopped(f"{NONSENSE}: {name} is {value!r:.40}")
    return value


def integer_or_none(said: Mapping[str, object], name: str) -> int | None:
    """A 64-bit number or None, or `ChildStopped`."""
    return None if said.get(name) is None else integer(said, name, -(2**63), 2**63 - 1)


def text(said: Mapping[str, object], name: str, most: int = 2000) -> str:
    """A text of at most ``most`` characters, or `ChildStopped`."""
    value = said.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise ChildStopped(f"{NONSENSE}: {name} is {value!r:.40}")
    return value


def text_or_none(said: Mapping[str, object], name: str) -> str | None:
    """A text or None, or `ChildStopped`."""
    return None if said.get(name) is None else text(said, name)
