"""Scoring, references over time: what true faces score while they move, speak and blink.

The table in ``tables/over_time.json`` was made from people of the ``fit`` list by
``python -m training.references.tracks``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from forensics.scoring.references import TABLES, Band, Reference

MORPHING = "morphing"
"""Row of the table for `temporal.morph_step`; not a measure of its own."""
FINE = "_fine"
"""Ending of rows for footage that is known to be coded at no more than `FINE_QP`."""
FINE_QP = 35.0


@dataclass(frozen=True)
class TimeBand(Band):
    """``least_contrast``: what the faintest clip of the band held (`information.contrast_grey`)."""

    least_contrast: float = 0.0


@dataclass(frozen=True)
class OverTimeTable:
    """Bands of eye distances by name, and the networks that the values hold for."""

    version: str
    bands: Mapping[str, tuple[TimeBand, ...]]
    needs: Mapping[str, str]  # role of the network that a row depends on
    models: Mapping[str, str]  # role: SHA-256

    def look_up(
        self,
        name: str,
        interocular_px: float,
        digests: Mapping[str, str] | None = None,
        *,
        fine: bool = False,
        contrast_grey: float | None = None,
    ) -> Reference | None:
        """Median clip, and the limit that the worst window of 99 of 100 true faces keeps.

        None outside the sizes of the table, in footage with less contrast than any of its clips
        had, or when ``digests`` says that another network is at work than the row was made with.
        ``fine``: the footage is known to be coded at a QP of 35 or less, whose true faces tremble
        less; otherwise the limit holds for any footage.
        """
        role = self.needs.get(name)
        if role is not None and (digests is None or digests.get(role) != self.models.get(role)):
            return None
        rows = self.bands.get(name, ())
        for band in (*self.bands.get(name + FINE, ()), *rows) if fine else rows:
            if band.start <= interocular_px < band.end:
                if contrast_grey is not None and contrast_grey < band.least_contrast:
                    continue
                return Reference(band.p50, band.p99, band.n)
        return None


@cache
def shipped_over_time() -> OverTimeTable:
    """The table that travels with the package."""
    return read_over_time(TABLES / "over_time.json")


def read_over_time(path: Path) -> OverTimeTable:
    """Read a table. Raises `OSError`, `KeyError` or `ValueError` when it is broken."""
    raw = json.loads(path.read_text("utf-8"))
    bands = {
        name: tuple(
            TimeBand(
                float(b["from"]),
                float(b["to"]),
                float(b["p50"]),
                float(b["p99"]),
                int(b["n"]),
                float(b["least_contrast"]),
            )
            for b in entry["bands"]
        )
        for name, entry in raw["measures"].items()
    }
    needs = {k: e["needs_model"] for k, e in raw["measures"].items() if "needs_model" in e}
    return OverTimeTable(raw["version"], bands, needs, dict(raw["models"]))
