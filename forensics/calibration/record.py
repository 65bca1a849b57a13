"""Calibration, record: what was fitted and tested, as the versioned JSON that an audit reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from forensics import __version__
from forensics.calibration import coding, filmed
from forensics.calibration.judgement import Demands, Fitted, Labels, judge
from forensics.calibration.rows import GROUPS, FaceRow
from forensics.scoring.probability import SCHEMA


def filming_sha256() -> str:
    """Digest of the code that films faces."""
    parts = (Path(str(module.__file__)).read_bytes() for module in (filmed, coding))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def make_record(
    rows: Sequence[FaceRow],
    labels: Labels,
    *,
    about: Mapping[str, Any],
    demands: Demands,
    made_utc: str,
) -> tuple[dict[str, Any], dict[str, Fitted]]:
    """The record and its models.

    ``about`` holds ``restorer`` (name, version, sha256), ``networks`` (role to SHA-256), ``judges``
    and ``data`` (digests of lists and pictures).
    """
    stored_range, targets, models = judge(rows, labels, demands)
    counts = {
        group: {
            "people": len({r.person for r in rows if r.group == group}),
            "faces": sum(r.group == group for r in rows),
        }
        for group in GROUPS
    }
    return {
        "schema": SCHEMA,
        "made_by": f"restoration-forensics {__version__}",
        "made_utc": made_utc,
        "restorer": dict(about["restorer"]),
        "networks": dict(about["networks"]),
        "judges": dict(about["judges"]),
        "labels": {
            "identity_distance": labels.identity_distance,
            "feature_distance": dict(labels.feature_distance),
            "attribute_change": dict(labels.attribute_change),
        },
        "data": dict(about["data"]) | {"filming_sha256": filming_sha256(), "groups": counts},
        "demands": {
            "people": demands.people,
            "erred": demands.erred,
            "gain": demands.gain,
            "ece": demands.ece,
            "resamples": demands.resamples,
        },
        "range": stored_range,
        "targets": targets,
    }, models


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """The record as it is written: equal records, equal bytes."""
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
