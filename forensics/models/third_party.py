"""Models, third-party restorers: the records of what ``forensics models add`` took in.

Loads no torch.  A record names the file that was given, its digest, what it was recognised as, and
the digests of the safetensors copy that every later load reads.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from forensics.config import models_dir
from forensics.errors import IntegrityError, UsageError
from forensics.models.converted import Conversion

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ThirdParty:
    """A restorer that somebody added here."""

    name: str
    file: str  # the name of the file that was given
    bytes: int
    architecture: str  # spandrel's id: GFPGAN, RestoreFormer, ...
    recognised_by: str  # "spandrel 0.4.2"
    licence: str
    added_utc: str
    conversion: Conversion

    def card(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "name": self.name,
            "title": f"{self.name} (third-party)",
            "version": self.conversion.file_sha256[:16],
            "role": "restorer",
            "architecture": self.architecture,
            "kind": "third-party",
            "file": self.file,
            "source": "third-party",
            "sha256": self.conversion.file_sha256,
            "state_sha256": self.conversion.state_sha256,
            "recognised_by": self.recognised_by,
            "licence": self.licence,
            "notice": f"Added by hand on {self.added_utc}; its terms are those of its maker.",
            "non_commercial": [],
            "commercial_use": "unclear",
        }


def third_party_dir() -> Path:
    """The folder of added restorers."""
    return models_dir() / "third-party"


def weights_path(name: str) -> Path:
    """The safetensors copy of an added restorer."""
    return third_party_dir() / f"{name}.safetensors"


def added_path(name: str) -> Path:
    """The record of an added restorer."""
    return third_party_dir() / f"{name}.added.json"


def add_again(name: str) -> str:
    """What to do when what was added is no longer what it was."""
    return f"Run 'forensics models add {name} FILE' again with the file it came from."


def as_json(added: ThirdParty) -> bytes:
    """The record as it is kept."""
    return json.dumps(asdict(added), indent=1, ensure_ascii=False).encode() + b"\n"


def third_party_names() -> list[str]:
    """Names of what was added, in order."""
    folder = third_party_dir()
    if not folder.is_dir():
        return []
    names = (path.name.removesuffix(".added.json") for path in folder.glob("*.added.json"))
    return sorted(name for name in names if NAME.fullmatch(name))


def read_third_party(name: str) -> ThirdParty:
    """The record of one.  Raises `UsageError` when there is none of this name."""
    if NAME.fullmatch(name) is None or not added_path(name).is_file():
        raise UsageError(
            f"there is no restorer named {name!r}",
            "See 'forensics models list', or add one with 'forensics models add NAME FILE'.",
        )
    try:
        document = json.loads(added_path(name).read_text("utf-8"))
        document["conversion"] = Conversion(**document["conversion"])
        added = ThirdParty(**document)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"the record {added_path(name)} cannot be read: {error}",
            "Remove it and add the file again.",
        ) from error
    if added.name != name:
        raise IntegrityError(
            f"the record {added_path(name)} is that of {added.name!r}",
            "Remove it and add the file again.",
        )
    return added
