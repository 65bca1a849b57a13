"""`iris_delta`: one iris recoloured by a known step, colours that both pictures share, gates."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from forensics.scoring.iris import (
    EYES,
    RADIUS_PX,
    as_lab,
    centres,
    difference,
    measure_iris,
    ring_colour,
)
from forensics.scoring.matched import bring_to_footage
from tests.scoring import painted
from tests.scoring.made_faces import Picture, face, filmed


def delta(truth: Picture, drawn: Picture, factor: float = 3.0) -> float:
    made = face(filmed(truth, factor), drawn)
    return measure_iris(made, bring_to_footage(made)).values["iris_delta"]


def eye_picture(centre: tuple[float, float], iris_rgb: tuple[int, int, int]) -> Picture:
    """Skin, an almond of white round the left eye's place, and an iris with pupil and glint."""
    yy, xx = np.mgrid[:512, :512].astype(float)
    out = np.full((512, 512, 3), (196, 150, 128), np.uint8)
    for k, (ex, ey) in enumerate(EYES):
        cx, cy = centre if k == 0 else (ex, ey)
        almond = ((xx - ex) / 30) ** 2 + ((yy - ey) / 13) ** 2 < 1
        out[almond] = (228, 224, 220)
        r = np.hypot(xx - cx, yy - cy)
        out[almond & (r < RADIUS_PX)] = iris_rgb
        out[almond & (r < 4)] = (15, 12, 12)
        out[np.hypot(xx - cx - 3, yy - cy + 3) < 1.8] = 255
    return out


@pytest.mark.parametrize("off", [(0, 0), (5, 0), (-6, 3), (3, -4)])
def test_the_centre_is_found_within_two_px(off: tuple[int, int]) -> None:
    at = (EYES[0][0] + off[0], EYES[0][1] + off[1])
    found = centres(eye_picture(at, (92, 64, 44)))[0]
    assert np.hypot(found[0] - at[0], found[1] - at[1]) <= 2.0


def test_an_iris_lighter_than_its_lids_is_found_by_the_footage() -> None:
    """Alone, a face with one iris painted like its white sends the search to the lids."""
    at = (EYES[0][0] + 4, EYES[0][1] + 2)
    light, footage = eye_picture(at, (236, 232, 226)), eye_picture(at, (92, 64, 44))
    light[np.hypot(*(np.mgrid[:512, :512] - np.array(at[::-1])[:, None, None])) < 4] = 230
    assert np.hypot(*(np.array(centres(light)[0]) - at)) > 4
    assert np.hypot(*(np.array(centres(light, footage)[0]) - at)) <= 2.0


def test_the_ring_reads_the_iris_and_not_glint_pupil_or_lid() -> None:
    iris = (92, 64, 44)
    picture = eye_picture(EYES[0], iris)
    found = ring_colour(as_lab(picture), EYES[0])
    assert found is not None
    expected = rgb2lab(np.array([[iris]], np.uint8))[0, 0]
    assert float(deltaE_ciede2000(found, expected)) < 1.5


def test_lab_and_difference_are_those_of_scikit_image() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.abs(as_lab(picture) - rgb2lab(picture)).max() < 0.3
    # Sharma, Wu and Dalal's first published pair.
    a, b = np.array([50.0, 2.6772, -79.7751]), np.array([50.0, 0.0, -82.7485])
    assert difference(a, b) == pytest.approx(2.0425, abs=1e-4)


@pytest.mark.parametrize("factor", [2.0, 3.0])
def test_the_true_face_has_the_colours_of_the_footage(portrait: Picture, factor: float) -> None:
    assert delta(portrait, portrait, factor) < 3.0


@pytest.mark.parametrize("step", [10.0, 20.0, 30.0])
def test_one_iris_recoloured_reads_its_step(portrait: Picture, step: float) -> None:
    at = centres(portrait)[0]
    drawn = painted.recoloured(portrait, step, centre=at)
    assert delta(portrait, drawn, 2.0) == pytest.approx(step, rel=0.4)


def test_both_irises_recoloured_alike_are_seen_too(portrait: Picture) -> None:
    """Brown turned blue on both sides: no difference between the eyes, but from the footage."""
    drawn = portrait
    for at in centres(portrait):
        drawn = painted.recoloured(drawn, 25.0, centre=at)
    assert delta(portrait, drawn, 2.0) > 12


def test_a_difference_that_the_footage_has_is_not_created(portrait: Picture) -> None:
    own = painted.recoloured(portrait, 25.0, centre=centres(portrait)[0])
    assert delta(own, own, 2.0) < 4.0


@pytest.mark.parametrize(
    ("factor", "yaw", "says"),
    [(4.2, None, "too small to show a colour"), (2.0, -50.0, "turned")],
)
def test_it_abstains(portrait: Picture, factor: float, yaw: float | None, says: str) -> None:
    made = face(filmed(portrait, factor), portrait, yaw_deg=yaw)
    assert says in measure_iris(made, bring_to_footage(made)).reasons["iris_delta"]


def test_glints_over_the_whole_iris_are_said(portrait: Picture) -> None:
    bright = np.full_like(portrait, 250)
    made = face(filmed(bright, 2.0), bright)
    assert "glints" in measure_iris(made, bring_to_footage(made)).reasons["iris_delta"]
