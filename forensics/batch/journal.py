"""Journal of a batch: one row per item in SQLite, so that a kill at any time loses no item.

Promise: a row is committed before anybody relies on it, and is either what it was or what it
became.  The file is held exclusively for the life of the process: another one on the same folder is
refused.  ``sealed`` means that a worker's bundle stands and nobody has signed it yet.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from forensics.errors import IncompleteError, IntegrityError, UsageError
from forensics.record_batch import BatchItem, ItemResult

NAME = "journal.sqlite"
SCHEMA = "restoration-forensics/batch-journal/1"
State = Literal["planned", "running", "sealed", "done"]
Value = str | int | float | bool | None

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE items (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source BLOB NOT NULL,
  restored BLOB,
  named TEXT NOT NULL,
  restored_named TEXT,
  same_as TEXT,
  state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'sealed', 'done')),
  attempts INTEGER NOT NULL DEFAULT 0,
  bundle_sha256 TEXT,
  result TEXT,
  changed_utc TEXT NOT NULL
) STRICT;
"""
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_INSERT = (
    "INSERT INTO items (position, id, source, restored, named, restored_named, same_as, state,"
    " changed_utc) VALUES (?, ?, ?, ?, ?, ?, ?, 'planned', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
)
_ANEW = "Give the same command, or another folder with --out for a new batch."


@dataclass(frozen=True)
class Row:
    """An item with its state. ``same_as``: it is not done, because that item is the same."""

    item: BatchItem
    state: State
    attempts: int
    same_as: str | None
    bundle_sha256: str | None
    result: ItemResult | None


class Journal:
    """The open journal of one batch; use `begin` or `resume`, and `close` at the end."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    @classmethod
    def begin(
        cls,
        out: Path,
        items: Sequence[tuple[BatchItem, str | None]],
        identity: Mapping[str, Value],
        meta: Mapping[str, str],
    ) -> Journal:
        """Start a journal over the planned items, each with the id of the item it repeats.

        Raises `UsageError` when a batch stands there already.
        """
        base = _open(out / NAME)
        if not _is_blank(base):
            base.close()
            raise UsageError(
                f"a batch was begun in {str(out)!r}",
                "Continue it with --resume, or choose another folder with --out.",
            )
        with _whole(base):
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    base.execute(statement)
            facts = {
                **meta,
                "schema": SCHEMA,
                "identity": json.dumps(dict(identity), sort_keys=True),
                "starts": "1",
            }
            base.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
            base.executemany(
                _INSERT,
                [
                    (
                        position,
                        item.id,
                        os.fsencode(item.source),
                        None if item.restored is None else os.fsencode(item.restored),
                        item.named,
                        item.restored_named,
                        same_as,
                    )
                    for position, (item, same_as) in enumerate(items)
                ],
            )
        return cls(base)

    @classmethod
    def resume(cls, out: Path, identity: Mapping[str, Value]) -> Journal:
        """Take up a journal; what was running counts as begun and unfinished.

        Raises `UsageError` without one, for other settings or while another process holds it, and
        `IntegrityError` for one that cannot be read.
        """
        path = out / NAME
        nothing = UsageError(
            f"there is no batch in {str(out)!r} to resume", "Run it without --resume."
        )
        if not path.is_file():
            raise nothing
        base = _open(path)
        try:
            if _is_blank(base):  # killed before the plan was written
                raise nothing
            journal = cls(base)
            if journal.meta("schema") != SCHEMA:
                raise IntegrityError(f"{NAME} has the schema {journal.meta('schema')!r}", _ANEW)
            _check(json.loads(journal.meta("identity")), identity)
            with _whole(base):
                base.execute("UPDATE meta SET value = value + 1 WHERE name = 'starts'")
        except (sqlite3.DatabaseError, ValueError) as error:
            base.close()
            raise IntegrityError(f"{NAME} is damaged: {error}", _ANEW) from error
        except BaseException:
            base.close()
            raise
        return journal

    def meta(self, name: str) -> str:
        """A fact of the batch; empty when it was not noted."""
        row = self._base.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return "" if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Set a fact of the batch."""
        with _whole(self._base):
            self._base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def rows(self) -> list[Row]:
        """All items in the order of the plan."""
        found = self._base.execute(
            "SELECT id, source, restored, named, restored_named, same_as, state, attempts,"
            " bundle_sha256, result FROM items ORDER BY position"
        ).fetchall()
        return [_row(values) for values in found]

    def started(self, item: str) -> None:
        """A worker took the item up."""
        self._set(item, "state = 'running', attempts = attempts + 1")

    def sealed(self, result: ItemResult) -> None:
        """Its bundle stands, without the driver's signature."""
        self._set(
            result.id,
            "state = 'sealed', bundle_sha256 = ?, result = ?",
            result.bundle_sha256,
            _text(result),
        )

    def done(self, result: ItemResult) -> None:
        """Nothing more is to do for it."""
        self._set(
            result.id,
            "state = 'done', bundle_sha256 = ?, result = ?",
            result.bundle_sha256,
            _text(result),
        )

    def again(self, item: str) -> None:
        """It is to be done once more: its bundle is gone, or its failure is to be tried again."""
        self._set(item, "state = 'running', result = NULL, bundle_sha256 = NULL")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def _set(self, item: str, what: str, *values: str | None) -> None:
        try:
            with _whole(self._base):
                done = self._base.execute(
                    f"UPDATE items SET {what}, changed_utc = {_NOW} WHERE id = ?",  # noqa: S608 - fixed texts of this class
                    (*values, item),
                )
        except sqlite3.OperationalError as error:  # a full disk
            raise IncompleteError(
                f"the batch stopped: {NAME} cannot be written ({error})",
                "Make room and run the same command with --resume; what is done stays.",
            ) from error
        if done.rowcount != 1:
            raise KeyError(item)


def _open(path: Path) -> sqlite3.Connection:
    """The file, held until the process ends. UsageError when another one holds it."""
    try:
        base = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.Error as error:
        raise UsageError(f"cannot open {str(path)!r}: {error}", _ANEW) from error
    try:
        # Exclusive before WAL: the lock is kept, and no shared-memory file is needed.
        base.execute("PRAGMA locking_mode = EXCLUSIVE")
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        with _whole(base):
            base.execute("PRAGMA user_version = 1")
    except sqlite3.OperationalError as error:
        base.close()
        if "locked" in str(error):
            raise UsageError(
                "another process is at work on this batch now",
                "Wait for it to end, or choose another folder with --out.",
            ) from None
        raise UsageError(f"cannot write {str(path)!r}: {error}", _ANEW) from error
    except sqlite3.DatabaseError as error:
        base.close()
        raise IntegrityError(f"{str(path)!r} is damaged: {error}", _ANEW) from error
    return base


def _is_blank(base: sqlite3.Connection) -> bool:
    """Whether no plan was ever committed."""
    return bool(base.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))


@contextmanager
def _whole(base: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    base.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if base.in_transaction:  # SQLite itself rolls back when the disk is full
            base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")


def _text(result: ItemResult) -> str:
    return result.model_dump_json()


def _row(values: Sequence[object]) -> Row:
    name, source, restored, named, restored_named, same_as, state, attempts, digest, raw = values
    item = BatchItem(
        id=str(name),
        source=_path(source),
        restored=None if restored is None else _path(restored),
        named=str(named),
        restored_named=None if restored_named is None else str(restored_named),
    )
    try:
        result = None if raw is None else ItemResult.model_validate_json(str(raw))
    except ValidationError as error:
        raise IntegrityError(f"{NAME}: the result of {item.id!r} is damaged", _ANEW) from error
    return Row(
        item=item,
        state=_state(state),
        attempts=int(str(attempts)),
        same_as=None if same_as is None else str(same_as),
        bundle_sha256=None if digest is None else str(digest),
        result=result,
    )


def _path(value: object) -> Path:
    if not isinstance(value, bytes):
        raise IntegrityError(f"{NAME} holds a path that is none", _ANEW)
    return Path(os.fsdecode(value))


def _state(value: object) -> State:
    states: dict[str, State] = {
        "planned": "planned",
        "running": "running",
        "sealed": "sealed",
        "done": "done",
    }
    return states[str(value)]


def _check(then: Mapping[str, Value], now: Mapping[str, Value]) -> None:
    different = [
        f"{name} ({then.get(name)} then, {now.get(name)} now)"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if different:
        raise UsageError(f"this batch was begun with other settings: {'; '.join(different)}", _ANEW)
