"""Credentials, write: signs restored media and reads back what was written.

Embedded where the container takes it, in a file ``NAME.c2pa`` beside the medium otherwise.  Only
bytes outside the coded pictures and sound change: time stamps, frames and packets stay.  Callers
take the medium's digest afterwards.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from forensics.credentials.manifest import Claim, definition, ingredient
from forensics.credentials.process import Answer, ChildStopped, run
from forensics.credentials.read import KINDS, OTHER_KIND, Medium, kind_of, read_media
from forensics.errors import ForensicsError
from forensics.record_credentials import Credentials

SIDECAR: Final = ".c2pa"
EMBEDDED: Final = frozenset({".mp4", ".mov", ".png", ".jpg", ".jpeg"})
_SECONDS: Final = 120.0
_SECONDS_PER_GB: Final = 60.0
_PER_CHILD: Final = 16


class CredentialsFailed(ForensicsError):
    """Content Credentials could not be written; the medium is as it was."""


class ChainSigner(Protocol):
    """An Ed25519 key with its certificates, as `forensics.evidence.keys.SigningKey`."""

    @property
    def chain_pem(self) -> bytes | None: ...
    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class Item:
    """A restored medium, the original it was made from, and what is claimed of it.

    ``unread`` says why the original's own credentials could not be read; it then becomes a parent
    whose inside nobody looked at, and the claim says so.
    """

    medium: Path
    original: Path
    claim: Claim
    unread: str | None = None


def write_credentials(items: Sequence[Item], signer: ChainSigner) -> list[Credentials]:
    """Sign every medium in place; the record of each is what a reader finds in it afterwards.

    Raises `CredentialsFailed` when one cannot be signed (it then is as it was; earlier ones are
    signed) and `EnvironmentLacks` when the library is not installed.
    """
    done: list[Credentials] = []
    for start in range(0, len(items), _PER_CHILD):
        done += _write_some(items[start : start + _PER_CHILD], signer)
    return done


def _write_some(items: Sequence[Item], signer: ChainSigner) -> list[Credentials]:
    if signer.chain_pem is None:
        raise CredentialsFailed("the signing key has no certificate chain")
    parts = [item.medium.with_name(f".{item.medium.name}.signed") for item in items]
    try:
        with _handles(items, parts) as (jobs, handles):
            common = {"algorithm": "ED25519", "chain_pem": signer.chain_pem.decode("ascii")}
            size = sum(path.stat().st_size for i in items for path in (i.medium, i.original))
            seconds = _SECONDS + _SECONDS_PER_GB * size / 1e9
            answers = run("sign", jobs, common, handles, seconds, signer.sign)
        return [
            _settle(item, part, answer)
            for item, part, answer in zip(items, parts, answers, strict=True)
        ]
    except ChildStopped as error:
        raise CredentialsFailed(error.message) from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


@contextmanager
def _handles(
    items: Sequence[Item], parts: Sequence[Path]
) -> Iterator[tuple[list[dict[str, object]], list[int]]]:
    """Jobs with open handles: medium and original for reading, a new file for the signed copy."""
    opened: list[int] = []

    def opening(path: Path, flags: int) -> int:
        opened.append(os.open(path, flags, 0o666))
        return opened[-1]

    try:
        jobs: list[dict[str, object]] = []
        for item, part in zip(items, parts, strict=True):
            suffix = item.medium.suffix.lower()
            with item.original.open("rb") as file:
                original_kind = OTHER_KIND if item.unread else kind_of(file.read(16))
            jobs.append(
                {
                    "medium": opening(item.medium, os.O_RDONLY),
                    "original": opening(item.original, os.O_RDONLY),
                    "out": opening(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC),
                    "kind": KINDS[suffix] if suffix in EMBEDDED else OTHER_KIND,
                    "original_kind": original_kind,
                    "detached": suffix not in EMBEDDED,
                    "manifest": definition(item.claim),
                    "ingredient": ingredient(item.claim, item.unread),
                }
            )
        yield jobs, opened
    finally:
        for handle in opened:
            os.close(handle)


def _settle(item: Item, part: Path, answer: Answer) -> Credentials:
    """Read the signed copy back and put it in place."""
    result = answer.get("result")
    if not isinstance(result, dict):
        raise CredentialsFailed(str(answer.get("error", "the library gave no answer")))
    store = result.get("manifest_store")
    sidecar = base64.b64decode(store) if isinstance(store, str) else None
    signed = item.medium if sidecar is not None else part
    with signed.open("rb") as file:
        found = read_media([Medium(signed.name, file, sidecar)])[0]
    if found.outcome != "found" or found.state != "Valid":
        codes = ", ".join(failure.code for failure in found.failures)
        raise CredentialsFailed(
            f"what was written does not read back as valid ({found.reason or codes})"
        )
    if sidecar is None:
        part.replace(item.medium)
        return found
    beside = item.medium.with_name(item.medium.name + SIDECAR)
    beside.write_bytes(sidecar)
    return found.model_copy(update={"sidecar": beside.name})
