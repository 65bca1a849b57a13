"""Records on disk: audit.json, frames.jsonl and faces.jsonl, written line by line, read strictly.

Reading believes nothing: duplicate keys, unknown fields, NaN, coercible strings ("1" for 1) and
oversized lines raise IntegrityError with the file and the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, TypeVar

from pydantic import ValidationError

from forensics.errors import EnvironmentLacks, InputError, IntegrityError
from forensics.evidence import strict
from forensics.records import AUDIT_SCHEMA, Audit, FaceLine, FrameLine, Record

R = TypeVar("R", bound=Record)

AUDIT = "data/audit.json"
FRAMES = "data/frames.jsonl"
FACES = "data/faces.jsonl"
_SCHEMA_FAMILY = AUDIT_SCHEMA.rpartition("/")[0] + "/"


class LineWriter(Generic[R]):
    """Appends records to a JSON Lines file; each line reaches the system before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._stream: BinaryIO = path.open("wb")
        self.count = 0

    def write(self, record: R) -> None:
        """Append one record."""
        self._stream.write(strict.dump_line(record.model_dump(mode="json", by_alias=True)))
        self._stream.flush()
        self.count += 1

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> LineWriter[R]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def frame_writer(data: Path) -> LineWriter[FrameLine]:
    """A writer of ``data/frames.jsonl``; ``data`` is `BundleWriter.data`."""
    return LineWriter(data / "frames.jsonl")


def face_writer(data: Path) -> LineWriter[FaceLine]:
    """A writer of ``data/faces.jsonl``."""
    return LineWriter(data / "faces.jsonl")


def audit_bytes(audit: Audit) -> bytes:
    """audit.json as it is written: indented, fields in the order of the records."""
    return strict.dump_document(audit.model_dump(mode="json", by_alias=True))


def write_audit(data: Path, audit: Audit) -> Path:
    """Write ``data/audit.json``."""
    path = data / "audit.json"
    path.write_bytes(audit_bytes(audit))
    return path


def write_json(path: Path, value: object) -> Path:
    """Write any JSON document (environment.json, command.json) in the bundle's spelling."""
    path.write_bytes(strict.dump_document(value))
    return path


def parse_audit(raw: bytes) -> Audit:
    """An audit from the bytes of audit.json.

    IntegrityError when it is not what its schema says, EnvironmentLacks when the schema is a
    version of ours that this one does not know, InputError when it is none of ours.
    """
    try:
        document = strict.loads(raw)
    except strict.StrictJsonError as error:
        raise IntegrityError(f"audit.json is damaged: {error}.") from error
    name = document.get("schema") if isinstance(document, dict) else None
    if name != AUDIT_SCHEMA:
        if isinstance(name, str) and name.startswith(_SCHEMA_FAMILY):
            raise EnvironmentLacks(
                f"audit.json has the schema {name!r}; this version knows {AUDIT_SCHEMA!r}.",
                "Use the version of forensics that made it, or a newer one.",
            )
        raise InputError(f"audit.json names no schema of ours (found {name!r:.80}).")
    return _validate(Audit, raw, "audit.json")


def load_audit(bundle: Path) -> Audit:
    """The audit of a bundle's folder; errors as `parse_audit`, InputError when there is none."""
    return parse_audit(_read(bundle / AUDIT, "This folder is no bundle"))


def iter_frames(bundle: Path) -> Iterator[FrameLine]:
    """The frames of a bundle in file order; IntegrityError for a bad line."""
    yield from _iter(bundle / FRAMES, FrameLine)


def iter_faces(bundle: Path) -> Iterator[FaceLine]:
    """The faces of a bundle in file order; IntegrityError for a bad line."""
    yield from _iter(bundle / FACES, FaceLine)


def parse_lines(stream: BinaryIO, model: type[R], name: str) -> Iterator[R]:
    """Records of a JSON Lines stream; IntegrityError names ``name`` and the line number."""
    number = 0
    while raw := stream.readline(strict.MAX_LINE_BYTES + 1):
        number += 1
        where = f"{name} line {number}"
        if not raw.endswith(b"\n"):
            raise IntegrityError(
                f"{where} is cut off or longer than {strict.MAX_LINE_BYTES} bytes."
            )
        try:
            strict.loads(raw, strict.MAX_LINE_BYTES)
        except strict.StrictJsonError as error:
            raise IntegrityError(f"{where} is damaged: {error}.") from error
        yield _validate(model, raw, where)


def _iter(path: Path, model: type[R]) -> Iterator[R]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"Cannot read {path.name}: {error.strerror}.") from error
    with stream:
        yield from parse_lines(stream, model, path.name)


def _read(path: Path, otherwise: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(strict.MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{otherwise}: cannot read {path.name} ({error.strerror}).",
            "Give the folder that 'forensics audit' wrote (it holds bagit.txt and data/).",
        ) from error


def _validate(model: type[R], raw: bytes, where: str) -> R:
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(f"{where}: {place or 'record'}: {first['msg']}.") from error
