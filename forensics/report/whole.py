"""Whole: audit.json, frames.jsonl and faces.jsonl of a bundle as one JSON document."""

from __future__ import annotations

import json

from forensics.report.view import View


def render_json(view: View) -> str:
    """``{"audit": ..., "frames": [...], "faces": [...]}``, numbers as the bundle holds them."""
    document = {
        "audit": json.loads(view.audit_json),
        "frames": [line.model_dump(mode="json") for line in view.frames],
        "faces": [line.model_dump(mode="json") for line in view.faces],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
