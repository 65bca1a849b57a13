"""Records: the frozen facts that every stage hands on and every output format shows.

Two kinds live here.  Dataclasses carry what one stage gives the next inside a run
(`Detection`, `Failure`).  Pydantic models are what a bundle stores: `Audit` (audit.json),
`FrameLine` (frames.jsonl) and `FaceLine` (faces.jsonl); their JSON Schemas are generated into
``docs/schema/``.  Numbers are finite or absent: never NaN, never a made-up zero.  Frame numbers
start at 1 and equal the number in file names.  Names carry unit and space: ``_px`` native
square-pixel picture coordinates with pixel centres at integers, ``_s`` seconds, ``_u8`` uint8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, Field

from forensics.record_base import PLUGIN_PREFIX as PLUGIN_PREFIX
from forensics.record_base import Record as Record
from forensics.record_calibration import LEAST_PEOPLE as LEAST_PEOPLE
from forensics.record_calibration import CalibrationNote as CalibrationNote
from forensics.record_calibration import Counted as Counted
from forensics.record_calibration import CountedSize as CountedSize
from forensics.record_calibration import JudgedTarget as JudgedTarget
from forensics.record_media import Artefact as Artefact
from forensics.record_media import Comparison as Comparison
from forensics.record_media import Restored as Restored
from forensics.record_media import Source as Source
from forensics.record_media import Stream as Stream
from forensics.record_names import FACE_FLAGS as FACE_FLAGS
from forensics.record_names import MEASURES as MEASURES
from forensics.record_names import TABLE_MEASURES as TABLE_MEASURES
from forensics.record_names import Band as Band
from forensics.record_names import FlagCode as FlagCode
from forensics.record_pair import Pair as Pair

AUDIT_SCHEMA = "restoration-forensics/audit/1"
FRAME_SCHEMA = "restoration-forensics/frame/1"
FACE_SCHEMA = "restoration-forensics/face/1"

Outcome = Literal["restored", "skipped", "failed"]
FrameOutcome = Literal["restored", "skipped", "failed"]
Mode = Literal["restore", "pair", "restored_only"]
Severity = Literal["high", "caution", "note"]
RejectReason = Literal["nested_in_face", "second_box", "below_eye_px", "track_rejected"]
SkipReason = Literal[
    "not_detected",
    "below_eye_px",
    "nested_in_face",
    "second_box",
    "track_rejected",
    "unsupported_signal",
    "user_excluded",
    "no_counterpart",
]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
Affine = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Detection:
    """One face as the detector sees it in a frame, in square-pixel picture coordinates.

    ``box_px`` is x0, y0, x1, y1.  ``landmarks_px`` are five points in the order of the FFHQ
    template: eye on the picture's left, eye on its right, nose tip, mouth corner on the
    picture's left, mouth corner on its right.  ``score`` is 0..1.
    """

    box_px: Box
    landmarks_px: tuple[Point, Point, Point, Point, Point]
    score: float

    @property
    def interocular_px(self) -> float:
        """Distance between the two eye points in native px."""
        (x0, y0), (x1, y1) = self.landmarks_px[0], self.landmarks_px[1]
        return float(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)


@dataclass(frozen=True)
class Failure:
    """A step that gave no result. Every output format shows it."""

    stage: str  # probe, decode, detect, align, restore, paste, encode, measure, report
    reason: str  # for a reader: "the network gave numbers that are not finite"
    error: str  # for a developer: class and message

    @classmethod
    def of(cls, stage: str, reason: str, error: BaseException) -> Failure:
        # The text of an OSError holds a path, which a private run must not record.
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return cls(stage, reason, f"{type(error).__name__}: {text}")


class Rejected(Record):
    """A detection that did not become a face of a person, and why."""

    box_px: Box
    score: float
    reason: RejectReason


class Risk(Record):
    """How far the footage supports a face. ``probability`` only where calibration passed."""

    band: Band
    probability: float | None = None
    interval: tuple[float, float] | None = None
    calibrated: bool = False
    because: tuple[str, ...] = Field(
        default=(), description="names of measures or flags, strongest first"
    )
    about: str | None = Field(
        default=None, description="what the probability is of: any, identity, feature, attribute"
    )
    targets: dict[str, tuple[float, float, float]] = Field(
        default={}, description="every probability that may be shown: value, low, high"
    )
    reason: str | None = Field(
        default=None, description="why a calibration that exists gives this face no probability"
    )


class FaceLine(Record):
    """One person in one frame: a line of faces.jsonl."""

    frame: int = Field(ge=1)
    pts_s: float | None = Field(description="None where the source has no time stamps")
    person: int = Field(ge=0)
    score: float = Field(description="detector's score, 0..1")
    box_px: Box
    landmarks_px: tuple[Point, ...]
    landmarks_raw_px: tuple[Point, ...] = Field(description="before smoothing along the track")
    affine: Affine | None = Field(
        default=None, description="native px to 512-template px, (2, 3), None when it failed"
    )
    scale: float | None = Field(default=None, description="512-template px per native px")
    interocular_px: float = Field(ge=0)
    yaw_deg: float | None = Field(
        default=None,
        description="turn of the head estimated from five points; sign: + to the right",
    )
    beyond_frame: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of the face's square beyond the rim of the frame, where nothing was "
        "measured; None in older runs and for faces that were not aligned",
    )
    outcome: Outcome
    reason: str | None = Field(default=None, description="why skipped, failed or fallen back")
    error: str | None = Field(default=None, description="class and message, for a developer")
    seed: int | None = None
    crop_sha256: str | None = Field(default=None, description="of the raw (512, 512, 3) RGB bytes")
    restored_sha256: str | None = None
    alternatives: tuple[str, ...] = Field(
        default=(),
        description="SHA-256 of the raw RGB bytes of alternatives/FRAME_PERSON_a.png and so on: "
        "other faces that fit the same pixels, of key and flagged faces",
    )
    measures: dict[str, float] = Field(default={})
    not_measured: dict[str, str] = Field(default={})
    references: dict[str, float] = Field(
        default={}, description="what accurate pictures of this quality score, by measure"
    )
    plugin_measures: dict[str, float] = Field(default={}, description="by plugin:NAME; in no band")
    plugin_not_measured: dict[str, str] = Field(default={})
    risk: Risk
    flags: tuple[FlagCode, ...] = Field(
        default=(),
        description="a measure's flag stands here also where most measured faces around do not "
        "carry it; its person then does not either",
    )


class FrameLine(Record):
    """One frame of the source: a line of frames.jsonl."""

    frame: int = Field(ge=1)
    name: str | None = Field(default=None, description="own file name, for folders of frames")
    pts: int | None = None
    pts_s: float | None = None
    duration: int | None = Field(default=None, description="in units of source.time_base")
    shot: int | None = Field(
        default=None, ge=1, description="a new one begins where the whole picture changes at once"
    )
    outcome: FrameOutcome = Field(
        description="restored: by this run or, where nothing was restored here, by whoever made "
        "what is audited; skipped: somebody else's restoration does not show this frame"
    )
    reason: str | None = None
    error: str | None = None
    other_frame: int | None = Field(
        default=None, ge=1, description="frame of somebody else's restoration that shows this one"
    )
    fallen_back: str | None = Field(
        default=None, description="why Lanczos stands outside the faces and not what was asked for"
    )
    faces: int = Field(ge=0, description="faces of people; rejected detections are apart")
    rejected: tuple[Rejected, ...] = ()
    source_rgb_sha256: str | None = Field(
        default=None, description="of the RGB bytes after rotation and square pixels"
    )
    restored_rgb_sha256: str | None = Field(default=None, description="before encoding")
    background_redrawn: float | None = Field(
        default=None,
        description="how far the picture outside the faces differs from its Lanczos enlargement, "
        "RMS of luma in grey levels; None where no network drew it",
    )
    background_plain: float | None = Field(
        default=None, description="the same between bicubic and Lanczos, which invent nothing"
    )
    flags: tuple[FlagCode, ...] = ()


class Model(Record):
    """A network that took part."""

    role: str
    name: str
    version: str
    file: str
    sha256: str
    state_sha256: str | None = Field(
        default=None, description="of the tensors sorted by name; None where not computed"
    )
    licence: str
    source: str
    deterministic: bool
    card: str | None = Field(default=None, description="file name of its model card")


class Totals(Record):
    """Counts that add up; verify checks that they do."""

    frames: int
    frames_restored: int
    frames_failed: int
    frames_skipped: int = Field(default=0, ge=0, description="somebody else's clip lacks them")
    faces: int
    faces_restored: int
    faces_skipped: int
    faces_failed: int
    rejected_detections: int
    people: int
    flagged_faces: int
    flagged_frames: int

    def signed(self) -> dict[str, int]:
        """The counts as a signed statement has them: signatures of older versions must hold, which
        did not know frames that somebody else's clip lacks.
        """
        counts: dict[str, int] = self.model_dump()
        if not self.frames_skipped:
            del counts["frames_skipped"]
        return counts


class Flag(Record):
    """A finding about one person (or the picture), with its place."""

    code: FlagCode
    person: int | None
    frames: tuple[tuple[int, int], ...] = Field(description="inclusive [first, last] ranges")
    severity: Severity
    measured: float | None = None
    reference: float | None = None
    unit: str | None = None
    words: str


class Person(Record):
    """A person as followed through the clip."""

    id: int
    first_frame: int
    last_frame: int
    faces: int
    faces_restored: int
    faces_failed: int
    risk: Risk
    bands: dict[Band, int]
    flags: tuple[FlagCode, ...]
    interocular_px_range: tuple[float, float]
    gaps: tuple[tuple[int, int], ...] = Field(
        default=(), description="frame ranges without this person between first and last"
    )
    key_frames: tuple[int, ...] = Field(default=(), description="frames shown first in the report")
    summary: str


class Background(Record):
    """What was done outside the faces."""

    method: str
    requested: str
    outcome: Outcome
    reason: str | None = None
    fallen_back_frames: int = Field(
        default=0, ge=0, description="frames in which Lanczos stood in; frames.jsonl names them"
    )
    redrawn_grey: float | None = Field(
        default=None, description="median of background_redrawn of the frames; None: not redrawn"
    )


class Run(Record):
    """Who ran what, when. Clock fields may differ between two equal runs."""

    id: str
    tool: str = "restoration-forensics"
    version: str
    schema_version: str = AUDIT_SCHEMA
    started_utc: str
    ended_utc: str
    seconds: float
    complete: bool
    exit_code: int
    case: str | None = None
    operator: str | None = None
    purpose: str | None = None
    failures: tuple[str, ...] = ()
    signers: tuple[str, ...] = Field(
        default=(),
        description="fingerprints of the keys that sign this bundle: SHA-256 of the DER "
        "SubjectPublicKeyInfo; empty when it is not signed",
    )
    timestamp_requested: bool = Field(
        default=False, description="a time stamp was asked for; only the token itself attests time"
    )


class Audit(Record):
    """The result: data/audit.json. Both reports are views of it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        protected_namespaces=(),
    )

    schema_: Literal["restoration-forensics/audit/1"] = Field(
        default="restoration-forensics/audit/1", alias="schema"
    )
    mode: Mode = Field(
        default="restore",
        description="restore: this run restored; pair: somebody else's restoration was held "
        "against its source; restored_only: a restored clip without an original was looked at",
    )
    run: Run
    source: Source
    restored: Restored | None
    pair: Pair | None = Field(default=None, description="what was held against the source, and how")
    models: tuple[Model, ...]
    settings: dict[str, str | int | float | bool | None]
    totals: Totals
    people: tuple[Person, ...]
    flags: tuple[Flag, ...]
    background: Background
    reproduce: dict[str, str] = Field(description="commands to repeat and to verify")
    limits: tuple[str, ...]
    reports: tuple[Artefact, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    calibration: CalibrationNote | None = Field(
        default=None, description="None where no calibration of this restorer was found"
    )


CLOCK_FIELDS: tuple[str, ...] = (
    "run.id",
    "run.started_utc",
    "run.ended_utc",
    "run.seconds",
)
"""Fields of audit.json that may differ between two equal runs."""
