"""Single measures: against their packages, on known answers and on constant pictures."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from skimage.restoration import estimate_sigma

from forensics.scoring import baseline, contradiction, information, invention, regions
from forensics.scoring.measure import FaceInput, finite
from tests.scoring.made_faces import Picture, face, filmed


def constant(level: int, side: int = 64) -> Picture:
    return np.full((side, side, 3), level, np.uint8)


# ---------------------------------------------------------------- the door


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crop_rgb_u8": np.zeros((512, 512, 3), np.float32)}, "uint8 in 0..255"),
        ({"crop_rgb_u8": np.zeros((256, 256, 3), np.uint8)}, "512x512"),
        ({"restored_rgb_u8": np.zeros((512, 512), np.uint8)}, r"\(H, W, 3\)"),
        ({"native_rgb_u8": np.zeros((40, 50, 3), np.uint8)}, "square"),
        ({"scale": math.nan}, r"within \[0.02, 256.0\]"),
        ({"scale": 0.0}, r"within \[0.02, 256.0\]"),
        ({"interocular_px": -1.0}, "interocular_px"),
        ({"yaw_deg": 400.0}, "yaw_deg"),
        ({"qp": math.inf}, "qp"),
    ],
)
def test_wrong_input_is_refused_with_its_bounds(change: dict[str, object], says: str) -> None:
    good = {
        "crop_rgb_u8": np.zeros((512, 512, 3), np.uint8),
        "restored_rgb_u8": np.zeros((512, 512, 3), np.uint8),
        "native_rgb_u8": constant(0, 40),
        "scale": 12.8,
        "interocular_px": 9.8,
    }
    with pytest.raises(ValueError, match=says):
        FaceInput(**(good | change))  # type: ignore[arg-type]  # wrong on purpose


def test_numbers_that_are_not_finite_become_reasons() -> None:
    reading = finite({"a": 1.0, "b": math.nan, "c": -math.inf})
    assert reading.values == {"a": 1.0}
    assert set(reading.reasons) == {"b", "c"}


# ---------------------------------------------------------------- against the packages


@pytest.mark.parametrize("factor", [2, 8])
def test_ssim_equals_scikit_image(portrait: Picture, factor: int) -> None:
    crop = face(filmed(portrait, factor)).crop_rgb_u8
    expected = structural_similarity(crop, portrait, channel_axis=-1)
    assert baseline.ssim(crop, portrait) == pytest.approx(expected, abs=2e-5)


def test_ssim_of_equal_pictures_is_one(portrait: Picture) -> None:
    assert baseline.ssim(portrait, portrait) == pytest.approx(1.0, abs=1e-6)


def test_noise_is_scikit_images_estimate(portrait: Picture) -> None:
    footage = filmed(portrait, 4, noise=6)
    expected = estimate_sigma(footage.astype(np.float32), average_sigmas=True, channel_axis=-1)
    assert information.noise_grey(footage) == pytest.approx(float(expected), rel=1e-6)
    assert information.noise_grey(footage) == pytest.approx(6.0, rel=0.15)


# ---------------------------------------------------------------- input information


def test_blur_rises_with_known_blur_and_is_near_it(portrait: Picture) -> None:
    small = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    read = {}
    for sigma in (1.0, 1.5, 2.0, 3.0):
        grey = information.luma(cv2.GaussianBlur(small, (0, 0), sigma))
        width = information.blur_px(grey, 0.5)
        assert width is not None
        read[sigma] = width
    assert list(read.values()) == sorted(read.values())
    # The portrait's own softness (about 0.5 px here) is in all of them.
    assert all(width == pytest.approx(sigma, abs=0.35) for sigma, width in read.items())


def test_blur_of_a_made_edge_is_its_width() -> None:
    step = np.zeros((96, 96), np.float32)
    step[:, 48:] = 180
    for sigma in (1.0, 2.0, 3.0):
        width = information.blur_px(cv2.GaussianBlur(step, (0, 0), sigma), 0.5)
        assert width == pytest.approx(sigma, abs=0.15)


def test_blur_abstains_without_an_edge() -> None:
    assert information.blur_px(np.full((64, 64), 90, np.float32), 0.0) is None


@pytest.mark.parametrize("limit", [0.1, 0.2, 0.35])
def test_cutoff_finds_the_band_of_limited_noise(limit: float) -> None:
    rng = np.random.default_rng(2)
    spectrum = np.fft.fft2(rng.normal(0, 40, (192, 192)))
    radius = np.hypot(np.fft.fftfreq(192)[:, None], np.fft.fftfreq(192)[None, :])
    grey = np.fft.ifft2(np.where(radius < limit, spectrum, 0)).real + 128
    read = information.cutoff_cycles(grey.astype(np.float32), 0.5)
    assert read == pytest.approx(limit, abs=0.03)


def test_cutoff_falls_with_the_quantiser(portrait: Picture) -> None:
    grey = information.luma(cv2.resize(portrait, (192, 192), interpolation=cv2.INTER_AREA))
    read = [information.cutoff_cycles(grey, 0.5, qp) for qp in (None, 24, 32, 40)]
    assert read == sorted(read, reverse=True)
    assert read[0] > 2 * read[-1]


def test_quantiser_step_follows_h264() -> None:
    assert information.quantiser_step(4) == pytest.approx(1.0)
    assert information.quantiser_step(35) == pytest.approx(35.9, abs=0.1)


def test_blockiness_sees_the_grid_whatever_its_phase(portrait: Picture) -> None:
    small = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    coded = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], 1)
    clean = information.blockiness_ratio(small)
    assert clean is not None
    assert clean < 1.25
    for cut in (0, 3, 6):
        ratio = information.blockiness_ratio(coded[cut : cut + 200, cut + 5 : cut + 205])
        assert ratio is not None
        assert ratio > 1.5


def test_colour_that_a_codec_keeps_coarsely_contradicts_nothing(portrait: Picture) -> None:
    """4:2:0 and worse: brightness as sharp as filmed, colour blurred by 3 native px."""
    seen = filmed(portrait, 4.0, noise=1.0)
    grey = contradiction.grey_of(seen.astype(np.float32))[..., None]
    soft = cv2.GaussianBlur(seen - grey, (0, 0), 3.0)
    coded = np.clip(np.rint(grey + soft), 0, 255).astype(np.uint8)
    made = face(coded, portrait)
    match = contradiction.match_to_footage(made)
    assert match.colour_sigma_px == pytest.approx(3.0, abs=0.6)
    assert match.sigma_px < 1.2
    value = contradiction.measure_contradiction(made).values["contradiction"]
    assert value < 1.5
    # What is drawn in another colour is seen all the same: lips turned green.
    drawn = portrait.copy()
    drawn[355:400, 205:310, 0] //= 3
    other = contradiction.measure_contradiction(face(coded, drawn)).values
    assert other["contradiction_mouth"] > 4 * value


def test_contrast_is_the_slope_and_grows_with_it() -> None:
    ramp = np.tile(np.linspace(0, 100, 101, dtype=np.float32), (101, 1))
    assert information.contrast_grey(ramp) == pytest.approx(1.0, abs=1e-4)
    assert information.contrast_grey(3 * ramp) == pytest.approx(3.0, abs=1e-3)
    assert information.contrast_grey(np.full((40, 40), 9, np.float32)) == 0.0


def test_information_abstains_with_reasons() -> None:
    tiny = FaceInput(constant(9, 512), constant(9, 512), constant(9, 12), 512 / 12, 2.9)
    reading = information.measure_information(tiny)
    assert reading.values == {"interocular_px": 2.9}
    assert set(reading.reasons) == {"noise", "blur", "cutoff", "contrast", "blockiness", "qp"}


def test_a_quantiser_of_another_codec_is_no_qp(portrait: Picture) -> None:
    reading = information.measure_information(face(filmed(portrait, 4), qp=120.0))
    assert "qp" not in reading.values
    assert "H.264" in reading.reasons["qp"]


def test_effective_size_shrinks_with_the_cutoff() -> None:
    assert information.effective_interocular_px(40, 0.25) == pytest.approx(20)
    assert information.effective_interocular_px(40, 0.5) == pytest.approx(40)


# ---------------------------------------------------------------- the trap of section 2


@pytest.mark.parametrize(("factor", "ratio"), [(2, 3.0), (4, 2.5), (8, 2.0)])
def test_contradiction_lifts_a_widened_face(
    portrait: Picture, widened: Picture, factor: int, ratio: float
) -> None:
    footage = filmed(portrait, factor, noise=4)
    true = contradiction.measure_contradiction(face(footage, portrait)).values
    wide = contradiction.measure_contradiction(face(footage, widened)).values
    assert wide["contradiction"] > ratio * true["contradiction"]
    assert wide["contradiction_jaw"] > ratio * true["contradiction_jaw"]


def test_doing_nothing_scores_best_on_contradiction_and_ssim(portrait: Picture) -> None:
    footage = filmed(portrait, 4, noise=4)
    nothing, truth = face(footage), face(footage, portrait)
    assert (
        contradiction.measure_contradiction(nothing).values["contradiction"]
        < contradiction.measure_contradiction(truth).values["contradiction"]
    )
    assert baseline.ssim(nothing.crop_rgb_u8, nothing.restored_rgb_u8) == pytest.approx(1, abs=1e-6)
    assert baseline.ssim(truth.crop_rgb_u8, truth.restored_rgb_u8) < 0.9


def spliced(portrait: Picture, block: int) -> Picture:
    """The portrait with the detail of a cat; means of blocks are kept, so shrinking hides it."""
    cat = cv2.resize(skimage.data.chelsea(), (512, 512)).astype(np.float32)
    low = portrait.astype(np.float32)

    def means(picture: np.ndarray) -> np.ndarray:
        side = 512 // block
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (512, 512), interpolation=cv2.INTER_NEAREST)

    mixed = means(low) + 1.5 * (cat - means(cat))
    # Clipping would move block means; dark and bright blocks keep less of the cat instead.
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def test_null_space_splice_passes_contradiction_and_is_seen_as_invented(portrait: Picture) -> None:
    """Expected miss: detail finer than the footage cannot contradict it; M2 sees it."""
    footage = cv2.resize(portrait, (64, 64), interpolation=cv2.INTER_AREA)
    true, fake = face(footage, portrait), face(footage, spliced(portrait, 8))
    held = contradiction.measure_contradiction(fake).values["contradiction"]
    assert held < 1.5 * contradiction.measure_contradiction(true).values["contradiction"] + 1.0
    nothing = invention.measure_invention(face(footage), 0.5).values["invented_detail"]
    seen = invention.measure_invention(fake, 0.5).values["invented_detail"]
    assert seen > 5 * nothing
    # ... and M2 is exposure, not error: the true face reads high as well.
    true_share = invention.measure_invention(true, 0.5).values["invented_detail"]
    assert true_share > 3 * nothing


def test_contradiction_finds_shift_blur_and_colour(portrait: Picture) -> None:
    footage = filmed(portrait, 4, noise=0, blur=1.5)
    moved = contradiction.shifted(footage.astype(np.float32), 0.6, -0.4)
    relit = np.clip(np.rint(0.8 * moved + 12), 0, 255).astype(np.uint8)
    match = contradiction.match_to_footage(face(relit, portrait))
    assert match.shift_px == pytest.approx((0.6, -0.4), abs=0.1)
    assert match.sigma_px == pytest.approx(1.5, abs=0.25)
    assert match.gain == pytest.approx((0.8,) * 3, abs=0.03)
    head = regions.mask_at("head", 128)
    assert contradiction.pooled_rms(match.residual_grey, head) < 1.5


def test_contradiction_abstains_on_small_faces(portrait: Picture) -> None:
    reading = contradiction.measure_contradiction(face(filmed(portrait, 512 / 20)))
    assert reading.values == {}
    assert set(reading.reasons) == set(contradiction.NAMES)
    assert "20 px" in reading.reasons["contradiction"]


@given(st.floats(0.0, 5.0), st.floats(-3.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_golden_section_finds_the_least_of_a_parabola(best: float, tilt: float) -> None:
    found = contradiction.minimise(lambda x: (x - best) ** 2 + 0.0 * tilt, 0.0, 3.0, 12)
    assert found == pytest.approx(min(best, 3.0), abs=0.03)


# ---------------------------------------------------------------- invention, regions, constants


def test_invention_abstains_where_the_footage_is_finer(portrait: Picture) -> None:
    large = cv2.resize(portrait, (640, 640), interpolation=cv2.INTER_CUBIC)
    reading = invention.measure_invention(face(large, portrait), 0.5)
    assert reading.reasons == {"invented_detail": "the footage is finer than the picture"}


def test_invention_grows_with_the_scale_and_its_map_shows_where(portrait: Picture) -> None:
    shares = [
        invention.measure_invention(face(filmed(portrait, k), portrait), 0.5).values[
            "invented_detail"
        ]
        for k in (2, 4, 8, 16)
    ]
    assert shares == sorted(shares)
    half = cv2.GaussianBlur(portrait, (0, 0), 6)
    half[:, 256:] = portrait[:, 256:]
    where = invention.measure_invention(face(filmed(portrait, 4), half), 0.5).map_
    assert where is not None
    assert where.dtype == np.float32
    assert where.shape == (512, 512)
    assert float(where[:, 300:].mean()) > 5 * float(where[:, :210].mean())


@given(st.sampled_from([0, 1, 128, 255]), st.integers(24, 90))
@settings(max_examples=5, deadline=None)
def test_constant_pictures_give_finite_numbers_in_range(level: int, side: int) -> None:
    made = FaceInput(
        constant(level, 512),
        constant(level, 512),
        constant(level, side),
        512 / side,
        125.92 * side / 512,
        region_rgb_u8=constant(level, 64),
    )
    facts = information.measure_information(made)
    assert facts.values["noise"] == pytest.approx(0, abs=1e-3)
    assert "blockiness" in facts.reasons
    assert "blur" in facts.reasons
    found = contradiction.measure_contradiction(made)
    assert found.values["contradiction"] == pytest.approx(0, abs=0.02)
    drawn = invention.measure_invention(made, facts.values["cutoff"])
    assert drawn.values["invented_detail"] == 0.0
    assert drawn.map_ is not None
    assert float(drawn.map_.max()) < 0.01


@pytest.mark.parametrize("name", [*regions.REGIONS, "face", "head"])
def test_masks_lie_where_the_template_has_the_feature(name: str) -> None:
    mask = regions.template_mask(name)
    assert mask.shape == (512, 512)
    assert mask.dtype == bool
    share = float(mask.mean())
    assert 0.015 < share < 0.6
    assert float(regions.mask_at(name, 64).mean()) == pytest.approx(share, abs=0.012)
    mirrored = mask[:, ::-1]
    assert float((mask ^ mirrored).mean()) < 0.01


def test_regions_hold_their_landmarks() -> None:
    for name, x, y in (("eyes", 193, 240), ("eyes", 319, 240), ("nose", 257, 314)):
        assert regions.template_mask(name)[y, x]
    for x in (201, 313):
        assert regions.template_mask("mouth")[371, x]
    with pytest.raises(KeyError):
        regions.template_mask("ears")
