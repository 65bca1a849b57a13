"""Models, fetch: official files into the models folder, checked before they can be used.

Promise: a file appears under its own name only whole and with the catalogue's SHA-256; a file that
lies there already is accepted when its digest matches, and otherwise refused and left alone; no
connection is opened offline, nor before the licences that ask for it were agreed to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from forensics.config import models_dir
from forensics.errors import EnvironmentLacks, ForensicsError, IntegrityError, UsageError
from forensics.models import official as rows
from forensics.models.catalogue import partial_path
from forensics.models.download import MEGABYTE, Patience, Resuming, shown
from forensics.models.ledger import agreed, read_note, record_agreement, record_fetch
from forensics.models.official import Official, check_official, official_path, sha256_of
from forensics.models.profiles import BUILT_IN, profile
from forensics.models.third_party import third_party_names
from forensics.progress import Progress

Came = Literal["fetched now", "fetched before", "placed by hand"]


@dataclass(frozen=True)
class Wanted:
    """A file that was asked for, and what lies under its name."""

    row: Official
    part_bytes: int  # of a fetch that was cut off
    came: Came | None  # None: it is not here, or is another file
    refused: IntegrityError | None  # another file lies there

    @property
    def missing(self) -> bool:
        """Whether it would have to be fetched."""
        return self.came is None and self.refused is None


@dataclass(frozen=True)
class Result:
    """What became of the files that were asked for."""

    here: dict[str, Came]
    failed: dict[str, ForensicsError]


def rows_of(names: Sequence[str]) -> tuple[Official, ...]:
    """The rows that profiles and names of models mean, each once, in order.

    A profile goes before a model of the same name.  Raises `UsageError` for an unknown name.
    """
    found: dict[str, Official] = {}
    profiles = {known.name for known in BUILT_IN} | set(third_party_names())
    for name in names:
        members = profile(name).fetched() if name in profiles else (name,)
        found.update({member: rows.official(member) for member in members})
    return tuple(found.values())


def look(wanted: Sequence[Official]) -> tuple[Wanted, ...]:
    """What is here of these files; those that are here are hashed."""
    return tuple(_look(row) for row in wanted)


def _look(row: Official) -> Wanted:
    path, part = official_path(row), partial_path(row)
    if not path.exists() and not path.is_symlink():
        return Wanted(row, part.stat().st_size if part.is_file() else 0, None, None)
    try:
        if not path.is_file():
            raise IntegrityError(f"{path} is not a file", "Move it away and fetch again.")
        check_official(row, sha256_of(path))
    except IntegrityError as error:
        return Wanted(row, 0, None, error)
    by_hand = read_note(row.name).fetched_sha256 != row.sha256
    return Wanted(row, 0, "placed by hand" if by_hand else "fetched before", None)


def settle_licences(wanted: Sequence[Wanted], accept: bool) -> None:
    """Record the agreement of what is to be fetched, or refuse.

    Raises `UsageError` (2) naming what was not agreed to; nothing is fetched then.
    """
    asks = [w.row for w in wanted if w.missing and not agreed(w.row)]
    if not asks:
        return
    if not accept:
        parts = "; ".join(f"{row.name}: {', '.join(row.non_commercial)}" for row in asks)
        raise UsageError(
            f"parts of what is to be fetched are non-commercial, and were not agreed to: {parts}",
            "Read the notices above; to agree, run the command again with --accept-licence. "
            "Nothing was fetched.",
        )
    for row in asks:
        record_agreement(row)


def fetch(
    wanted: Sequence[Wanted],
    progress: Progress,
    *,
    mirror: str | None = None,
    offline: bool = False,
    patience: Patience | None = None,
) -> Result:
    """Fetch what is missing; every file is tried, whatever became of the one before.

    ``mirror`` is an address below which the files lie under their own names; it alone is asked
    then.  Raises `UsageError` for a mirror that is no address and `EnvironmentLacks` when the disk
    is too small; what became of each file is in the result.
    """
    here: dict[str, Came] = {}
    failed: dict[str, ForensicsError] = {}
    missing = [w.row for w in wanted if w.missing]
    urls = {row.name: _url(row, mirror) for row in missing}
    if missing and not offline:
        _check_space(wanted)
    for w in wanted:
        if w.came is not None:
            here[w.row.name] = w.came
        elif w.refused is not None:
            failed[w.row.name] = w.refused
        elif offline:
            failed[w.row.name] = _offline(w.row)
        else:
            try:
                _fetch_one(w.row, urls[w.row.name], progress, patience or Patience())
                here[w.row.name] = "fetched now"
            except ForensicsError as error:
                failed[w.row.name] = error
    return Result(here, failed)


def worst(failed: Sequence[ForensicsError]) -> ForensicsError:
    """The failure that decides the exit code: 4 before 3 before 5."""
    return min(failed, key=lambda error: (4, 3, 5).index(error.exit_code))


def _fetch_one(row: Official, url: str, progress: Progress, patience: Patience) -> None:
    import pooch  # type: ignore[import-untyped]  # ships no annotations

    pooch.get_logger().setLevel("ERROR")  # what it would tell, the command tells
    incoming = partial_path(row).parent
    incoming.mkdir(parents=True, exist_ok=True)
    with progress.step(f"{row.file} (MB)", -(-row.bytes // MEGABYTE)) as step:
        downloader = Resuming(row, partial_path(row), step, patience)
        # pooch compares the digest once more and names the file whole, still in a folder apart.
        pooch.retrieve(
            url,
            known_hash=f"sha256:{row.sha256}",
            fname=row.file,
            path=incoming,
            downloader=downloader,
        )
    record_fetch(row, shown(url))
    move_into_place(incoming / row.file, official_path(row))
    with contextlib.suppress(OSError):  # another process may have begun there; it clears up itself
        incoming.rmdir()


def move_into_place(checked: Path, path: Path) -> None:
    """Give a checked file its name, in one step: it is there whole or not at all."""
    os.replace(checked, path)


def _url(row: Official, mirror: str | None) -> str:
    if mirror is None:
        return row.url
    parts = urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(
            f"--mirror: {mirror!r} is not an address",
            "Give one that begins with http:// or https://; files lie below it by name.",
        )
    return f"{mirror.rstrip('/')}/{quote(row.file)}"


def _offline(row: Official) -> EnvironmentLacks:
    return EnvironmentLacks(
        f"the model {row.name!r} is not here, and --offline forbids to fetch it",
        f"Put {row.file} (SHA-256 {row.sha256}, from {row.url}) into {models_dir()}.",
    )


def _check_space(wanted: Sequence[Wanted]) -> None:
    need = sum(w.row.bytes - w.part_bytes for w in wanted if w.missing)
    folder = models_dir()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < need:
        raise EnvironmentLacks(
            f"{need / 1e6:.0f} MB are needed in {models_dir()}, {free / 1e6:.0f} MB are free",
            "Make room, or name another folder with FORENSICS_MODELS_DIR.",
        )
