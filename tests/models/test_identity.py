"""The two face embeddings: unit rows, the same in any company, small, and apart from each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skimage.data

from forensics.faces.align import BORDER_RGB
from forensics.faces.embed import Embedder, decision_of, network_input
from forensics.models.load import LoadedModel, load_embedded
from forensics.models.nets.identity import build_identity

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
    crop[56:456, 56:456] = 255
    assert network_input(crop).min() == 1.0
    assert network_input(crop).shape == (3, 112, 112)


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
