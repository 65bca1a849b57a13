"""Records, calibration: what the test of a restorer's risk model said, for the reports."""

from __future__ import annotations

from pydantic import Field

from forensics.record_base import Record
from forensics.record_names import Band

Span = tuple[float, float, float]
LEAST_PEOPLE = 30
"""Of fewer people an error rate is not told: "too few to tell"."""


class Counted(Record):
    """Tested faces of one kind, and how many of them erred."""

    people: int
    faces: int
    erred: int
    share: Span = Field(
        description="that erred: value, low, high of an exact 95 % interval counted by people"
    )


class CountedSize(Counted):
    """Tested faces of one band of sizes."""

    from_px: float = Field(description="between the eyes in the footage, at least")
    to_px: float = Field(description="and less than")

    def holds(self, eyes_px: float) -> bool:
        """Whether a face of this size is of the band."""
        return self.from_px <= eyes_px < self.to_px


class JudgedTarget(Record):
    """The figures of one target on people that nothing was fitted or calibrated on.

    Spans are value, low, high of a 95 % interval by resampling people.
    """

    passed: bool = Field(description="whether its probability may be shown")
    verdict: str
    people: int
    faces: int
    share_erred: float = Field(description="of the tested faces")
    auroc: Span
    baseline: str = Field(description="the best of the simple scores it is held against")
    gain: Span = Field(description="AUROC above that baseline")
    calibration_error: Span
    reliability: tuple[tuple[float, float, int], ...] = Field(
        default=(), description="mean probability stated, share that erred, faces; by bin"
    )
    by_size: tuple[CountedSize, ...] = Field(
        default=(), description="of all tested faces; empty where a test did not count them"
    )
    by_word: dict[Band, Counted] = Field(
        default={}, description="by the band that the rules gave each tested picture alone"
    )


class CalibrationNote(Record):
    """The calibration a run read: which, what it may show, and what its test said."""

    sha256: str
    made_utc: str
    shown: tuple[str, ...] = Field(description="targets whose probability passed its bar")
    verdicts: dict[str, str] = Field(description="what the test said of each target")
    tested: dict[str, JudgedTarget] = Field(
        default={}, description="figures of each target that was tested; empty in older bundles"
    )
    people: dict[str, int] = Field(description="people fitted on, calibrated on, tested on")
