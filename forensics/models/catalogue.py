"""Models, catalogue: which weights this version can use, and whether they are here.

Loads no torch.  Embedded networks travel in the wheel; official ones are fetched on demand or put
into the models folder by hand; restorers of other makers are added with ``models add``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forensics.config import models_dir
from forensics.errors import IntegrityError
from forensics.models import official as rows
from forensics.models.converted import (
    Conversion,
    check_converted,
    converted_bytes,
    read_conversion,
)
from forensics.models.ledger import read_note
from forensics.models.load import (
    EMBEDDED,
    ROLES,
    check_conversion,
    converted_path,
    read_card,
)
from forensics.models.official import ALEXNET, Official, official_path, sha256_of
from forensics.models.profiles import BUILT_IN, profile
from forensics.models.third_party import (
    added_path,
    read_third_party,
    third_party_names,
    weights_path,
)

__all__ = ["ALEXNET", "Entry", "Official", "State", "entries", "official_path", "sha256_of"]

State = Literal["embedded", "present", "partly fetched", "not fetched", "altered"]
Kind = Literal["embedded", "official", "third-party"]


@dataclass(frozen=True)
class Entry:
    """A line of ``forensics models list``."""

    name: str
    kind: Kind
    role: str
    version: str
    sha256: str
    bytes: int
    licence: str
    commercial_use: str
    profiles: tuple[str, ...]  # which --models it belongs to
    state: State
    path: Path
    origin: str = ""  # "fetched", "placed by hand", "added", "shipped"; empty when it is not here
    source: str = ""  # address
    agreeing: str = ""  # how many public sources state the digest
    agreed_utc: str | None = None
    state_sha256: str | None = None  # of the tensors, once they were converted
    problem: str | None = None  # why the state is "altered"


def entries(check: bool = False, deep: bool = False) -> list[Entry]:
    """Every model of this version and every added one.

    With ``check`` the files are hashed; with ``deep`` as well official files are opened again and
    compared with their converted copies, which loads torch.
    """
    return [
        *(_embedded(role, check) for role in ROLES),
        *(_official(row, check, deep) for row in rows.OFFICIAL),
        *(_added(name, check) for name in third_party_names()),
    ]


def partial_path(row: Official) -> Path:
    """Where the first part of a file waits to be fetched on."""
    return models_dir() / "incoming" / row.name / f"{row.file}.part"


def _embedded(role: str, check: bool) -> Entry:
    card = read_card(role)
    path = EMBEDDED / f"{role}.safetensors"
    state: State = "embedded" if path.is_file() else "not fetched"
    problem = None
    if check and state == "embedded" and (found := sha256_of(path)) != card["sha256"]:
        state, problem = "altered", f"its SHA-256 is {found}"
    return Entry(
        name=str(card["name"]),
        kind="embedded",
        role=role,
        version=str(card["version"]),
        sha256=str(card["sha256"]),
        bytes=path.stat().st_size if path.is_file() else 0,
        licence=str(card["licence"]),
        commercial_use="yes",
        profiles=("embedded",),
        state=state,
        path=path,
        origin="shipped" if path.is_file() else "",
        problem=problem,
    )


def _official(row: Official, check: bool, deep: bool) -> Entry:
    path = official_path(row)
    state: State = "not fetched"
    origin, problem, digests = "", None, None
    note = read_note(row.name)
    if path.exists():
        state = "present"
        origin = "fetched" if note.fetched_sha256 == row.sha256 else "placed by hand"
        if check:
            problem, digests = _official_problem(row, path, deep)
    elif partial_path(row).is_file():
        state = "partly fetched"
    return Entry(
        name=row.name,
        kind="official",
        role=row.role,
        version=row.version,
        sha256=row.sha256,
        bytes=row.bytes,
        licence=row.licence,
        commercial_use=row.commercial_use,
        profiles=_profiles_of(row.name),
        state="altered" if problem else state,
        path=path,
        origin=origin,
        source=row.url,
        agreeing=row.agreeing,
        agreed_utc=note.agreed_utc,
        state_sha256=digests.state_sha256 if digests else None,
        problem=problem,
    )


def _official_problem(
    row: Official, path: Path, deep: bool
) -> tuple[str | None, Conversion | None]:
    """What is wrong with the file or its converted copy; and the copy's digests, if it has one."""
    if not path.is_file():
        return f"{path} is not a file", None
    if (found := sha256_of(path)) != row.sha256:
        return f"its SHA-256 is {found}", None
    copy = converted_path(row)
    try:
        record = read_conversion(copy)
        if record is not None:
            check_converted(copy, converted_bytes(copy), record)
        if deep:
            check_conversion(row)
    except IntegrityError as error:
        return error.message, None
    return None, record


def _added(name: str, check: bool) -> Entry:
    path = weights_path(name)
    try:
        added = read_third_party(name)
        digests = added.conversion
        if check:
            check_converted(path, converted_bytes(path), digests)
    except IntegrityError as error:
        return _broken(name, error.message)
    return Entry(
        name=name,
        kind="third-party",
        role="restorer",
        version=added.architecture,
        sha256=digests.file_sha256,
        bytes=added.bytes,
        licence=added.licence,
        commercial_use="unclear",
        profiles=(name,),
        state="present" if path.is_file() else "altered",
        path=path,
        origin="added",
        source=added.file,
        state_sha256=digests.state_sha256,
        problem=None if path.is_file() else f"{path} is gone",
    )


def _broken(name: str, problem: str) -> Entry:
    return Entry(
        name=name,
        kind="third-party",
        role="restorer",
        version="",
        sha256="",
        bytes=0,
        licence="",
        commercial_use="unclear",
        profiles=(name,),
        state="altered",
        path=added_path(name),
        origin="added",
        problem=problem,
    )


def _profiles_of(name: str) -> tuple[str, ...]:
    """The profiles an official row belongs to."""
    known = [*BUILT_IN, *(profile(added) for added in _sound())]
    direct = [p.name for p in known if name in p.fetched()]
    compat = [p.name for p in known if name == p.parser_compat]
    return (*direct, *(f"{p} (upstream-compat)" for p in compat))


def _sound() -> list[str]:
    """Added restorers whose record can be read."""
    found = []
    for name in third_party_names():
        try:
            read_third_party(name)
        except IntegrityError:
            continue  # listed as altered by `_added`
        found.append(name)
    return found
