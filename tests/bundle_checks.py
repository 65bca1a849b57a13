"""Checks for any bundle that a test makes: valid by the schemas, and equal to a second run's."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from PIL import Image

from forensics.records import CLOCK_FIELDS

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schema"
_FIGURE = re.compile("data:image/jpeg;base64,[A-Za-z0-9+/=]+")
_CLIP = re.compile(r"data:video/mp4;base64,[A-Za-z0-9+/=]+")
_ROUNDED = re.compile(r"MOMENT to MOMENT \([\d,]+ s\)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?Z| ?UTC|\+00:00)?")


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def validate_bundle(bundle: Path) -> list[str]:
    """Where a bundle's audit.json and lines are not what the committed schemas say."""
    data = bundle / "data"
    faults = _faults("audit.schema.json", (data / "audit.json").read_bytes(), "audit.json")
    for stem in ("frame", "face"):
        name = f"{stem}s.jsonl"
        for number, line in enumerate((data / name).read_bytes().splitlines(), 1):
            faults += _faults(f"{stem}.schema.json", line, f"{name} line {number}")
    for stem in ("acquisition", "predicate"):
        path = data / "run" / f"{stem}.json"
        if not path.is_file():
            faults.append(f"{stem}.json is missing")
            continue
        faults += _faults(f"{stem}.schema.json", path.read_bytes(), f"{stem}.json")
    return faults + _inventory_faults(data / "models" / "models.cdx.json")


def _inventory_faults(path: Path) -> list[str]:
    """By the official schema, offline."""
    if not path.is_file():
        return ["models.cdx.json is missing"]
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text("utf-8"))
    return [] if error is None else [f"models.cdx.json: {error}"]


def _faults(schema: str, raw: bytes, where: str) -> list[str]:
    errors = _validator(schema).iter_errors(json.loads(raw))
    return [f"{where}: {error.json_path}: {error.message}" for error in errors]


def same_result(bundle_a: Path, bundle_b: Path) -> list[str]:
    """Where two runs on the same input differ, besides clocks and ids; empty when they repeat.

    PDFs and the clips of people are compared by presence alone: identifier, dates and the label in
    every margin come from the run.  Of the pairs in ``cmp/`` the pixels above the margin count.
    """
    files_a, files_b = _payload(bundle_a), _payload(bundle_b)
    faults = [f"only in one bundle: {path}" for path in sorted(files_a ^ files_b)]
    for path in sorted(files_a & files_b):
        if path.endswith(".pdf") or path.startswith(("cmp_", "viewer/")):
            continue
        if _without_clocks(bundle_a, path) != _without_clocks(bundle_b, path):
            faults.append(f"differs: {path}")
    return faults


def _payload(bundle: Path) -> set[str]:
    data = bundle / "data"
    assert (data / "audit.json").is_file(), f"{bundle} is no bundle"
    return {p.relative_to(data).as_posix() for p in data.rglob("*") if p.is_file()}


def _without_clocks(bundle: Path, path: str) -> object:
    raw = (bundle / "data" / path).read_bytes()
    if path == "audit.json":
        return _without(json.loads(raw), CLOCK_FIELDS)
    if path == "run/environment.json":
        return _without(json.loads(raw), ("clock.utc",))
    if path == "run/acquisition.json":
        # Two copies of one source may lie in two places.
        return _without(json.loads(raw), ("acquired_utc", "given", "files"))
    if path == "models/models.cdx.json":
        return _without(json.loads(raw), ("serialNumber",))
    if path == "run/predicate.json":
        # It holds digests of records with clocks; those are compared themselves.
        return json.loads(raw)["buildDefinition"]
    if path == "run/command.json":
        # The output folder stands in argv, and two runs have two.
        return _without(json.loads(raw), ("argv", "cwd"))
    audit = json.loads((bundle / "data" / "audit.json").read_bytes())
    if path == "log/events.jsonl":
        events = [json.loads(line) for line in raw.splitlines()]
        bare = [_without(event, ("prev", "utc", "monotonic_s")) for event in events]
        return json.dumps(bare).replace(audit["run"]["id"], "RUN")
    if path.startswith("report/") and path.endswith(".html"):
        text = raw.decode().replace(audit["run"]["id"], "RUN")
        text = _FIGURE.sub("FIGURE", text)  # the label in its pixels is the run's
        text = _CLIP.sub("CLIP", text)  # likewise
        text = _MOMENT.sub("MOMENT", text.replace(str(audit["run"]["seconds"]), "SECONDS"))
        return _ROUNDED.sub("MOMENT to MOMENT (SECONDS)", text)
    if path.startswith("cmp/"):
        with Image.open(bundle / "data" / path) as pair:
            return pair.crop((0, 0, 1024, 512)).tobytes()
    return raw


def _without(document: dict[str, object], dotted: tuple[str, ...]) -> dict[str, object]:
    for name in dotted:
        *folders, last = name.split(".")
        place = document
        for folder in folders:
            inner = place[folder]
            assert isinstance(inner, dict)
            place = inner
        place.pop(last, None)
    return document
