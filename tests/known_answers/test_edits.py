"""Known answers: every edit has the size it states, and touches nothing else."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from forensics.calibration.filmed import make
from forensics.faces.align import TEMPLATE_512
from forensics.scoring.regions import template_mask
from tests.known_answers import paint, pairs, texture, warp
from tests.known_answers.footage import film, known
from tests.known_answers.tally import wilson
from tests.known_answers.truths import Truth, public_truths

EYES_PX = 125.92


def dot(x: float, y: float) -> warp.U8:
    """A soft bright dot on grey: its middle can be read to a tenth of a px."""
    rows, columns = np.mgrid[0:512, 0:512]
    bump = 180 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))
    return np.repeat((40 + bump)[..., None], 3, 2).astype(np.uint8)


def middle(rgb_u8: warp.U8) -> np.ndarray:
    weight = rgb_u8[..., 0].astype(float) - 40
    rows, columns = np.mgrid[0:512, 0:512]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize("percent", [2.0, 4.0, 8.0])
@pytest.mark.parametrize(
    ("edit", "at", "length"),
    [
        (warp.jaw_widened, (256 + 120, 420), 1.20),
        (warp.face_widened, (256 + 120, 240), 1.20),
        (lambda p, k, n: warp.mouth_moved(p, k, n, 3), (257, 371), EYES_PX / 100),
    ],
    ids=["jaw", "face", "mouth"],
)
def test_a_point_of_the_part_moves_by_the_stated_size(
    edit: Callable[..., warp.U8], at: tuple[float, float], length: float, percent: float
) -> None:
    moved = middle(edit(dot(*at), TEMPLATE_512, percent)) - middle(dot(*at))
    # The dot itself is stretched where the field is: a little more than the stated size.
    assert float(np.hypot(*moved)) == pytest.approx(percent * length, rel=0.06, abs=0.12)


def test_one_eye_moves_and_the_other_stays() -> None:
    for seed in range(4):
        lengths = []
        for eye in TEMPLATE_512[:2]:
            shift = middle(warp.eye_moved(dot(*eye), TEMPLATE_512, 8.0, seed)) - middle(dot(*eye))
            lengths.append(float(np.hypot(*shift)))
        assert sorted(lengths) == pytest.approx([0.0, 0.08 * EYES_PX], abs=0.1)


def test_a_wider_jaw_leaves_everything_above_the_nose_as_it_is() -> None:
    truth = public_truths()[0]
    edited = warp.jaw_widened(truth.rgb_u8, truth.points_px, 8.0)
    nose = int(truth.points_px[2, 1])
    assert np.array_equal(edited[: nose - 1], truth.rgb_u8[: nose - 1])
    assert not np.array_equal(edited[400:], truth.rgb_u8[400:])


@pytest.mark.parametrize("percent", [2.0, 4.0, 6.0])
def test_the_line_of_the_glasses_is_as_wide_as_stated(percent: float) -> None:
    white = np.full((512, 512, 3), 230, np.uint8)
    edited = paint.glasses(white, TEMPLATE_512, percent, 1.0)
    column = edited[240:300, 193].astype(float)  # through the lower rim under an eye
    cover = (230 - column[:, 0]) / (230 - paint.FRAME_RGB[0])
    assert float(cover.sum()) == pytest.approx(percent / 100 * EYES_PX, abs=0.15)
    half = paint.glasses(white, TEMPLATE_512, percent, 0.5)
    assert int(half.min()) == pytest.approx((230 + paint.FRAME_RGB[1]) / 2, abs=1)


@pytest.mark.parametrize("paint_hair", [paint.moustache, paint.beard])
def test_painted_hair_darkens_in_proportion_to_its_opacity(
    paint_hair: Callable[..., warp.U8],
) -> None:
    truth = public_truths()[1]
    whole = paint_hair(truth.rgb_u8, truth.points_px, 1.0, 5).astype(float) - truth.rgb_u8
    part = paint_hair(truth.rgb_u8, truth.points_px, 0.4, 5).astype(float) - truth.rgb_u8
    strong = np.abs(whole) > 40
    assert strong.sum() > 3000
    assert float(np.median(part[strong] / whole[strong])) == pytest.approx(0.4, abs=0.02)
    assert not part[: int(truth.points_px[2, 1]) - 10].any()  # nothing above the nose tip


@pytest.mark.parametrize("delta_e", [10.0, 20.0, 30.0])
def test_one_iris_differs_by_the_stated_colour_difference(delta_e: float) -> None:
    truth = public_truths()[1]
    edited = paint.iris_recoloured(truth.rgb_u8, truth.irises_px, delta_e, 1)
    rings, _ = paint.iris_masks(truth.irises_px)
    found = sorted(
        float(
            deltaE_ciede2000(paint.iris_colour(truth.rgb_u8, ring), paint.iris_colour(edited, ring))
        )
        for ring in rings
    )
    assert found == pytest.approx([0.0, delta_e], abs=0.5)
    changed = np.argwhere((edited != truth.rgb_u8).any(2))
    assert np.ptp(changed, axis=0).max() <= 26  # one iris, nothing else


def test_an_iris_that_cannot_take_the_colour_is_refused() -> None:
    truth = public_truths()[1]
    with pytest.raises(ValueError, match="no hue reaches a colour difference of 150"):
        paint.iris_recoloured(truth.rgb_u8, truth.irises_px, 150.0, 1)


@pytest.mark.parametrize("scale", [2.0, 3.1, 5.2, 7.4])
def test_spliced_texture_is_all_but_gone_at_the_footages_size(scale: float) -> None:
    own, other = public_truths()
    edited = texture.nullspace_splice(own.rgb_u8, other.rgb_u8, scale, 1.0)
    difference = edited.astype(np.float32) - own.rgb_u8
    side = round(512 / scale)
    small = cv2.resize(difference, (side, side), interpolation=cv2.INTER_AREA)
    drawn, left = float(difference.std()), float(small.std())
    # Grey levels: less than the noise of footage. What is left is what black and white cut off;
    # before that, and before rounding, next to nothing is.
    assert left < 2.0
    assert drawn > 5 * left
    unseen = texture.unseen(other.rgb_u8.astype(np.float32), scale)
    assert cv2.resize(unseen, (side, side), interpolation=cv2.INTER_AREA).std() < 0.05


@pytest.mark.parametrize(("period", "amplitude"), [(8.0, 8.0), (4.0, 16.0)])
def test_the_lattice_has_the_stated_period_and_amplitude(period: float, amplitude: float) -> None:
    flat = np.full((512, 512, 3), 120, np.uint8)
    edited = texture.hair_lattice(flat, period, amplitude)
    inside = cv2.erode(template_mask("hair").astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    values = edited[inside][:, 0].astype(float) - 120
    assert values.max() == pytest.approx(amplitude, abs=1)
    assert values.min() == pytest.approx(-amplitude, abs=1)
    line = edited[40, 216:296, 0].astype(float)  # 80 px of hair: whole periods of 4 and 8
    spectrum = np.abs(np.fft.rfft(line - line.mean())) / 40
    assert int(spectrum.argmax()) == round(80 / period)
    assert spectrum.max() == pytest.approx(amplitude / 2, abs=0.6)


def test_a_replaced_identity_keeps_the_rim_and_the_colours() -> None:
    own, other = public_truths()
    same = pairs.identity_replaced(own, other, 0.0)
    assert np.array_equal(same, own.rgb_u8)
    edited = pairs.identity_replaced(own, other, 1.0)
    face = template_mask("face")
    assert np.array_equal(edited[:60], own.rgb_u8[:60])
    before, after = (p[face].astype(float).mean(0) for p in (own.rgb_u8, edited))
    assert np.abs(before - after).max() < 8
    assert np.abs(edited[face].astype(float) - own.rgb_u8[face]).mean() > 10


@pytest.mark.parametrize("percent", [4.0, 16.0])
def test_a_later_frame_lies_the_stated_way_off(percent: float) -> None:
    at = TEMPLATE_512.mean(0)
    picture = pairs.shifted_in_time(dot(*at), TEMPLATE_512, percent, 9)
    moved = middle(picture) - middle(dot(*at))
    assert float(np.hypot(*moved)) == pytest.approx(percent / 100 * EYES_PX, abs=0.15)


@pytest.mark.parametrize("quality", [0, 1, 4])
def test_filmed_truths_are_those_of_the_reference_table(quality: int) -> None:
    """The same numbers give the same bytes as `filmed.make`, whose faces set the references."""
    truth = public_truths()[0]
    ours = film(truth, 24.0, quality, 77)
    theirs = make(truth.rgb_u8, known(24.0, quality, 77))
    for name in ("crop_rgb_u8", "native_rgb_u8", "restored_rgb_u8", "region_rgb_u8"):
        assert np.array_equal(getattr(ours.face, name), getattr(theirs, name)), name
    assert ours.face.scale == theirs.scale


def test_truths_lie_on_the_template(truths: tuple[Truth, ...]) -> None:
    for truth in truths:
        # The largest of five residuals: faces differ from the template, by at most this much.
        assert np.abs(truth.points_px - TEMPLATE_512).max() < 26, truth.name
        assert np.hypot(*(truth.irises_px - truth.points_px[:2]).T).max() < 18, truth.name


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (95, 100, 0.8883, 0.9785), (0, 0, 0.0, 1.0)],
)
def test_wilson_interval(hits: int, tries: int, low: float, high: float) -> None:
    """Against the values of the formula in Wilson 1927, as statistics packages give them."""
    assert wilson(hits, tries) == pytest.approx((low, high), abs=1e-3)
