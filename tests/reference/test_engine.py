"""Reference engine: upstream's pictures to the last bit, and none of its silences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from forensics.records import Failure
from forensics.reference.frame import ReferenceFrame
from tests.reference import made

pytestmark = pytest.mark.reference


def _frame(result: ReferenceFrame | Failure) -> ReferenceFrame:
    assert isinstance(result, ReferenceFrame), result
    return result


def test_whole_frames_are_upstreams_to_the_last_bit() -> None:
    plain = made.shell(tile_px=48)
    plain.gfpgan.forward = lambda x, **_: made.Restorer.forward(
        made.Restorer(), x, randomize_noise=False
    )
    frame = made.picture()
    crops, restored, picture = plain.enhance(frame[..., ::-1].copy(), paste_back=True)
    ours = _frame(made.engine(made.shell(tile_px=48)).enhance(frame))
    assert np.array_equal(ours.picture_rgb_u8, picture[..., ::-1])
    assert ours.background_failure is None
    assert len(ours.faces) == len(crops) == 2
    for face, crop, own in zip(ours.faces, crops, restored, strict=True):
        assert np.array_equal(face.crop_rgb_u8, crop[..., ::-1])
        assert np.array_equal(face.restored_rgb_u8, own[..., ::-1])
    left, right = ours.faces
    assert np.allclose(left.landmarks_px, made.TWO_FACES[0].landmarks_px, atol=1e-5)
    assert right.box_px == made.TWO_FACES[1].box_px
    assert right.score == pytest.approx(0.98)
    # Eyes 16 px apart on a template of 125.92 px.
    assert left.affine is not None
    assert left.affine[0][0] == pytest.approx(125.92 / 16, rel=0.06)


def test_upstream_alone_hides_the_failing_face_and_the_failing_tile() -> None:
    """What the engine is for: without it both errors end as pictures."""
    plain = made.shell(tile_px=48)
    plain.gfpgan.errors = {0: RuntimeError("out of memory")}
    plain.bg_upsampler.model.errors = {3: RuntimeError("out of memory")}
    crops, restored, picture = plain.enhance(made.picture()[..., ::-1].copy(), paste_back=True)
    assert np.array_equal(crops[0], restored[0])
    assert picture.shape == (256, 320, 3)


@pytest.mark.parametrize(
    "error", [RuntimeError("a kernel failed"), torch.OutOfMemoryError("out of memory")]
)
def test_a_failing_face_is_a_failure_and_the_other_is_pasted(error: RuntimeError) -> None:
    restorer = made.shell()
    restorer.gfpgan.errors = {0: error}
    result = _frame(made.engine(restorer).enhance(made.picture()))
    first, second = result.faces
    assert isinstance(first.restored, Failure)
    assert first.restored.stage == "restore"
    assert first.restored.error == f"{type(error).__name__}: {error}"
    assert first.restored_rgb_u8 is None
    assert first.crop_rgb_u8 is not None
    assert first.affine is not None
    # Without the failing face the picture is what upstream makes of the other one alone.
    alone = made.shell(made.TWO_FACES[1:])
    expected = _frame(made.engine(alone).enhance(made.picture()))
    assert np.array_equal(result.picture_rgb_u8, expected.picture_rgb_u8)
    assert np.array_equal(second.restored_rgb_u8, expected.faces[0].restored_rgb_u8)
    assert restorer.face_helper.face_det.seen == 1  # found once, not again for the second round


def test_every_face_failing_leaves_the_background() -> None:
    restorer = made.shell()
    restorer.gfpgan.errors = {k: RuntimeError("no") for k in range(9)}
    result = _frame(made.engine(restorer).enhance(made.picture()))
    assert [isinstance(f.restored, Failure) for f in result.faces] == [True, True]
    empty = _frame(made.engine(made.shell(())).enhance(made.picture()))
    assert empty.faces == ()
    assert np.array_equal(result.picture_rgb_u8, empty.picture_rgb_u8)


def test_numbers_that_are_not_finite_are_a_failure() -> None:
    restorer = made.shell()
    restorer.gfpgan.answer_nan_at = 1
    result = _frame(made.engine(restorer).enhance(made.picture()))
    bad = result.faces[1].restored
    assert isinstance(bad, Failure)
    assert bad.error == "NotFinite: the network gave numbers that are not finite"
    assert isinstance(result.faces[0].restored, np.ndarray)


@pytest.mark.parametrize("call", [0, 3])
def test_a_failing_tile_makes_the_background_lanczos_and_says_so(call: int) -> None:
    restorer = made.shell(tile_px=48)
    restorer.bg_upsampler.model.errors = {call: RuntimeError("out of memory in a tile")}
    engine = made.engine(restorer)
    result = _frame(engine.enhance(made.picture()))
    assert result.background_failure is not None
    assert result.background_failure.error == "RuntimeError: out of memory in a tile"
    plain = _frame(made.engine(made.shell()).enhance(made.picture()))
    assert np.array_equal(result.picture_rgb_u8, plain.picture_rgb_u8)
    # The next frame tries again.
    again = _frame(engine.enhance(made.picture()))
    assert again.background_failure is None
    assert not np.array_equal(again.picture_rgb_u8, plain.picture_rgb_u8)


def test_a_failing_detector_is_a_failed_frame() -> None:
    restorer = made.shell()
    restorer.face_helper.face_det.error = RuntimeError("no memory for the picture")
    result = made.engine(restorer).enhance(made.picture())
    assert isinstance(result, Failure)
    assert (result.stage, result.error) == ("detect", "RuntimeError: no memory for the picture")


def test_a_failing_paste_leaves_the_background_and_no_face() -> None:
    restorer = made.shell()
    restorer.face_helper.face_parse.error = RuntimeError("no memory for the mask")
    result = _frame(made.engine(restorer).enhance(made.picture()))
    stages = [f.restored.stage for f in result.faces if isinstance(f.restored, Failure)]
    assert stages == ["paste", "paste"]
    empty = _frame(made.engine(made.shell(())).enhance(made.picture()))
    assert np.array_equal(result.picture_rgb_u8, empty.picture_rgb_u8)


def test_landmarks_without_size_fail_their_face_alone() -> None:
    point = made.face(40, 40, eyes=16).landmarks_px[0]
    broken = made.face(40, 40)
    # Eyes apart, so that upstream keeps it; everything else is not a number.
    nan = (float("nan"), float("nan"))
    broken = type(broken)(broken.box_px, (point, broken.landmarks_px[1], nan, nan, nan), 0.99)
    result = _frame(made.engine(made.shell((broken, made.TWO_FACES[1]))).enhance(made.picture()))
    first, second = result.faces
    assert isinstance(first.restored, Failure)
    assert first.restored.stage == "align"
    assert isinstance(second.restored, np.ndarray)


def test_small_faces_that_upstream_drops_are_recorded() -> None:
    tiny = made.face(20, 90, eyes=4.0, score=0.985)
    result = _frame(made.engine(made.shell((*made.TWO_FACES, tiny))).enhance(made.picture()))
    assert len(result.faces) == 2
    (rejected,) = result.rejected
    assert (rejected.reason, rejected.box_px) == ("below_eye_px", tiny.box_px)


def test_forced_faces_replace_the_detectors_which_runs_all_the_same() -> None:
    restorer = made.shell(made.TWO_FACES)
    result = _frame(made.engine(restorer).enhance(made.picture(), [made.face(80, 64, 20)]))
    (only,) = result.faces
    assert only.landmarks_px[0] == (70.0, 64.0)
    assert restorer.face_helper.face_det.seen == 1


@pytest.mark.parametrize(("noise", "same"), [("stored", True), ("fresh", False)])
def test_noise_is_upstreams_own_unless_bound(noise: str, same: bool) -> None:
    engine = made.engine(made.shell(), noise)
    first, second = (_frame(engine.enhance(made.picture())) for _ in range(2))
    assert np.array_equal(first.picture_rgb_u8, second.picture_rgb_u8) == same
    assert engine.facts.deterministic == same


def test_what_upstream_prints_stays_off_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    made.engine(made.shell(tile_px=48)).enhance(made.picture())
    assert capsys.readouterr().out == ""
