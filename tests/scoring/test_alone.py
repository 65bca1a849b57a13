"""What a face without an original says of itself: only what needs none, and movement in px."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from forensics.records import MEASURES
from forensics.scoring.alone import NAMES, NO_ORIGINAL
from forensics.scoring.alone_over_time import NO_SURROUNDINGS, AloneMeter, keeps
from forensics.scoring.continuity import find_pops
from forensics.scoring.measure import TEMPLATE_INTEROCULAR_PX
from forensics.scoring.regions import template_mask
from forensics.scoring.temporal import OverTime
from forensics.scoring.thresholds import shipped_thresholds
from tests.scoring.test_flags import fact

U8 = NDArray[np.uint8]
RATE = 25.0


def texture(seed: int, sigma: float = 5.0) -> NDArray[np.float32]:
    """Soft noise (640, 640) with a spread of about 30 grey levels."""
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(rng.standard_normal((640, 640)).astype(np.float32), (0, 0), sigma)
    return np.asarray(128 + 30 * soft / soft.std(), np.float32)


def moved(picture: NDArray[np.float32], dx: float, dy: float) -> NDArray[np.float32]:
    """The middle (512, 512) of a picture that was moved right and down."""
    matrix = np.array([[1, 0, dx - 64], [0, 1, dy - 64]], np.float64)
    return np.asarray(cv2.warpAffine(picture, matrix, (512, 512), flags=cv2.INTER_CUBIC))


def face_in_scene(face_px: tuple[float, float], scene_px: tuple[float, float]) -> U8:
    """A textured head that moved by one amount before a scene that moved by another."""
    head = cv2.dilate(template_mask("head").astype(np.uint8), np.ones((9, 9), np.uint8))
    weight = cv2.GaussianBlur(head.astype(np.float32), (0, 0), 4)
    grey = weight * moved(texture(1), *face_px) + (1 - weight) * moved(texture(2), *scene_px)
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, 2)


def jitter_of(faces: NDArray[np.float64], scenes: NDArray[np.float64]) -> float | None:
    meter, found = AloneMeter(), OverTime(1, 0.0)
    for number, (face, scene) in enumerate(zip(faces, scenes, strict=True), 1):
        found, _ = meter.add(
            person=0,
            frame=number,
            pts_s=number / RATE,
            shot=1,
            restored_rgb_u8=face_in_scene(tuple(face), tuple(scene)),
            embedded=None,
        )
    return found.jitter_pct


def test_a_trembling_face_reads_its_tremble() -> None:
    """Independent 4 px a frame in x and y: 4 * sqrt(2) px, 4.5 % of the eye distance."""
    steps = np.random.default_rng(7).normal(0, 4, (26, 2))
    found = jitter_of(steps, np.zeros_like(steps))
    rms_px = float(np.sqrt(np.square(steps[1:]).sum(1).mean()))
    assert found is not None
    assert found == pytest.approx(100 * rms_px / TEMPLATE_INTEROCULAR_PX, rel=0.3)


def test_a_shaken_camera_is_no_tremble_of_the_face() -> None:
    steps = np.random.default_rng(8).normal(0, 4, (26, 2))
    found = jitter_of(steps, steps)
    assert found is not None
    assert found < 0.5


def test_a_slow_head_is_no_tremble() -> None:
    time = np.arange(26) / RATE
    slow = np.stack([12 * np.sin(2 * np.pi * 1.0 * time), 6 * time], 1)
    found = jitter_of(slow, np.zeros_like(slow))
    assert found is not None
    assert found < 0.5


def test_without_detail_around_the_face_nothing_is_said() -> None:
    meter = AloneMeter()
    flat = np.full((512, 512, 3), 120, np.uint8)
    for number in range(1, 15):
        here, reasons = meter.add(
            person=0, frame=number, pts_s=number / RATE, shot=1, restored_rgb_u8=flat, embedded=None
        )
    assert here.jitter_pct is None
    assert reasons["jitter"] == NO_SURROUNDINGS


def test_flags_over_time_see_sharpness_alone() -> None:
    assert keeps(OverTime(3, 2.5, 9.0, 9.0, 9.0)) == OverTime(3, 2.5)


def softened(soft_face: bool, soft_scene: bool) -> U8:
    """Fine grain on face and scene, taken away where asked."""
    rng = np.random.default_rng(3)
    rgb = np.clip(rng.normal(128, 25, (512, 512)), 0, 255).astype(np.uint8)
    soft = cv2.GaussianBlur(rgb, (0, 0), 4)
    face = template_mask("head")
    out = np.where(face, soft if soft_face else rgb, soft if soft_scene else rgb)
    return np.repeat(out[..., None].astype(np.uint8), 3, 2)


@pytest.mark.parametrize(
    ("soft_scene", "pops"), [(False, 1), (True, 0)], ids=["the face alone", "the whole picture"]
)
def test_a_face_that_turns_soft_alone_is_a_pop(soft_scene: bool, pops: int) -> None:
    meter, facts = AloneMeter(), []
    for number in range(1, 11):
        soft = number >= 6
        here, _ = meter.add(
            person=0,
            frame=number,
            pts_s=number / RATE,
            shot=1,
            restored_rgb_u8=softened(soft, soft and soft_scene),
            embedded=None,
        )
        facts.append(fact(number, over_time=keeps(here)))
    found = find_pops(0, facts, [], None, shipped_thresholds(), logged=False, outcomes=False)
    assert len(found) == pops
    if pops:
        assert found[0].frames == ((5, 6),)
        assert "inferred from pixels" in (found[0].detail or "")


def test_outcomes_of_a_run_that_did_not_restore_are_no_pops() -> None:
    """A frame that somebody else's clip lacks is skipped; nothing was switched off there."""
    facts = [fact(k, outcome="skipped" if k in (4, 5) else "restored") for k in range(1, 9)]
    limits = shipped_thresholds()
    assert find_pops(0, facts, [], None, limits, logged=True)
    assert not find_pops(0, facts, [], None, limits, logged=False, outcomes=False)


def test_names_are_measures() -> None:
    assert set(NAMES) <= set(MEASURES)
    assert NO_ORIGINAL == "no original"
