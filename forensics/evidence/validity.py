"""Validity: from when until when a pinned key's owner says that it was used.

The owner writes it above the key in the public file, where PEM leaves room for text::

    Valid-From: 2026-01-01
    Retired-At: 2026-11-01T12:00:00Z
    -----BEGIN PUBLIC KEY-----

A retired key counts only where a pinned authority attests that it signed before: whoever stole it
can claim any date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from forensics.errors import UsageError

# Wider than the two labels: a line that is nearly one of them must not be passed over.
_LINE: Final = re.compile(rb"^[ \t#]*((?:valid|retired)[\w -]*):[ \t]*(.*?)[ \t\r]*$", re.I | re.M)
_LABELS: Final = ("valid-from", "retired-at")


@dataclass(frozen=True)
class Validity:
    """When a key counts; None: no bound. Both in UTC."""

    valid_from: datetime | None = None
    retired_at: datetime | None = None

    def narrowed(self, other: Validity) -> Validity:
        """What both allow, for a key that was given twice."""
        starts = [moment for moment in (self.valid_from, other.valid_from) if moment is not None]
        ends = [moment for moment in (self.retired_at, other.retired_at) if moment is not None]
        return Validity(max(starts, default=None), min(ends, default=None))

    def fault(self, attested: datetime | None, claimed: datetime | None) -> str | None:
        """Why a signature does not count; ``claimed`` is used only where nothing is attested."""
        if self.retired_at is not None:
            if attested is None:
                return f"was retired at {_text(self.retired_at)}, and no pinned time stamp is older"
            if attested >= self.retired_at:
                return f"was retired at {_text(self.retired_at)}, and signed at {_text(attested)}"
        moment = attested or claimed
        if self.valid_from is not None and moment is not None and moment < self.valid_from:
            return f"counts from {_text(self.valid_from)}, and signed at {_text(moment)}"
        return None


def read_validity(raw: bytes, name: str) -> Validity:
    """The lines above the key in the public file ``name``; UsageError for one that is unclear.

    A date alone is its first moment in UTC.
    """
    found: dict[str, datetime] = {}
    for match in _LINE.finditer(raw.partition(b"-----BEGIN")[0]):
        label = match[1].decode().strip().lower()
        moment = _moment(match[2])
        if moment is None or label in found or label not in _LABELS:
            raise UsageError(
                f"{name!r}: the line {label!r} is unknown, there twice, or holds no date",
                "Write 'Valid-From: 2026-01-01' and 'Retired-At: 2026-11-01T12:00:00Z'.",
            )
        found[label] = moment
    return Validity(found.get("valid-from"), found.get("retired-at"))


def validity_faults(
    known: Iterable[str],
    validity: Mapping[str, Validity],
    attested: datetime | None,
    claimed: datetime | None,
) -> dict[str, str]:
    """Of the pinned keys that signed, those that do not count, with the reason."""
    found = {name: validity.get(name, Validity()).fault(attested, claimed) for name in known}
    return {name: reason for name, reason in found.items() if reason is not None}


def _moment(text: bytes) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.decode("ascii"))
    except ValueError:  # also what is not ASCII
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
