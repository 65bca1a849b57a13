"""The two face embeddings: unit rows, the same in any company, small, and apart from each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from forensics.faces.align import BORDER_RGB
from forensics.faces.embed import Embedder, decision_of, network_input
from forensics.models.load import LoadedModel, load_embedded
from forensics.models.nets.identity import (
    LEAST_CONTRAST,
    MEAN_LIGHT,
    MIDDLE,
    build_identity,
    in_light,
)
from tests.known_answers.truths import public_truths

ROLES = ("appearance", "identity")


@pytest.fixture(scope="module", params=ROLES)
def loaded(request: pytest.FixtureRequest) -> LoadedModel:
    return load_embedded(request.param)


@pytest.fixture(scope="module")
def crops_rgb_u8() -> np.ndarray:
    """Eleven different pictures in the shape of crops; what they show does not matter here."""
    cat = cv2.resize(skimage.data.chelsea()[:300, 60:360], (512, 512))
    flat = np.full((512, 512, 3), BORDER_RGB, np.uint8)
    turned = [np.ascontiguousarray(np.rot90(cat, k)) for k in range(4)]
    blurred = [cv2.GaussianBlur(cat, (0, 0), s) for s in (1, 2, 4, 8, 16)]
    return np.stack([flat, cat[::-1].copy(), *turned, *blurred])


def test_rows_have_length_one_and_right_shape(
    loaded: LoadedModel, crops_rgb_u8: np.ndarray
) -> None:
    rows = Embedder(loaded.state).embed(crops_rgb_u8)
    assert rows.shape == (11, 128)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_a_face_does_not_depend_on_its_company(
    loaded: LoadedModel, crops_rgb_u8: np.ndarray
) -> None:
    embedder = Embedder(loaded.state)
    together = embedder.embed(crops_rgb_u8)
    alone = np.concatenate([embedder.embed(c[None]) for c in crops_rgb_u8])
    np.testing.assert_array_equal(together, embedder.embed(crops_rgb_u8))
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_no_faces_give_no_rows(loaded: LoadedModel) -> None:
    rows = Embedder(loaded.state).embed(np.zeros((0, 512, 512, 3), np.uint8))
    assert rows.shape == (0, 128)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((1, 512, 512, 3), np.float32),
        np.zeros((1, 256, 256, 3), np.uint8),
        np.zeros((512, 512, 3), np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(loaded: LoadedModel, bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        Embedder(loaded.state).embed(bad)


def test_the_window_is_the_middle_of_the_template() -> None:
    crop = np.zeros((512, 512, 3), np.uint8)
    crop[56:456, 56:456] = 100
    crop[56:456, 56:256] = 160  # as a face is lit: comes through as it is
    seen = network_input(crop)
    assert seen.shape == (3, 112, 112)
    assert seen.min() == pytest.approx(100 / 127.5 - 1, abs=1e-5)
    assert seen.max() == pytest.approx(160 / 127.5 - 1, abs=1e-5)


def test_a_face_within_the_light_of_the_training_comes_as_it_is() -> None:
    rng = np.random.default_rng(3)
    face = rng.normal(130, 30, (112, 112, 1)).repeat(3, 2).clip(0, 255).astype(np.float32)
    assert in_light(face) is face


@pytest.mark.parametrize(("level", "contrast"), [(14, 3), (200, 30), (128, 6), (40, 40)])
def test_a_face_beyond_it_is_brought_to_its_rim(level: float, contrast: float) -> None:
    rng = np.random.default_rng(4)
    face = rng.normal(level, contrast, (112, 112, 1)).repeat(3, 2).astype(np.float32)
    middle = in_light(face)[MIDDLE].mean(2)
    assert middle.mean() == pytest.approx(np.clip(level, *MEAN_LIGHT), abs=2.5)
    assert middle.std() == pytest.approx(max(contrast, LEAST_CONTRAST), rel=0.06)


def test_a_picture_of_nothing_stays_finite() -> None:
    assert np.isfinite(in_light(np.zeros((112, 112, 3), np.float32))).all()


def test_two_strangers_in_the_dark_are_not_one() -> None:
    """Before the light was evened out the cosine of these two was 0.99 and more."""
    embedder = Embedder(load_embedded("appearance").state)
    lit = [truth.rgb_u8 for truth in public_truths()]
    dark = [np.rint(crop * 0.12 + 6).astype(np.uint8) for crop in lit]
    rows = embedder.embed(np.stack([*dark, *lit]))
    assert rows[0] @ rows[1] < 0.4
    assert rows[0] @ rows[2] > 0.6
    assert rows[1] @ rows[3] > 0.6


def test_altered_states_are_refused(loaded: LoadedModel) -> None:
    short = {k: v for k, v in loaded.state.items() if k != "embed.weight"}
    with pytest.raises(RuntimeError, match="Missing key"):
        build_identity(short)


def test_cards_are_complete(loaded: LoadedModel) -> None:
    card = loaded.card
    assert card["role"] == loaded.role
    assert card["licence"] == "Apache-2.0"
    assert card["parameters"] < 1_000_000
    assert card["bytes"] < 2_000_000
    taught = any("MobileFace" in row["name"] for row in card["data"])
    assert taught == (loaded.role == "appearance")
    # What a weak net must reach at least on val to be shipped at all.
    assert card["figures"]["clean"]["auroc_same_photo"] > 0.95
    assert card["figures"]["clean"]["auroc_two_photos"] > 0.6


def test_the_tracker_rule_comes_with_the_appearance_weights() -> None:
    rule = decision_of(load_embedded("appearance").card)
    assert len(rule.eye_px) == len(rule.threshold) == len(rule.slope) == 5
    assert all(a < b for a, b in zip(rule.eye_px, rule.eye_px[1:], strict=False))
    assert rule.log_odds(1.0, 40.0) > 0 > rule.log_odds(0.0, 40.0)


def test_the_two_nets_are_not_the_same() -> None:
    assert load_embedded("appearance").sha256 != load_embedded("identity").sha256
