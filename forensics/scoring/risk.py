"""Scoring, bands: stated rules from flags and input information to one word per face and person.

The rules stand in ``tables/thresholds.json``.  Where a calibration passed its bar its probability
joins them, and the worse band of the two stands; elsewhere ``calibrated`` is false and the report
says so.  Faces below the smallest size never get the lowest band.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from forensics.records import FACE_FLAGS, Band, FaceLine, FlagCode, Risk
from forensics.scoring.facts import P99, FaceFact, FlagFinding
from forensics.scoring.information import quantiser_step
from forensics.scoring.probability import Probability
from forensics.scoring.support import supported
from forensics.scoring.thresholds import Rule, ThresholdTable, shipped_thresholds

REQUIRED: Final = ("contradiction", "identity_drift")
"""Measures without which, or without whose reference, the lowest band is not given."""
BAND_ABOVE: Final[Mapping[Band, float]] = {"high": 0.30, "caution": 0.10, "no_sign": -1.0}
"""A probability above the number gives the band; start values of the design, not tuned."""
OUTSIDE: Final = "the footage of this face lies outside what the calibration was fitted on"
_WORST_FIRST: Final[Mapping[Band, int]] = {
    "high": 0,
    "caution": 1,
    "not_calculable": 2,
    "no_sign": 3,
}
_FLAG_STRENGTH: Final = {"high": 1000.0, "caution": 100.0}
"""Flags come before measures, whose strengths are ratios to their thresholds."""


def face_risk(
    *,
    measures: Mapping[str, float],
    not_measured: Mapping[str, str],
    references: Mapping[str, float],
    flags: Sequence[FlagCode],
    table: ThresholdTable | None = None,
) -> Risk:
    """The band of one face, and the names of what decided it, strongest first.

    ``high`` or ``caution`` as soon as one of their rules holds, with the reasons of both;
    otherwise ``not_calculable`` while a required measure (or the reference it is read against) is
    absent; otherwise ``no_sign``.
    """
    limits = table or shipped_thresholds()
    held = {
        rule: strength
        for rule in limits.rules
        if (strength := _strength(rule, measures, flags, limits)) is not None
    }
    bands: set[Band] = {rule.band for rule in held}
    if bands:
        reasons = {rule.flag or rule.measure or rule.name: s for rule, s in held.items()}
        return _risk("high" if "high" in bands else "caution", reasons)
    absent = [
        name
        for name in REQUIRED
        if name in not_measured or name not in measures or name + P99 not in references
    ]
    if "interocular_px" not in measures:
        absent.append("interocular_px")
    if absent:
        return Risk(band="not_calculable", because=tuple(absent))
    return Risk(band="no_sign")


def plain_risk(line: FaceLine, table: ThresholdTable | None = None) -> Risk:
    """The band of a face had no measure flagged it (`support`)."""
    return face_risk(
        measures=line.measures,
        not_measured=line.not_measured,
        references=line.references,
        flags=[code for code in line.flags if code not in FACE_FLAGS],
        table=table,
    )


def with_probability(
    risk: Risk,
    found: Mapping[str, Probability],
    interocular_px: float,
    table: ThresholdTable | None = None,
) -> Risk:
    """A band by rules joined with calibrated probabilities by target, of a face or a person.

    The headed probability is that of the first target (any, identity, feature, attribute).  Over 30
    in 100 is ``high``, over 10 ``caution``; the worse of both bands stands, and below the smallest
    size the lowest is never given.  Nothing found: a calibration exists but does not reach this
    footage, so that the lowest band becomes ``not_calculable``.
    """
    limits = table or shipped_thresholds()
    if not found:
        band: Band = "not_calculable" if risk.band == "no_sign" else risk.band
        return risk.model_copy(update={"band": band, "reason": OUTSIDE})
    about, headed = next(iter(found.items()))
    said = next(band for band, above in BAND_ABOVE.items() if headed.value > above)
    if said == "no_sign" and interocular_px < limits["too_small_px"]:
        said = "caution"
    worse = min(said, risk.band, key=_WORST_FIRST.__getitem__)
    return risk.model_copy(
        update={
            "band": worse,
            "probability": round(headed.value, 4),
            "interval": (round(headed.low, 4), round(headed.high, 4)),
            "calibrated": True,
            "about": about,
            "targets": {
                name: (round(p.value, 4), round(p.low, 4), round(p.high, 4))
                for name, p in found.items()
            },
        }
    )


def _risk(band: Band, reasons: Mapping[str, float]) -> Risk:
    ordered = sorted(reasons, key=lambda name: (-reasons[name], name))
    # A face that is too small is also coarse: one reason says it.
    if "too_small" in ordered and "interocular_px" in ordered:
        ordered.remove("interocular_px")
    return Risk(band=band, because=tuple(ordered))


def _strength(
    rule: Rule,
    measures: Mapping[str, float],
    flags: Sequence[FlagCode],
    limits: ThresholdTable,
) -> float | None:
    """How far a rule is exceeded, as a ratio above 1; None when it does not hold."""
    if rule.flag is not None:
        return _FLAG_STRENGTH[rule.band] if rule.flag in flags else None
    if rule.measure is None or rule.threshold is None or rule.measure not in measures:
        return None
    value, limit = measures[rule.measure], limits[rule.threshold]
    if rule.measure == "qp":  # a logarithmic scale: compare steps, not numbers
        value, limit = quantiser_step(value), quantiser_step(limit)
    if rule.side == "above":
        return value / max(limit, 1e-6) if value > limit else None
    return limit / max(value, 1e-6) if value < limit else None


def person_risk(
    facts: Sequence[FaceFact],
    findings: Sequence[FlagFinding] = (),
    table: ThresholdTable | None = None,
) -> Risk:
    """The band of one person, pooled over the clip and never the worst single frame.

    ``high`` when at least ``person_share`` of the faces with a band are high (faces in a range of a
    high finding over time, such as a swap, count as high); ``caution`` when that share is caution
    or worse; otherwise ``no_sign`` when a majority of all faces has it, else ``not_calculable``.
    Reasons are the most frequent ones of the faces that decided.  What a measure says in one face
    alone counts for nothing (`support`).
    """
    limits = table or shipped_thresholds()
    facts = supported(facts, limits)
    over_time = [f for f in findings if f.severity == "high" and f.code == "swap"]
    bands: list[tuple[Band, tuple[str, ...]]] = []
    for fact in facts:
        swapped = any(a <= fact.frame <= b for f in over_time for a, b in f.frames)
        bands.append(("high", ("swap",)) if swapped else (fact.band, fact.because))
    counts = Counter(band for band, _ in bands)
    rated = counts["high"] + counts["caution"] + counts["no_sign"]
    share = limits["person_share"]
    if rated and counts["high"] >= share * rated:
        return Risk(band="high", because=_common(bands, ("high",)))
    if rated and counts["high"] + counts["caution"] >= share * rated:
        return Risk(band="caution", because=_common(bands, ("high", "caution")))
    if rated and counts["no_sign"] > len(bands) / 2:
        return Risk(band="no_sign")
    return Risk(band="not_calculable", because=_common(bands, ("not_calculable",)))


def _common(bands: Sequence[tuple[Band, tuple[str, ...]]], of: Sequence[Band]) -> tuple[str, ...]:
    """Reasons of the faces in these bands, most frequent first."""
    counted = Counter(name for band, names in bands if band in of for name in names)
    return tuple(name for name, _ in counted.most_common())
