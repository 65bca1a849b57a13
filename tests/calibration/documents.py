"""Calibration records made by hand: one term, three steps, a range as wide as wanted."""

from __future__ import annotations

import copy
import json
from typing import Any

from forensics.scoring.found_calibration import measured_with
from forensics.scoring.probability import SCHEMA

RESTORER = "a" * 64

MODEL: dict[str, Any] = {
    "intercept": 0.0,
    "terms": [
        {"name": "small", "centre": -5.0, "spread": 1.0, "coefficient": 1.0, "absent": None},
        {"name": "coarse", "centre": 30.0, "spread": 10.0, "coefficient": 0.5, "absent": 0.25},
    ],
    "scores": [-2.0, 0.0, 2.0],
    "shares": [0.05, 0.2, 0.6],
    "lows": [0.01, 0.1, 0.5],
    "highs": [0.15, 0.3, 0.7],
    "ridge": 0.01,
}


def document(
    restorer: str = RESTORER, networks: dict[str, str] | None = None, *, passed: bool = True
) -> dict[str, Any]:
    """A record whose target "any" passed, or not, and whose range holds everything."""
    missed = {"passed": False, "reason": "The gain is under 0.03.", "model": None, "figures": None}
    return {
        "schema": SCHEMA,
        "made_utc": "2026-01-01T00:00:00Z",
        "restorer": {"profile": "made", "name": "made", "version": "1", "sha256": restorer},
        "networks": measured_with(networks or {}),
        "data": {"groups": {g: {"people": 40, "faces": 240} for g in ("fit", "cal", "test")}},
        "range": {
            "low": [-1e6] * 6,
            "high": [1e6] * 6,
            "centre": [0.0] * 6,
            "inverse": [[0.0] * 6] * 6,
            "limit": 1.0,
        },
        "targets": {
            "identity": missed,
            "any": {
                "passed": passed,
                "reason": "Gain 0.06.",
                "model": copy.deepcopy(MODEL),
                "figures": None,
            },
        },
    }


def raw(found: dict[str, Any]) -> bytes:
    """As a file holds it."""
    return json.dumps(found).encode()
