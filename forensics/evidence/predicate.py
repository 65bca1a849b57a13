"""Predicate: what was run on what, in the shape of a SLSA provenance, for the signed statement.

Source of the shape: slsa.dev/spec/v1.0/provenance (buildDefinition, runDetails).  It holds no
digest of a tag manifest, of audit.json or of the reports: those are subjects of the statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, JsonValue, ValidationError

from forensics.errors import IntegrityError
from forensics.evidence.bag import Digests
from forensics.record_base import Record
from forensics.records import Audit, Model, Pair

PREDICATE_SCHEMA: Final = "restoration-forensics/predicate/1"
BUILD_TYPE: Final = "urn:restoration-forensics:audit:1"
BYPRODUCTS: Final = (
    "frames.jsonl",
    "faces.jsonl",
    "faces.csv",
    "frames/original.framehash",
    "frames/restored.framehash",
    "frames/original.packethash",
    "frames/restored.packethash",
    "run/acquisition.json",
    "run/capture.json",
    "run/command.json",
    "run/environment.json",
    "models/models.cdx.json",
)


class Resource(Record):
    """Something that went in or came out, known by its digest."""

    name: str
    uri: str | None = None
    digest: dict[str, str]
    annotations: dict[str, JsonValue] = Field(default={})


class BuildDefinition(Record):
    """What was asked and what it was made from."""

    build_type: str = Field(default=BUILD_TYPE, alias="buildType")
    external_parameters: dict[str, JsonValue] = Field(alias="externalParameters")
    internal_parameters: dict[str, JsonValue] = Field(alias="internalParameters")
    resolved_dependencies: tuple[Resource, ...] = Field(alias="resolvedDependencies")


class Builder(Record):
    """The tool."""

    id: str
    version: dict[str, str]


class Metadata(Record):
    """This run. The times are this machine's claim."""

    invocation_id: str = Field(alias="invocationId")
    started_on: str = Field(alias="startedOn")
    finished_on: str = Field(alias="finishedOn")


class RunDetails(Record):
    """By what, when, and what came out besides the subjects."""

    builder: Builder
    metadata: Metadata
    byproducts: tuple[Resource, ...]


class Predicate(Record):
    """data/run/predicate.json."""

    schema_: Literal["restoration-forensics/predicate/1"] = Field(
        default="restoration-forensics/predicate/1", alias="schema"
    )
    build_definition: BuildDefinition = Field(alias="buildDefinition")
    run_details: RunDetails = Field(alias="runDetails")


def build_predicate(
    data: Path,
    audit: Audit,
    internal: Mapping[str, JsonValue],
    tool: Mapping[str, JsonValue],
    lock: Mapping[str, JsonValue],
) -> Predicate:
    """The predicate of a run whose byproducts lie in ``data``.

    ``internal`` are facts that nobody asked for and that decide bits (device, threads, batch);
    ``tool`` and ``lock`` are the parts of environment.json of these names.
    """
    source = audit.source
    original = Resource(
        name=f"original/{source.file}",
        digest={"sha256": source.sha256, "sha512": source.sha512},
        annotations={"bytes": source.bytes, "kind": source.kind},
    )
    code = {"sha256": str(lock["sha256"])} if lock.get("sha256") else {}
    other = () if audit.pair is None else (_other(audit.pair),)
    dependencies = [original, *other, *(_weights(model) for model in audit.models)]
    if code:
        dependencies.append(Resource(name=str(lock.get("file")), digest=code))
    settings: dict[str, JsonValue] = {**audit.settings}
    parameters: dict[str, JsonValue] = {"source": source.file, "settings": settings}
    if audit.pair is not None:
        parameters["restored"] = audit.pair.file
    return Predicate(
        buildDefinition=BuildDefinition(
            externalParameters=parameters,
            internalParameters=dict(internal),
            resolvedDependencies=tuple(dependencies),
        ),
        runDetails=RunDetails(
            builder=Builder(
                id=f"pkg:pypi/restoration-forensics@{audit.run.version}",
                version={k: str(v) for k, v in tool.items() if isinstance(v, str)},
            ),
            metadata=Metadata(
                invocationId=audit.run.id,
                startedOn=audit.run.started_utc,
                finishedOn=audit.run.ended_utc,
            ),
            byproducts=tuple(_byproducts(data)),
        ),
    )


def _other(pair: Pair) -> Resource:
    return Resource(
        name=f"restored/{pair.file}",
        digest={"sha256": pair.sha256, "sha512": pair.sha512},
        annotations={"bytes": pair.bytes, "kind": pair.kind, "layout": pair.layout},
    )


def _weights(model: Model) -> Resource:
    digest = {"sha256": model.sha256}
    annotations: dict[str, JsonValue] = {"role": model.role, "version": model.version}
    if model.state_sha256:
        annotations["state_sha256"] = model.state_sha256
    uri = model.source if "://" in model.source else None
    return Resource(name=model.file, uri=uri, digest=digest, annotations=annotations)


def _byproducts(data: Path) -> Sequence[Resource]:
    found = []
    for name in BYPRODUCTS:
        if (data / name).is_file():
            with (data / name).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found.append(Resource(name=name, digest={"sha256": digest}))
    return found


def predicate_faults(raw: bytes, audit: Audit, digests: Mapping[str, Digests]) -> list[str]:
    """Where predicate.json and the bundle disagree. IntegrityError when it is no predicate."""
    try:
        predicate = Predicate.model_validate_json(raw, strict=True)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise IntegrityError(f"predicate.json is damaged at {place or 'its start'}") from error
    faults = []
    metadata, definition = predicate.run_details.metadata, predicate.build_definition
    if metadata.invocation_id != audit.run.id:
        faults.append("predicate.json names another run than audit.json")
    named = {resource.digest.get("sha256") for resource in definition.resolved_dependencies}
    if audit.source.sha256 not in named:
        faults.append("predicate.json names another source than audit.json")
    if audit.pair is not None and audit.pair.sha256 not in named:
        faults.append("predicate.json does not name the restoration that was held against it")
    faults += [
        f"predicate.json does not name the weights of {model.role!r}"
        for model in audit.models
        if model.sha256 not in named
    ]
    if definition.external_parameters.get("settings") != {**audit.settings}:
        faults.append("predicate.json names other settings than audit.json")
    for resource in predicate.run_details.byproducts:
        found = digests.get(f"data/{resource.name}")
        if found is None or found.sha256 != resource.digest.get("sha256"):
            faults.append(f"{resource.name!r} is not the file that predicate.json names")
    return faults
