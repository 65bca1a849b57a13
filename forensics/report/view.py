"""View: the data of a bundle as one frozen record, read once; both reports are drawn from it.

`load_view` reads ``audit.json``, ``frames.jsonl``, ``faces.jsonl`` and, where present,
``run/environment.json`` of a bundle's ``data`` folder, sealed or not.  Nothing is computed that
is not in these files, and nothing outside the folder is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from pydantic import ValidationError

from forensics.errors import EnvironmentLacks, InputError
from forensics.records import AUDIT_SCHEMA, Audit, FaceLine, FrameLine, Record
from forensics.report.language import ENGLISH, _
from forensics.report.words import DEMONSTRATION_SENTENCE

_Line = TypeVar("_Line", bound=Record)
_ENVIRONMENT_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class View:
    """What a report is drawn from.

    ``audit_json`` are the bytes of audit.json as they lie in the bundle; ``faces`` are sorted by
    person and frame, ``frames`` by frame.
    """

    data_dir: Path
    audit: Audit
    audit_json: bytes
    frames: tuple[FrameLine, ...]
    faces: tuple[FaceLine, ...]
    environment: Mapping[str, object]

    @property
    def demonstration(self) -> bool:
        """Restored with the embedded model: its sentence then stands first."""
        return (
            DEMONSTRATION_SENTENCE in self.audit.limits
            or self.audit.settings.get("models") == "embedded"
        )

    @property
    def language(self) -> str:
        """The language that the run's reports were asked for in; older runs are English."""
        return str(self.audit.settings.get("lang") or ENGLISH)

    @property
    def other_painter(self) -> str | None:
        """The restorer of the run where another network drew the other faces that fit, or None."""
        if not any(model.role == "alternatives" for model in self.audit.models):
            return None
        if self.audit.pair is not None:
            return _("the unknown restorer of what was given")
        return next((m.name for m in self.audit.models if m.role == "restorer"), None)

    @property
    def labelled(self) -> bool:
        """Whether pictures for people to look at carry the label; older runs had no choice."""
        return self.audit.settings.get("label") is not False

    @cached_property
    def _by_person(self) -> Mapping[int, tuple[FaceLine, ...]]:
        people: dict[int, list[FaceLine]] = {}
        for face in self.faces:
            people.setdefault(face.person, []).append(face)
        return MappingProxyType({person: tuple(lines) for person, lines in people.items()})

    def faces_of(self, person: int) -> tuple[FaceLine, ...]:
        """Lines of one person, by frame."""
        return self._by_person.get(person, ())

    @cached_property
    def pts_s(self) -> Mapping[int, float]:
        """Time of each frame that has one, in seconds."""
        return {line.frame: line.pts_s for line in self.frames if line.pts_s is not None}


def load_view(data_dir: Path) -> View:
    """Read the records of ``BUNDLE/data``; ``data_dir`` may be not sealed yet.

    Raises `InputError` when a file is missing or does not hold what its schema says, and
    `EnvironmentLacks` when it was written for a schema that this version does not know.
    """
    audit_json = _read(data_dir / "audit.json")
    audit = _audit(audit_json, data_dir / "audit.json")
    frames = sorted(_lines(data_dir / "frames.jsonl", FrameLine), key=lambda line: line.frame)
    faces = sorted(
        _lines(data_dir / "faces.jsonl", FaceLine), key=lambda line: (line.person, line.frame)
    )
    return View(
        data_dir=data_dir,
        audit=audit,
        audit_json=audit_json,
        frames=tuple(frames),
        faces=tuple(faces),
        environment=_environment(data_dir / "run" / "environment.json"),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read: {error.strerror}",
            "Give the bundle's folder, the one that holds bagit.txt and data/.",
        ) from error


def _audit(raw: bytes, path: Path) -> Audit:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not JSON: {error}") from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, str) and schema != AUDIT_SCHEMA:
        raise EnvironmentLacks(
            f"{path.name} has the schema {schema!r}, this version knows {AUDIT_SCHEMA!r}",
            "Use the version of restoration-forensics that made the bundle, or a newer one.",
        )
    try:
        return Audit.model_validate_json(raw)
    except ValidationError as error:
        raise InputError(f"{path.name} does not follow its schema: {_first(error)}") from error


def _lines(path: Path, kind: type[_Line]) -> Iterator[_Line]:
    raw = _read(path)
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield kind.model_validate_json(line)
        except ValidationError as error:
            raise InputError(
                f"{path.name}, line {number} does not follow its schema: {_first(error)}"
            ) from error


def _first(error: ValidationError) -> str:
    """The first complaint, without the input itself (which may be long or hostile)."""
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else found["msg"]


def _environment(path: Path) -> Mapping[str, object]:
    """The environment record; empty when the run wrote none (the report then says so)."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _ENVIRONMENT_MAX_BYTES:
        return {}
    try:
        found = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"run/{path.name} is not JSON: {error}") from error
    return found if isinstance(found, dict) else {}
