"""Scoring, wrong pairs: another face is told from the right one, however strongly that is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from forensics.models.load import load_embedded
from forensics.restore.embedded import EmbeddedRestorer
from forensics.scoring.flags import person_flags
from forensics.scoring.measure import FaceInput
from forensics.scoring.mismatch import PAIR_LIKENESS, find_mismatch, measure_likeness
from forensics.scoring.thresholds import shipped_thresholds
from tests.known_answers.footage import QUALITIES, Filmed, film
from tests.known_answers.truths import Truth, of_photo, public_truths
from tests.scoring.test_flags import fact
from training.portraits import detect, read_index, yunet

LIMIT = shipped_thresholds()["pair_likeness_least"]
U8 = np.ndarray


def likeness(face: FaceInput) -> float:
    return measure_likeness(face).values[PAIR_LIKENESS]


def sharpened(face: FaceInput) -> U8:
    soft = cv2.GaussianBlur(face.crop_rgb_u8, (0, 0), face.scale)
    return np.clip(2.2 * face.crop_rgb_u8.astype(float) - 1.2 * soft, 0, 255).astype(np.uint8)


def beautified(face: FaceInput) -> U8:
    """Smooth skin, then far too much sharpening and contrast."""
    out = face.crop_rgb_u8
    for _ in range(2):
        out = cv2.bilateralFilter(out, 9, 40, 9)
    soft = cv2.GaussianBlur(out, (0, 0), max(2.0, face.scale))
    sharp = out + 1.8 * (out.astype(float) - soft)
    return np.clip(1.08 * sharp + 6, 0, 255).astype(np.uint8)


def drawn_by(name: str, face: FaceInput) -> U8:
    if name == "embedded":
        restorer = EmbeddedRestorer(load_embedded("restorer"), torch.device("cpu"))
        out = restorer.restore([face.crop_rgb_u8])[0]
        assert isinstance(out, np.ndarray)
        return out
    made: dict[str, Callable[[FaceInput], U8]] = {
        "sharpened": sharpened,
        "beautified": beautified,
        "truth": lambda f: f.restored_rgb_u8,
    }
    return made[name](face)


@pytest.mark.parametrize("name", ["sharpened", "beautified", "truth", "embedded"])
@pytest.mark.parametrize("size_px", [17.0, 40.0])
def test_the_right_face_is_alike_and_another_is_not(name: str, size_px: float) -> None:
    own, other = (film(t, size_px, k + 2, 7 + k) for k, t in enumerate(public_truths()))
    wrong = replace(own.face, restored_rgb_u8=drawn_by(name, other.face))
    right = replace(own.face, restored_rgb_u8=drawn_by(name, own.face))
    assert likeness(right) > LIMIT + 0.02
    assert likeness(wrong) < LIMIT - 0.1


def test_a_face_laid_a_little_off_is_still_the_right_one() -> None:
    filmed = film(public_truths()[0], 40.0, 2, 3)
    matrix = cv2.getRotationMatrix2D((256, 280), 2.0, 1.03)
    matrix[:, 2] += (6.0, -5.0)
    moved = cv2.warpAffine(
        filmed.face.restored_rgb_u8, matrix, (512, 512), borderMode=cv2.BORDER_REFLECT_101
    )
    assert likeness(replace(filmed.face, restored_rgb_u8=moved)) > LIMIT


@pytest.mark.parametrize("picture", ["black", "noise", "upside down"])
def test_what_shows_no_such_face_is_unlike(picture: str) -> None:
    face = film(public_truths()[0], 40.0, 0, 3).face
    made = {
        "black": np.zeros((512, 512, 3), np.uint8),
        "noise": np.random.default_rng(1).integers(0, 256, (512, 512, 3)).astype(np.uint8),
        "upside down": np.ascontiguousarray(face.restored_rgb_u8[::-1]),
    }[picture]
    assert likeness(replace(face, restored_rgb_u8=made)) < 0.8


def test_it_abstains_where_nothing_can_be_told() -> None:
    face = film(public_truths()[0], 24.0, 0, 3).face
    small = measure_likeness(replace(face, interocular_px=11.9))
    assert not small.values
    assert "under 12 px" in small.reasons[PAIR_LIKENESS]
    flat = replace(face, crop_rgb_u8=np.full((512, 512, 3), 90, np.uint8))
    assert "no contrast" in measure_likeness(flat).reasons[PAIR_LIKENESS]


def test_the_median_over_a_persons_faces_decides() -> None:
    table = shipped_thresholds()
    hidden = [fact(k, pair_likeness=0.3 if k < 4 else 0.99) for k in range(1, 10)]
    assert find_mismatch(0, hidden, table) is None
    assert find_mismatch(0, [fact(1)], table) is None
    wrong = [fact(k, pair_likeness=0.99 if k == 5 else 0.4) for k in range(1, 10)]
    found = find_mismatch(0, wrong, table)
    assert found is not None
    assert (found.code, found.severity, found.measured) == ("mismatched_pair", "high", 0.4)
    assert found.frames == ((1, 4), (6, 9))
    assert found.detail == "so in 8 of 9 faces compared"


def test_only_a_pair_is_asked() -> None:
    wrong = [fact(k, pair_likeness=0.4) for k in range(1, 5)]
    assert "mismatched_pair" not in {f.code for f in person_flags(0, wrong)}
    assert "mismatched_pair" in {f.code for f in person_flags(0, wrong, paired=True)}


def _val(data: Path, count: int) -> list[Filmed]:
    """People of val, one each, at the eye distances and qualities in turn."""
    net, found, seen = yunet(data), list[Filmed](), set[str]()
    index = read_index(data)
    for k in np.random.default_rng(20261129).permutation(len(index)):
        photo = index[int(k)]
        if photo.group != "val" or photo.person in seen or len(found) == count:
            continue
        bgr = cv2.imread(str(photo.path(data)))
        boxes = detect(net, bgr)
        if len(boxes) == 0:
            continue
        seen.add(photo.person)
        points = boxes[int(boxes[:, 14].argmax()), 4:14].reshape(5, 2).astype(np.float64)
        truth: Truth = of_photo(photo.person, "val", np.ascontiguousarray(bgr[..., ::-1]), points)
        size = min((17.0, 24.0, 40.0, 64.0)[len(found) % 4], truth.detail_px)
        found.append(film(truth, size, len(found) % len(QUALITIES), len(found)))
    return found


def _told(filmed: list[Filmed], name: str) -> tuple[list[str], list[str]]:
    """Right pairs that are flagged, and wrong ones that are not."""
    drawn = [drawn_by(name, one.face) for one in filmed]
    turn = 1 + len(filmed) // 3
    alarms, missed = [], []
    for k, one in enumerate(filmed):
        other = (k + turn) % len(filmed)
        if likeness(replace(one.face, restored_rgb_u8=drawn[k])) < LIMIT:
            alarms.append(one.name)
        if likeness(replace(one.face, restored_rgb_u8=drawn[other])) >= LIMIT:
            missed.append(f"{one.name} with {filmed[other].truth.name}")
    return alarms, missed


def test_a_few_people_of_val_are_told(shared_data: Path) -> None:
    assert _told(_val(shared_data, 5), "sharpened") == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sharpened", "beautified", "truth", "embedded"])
def test_fifty_wrong_pairs_are_flagged_and_fifty_right_ones_are_not(
    shared_data: Path, name: str
) -> None:
    filmed = _val(shared_data, 50)
    assert len(filmed) == 50
    assert _told(filmed, name) == ([], [])


def _real(folder: Path) -> list[tuple[U8, U8]]:
    """Crops and what the official GFPGAN v1.3 made of them."""
    names = sorted(path.name for path in (folder / "input").glob("*.png"))
    return [
        tuple(
            np.ascontiguousarray(cv2.imread(str(folder / side / name))[..., ::-1])
            for side in ("input", "restored")
        )
        for name in names
    ]  # type: ignore[misc]  # two sides


def test_real_restorations_are_told(shared_data: Path) -> None:
    """Every true pair of the official GFPGAN passes; permuted, every one is flagged."""
    folders = sorted((shared_data / "real_restorations").iterdir())
    assert sum(len(_real(folder)) for folder in folders) == 21
    for folder in folders:
        pairs = _real(folder)
        for shift in range(len(pairs)):
            for k, (crop, _) in enumerate(pairs):
                face = FaceInput(crop, pairs[(k + shift) % len(pairs)][1], crop, 1.0, 125.92)
                assert (likeness(face) >= LIMIT) == (shift == 0), (folder.name, k, shift)
