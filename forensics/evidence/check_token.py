"""Checks of the time stamp: over this signature, whole, by a pinned authority, near the end.

A token says that the signature existed at its time, not when the run began.  Without a pinned
authority it says nothing that its maker could not have made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

from forensics.evidence.signing import STAMP
from forensics.evidence.token import MAX_TOKEN_BYTES, Token, TokenError, check_token
from forensics.evidence.tree import Tree

TOLERANCE: Final = timedelta(minutes=10)
"""Largest gap between the seal event and the token (the rule of WACZ-auth)."""
REPORTING: Final = timedelta(hours=1)
"""Longest time from the claimed end of the run to its seal: the reports are rendered between."""


@dataclass(frozen=True)
class TokenCheck:
    """What the time stamp shows; ``token`` is None when it does not hold."""

    faults: tuple[str, ...]
    token: Token | None = None


def check_time(
    tree: Tree,
    envelope: bytes,
    roots: Sequence[x509.Certificate],
    ended_utc: str | None,
    sealed_utc: str | None,
) -> TokenCheck:
    """Judge the token over ``envelope`` and hold it against the claimed times, where known.

    ImportError where rfc3161-client is absent.
    """
    raw = tree.read(STAMP, MAX_TOKEN_BYTES)
    try:
        token = check_token(raw, envelope, roots)
    except TokenError as error:
        return TokenCheck((f"the time stamp {error}",))
    faults = time_faults(token.moment, parse_moment(ended_utc), parse_moment(sealed_utc))
    return TokenCheck(tuple(faults), token)


def time_faults(token: datetime, ended: datetime | None, sealed: datetime | None) -> list[str]:
    """Where the claimed end of the run and of its log do not fit the token's time."""
    faults = []
    if sealed is not None and abs(token - sealed) > TOLERANCE:
        faults.append(
            f"the log claims to end at {_text(sealed)}, the time stamp is of {_text(token)}: more "
            "than 10 minutes apart"
        )
    end = sealed or token
    if ended is not None and not -timedelta(minutes=1) <= end - ended <= REPORTING:
        faults.append(
            f"the run claims to have ended at {_text(ended)}, and was sealed at {_text(end)}: more "
            "than an hour apart"
        )
    if ended is None or sealed is None:
        faults.append("the claimed end of the run or of its log cannot be read")
    return faults


def parse_moment(text: str | None) -> datetime | None:
    """A time with its zone, None for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
