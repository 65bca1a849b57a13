"""Inventory: the networks and libraries of a run as a CycloneDX 1.6 bill of materials.

Written as plain JSON: the object model of cyclonedx-python-lib drops model cards.  The serial is
derived from the run, so that equal runs differ in nothing else.  Source: cyclonedx.org, schema 1.6.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from forensics.errors import IntegrityError
from forensics.evidence import strict
from forensics.records import Audit, Model

MAX_BYTES: Final = 16 * 2**20
_SPDX: Final = frozenset({"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "CC0-1.0"})
_STATE: Final = "restoration-forensics:state_sha256"
_ROLE: Final = "restoration-forensics:role"
_SHA256: Final = re.compile("[0-9a-f]{64}")

Json = dict[str, object]


def inventory(
    audit: Audit,
    cards: Mapping[str, Mapping[str, object]],
    packages: Mapping[str, str | None],
    devices: Sequence[tuple[str, str, str | None]],
) -> Json:
    """The bill of materials of a run.

    ``cards`` are the model cards by role, as they lie beside the weights; ``packages`` versions by
    distribution name; ``devices`` triples of type (``device``, ``device-driver``), name, version.
    """
    root = f"restoration-forensics@{audit.run.version}"
    models = [_model(model, cards.get(model.role, {})) for model in audit.models]
    libraries = [
        _library(name, version) for name, version in sorted(packages.items()) if version is not None
    ]
    hardware = [_device(number, *device) for number, device in enumerate(devices)]
    components: list[Json] = [*models, *libraries, *hardware]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": _serial(audit),
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "restoration-forensics",
                "version": audit.run.version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [str(part["bom-ref"]) for part in components]},
            *({"ref": str(part["bom-ref"])} for part in components),
        ],
    }


def _serial(audit: Audit) -> str:
    """Derived from the run's id, so that nothing in the document is random."""
    run = f"urn:restoration-forensics:run:{audit.run.id}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, run)}"


def _library(name: str, version: str) -> Json:
    address = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": name,
        "version": version,
        "purl": address,
    }


def _device(number: int, kind: str, name: str, version: str | None) -> Json:
    found: Json = {"type": kind, "bom-ref": f"{kind}:{number}", "name": name}
    return found | {"version": version} if version else found


def _model(model: Model, card: Mapping[str, object]) -> Json:
    properties = [{"name": _ROLE, "value": model.role}]
    if model.state_sha256:
        properties.append({"name": _STATE, "value": model.state_sha256})
    properties.append({"name": "restoration-forensics:file", "value": model.file})
    spdx = model.licence in _SPDX
    found: Json = {
        "type": "machine-learning-model",
        "bom-ref": f"weights:{model.role}",
        "name": model.name,
        "version": model.version,
        "licenses": [{"license": {"id": model.licence} if spdx else {"name": model.licence}}],
        "hashes": [{"alg": "SHA-256", "content": model.sha256}],
        "properties": properties,
    }
    if "://" in model.source:
        found["externalReferences"] = [{"type": "distribution", "url": model.source}]
    if commit := _text(card, "commit") or _text(_part(card, "recipe"), "commit"):
        found["pedigree"] = {"notes": f"trained by this project's recipe at commit {commit}"}
    if card:
        found["modelCard"] = _card(model.role, card)
    return found


def _card(role: str, card: Mapping[str, object]) -> Json:
    architecture = card.get("architecture")
    inner = _part(card, "architecture")
    name = architecture if isinstance(architecture, str) else _text(inner, "class")
    parameters: Json = {"task": role, "datasets": list(_datasets(card.get("data")))}
    if name:
        parameters["modelArchitecture"] = name
    limits = card.get("limits")
    considerations: Json = {
        "useCases": ["Auditing restored faces against their footage; never identifying anybody."],
        "technicalLimitations": [str(limit) for limit in limits]
        if isinstance(limits, list)
        else [],
        "fairnessAssessments": [
            {
                "groupAtRisk": "people unlike those in the training photos",
                "harms": "faces are missed, or drawn towards those of the training photos",
            }
        ],
    }
    figures = _part(card, "figures")
    return {
        "bom-ref": f"card:{role}",
        "modelParameters": parameters,
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(figures, ()))},
        "considerations": considerations,
    }


def _datasets(found: object) -> Iterator[Json]:
    """Training data as the card names them: a list of sets, or counts with sets or a source."""
    data: Mapping[str, object] = found if isinstance(found, Mapping) else {"sets": found}
    counts = ", ".join(f"{data[key]} {key}" for key in ("people", "photos") if key in data)
    sets = data.get("sets") or data.get("source") or []
    for entry in sets if isinstance(sets, list) else [sets]:
        named = entry if isinstance(entry, Mapping) else {"name": entry}
        words = [f"licence: {named['licence']}"] if "licence" in named else []
        words += [f"all sets together: {counts}"] if counts else []
        one: Json = {"type": "dataset", "name": str(named.get("name", "unnamed"))}
        yield one | {"description": "; ".join(words)} if words else one


def _metrics(found: object, path: tuple[str, ...]) -> Iterator[Json]:
    """Every number of a card's figures: the last name is its type, what leads there its slice."""
    if isinstance(found, Mapping):
        label = tuple(f"{key} {value}" for key, value in found.items() if isinstance(value, str))
        for key, value in found.items():
            if not isinstance(value, str):
                yield from _metrics(value, (*path, *label, str(key)))
    elif isinstance(found, list) and any(isinstance(part, Mapping) for part in found):
        for number, part in enumerate(found, 1):
            yield from _metrics(part, (*path, str(number)))
    elif isinstance(found, bool | int | float | list) and path:
        value = ", ".join(map(str, found)) if isinstance(found, list) else str(found)
        metric: Json = {"type": path[-1], "value": value}
        if len(path) > 1:
            metric["slice"] = ", ".join(path[:-1])
        yield metric


def _part(card: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = card.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(card: Mapping[str, object], name: str) -> str | None:
    found = card.get(name)
    return found if isinstance(found, str) else None


# ---------------------------------------------------------------- verify


def inventory_faults(raw: bytes, audit: Audit) -> list[str]:
    """Where the weights in models.cdx.json are not those in audit.json.

    Strict JSON is all that is needed; the official validator takes longer than the whole check.
    IntegrityError when it is no bill of materials.
    """
    try:
        found = strict.loads(raw, MAX_BYTES)
    except strict.StrictJsonError as error:
        raise IntegrityError(f"models.cdx.json is damaged: {error}") from error
    if not isinstance(found, dict) or found.get("bomFormat") != "CycloneDX":
        raise IntegrityError("models.cdx.json is no CycloneDX document")
    own = found.get("serialNumber") == _serial(audit)
    faults = [] if own else ["models.cdx.json is of another run"]
    components = found.get("components")
    listed = {
        entry
        for part in (components if isinstance(components, list) else [])
        if isinstance(part, dict) and part.get("type") == "machine-learning-model"
        for entry in [_identity(part)]
    }
    named = {(m.role, m.name, m.version, m.sha256, m.state_sha256) for m in audit.models}
    if listed != named:
        roles = sorted({str(entry[0]) for entry in listed ^ named})
        faults.append(f"models.cdx.json and audit.json name other weights: {', '.join(roles)}")
    return faults


def _identity(part: Mapping[str, object]) -> tuple[object, ...]:
    properties = part.get("properties")
    own = {
        str(p.get("name")): str(p.get("value"))
        for p in (properties if isinstance(properties, list) else [])
        if isinstance(p, dict)
    }
    hashes = part.get("hashes")
    digests = [
        str(h.get("content"))
        for h in (hashes if isinstance(hashes, list) else [])
        if isinstance(h, dict) and h.get("alg") == "SHA-256"
    ]
    one = digests[0] if len(digests) == 1 and _SHA256.fullmatch(digests[0]) else None
    return own.get(_ROLE), str(part.get("name")), str(part.get("version")), one, own.get(_STATE)
