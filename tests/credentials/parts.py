"""Small types and edits that the tests of credentials share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa

from forensics.evidence.keys import SigningKey
from forensics.records import Box


@dataclass(frozen=True)
class Anchored:
    """A signer and its root certificate (PEM)."""

    key: SigningKey
    root_pem: str


@dataclass(frozen=True)
class Face:
    frame: int
    pts_s: float | None
    person: int
    box_px: Box
    outcome: str


def own_reader(path: Path, kind: str, root_pem: str | None = None) -> tuple[str, dict[str, Any]]:
    """State and document by c2pa-python's own reader, without our code."""
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if root_pem:
        settings["trust"] = {"trust_anchors": root_pem}
    context = c2pa.Context.from_dict(settings)
    with path.open("rb") as file, c2pa.Reader(kind, file, context=context) as reader:
        return str(reader.get_validation_state()), json.loads(reader.json())


def flip(path: Path, mark: bytes, after: int) -> None:
    """Flip one bit ``after`` bytes behind the first ``mark``."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(mark) + len(mark) + after] ^= 1
    path.write_bytes(raw)
