"""Models, official rows: what this version knows of each official weight file.

Loads no torch and no network code.  A row names the file, where it comes from, the digest that
identifies it (never its size), its licence and the parts of it that are non-commercial.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forensics.config import models_dir
from forensics.errors import EnvironmentLacks, IntegrityError, UsageError

Role = Literal[
    "restorer", "detector", "parser", "background", "identity", "lpips backbone", "judge"
]


@dataclass(frozen=True)
class Official:
    """An official weight file: where it comes from and what identifies it (never its size)."""

    name: str
    role: Role
    title: str
    version: str
    architecture: str
    file: str
    url: str
    bytes: int
    sha256: str
    agreeing: str  # how many independent public sources state this digest
    licence: str
    commercial_use: Literal["yes", "no", "unclear"]
    notice: str  # the licence in sentences, shown before the first fetch
    non_commercial: tuple[str, ...]  # the parts that are; where there are any, agreement is asked
    notes: str

    @property
    def is_onnx(self) -> bool:
        """An ONNX file: bytes for its own runtime, no state dict."""
        return self.file.endswith(".onnx")

    @property
    def notice_sha256(self) -> str:
        """Digest of what an agreement is given to: notice and non-commercial parts."""
        text = "\n".join((self.licence, self.notice, *self.non_commercial))
        return hashlib.sha256(text.encode()).hexdigest()


def read_rows(path: Path) -> tuple[Official, ...]:
    """The rows of a catalogue file, in its order. A row with a missing or unknown key raises."""
    rows = tomllib.loads(path.read_text("utf-8"))["model"]
    return tuple(
        Official(**{**row, "non_commercial": tuple(row["non_commercial"])}) for row in rows
    )


OFFICIAL = read_rows(Path(__file__).with_name("catalogue.toml"))


def official(name: str) -> Official:
    """The row of this name.  Raises `UsageError` for an unknown one."""
    for row in OFFICIAL:
        if row.name == name:
            return row
    raise UsageError(
        f"there is no model named {name!r} in the catalogue",
        f"Names: {', '.join(row.name for row in OFFICIAL)}.",
    )


ALEXNET = official("torchvision-alexnet")


def official_path(model: Official) -> Path:
    """Where a file of this model is looked for."""
    return models_dir() / model.file


def fetch_command(names: str | Sequence[str]) -> str:
    """The exact command that fetches these models, agreement included where it is asked for."""
    wanted = [names] if isinstance(names, str) else list(names)
    rows = {row.name: row for row in OFFICIAL}
    asks = any(rows[name].non_commercial for name in wanted if name in rows)
    return f"forensics models fetch {' '.join(wanted)}{' --accept-licence' if asks else ''}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def not_fetched(row: Official) -> EnvironmentLacks:
    """The error for a file that is not here, with the command that fetches it."""
    return EnvironmentLacks(
        f"the model {row.name!r} is not fetched: {official_path(row)} is not there",
        f"Run '{fetch_command(row.name)}', or put the file there by hand.",
    )


def check_official(row: Official, digest: str) -> None:
    """Raises `IntegrityError` unless the digest of the file that is here is the catalogue's."""
    if digest != row.sha256:
        raise IntegrityError(
            f"{official_path(row)} is not the official {row.file}: SHA-256 {digest}, "
            f"the catalogue says {row.sha256}",
            f"Move it away and run '{fetch_command(row.name)}'. This file is left as it is.",
        )
