"""Probing a key face: what is measured, what is said where it cannot be, what is drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from forensics.passes.probe import (
    NO_REFERENCE,
    NONE_FIT,
    ONE_RESTORER,
    OTHERS_ONLY,
    UNSEEDED,
    Others,
    fits,
)
from forensics.scoring.maps import Scored
from forensics.scoring.measure import FaceInput, Reading
from forensics.scoring.stability import NO_NOISE
from tests.passes.made_probe import Steady, prober
from tests.scoring.made_faces import face, filmed

CROP = "ab" * 32
GATE = {"contradiction": 1.5, "contradiction_p99": 3.0}


@pytest.fixture(scope="module")
def given() -> FaceInput:
    import skimage.data

    picture = cv2.resize(skimage.data.astronaut()[0:250, 100:350], (512, 512))
    return face(filmed(picture, 6))


def scored(references: dict[str, float] | None = None) -> Scored:
    reasons = dict.fromkeys(("stability_input", "alternatives_spread", "glasses"), "not yet")
    return Scored({"blur": 1.0}, reasons, dict(GATE if references is None else references), {})


@pytest.fixture
def drawn_before(monkeypatch: pytest.MonkeyPatch, given: FaceInput) -> None:
    """Other faces that took no time to draw."""
    pictures = tuple(np.roll(given.crop_rgb_u8, k, 0) for k in range(4))
    found = Others(Reading({"alternatives_spread": 0.5}), pictures, given.crop_rgb_u8)
    monkeypatch.setattr("forensics.passes.probe.other_faces", lambda *_: found)


def test_the_runs_own_restorer_is_asked_and_other_faces_are_drawn(given: FaceInput) -> None:
    probed = prober(Steady()).probe(given, scored(), CROP, None)
    found = probed.scored
    assert set(found.measures) == {"blur", "stability_input", "alternatives_spread"}
    assert found.not_measured["glasses"] == "not yet"
    assert found.not_measured["stability_seed"] == NO_NOISE
    assert found.not_measured["disagreement"] == ONE_RESTORER
    assert "stability_input" not in found.not_measured
    assert found.references["stability_input"] == pytest.approx(found.measures["stability_input"])
    assert found.references["contradiction_p99"] == 3.0
    assert len(probed.alternatives_rgb_u8) == 4
    assert found.measures["alternatives_spread"] > 0.001
    for picture in probed.alternatives_rgb_u8:
        assert fits(given, picture, GATE["contradiction_p99"])
        rim = np.r_[picture[:8].ravel(), picture[-8:].ravel()].astype(int)
        crop = given.crop_rgb_u8
        assert np.abs(rim - np.r_[crop[:8].ravel(), crop[-8:].ravel()]).max() <= 12


@pytest.mark.slow
def test_the_same_face_gives_the_same_numbers_and_pictures(given: FaceInput) -> None:
    one, two = (prober(Steady()).probe(given, scored(), CROP, None) for _ in range(2))
    assert one.scored.measures == two.scored.measures
    for a, b in zip(one.alternatives_rgb_u8, two.alternatives_rgb_u8, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.usefixtures("drawn_before")
def test_beside_another_restorer_the_faces_are_shown_and_the_spread_is_not_its_own(
    given: FaceInput,
) -> None:
    probed = prober(Steady(sha256="9" * 64, noise_mode="stored")).probe(given, scored(), CROP, None)
    assert probed.scored.not_measured["alternatives_spread"] == OTHERS_ONLY
    assert len(probed.alternatives_rgb_u8) == 4
    assert probed.scored.measures["disagreement"] == pytest.approx(0.0, abs=1e-6)
    assert probed.scored.not_measured["stability_seed"].startswith(NO_NOISE + " anew")


@pytest.mark.usefixtures("drawn_before")
def test_the_reference_engine_is_not_asked_again(given: FaceInput) -> None:
    probed = prober(None).probe(given, scored(), CROP, None)
    assert probed.scored.not_measured["stability_input"] == UNSEEDED
    assert probed.scored.not_measured["stability_seed"] == UNSEEDED
    assert len(probed.alternatives_rgb_u8) == 4


@pytest.mark.usefixtures("drawn_before")
def test_seeds_are_varied_where_noise_is_drawn(given: FaceInput) -> None:
    restorer = Steady(noise_mode="seed:3")
    probed = prober(restorer).probe(given, scored(), CROP, 40)
    assert probed.scored.measures["stability_seed"] == 0.0
    assert restorer.seeds == [40] * 9 + [41, 42, 43, 44]


@pytest.mark.slow
def test_without_a_reference_or_a_fitting_face_nothing_is_shown(given: FaceInput) -> None:
    blind = prober(Steady()).probe(given, scored({}), CROP, None)
    assert blind.scored.not_measured["alternatives_spread"] == NO_REFERENCE
    strict = {"contradiction": 1.0, "contradiction_p99": 0.01}
    none = prober(Steady()).probe(given, scored(strict), CROP, None)
    assert none.scored.not_measured["alternatives_spread"] == NONE_FIT
    assert (blind.alternatives_rgb_u8, none.alternatives_rgb_u8) == ((), ())


def test_a_network_that_fails_is_a_reason_on_every_name(given: FaceInput) -> None:
    probed = prober(Steady(fails=True)).probe(given, scored(), CROP, None)
    for name in ("stability_input", "stability_seed", "disagreement", "alternatives_spread"):
        assert "failed: RuntimeError" in probed.scored.not_measured[name]
    assert probed.alternatives_rgb_u8 == ()
