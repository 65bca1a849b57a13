"""Statement: what a signature says, as an in-toto Statement v1 that anyone can rebuild.

It names the digests of the tag manifests (hence of every file) and of the files that people hand
round, and repeats the facts that tie it to one run.  `verify` builds it again from the bundle and
compares, so nothing in it is believed.  Source: in-toto attestation framework, Statement v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forensics.evidence.names import safe_name
from forensics.records import Audit

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:restoration-forensics:seal:1"
TAG_MANIFESTS: Final = ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
PREDICATE: Final = "data/run/predicate.json"
_ORIGINAL: Final = "data/original/"


def subject_paths(audit: Audit) -> tuple[str, ...]:
    """Paths of the subjects, without the original (see `build_statement`)."""
    paths = [*TAG_MANIFESTS, "data/audit.json"]
    if audit.restored is not None:
        # A folder of restored pictures has no single file; its manifest lines stand for it.
        paths.append(f"data/{audit.restored.file}")
    paths += [f"data/{item.file}" for item in audit.reports if item.outcome == "written"]
    return tuple(paths)


def build_statement(
    audit: Audit,
    sha256: Mapping[str, str],
    provenance: object,
    events_head: str,
) -> dict[str, object]:
    """The statement of a bundle.

    ``sha256`` holds the digests of the bundle's files by path; a subject that is not in it (a
    restored folder) is left out.  ``provenance`` is the content of run/predicate.json, None without
    one; ``events_head`` the SHA-256 of the event log's last line.  The original is a subject by the
    digest in audit.json also where ``--no-original`` left its bytes out; a folder of frames has no
    single file and is named by ``source_sha256`` alone.
    """
    found = {path: sha256[path] for path in subject_paths(audit) if path in sha256}
    if audit.source.kind != "frames":
        found[_original_path(audit, sha256)] = audit.source.sha256
    subjects = [{"name": path, "digest": {"sha256": found[path]}} for path in sorted(found)]
    return {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "run": audit.run.id,
            "case": audit.run.case,
            "ended_utc": audit.run.ended_utc,
            "source_sha256": audit.source.sha256,
            "totals": audit.totals.signed(),
            "events_head": events_head,
            "signers": list(audit.run.signers),
            "provenance": provenance,
        },
    }


def _original_path(audit: Audit, sha256: Mapping[str, str]) -> str:
    """Where the original lies, or would lie had its bytes been kept."""
    kept = sorted(path for path in sha256 if path.startswith(_ORIGINAL))
    return kept[0] if kept else _ORIGINAL + safe_name(audit.source.file)


def difference(signed: object, expected: object, place: str = "statement") -> str | None:
    """Where two statements first differ, in words; None when they are equal."""
    if type(signed) is not type(expected):
        return f"{place} is {_short(signed)}, the bundle has {_short(expected)}"
    if isinstance(signed, dict) and isinstance(expected, dict):
        if lost := sorted(set(signed) ^ set(expected)):
            return (
                f"{place}: {lost[0]!r:.80} is only in {'it' if lost[0] in signed else 'the bundle'}"
            )
        parts = [(f"{place}.{key}", signed[key], expected[key]) for key in sorted(signed)]
    elif isinstance(signed, list) and isinstance(expected, list):
        if len(signed) != len(expected):
            return f"{place} has {len(signed)} entries, the bundle {len(expected)}"
        parts = [
            (f"{place}.{_label(a, i)}", a, b)
            for i, (a, b) in enumerate(zip(signed, expected, strict=True))
        ]
    elif signed != expected:
        return f"{place} is {_short(signed)}, the bundle has {_short(expected)}"
    else:
        return None
    return next((found for args in parts if (found := difference(args[1], args[2], args[0]))), None)


def _label(entry: object, index: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else str(index)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 70 else text[:67] + "..."
