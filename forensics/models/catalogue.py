"""Models, catalogue: which weights this version can use, and whether they are here.

Loads no torch.  Embedded networks travel in the wheel; the AlexNet backbone of LPIPS is official,
is not shipped, and is used when a file with its digest lies in the models folder.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forensics.config import models_dir
from forensics.models.load import EMBEDDED, ROLES, read_card

State = Literal["embedded", "present", "not fetched", "altered"]


@dataclass(frozen=True)
class Official:
    """An official weight file: where it comes from and what identifies it (never its size)."""

    name: str
    role: str
    file: str
    url: str
    bytes: int
    sha256: str
    licence: str


ALEXNET = Official(
    name="lpips-alexnet-backbone",
    role="backbone of LPIPS (alex)",
    file="alexnet-owt-7be5be79.pth",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    bytes=244408911,
    sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    licence="BSD-3-Clause (torchvision code); terms of the weights unverified",
)
OFFICIAL = (ALEXNET,)


@dataclass(frozen=True)
class Entry:
    """A line of ``forensics models list``."""

    name: str
    role: str
    version: str
    sha256: str
    bytes: int
    licence: str
    state: State
    path: Path


def entries(check: bool = False) -> list[Entry]:
    """Every model of this version.  With ``check`` the files are hashed."""
    return [_embedded(role, check) for role in ROLES] + [_official(o, check) for o in OFFICIAL]


def official_path(model: Official) -> Path:
    """Where a file of this model is looked for."""
    return models_dir() / model.file


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _embedded(role: str, check: bool) -> Entry:
    card = read_card(role)
    path = EMBEDDED / f"{role}.safetensors"
    state: State = "embedded" if path.is_file() else "not fetched"
    if check and state == "embedded" and sha256_of(path) != card["sha256"]:
        state = "altered"
    return Entry(
        name=str(card["name"]),
        role=role,
        version=str(card["version"]),
        sha256=str(card["sha256"]),
        bytes=path.stat().st_size if path.is_file() else 0,
        licence=str(card["licence"]),
        state=state,
        path=path,
    )


def _official(model: Official, check: bool) -> Entry:
    path = official_path(model)
    state: State = "present" if path.is_file() else "not fetched"
    if check and state == "present" and sha256_of(path) != model.sha256:
        state = "altered"
    return Entry(
        name=model.name,
        role=model.role,
        version="official",
        sha256=model.sha256,
        bytes=model.bytes,
        licence=model.licence,
        state=state,
        path=path,
    )
