"""Credentials, child process: the only code that loads c2pa, started by `process` as a script.

Reads one JSON request from standard input and answers with JSON lines on standard output.  Files
arrive as open handles, so nothing is opened by name.  The private key stays with the parent: bytes
to sign go out as a line and their signature comes back as one.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, BinaryIO

# This file is run by its path and imports nothing of the package: a child starts in 0.1 s.
MAX_FINDINGS = 50
MAX_TEXT = 300
MAX_MEMORY_BYTES = 8 * 2**30
UNTRUSTED = "signingCredential.untrusted"


def settings(anchors_pem: str | None) -> dict[str, Any]:
    """The library's settings; every switch that could open a connection is off."""
    found: dict[str, Any] = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_trust": True,
            "verify_after_sign": True,
        },
    }
    if anchors_pem:
        found["trust"] = {"trust_anchors": anchors_pem}
    return found


def clean(value: object) -> str:
    """Text from a manifest without control or format characters, cut to `MAX_TEXT`."""
    text = str(value)[: MAX_TEXT + 1]
    plain = "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)
    return plain if len(plain) <= MAX_TEXT else plain[:MAX_TEXT] + "\u2026"


def answer(document: dict[str, Any]) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


# ---------------------------------------------------------------- reading


def read(file: BinaryIO, kind: str, sidecar: bytes | None, anchors_pem: str | None) -> Any:
    """What credentials a file carries, as plain data (see `forensics.record_credentials`)."""
    import c2pa

    facts: dict[str, Any] = {"reader": f"c2pa-python {version('c2pa-python')}"}
    context = c2pa.Context.from_dict(settings(anchors_pem))
    try:
        reader = c2pa.Reader(kind, file, manifest_data=sidecar, context=context)
    except c2pa.C2paError.ManifestNotFound:
        return {**facts, "outcome": "none"}
    except c2pa.C2paError.NotSupported:
        words = "this kind of file carries no credentials that can be read here"
        return {**facts, "outcome": "unreadable", "reason": words}
    except c2pa.C2paError as error:
        text = clean(error)
        if "remote manifest" in text:
            text = f"the credentials are not in the file, and no address is asked ({text})"
        return {**facts, "outcome": "unreadable", "reason": text}
    with reader:
        state = reader.get_validation_state()
        document = json.loads(reader.json())
    return {**facts, **_facts(document, bool(anchors_pem)), "outcome": "found", "state": state}


def _facts(document: dict[str, Any], anchored: bool) -> dict[str, Any]:
    label = str(document.get("active_manifest", ""))
    manifests = document.get("manifests", {})
    active = manifests.get(label, {})
    signature = active.get("signature_info") or {}
    generators = active.get("claim_generator_info") or [{}]
    made = " ".join(str(generators[0].get(k, "")) for k in ("name", "version")).strip()
    trusted = _trusted(document)
    unique = {
        (place, entry["code"]): {
            "code": clean(entry["code"]),
            "place": place,
            "words": clean(entry.get("explanation") or ""),
        }
        for place, entry in _failures(document, label)
        # Whoever looked at an ingredient back then had other anchors, or none.
        if entry["code"] != UNTRUSTED or (anchored and entry.get("url") not in trusted)
    }
    actions = list(_actions(manifests))
    return {
        "manifest": clean(label) or None,
        "manifests": len(manifests),
        "signer": clean(signature.get("common_name") or signature.get("issuer") or "") or None,
        "signed_utc": clean(signature["time"]) if signature.get("time") else None,
        "generator": clean(made) or None,
        "actions": [clean(a) for a in dict.fromkeys(a for a, _ in actions)][:MAX_FINDINGS],
        "source_types": [clean(s) for s in dict.fromkeys(s for _, s in actions if s)][
            :MAX_FINDINGS
        ],
        "failures": list(unique.values())[:MAX_FINDINGS],
    }


def _actions(manifests: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and source type (last part of its address) of every action of every manifest."""
    for manifest in manifests.values():
        for assertion in manifest.get("assertions", []):
            if str(assertion.get("label", "")).startswith("c2pa.actions"):
                for action in assertion.get("data", {}).get("actions", []):
                    kind = str(action.get("digitalSourceType") or "").rpartition("/")[2]
                    yield str(action.get("action", "")), kind


def _trusted(document: dict[str, Any]) -> set[str]:
    """Signatures of ingredients whose signer the anchors of today vouch for."""
    deltas = (document.get("validation_results") or {}).get("ingredientDeltas") or []
    passed = [e for d in deltas for e in (d.get("validationDeltas") or {}).get("success") or []]
    return {str(e.get("url")) for e in passed if e.get("code") == "signingCredential.trusted"}


def _failures(document: dict[str, Any], label: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and entry of every failure: of the file, of what it was made from, and those
    that were recorded when it was made.
    """
    results = document.get("validation_results") or {}
    yield from _entries((results.get("activeManifest") or {}).get("failure"), "this file")
    for delta in results.get("ingredientDeltas") or []:
        found = (delta.get("validationDeltas") or {}).get("failure")
        yield from _entries(found, "what it was made from")
    for name, manifest in document.get("manifests", {}).items():
        for ingredient in manifest.get("ingredients") or []:
            title = clean(ingredient.get("title") or "untitled")
            kind = "its ingredient" if name == label else "an earlier ingredient"
            place = f"{kind} \u201c{title}\u201d"
            inner = ingredient.get("validation_results") or {}
            yield from _entries((inner.get("activeManifest") or {}).get("failure"), place)
            for delta in inner.get("ingredientDeltas") or []:
                yield from _entries((delta.get("validationDeltas") or {}).get("failure"), place)
            if not inner:  # the form of older manifests
                yield from _entries(ingredient.get("validation_status"), place)


def _entries(found: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in found or []:
        if isinstance(entry, dict) and entry.get("code"):
            yield place, entry


# ---------------------------------------------------------------- writing


def sign(request: dict[str, Any], job: dict[str, Any]) -> dict[str, Any]:
    """Sign one medium into the handle ``out``; returns the sidecar's bytes where one is due."""
    import c2pa

    def ask(data: bytes) -> bytes:
        answer({"sign": base64.b64encode(data).decode()})
        return base64.b64decode(sys.stdin.readline())

    context = c2pa.Context.from_dict(settings(None))
    algorithm = c2pa.C2paSigningAlg[request["algorithm"]]
    with c2pa.Signer.from_callback(ask, algorithm, request["chain_pem"]) as signer:
        builder = c2pa.Builder(job["manifest"], context)
        # The intent puts c2pa.opened with the parent in front of the actions.
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        if job["detached"]:
            builder.set_no_embed()
        with os.fdopen(job["original"], "rb") as original:
            builder.add_ingredient(job["ingredient"], job["original_kind"], original)
        with os.fdopen(job["medium"], "rb") as medium, os.fdopen(job["out"], "w+b") as out:
            store = builder.sign(signer, job["kind"], medium, out)
    return {"manifest_store": base64.b64encode(store).decode() if job["detached"] else None}


def confine(task: str) -> None:
    """Caps for a library that parses hostile files: memory, no core dump, and no file when reading.

    Time is capped by the parent.
    """
    try:
        import resource
    except ImportError:  # no such limits on this system; the process is still apart
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    if task == "read":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main() -> None:
    """Do all jobs of one request, in order."""
    request = json.loads(sys.stdin.readline())
    confine(request["task"])
    try:
        import c2pa
    except ImportError as error:
        answer({"missing": str(error)})
        return
    for job in request["jobs"]:
        try:
            if request["task"] == "read":
                sidecar = base64.b64decode(job["sidecar"]) if job.get("sidecar") else None
                with os.fdopen(job["file"], "rb") as file:
                    answer({"result": read(file, job["kind"], sidecar, request.get("anchors_pem"))})
            else:
                answer({"result": sign(request, job)})
        except c2pa.C2paError as error:
            answer({"error": clean(error)})


if __name__ == "__main__":
    main()
