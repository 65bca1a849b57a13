"""Scoring, where calibrations lie: a named file, the models folder, or the table that is shipped.

Promise: a record that is for other weights is never read as if it were for these.  Named by the
user, that is an error; found by itself, it is left alone and the reason is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from forensics.config import Settings, models_dir
from forensics.errors import InputError, UsageError
from forensics.scoring.probability import Calibration, read_calibration_file
from forensics.scoring.references import TABLES

REFERENCES = "reference table"
"""Role under which the digest of the reference table stands among those of the networks."""
EVIDENCE_TABLE = "evidence table"
"""The same for what true faces score against the evidence model, where that takes part."""


@dataclass(frozen=True)
class Found:
    """The calibration of a run, or None with the reason where there was one to give."""

    calibration: Calibration | None
    reason: str | None = None


@cache
def table_sha256(name: str) -> str:
    """Digest of a table that travels with the package."""
    return hashlib.sha256((TABLES / f"{name}.json").read_bytes()).hexdigest()


def measured_with(networks: Mapping[str, str]) -> dict[str, str]:
    """Everything that decides a measure's numbers: networks by role, and the tables they need."""
    found = dict(networks) | {REFERENCES: table_sha256("references")}
    return found | ({EVIDENCE_TABLE: table_sha256("evidence")} if "evidence" in networks else {})


def calibration_path(profile: str) -> Path:
    """Where ``forensics calibrate`` puts the calibration of a profile, and an audit looks."""
    return models_dir() / "calibrations" / f"{profile}.json"


def shipped_path(profile: str) -> Path:
    """The calibration that travels with the package, if it has one for this profile."""
    return TABLES / f"calibration_{profile}.json"


def find_calibration(
    settings: Settings, restorer_sha256: str, networks: Mapping[str, str]
) -> Found:
    """The calibration for these weights under these settings.

    ``networks``: those of the scorer, by role.  Raises `UsageError` for a named file that is for
    others, and `InputError` for one that cannot be read.
    """
    named = settings.calibration
    if named == "none":
        return Found(None, "none was wanted")
    if named != "auto":
        return _named(Path(named), settings, restorer_sha256, networks)
    reason = None
    for path in (calibration_path(settings.models), shipped_path(settings.models)):
        if not path.is_file():
            continue
        try:
            calibration = read_calibration_file(path)
        except (OSError, ValueError) as error:
            reason = f"{path.name} cannot be read: {error}"
            continue
        reason = _unfit(calibration, settings, restorer_sha256, networks)
        if reason is None:
            return Found(calibration)
    return Found(None, reason)


def _named(
    path: Path, settings: Settings, restorer_sha256: str, networks: Mapping[str, str]
) -> Found:
    try:
        calibration = read_calibration_file(path)
    except (OSError, ValueError) as error:
        text = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"--calibration: {path.name} cannot be read: {text}") from error
    reason = _unfit(calibration, settings, restorer_sha256, networks)
    if reason is not None:
        raise UsageError(
            f"--calibration {path.name}: {reason}",
            f"Make one with 'forensics calibrate --models {settings.models} --portraits DIR'.",
        )
    return Found(calibration)


def _unfit(
    calibration: Calibration,
    settings: Settings,
    restorer_sha256: str,
    networks: Mapping[str, str],
) -> str | None:
    """Why the record does not hold for this run, or None."""
    if settings.engine != "native" or settings.upstream_compat:
        return "the calibration was made with the native engine's own alignment"
    if settings.precision != "exact" or settings.noise != "stored":
        return "the calibration was made with precision exact and noise stored"
    return calibration.invalid_for(restorer_sha256, measured_with(networks))
