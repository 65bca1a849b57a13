"""A models folder and a catalogue for tests: official names, other digests, no download.

``put`` gives an official name the digest of bytes made in the test and places them by hand, so that
everything above the catalogue can run with networks of random weights.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from forensics.models import official as rows
from forensics.models.official import Official


def pth(state: Mapping[str, object]) -> bytes:
    """What ``torch.save`` writes."""
    stream = io.BytesIO()
    torch.save(dict(state), stream)
    return stream.getvalue()


def redigest(monkeypatch: pytest.MonkeyPatch, name: str, raw: bytes, url: str = "") -> Official:
    """Give the catalogue's row ``name`` the size and digest of ``raw`` (and another address)."""
    digest = hashlib.sha256(raw).hexdigest()
    changed = None
    table = []
    for row in rows.OFFICIAL:
        if row.name == name:
            row = replace(row, bytes=len(raw), sha256=digest, url=url or row.url)
            changed = row
        table.append(row)
    assert changed is not None, name
    monkeypatch.setattr(rows, "OFFICIAL", tuple(table))
    return changed


def put(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, raw: bytes) -> Official:
    """Place ``raw`` as the official file ``name`` in the models folder ``folder``."""
    monkeypatch.setenv("FORENSICS_MODELS_DIR", str(folder))
    row = redigest(monkeypatch, name, raw)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / row.file).write_bytes(raw)
    return row
