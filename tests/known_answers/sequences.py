"""Known answers, sequences: a true face that moves, and edits of known size over time.

Clips come from `training.references.moving` (a head that sways, speaks and blinks, coded as one
clip); what flags over time take of each frame is made by the product's own meters.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import torch

from forensics.faces.people import cosine
from forensics.models.load import load_embedded
from forensics.models.nets.identity import build_identity
from forensics.records import Outcome
from forensics.scoring import identity
from forensics.scoring.continuity import StepMeter
from forensics.scoring.facts import FaceFact, FlagFinding
from forensics.scoring.flags import person_flags
from forensics.scoring.information import contrast_grey, luma
from forensics.scoring.over_time_table import shipped_over_time
from forensics.scoring.temporal import OverTime, TemporalMeter
from forensics.scoring.thresholds import shipped_thresholds
from tests.known_answers import paint, pairs
from tests.known_answers.footage import QUALITIES, known
from tests.known_answers.tally import Answer
from tests.known_answers.truths import SEED, U8, Truth
from training.references import moving

FRAMES = 28
SIZES_PX = (24.0, 40.0, 64.0)
BOX_PX = (200.0, 120.0, 260.0, 200.0)  # far from the picture's border
F32 = np.ndarray


@dataclass(frozen=True)
class Clip:
    """A filmed, moving truth.

    ``appearance`` (n, 128): what tracking sees of each crop; ``drawn`` and ``seen`` (n, 128): what
    the recogniser sees of each truth and each crop.
    """

    truth: Truth
    size_px: float
    quality: str
    shown: tuple[moving.Shown, ...]
    appearance: F32
    drawn: F32
    seen: F32

    @property
    def name(self) -> str:
        """For a list of misses."""
        return f"{self.truth.name} at {self.size_px:.0f} px, {self.quality}"


@cache
def _net(role: str) -> torch.nn.Module:
    return build_identity(load_embedded(role).state)


def film_clip(truth: Truth, size_px: float, quality: int, seed: int) -> Clip:
    """One clip of a truth at a stated eye distance and quality."""
    numbers = replace(known(size_px, quality, seed), seed=seed)
    shown = tuple(moving.clip(truth.rgb_u8, numbers, FRAMES))
    crops = [one.crop_rgb_u8 for one in shown]
    looks = np.asarray(_embedded("appearance", crops), np.float64)
    drawn = _embedded("identity", [one.truth_rgb_u8 for one in shown])
    seen = _embedded("identity", crops)
    return Clip(truth, size_px, QUALITIES[quality][0], shown, looks, drawn, seen)


def _embedded(role: str, pictures: Sequence[U8]) -> F32:
    return identity.embed(_net(role), list(pictures), torch.device("cpu"))


def film_clips(truths: Sequence[Truth]) -> list[Clip]:
    """Every truth at every eye distance its photograph carries; qualities in turn."""
    return [
        film_clip(truth, size, (number + 2 * step) % len(QUALITIES), SEED + 1000 * number + step)
        for number, truth in enumerate(truths)
        for step, size in enumerate(SIZES_PX)
        if size <= truth.detail_px
    ]


@dataclass(frozen=True)
class Played:
    """What the restored side shows, frame by frame, and how each frame ended."""

    restored: tuple[U8, ...]
    outcomes: tuple[Outcome, ...]
    similarity: tuple[float | None, ...]
    rival: tuple[float | None, ...]


def as_it_is(clip: Clip) -> Played:
    """The true face in every frame; nobody else is in the clip."""
    count = len(clip.shown)
    alike = _alike(clip.appearance, range(count), clip.appearance)
    return Played(
        tuple(one.truth_rgb_u8 for one in clip.shown),
        ("restored",) * count,
        tuple(alike),
        (None,) * count,
    )


def _alike(vectors: F32, own: Sequence[int], gallery: F32) -> list[float | None]:
    """Cosine of each row to the sum of a gallery without the row itself, as tracking has it."""
    total = gallery.sum(0)
    return [cosine(v, total - v) if k in own else cosine(v, total) for k, v in enumerate(vectors)]


def facts_of(clip: Clip, played: Played) -> list[FaceFact]:
    """The facts that the second pass would keep, by the product's own meters."""
    steps, meter = StepMeter(), TemporalMeter()
    found = []
    changed = [k for k, one in enumerate(clip.shown) if played.restored[k] is not one.truth_rgb_u8]
    drawn_as = clip.drawn.copy()
    if changed:
        drawn_as[changed] = _embedded("identity", [played.restored[k] for k in changed])
    for k, one in enumerate(clip.shown):
        step: float | None = None
        here: OverTime | None = None
        if played.outcomes[k] == "restored":
            drawn = played.restored[k]
            step = steps.step(0, k + 1, one.crop_rgb_u8, drawn)
            here, _ = meter.add(
                person=0, frame=k + 1, pts_s=one.pts_s, shot=1, crop_rgb_u8=one.crop_rgb_u8,
                restored_rgb_u8=drawn, scale=one.scale, yaw_deg=0.0,
                embedded=(drawn_as[k], clip.seen[k]),
            )  # fmt: skip
            here = replace(here, contrast_grey=contrast_grey(luma(one.native_rgb_u8)))
        found.append(
            FaceFact(
                frame=k + 1,
                pts_s=one.pts_s,
                person=0,
                box_px=BOX_PX,
                interocular_px=one.interocular_px,
                yaw_deg=0.0,
                outcome=played.outcomes[k],
                reason=None if played.outcomes[k] == "restored" else "too small to restore",
                flags=(),
                band="caution",
                because=(),
                contradiction=None,
                identity_drift=None,
                similarity=played.similarity[k],
                rival=played.rival[k],
                step_grey=step,
                over_time=here,
            )
        )
    return found


def findings(clip: Clip, played: Played) -> tuple[FlagFinding, ...]:
    """Flags of the person, over the whole clip."""
    return flags_of(facts_of(clip, played))


def flags_of(facts: Sequence[FaceFact]) -> tuple[FlagFinding, ...]:
    """The same, of facts that are known."""
    return person_flags(0, facts, frame_size_px=(640, 400))


# ---------------------------------------------------------------- edits over time


def dropped(clip: Clip, frames: int, seed: int, outcome: Outcome) -> Played:
    """``frames`` frames in a row show the crop instead; ``outcome`` is what the log says of them.

    "restored": the log claims a restoration and hands back its input.
    """
    played = as_it_is(clip)
    start = int(np.random.default_rng(seed).integers(4, len(clip.shown) - frames - 4))
    gone = range(start, start + frames)
    restored = [
        one.crop_rgb_u8 if k in gone else one.truth_rgb_u8 for k, one in enumerate(clip.shown)
    ]
    outcomes = tuple(outcome if k in gone else "restored" for k in range(len(restored)))
    return replace(played, restored=tuple(restored), outcomes=outcomes)


def trembling(clip: Clip, percent: float, seed: int) -> Played:
    """The restored face displaced in every frame anew: ``percent`` of the eye distance, RMS."""
    rng = np.random.default_rng(seed)
    sigma = percent / 100 * 125.92 / np.sqrt(2)
    moved = []
    for one in clip.shown:
        matrix = np.array([[1, 0, 0], [0, 1, 0]], np.float64)
        matrix[:, 2] = rng.normal(0, sigma, 2)
        moved.append(_warped(one.truth_rgb_u8, matrix))
    return replace(as_it_is(clip), restored=tuple(moved))


def _warped(rgb_u8: U8, matrix: F32) -> U8:
    out = cv2.warpAffine(
        rgb_u8, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(out, np.uint8)


def flickering(clip: Clip, picture_u8: U8, share: float) -> Played:
    """Every second frame is ``share`` of another picture of the same face on the template.

    The edit is laid over the moving truth as a difference, so that speech and blinks go on.
    """
    change = share * (picture_u8.astype(np.float32) - clip.truth.rgb_u8)
    restored = []
    for k, one in enumerate(clip.shown):
        drawn = one.truth_rgb_u8
        if k % 2:
            drawn = np.clip(np.rint(drawn + change), 0, 255).astype(np.uint8)
        restored.append(drawn)
    return replace(as_it_is(clip), restored=tuple(restored))


def swapped(clip: Clip, other: Clip, frames: int, seed: int) -> Played:
    """Two people in one clip; for ``frames`` frames each carries the other's number."""
    played = as_it_is(clip)
    start = int(np.random.default_rng(seed).integers(2, len(clip.shown) - frames - 2))
    gone = np.zeros(len(clip.shown), bool)
    gone[start : start + frames] = True
    mine = np.where(gone[:, None], other.appearance, clip.appearance)
    theirs = np.where(gone[:, None], clip.appearance, other.appearance)
    similarity = _alike(mine, range(len(mine)), mine)
    rival = _alike(mine, (), theirs)
    return replace(played, similarity=tuple(similarity), rival=tuple(rival))


@dataclass(frozen=True)
class TimedKind:
    """One kind of edit over time; the fields as in `kinds.Kind`."""

    name: str
    unit: str
    sizes: tuple[float, ...]
    play: Callable[[Clip, Clip, float, int], Played]
    flag: str
    gate: Callable[[float, float, float], bool]
    """By size, eye distance (px) and how far restored faces differ from their crops (grey)."""
    gate_words: str


def _usual_jitter(interocular_px: float) -> float:
    """The limit that true faces of this size keep, % of the eye distance; infinite without one."""
    reference = shipped_over_time().look_up("jitter", interocular_px)
    return float("inf") if reference is None else reference.p99


TIMED_KINDS: tuple[TimedKind, ...] = (
    TimedKind(
        "frames not restored, logged", "frames", (1, 2, 4),
        lambda clip, other, size, seed: dropped(clip, int(size), seed, "skipped"),
        "pop", lambda size, iod, change: True, "any number of frames",
    ),
    TimedKind(
        "frames not restored, silent", "frames", (1, 2, 4),
        lambda clip, other, size, seed: dropped(clip, int(size), seed, "restored"),
        "pop", lambda size, iod, change: change >= shipped_thresholds()["pop_least_grey"],
        "the others differ from their crops by 2 grey levels or more (`pop_least_grey`)",
    ),
    TimedKind(
        "jitter", "% of the eye distance, RMS", (0.5, 1.0, 2.0, 4.0),
        lambda clip, other, size, seed: trembling(clip, size, seed),
        "jitter", lambda size, iod, change: size >= 1.25 * _usual_jitter(iod),
        "a quarter above the limit of this eye distance in over_time.json",
    ),
    TimedKind(
        "another face in every second frame", "share", (0.25, 0.5, 1.0),
        lambda clip, other, size, seed: flickering(
            clip, pairs.identity_replaced(clip.truth, other.truth, 1.0), size
        ),
        "morphing", lambda size, iod, change: size >= 0.5, "half of the other face",
    ),
    TimedKind(
        "glasses in every second frame", "opacity", (0.5, 1.0),
        lambda clip, other, size, seed: flickering(
            clip, paint.glasses(clip.truth.rgb_u8, clip.truth.points_px, 4.0, 1.0), size
        ),
        "morphing", lambda size, iod, change: size >= 1, "opaque frames of 4 %",
    ),
    TimedKind(
        "ids swapped", "frames", (3, 5, 8, 12),
        lambda clip, other, size, seed: swapped(clip, other, int(size), seed),
        "swap", lambda size, iod, change: size >= 5 and iod >= 16,
        "5 faces in a row and 16 px between the eyes, as the rule asks",
    ),
)  # fmt: skip


@dataclass
class TimedOutcome:
    """Answers, and flags on the untouched clips (seconds and faces of them beside)."""

    answers: list[Answer]
    clean_s: float
    clean_clips: int
    false_flags: list[str]


def _usual_change(untouched: Sequence[FaceFact]) -> float:
    """How far the restored faces of an untouched clip differ from their crops, grey levels."""
    known = [fact.over_time for fact in untouched]
    return float(np.median([one.change_grey for one in known if one is not None]))


def run_clips(clips: Sequence[Clip], kinds: Sequence[TimedKind] = TIMED_KINDS) -> TimedOutcome:
    """Try every kind and size on every clip, and count flags on the untouched ones."""
    outcome = TimedOutcome([], 0.0, 0, [])
    for clip in clips:
        outcome.clean_s += clip.shown[-1].pts_s + clip.shown[1].pts_s
        outcome.clean_clips += 1
        untouched = facts_of(clip, as_it_is(clip))
        for finding in flags_of(untouched):
            outcome.false_flags.append(f"{finding.code}: {clip.name}")
        change = _usual_change(untouched)
        other = next(o for o in clips[::-1] if o.truth is not clip.truth)
        alike = [o for o in clips if o.size_px == clip.size_px and o.truth is not clip.truth]
        other = alike[len(outcome.answers) % len(alike)] if alike else other
        for kind in kinds:
            for size in kind.sizes:
                seed = zlib.crc32(f"{kind.name} {size} {clip.name}".encode())
                codes = [f.code for f in findings(clip, kind.play(clip, other, size, seed))]
                seen = kind.flag in codes
                outcome.answers.append(
                    Answer(
                        kind.name, size, clip.size_px, kind.gate(size, clip.size_px, change),
                        seen, seen, f"{kind.name} {size:g}, {clip.name}", tuple(codes),
                    )
                )  # fmt: skip
    return outcome
