"""`glasses` and `facial_hair`: painted ones are seen, true faces are left alone, gates hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forensics.scoring.attributes import (
    band_features,
    measure_facial_hair,
    measure_glasses,
    read_cue,
    shipped_cue,
)
from forensics.scoring.matched import bring_to_footage
from tests.scoring import painted
from tests.scoring.made_faces import Picture, face, filmed

FACTORS = (2.0, 4.0, 7.0)  # 63, 31 and 18 px between the eyes


def glasses(truth: Picture, drawn: Picture, factor: float) -> float:
    made = face(filmed(truth, factor), drawn)
    return measure_glasses(made, bring_to_footage(made)).values["glasses"]


def hair(truth: Picture, drawn: Picture, factor: float) -> float:
    made = face(filmed(truth, factor), drawn)
    return measure_facial_hair(made, bring_to_footage(made)).values["facial_hair"]


@pytest.mark.parametrize("factor", FACTORS)
def test_the_true_face_has_what_the_footage_shows(portrait: Picture, factor: float) -> None:
    assert glasses(portrait, portrait, factor) < 0.1
    assert hair(portrait, portrait, factor) < 3.0


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("thickness", [4, 8])
def test_painted_glasses_are_seen(portrait: Picture, factor: float, thickness: int) -> None:
    assert glasses(portrait, painted.glasses(portrait, thickness), factor) > 0.6
    round_ = painted.glasses(portrait, thickness, 50, round_=True)
    assert glasses(portrait, round_, factor) > 0.6


def test_glasses_that_are_gone_read_like_glasses_drawn(portrait: Picture) -> None:
    worn = painted.glasses(portrait, 6)
    assert glasses(worn, portrait, 4.0) > 0.6
    assert glasses(worn, worn, 4.0) < 0.1


@pytest.mark.parametrize("factor", FACTORS)
def test_moustache_and_beard_are_seen(portrait: Picture, factor: float) -> None:
    assert hair(portrait, painted.moustache(portrait, 0.5), factor) > 8
    assert hair(portrait, painted.beard(portrait, 0.5), factor) > 8


def test_more_hair_reads_higher_and_shaving_is_seen(portrait: Picture) -> None:
    weak, strong = (hair(portrait, painted.beard(portrait, s), 3.0) for s in (0.2, 0.6))
    assert strong > weak + 5
    assert hair(painted.beard(portrait, 0.5), portrait, 3.0) > 8


def test_relit_pictures_are_no_beard(portrait: Picture) -> None:
    darker = np.clip(0.75 * portrait.astype(float), 0, 255).astype(np.uint8)
    assert hair(portrait, darker, 3.0) < 3.0


@pytest.mark.parametrize(
    ("factor", "yaw", "says"),
    [(9.0, None, "the footage cannot show"), (3.0, 41.0, "turned by more than 35")],
)
def test_they_abstain(portrait: Picture, factor: float, yaw: float | None, says: str) -> None:
    made = face(filmed(portrait, factor), portrait, yaw_deg=yaw)
    matched = bring_to_footage(made)
    assert says in measure_glasses(made, matched).reasons["glasses"]
    assert says in measure_facial_hair(made, matched).reasons["facial_hair"]


def test_features_are_bounded_and_blind_to_brightness(portrait: Picture) -> None:
    picture = portrait.astype(np.float32)
    found = band_features(picture)
    assert found.shape == shipped_cue().weights.shape
    assert found.min() >= 0
    assert found.max() <= 2.5
    assert np.abs(found - band_features(picture + 20)).max() < 1e-4


def test_a_broken_cue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "glasses.json"
    path.write_text('{"weights": [1, 2], "bias": 0}', "utf-8")
    with pytest.raises(ValueError, match="has \\(2,\\) weights"):
        read_cue(path)
