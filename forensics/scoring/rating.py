"""Scoring, rating: what a calibration adds to the bands of a run's faces and people.

Keeps the features of each scored face, because a person is rated on all of them and never on the
worst.  Without a calibration that may show something, lines and people pass through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from forensics.records import CalibrationNote, Counted, CountedSize, FaceLine, JudgedTarget, Risk
from forensics.scoring.facts import FaceFact
from forensics.scoring.probability import Calibration
from forensics.scoring.risk import with_probability

Values = dict[str, float] | None


@dataclass
class Rating:
    """A calibration at work; ``calibration`` None rates nobody."""

    calibration: Calibration | None = None
    _values: dict[int, list[Values]] = field(default_factory=dict)

    @property
    def _shows(self) -> Calibration | None:
        found = self.calibration
        return found if found is not None and found.shown else None

    def face(self, line: FaceLine, fact: FaceFact) -> tuple[FaceLine, FaceFact]:
        """The line and fact of a scored face with its probability; others as they are."""
        calibration = self._shows
        if calibration is None or "interocular_px" not in line.measures:
            return line, fact
        values = calibration.values(line.measures, line.references)
        self._values.setdefault(line.person, []).append(values)
        found = calibration.face(values) if values is not None else {}
        risk = with_probability(line.risk, found, line.interocular_px)
        rated = replace(fact, band=risk.band, because=risk.because)
        if fact.plain is not None:
            band, because = fact.plain
            plain = with_probability(Risk(band=band, because=because), found, line.interocular_px)
            rated = replace(rated, plain=(plain.band, plain.because))
        return line.model_copy(update={"risk": risk}), rated

    def person(self, risk: Risk, own: Sequence[FaceFact]) -> Risk:
        """The risk of a person by rules, with the probability of all of their scored faces."""
        calibration = self._shows
        if calibration is None or not own:
            return risk
        found = calibration.person(self._values.get(own[0].person, []))
        return with_probability(risk, found, float(np.median([f.interocular_px for f in own])))

    @property
    def note(self) -> CalibrationNote | None:
        """What the record says of the calibration that was read."""
        if self.calibration is None:
            return None
        document = self.calibration.document
        groups = document["data"]["groups"]
        return CalibrationNote(
            sha256=self.calibration.sha256,
            made_utc=str(document["made_utc"]),
            shown=tuple(target.name for target in self.calibration.shown),
            verdicts={target.name: target.reason for target in self.calibration.targets},
            people={group: int(count["people"]) for group, count in groups.items()},
            tested=_tested(document["targets"]),
        )


def _tested(targets: Mapping[str, Any]) -> dict[str, JudgedTarget]:
    """The figures of every target that was tested, as the record of a calibration holds them."""
    found = {}
    for name, target in targets.items():
        figures = target.get("figures")
        if not figures or not figures.get("baselines"):
            continue
        best, held = max(
            figures["baselines"].items(), key=lambda item: float(item[1]["auroc"]["value"])
        )
        found[name] = JudgedTarget(
            passed=bool(target["passed"]),
            verdict=str(target["reason"]),
            people=int(figures["people"]),
            faces=int(figures["faces"]),
            share_erred=float(figures["prevalence"]),
            auroc=_span(figures["auroc"]),
            baseline=str(best),
            gain=_span(held["gain"]),
            calibration_error=_span(figures["ece"]),
            reliability=tuple(
                (float(stated), float(erred), int(faces))
                for stated, erred, faces in figures["reliability"]
            ),
            by_size=tuple(CountedSize(**counted) for counted in figures.get("by_size", ())),
            by_word={w: Counted(**counted) for w, counted in figures.get("by_word", {}).items()},
        )
    return found


def _span(found: Mapping[str, float]) -> tuple[float, float, float]:
    return float(found["value"]), float(found["low"]), float(found["high"])
