"""What changed between truth and restored face, on edits of known size."""

from __future__ import annotations

import numpy as np
import pytest

from forensics.calibration.attributes import RULERS, changed, changes, limits
from forensics.scoring.iris import EYES
from forensics.scoring.thresholds import shipped_thresholds
from tests.known_answers import paint
from tests.known_answers.kinds import GLASSES
from tests.known_answers.truths import Truth, public_truths


@pytest.fixture(scope="module", params=public_truths(), ids=lambda truth: truth.name)
def truth(request: pytest.FixtureRequest) -> Truth:
    return request.param  # type: ignore[no-any-return]  # pytest types no parameter


def test_a_face_is_its_own_truth(truth: Truth) -> None:
    found = changes(truth.rgb_u8, truth.rgb_u8)
    assert set(found) == set(RULERS)
    assert list(found.values()) == [0.0, 0.0, 0.0]


def test_a_beard_is_facial_hair_and_nothing_else(truth: Truth) -> None:
    bearded = paint.beard(truth.rgb_u8, truth.points_px, 0.9, 1)
    found = changes(truth.rgb_u8, bearded)
    assert found["facial_hair"] > 12
    assert found["glasses"] < 0.2
    assert found["eye_colour"] == 0.0
    assert changed(found, {"facial_hair": 6.0})
    assert not changed(found, {"glasses": 0.5, "eye_colour": 8.0})


def test_painted_frames_are_glasses(truth: Truth) -> None:
    worn = paint.glasses(truth.rgb_u8, truth.points_px, 6.0, 1.0)
    there, back = changes(truth.rgb_u8, worn)["glasses"], changes(worn, truth.rgb_u8)["glasses"]
    assert there == back  # gone is as far as come
    assert (there > 0.5) == (truth.name not in GLASSES), there  # who wears some gets no new ones


def test_a_recoloured_iris_is_read_by_its_colour_difference(truth: Truth) -> None:
    other = paint.iris_recoloured(truth.rgb_u8, truth.irises_px, 20.0, 1)
    found = changes(truth.rgb_u8, other)
    assert found["eye_colour"] == pytest.approx(20, abs=6)
    assert found["glasses"] < 0.2


def test_a_covered_iris_has_no_colour(truth: Truth) -> None:
    lit = truth.rgb_u8.copy()
    for x, y in EYES:
        lit[int(y) - 25 : int(y) + 26, int(x) - 35 : int(x) + 36] = 255
    found = changes(lit, truth.rgb_u8)
    assert "eye_colour" not in found
    assert not changed(found, {"eye_colour": 0.0})


def test_a_limit_is_never_under_what_an_audit_calls_visible() -> None:
    found = limits([truth.rgb_u8 for truth in public_truths()])
    least = {name: shipped_thresholds()[f"{name}_least"] for name in RULERS}
    assert all(found[name] >= least[name] for name in RULERS)
    assert found["glasses"] == least["glasses"]  # the codec does not draw frames
    assert np.isfinite(list(found.values())).all()
