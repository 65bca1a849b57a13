"""Labels in the margin, and the side-by-side clip of a person: facts, key frames, pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from forensics.comparisons import write_comparisons
from forensics.media.label import MARGIN_PX, label_words, labelled_pair, margin, short_id
from forensics.media.side_by_side import KEY_FRAME_EVERY, SIDE_PX, SideBySide, caption
from tests.bundles import make_bundle

RUN = "6f2c2f6e-5d0b-4a55-9d0e-0a4c4b6f7a11"
INK = 128


def face(shade: int) -> np.ndarray:
    return np.full((SIDE_PX, SIDE_PX, 3), shade, np.uint8)


def test_the_label_is_added_below_and_no_pixel_of_the_pair_changes() -> None:
    pair = np.random.default_rng(1).integers(0, 255, (512, 1024, 3), dtype=np.uint8)
    out = labelled_pair(pair, RUN)
    assert out.shape == (512 + MARGIN_PX, 1024, 3)
    assert np.array_equal(out[:512], pair)
    left, right = out[512:, :512], out[512:, 512:]
    assert left.max() > INK < right.max()  # both halves carry words
    assert not np.array_equal(right, labelled_pair(pair, "0" + RUN[1:])[512:, 512:])


def test_what_somebody_else_restored_is_labelled_as_given() -> None:
    ours, theirs = label_words(RUN), label_words(RUN, given=True)
    assert ours == ("FOOTAGE, ENLARGED", "AI-RESTORED  -  bundle 6f2c2f6e", "MAP, AI-RESTORED")
    assert theirs[1:] == ("GIVEN AS RESTORED  -  bundle 6f2c2f6e", "MAP OF WHAT WAS GIVEN")
    pair = np.zeros((512, 1024, 3), np.uint8)
    assert not np.array_equal(labelled_pair(pair, RUN), labelled_pair(pair, RUN, given=True))


def test_the_label_names_the_bundle_and_long_words_stay_in_their_share() -> None:
    assert short_id(RUN) == "6f2c2f6e"
    strip = margin("W" * 300, "", width=1024)
    assert strip[:, :512].max() > INK
    assert strip[:, 512:].max() < INK


def test_the_clip_has_a_key_frame_at_least_every_five_and_its_own_frames(tmp_path: Path) -> None:
    writer = SideBySide(tmp_path / "cmp_00.mp4", Fraction(25), label_words(RUN))
    for number in range(23):
        writer.add(
            caption(number * 7 + 1, number * 0.28, 0, "restored"), face(40), face(10 * number)
        )
    writer.close()
    with av.open(str(tmp_path / "cmp_00.mp4")) as clip:
        keys = [bool(p.is_keyframe) for p in clip.demux(video=0) if p.size]
    assert len(keys) == 23
    assert max(b - a for a, b in zip(_places(keys), [*_places(keys)[1:], 23], strict=True)) <= (
        KEY_FRAME_EVERY
    )
    with av.open(str(tmp_path / "cmp_00.mp4")) as clip:
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
        assert clip.streams.video[0].codec_context.name == "h264"
    assert frames[0].shape == (SIDE_PX + 2 * MARGIN_PX, 2 * SIDE_PX, 3)
    body = frames[20][MARGIN_PX : MARGIN_PX + SIDE_PX]
    assert abs(int(body[256, 256, 0]) - 40) <= 4
    assert abs(int(body[256, 768, 0]) - 200) <= 4
    assert frames[0][:MARGIN_PX].max() > INK < frames[0][-MARGIN_PX:].max()


def _places(keys: list[bool]) -> list[int]:
    return [number for number, key in enumerate(keys) if key]


def test_without_label_only_the_facts_stand_above(tmp_path: Path) -> None:
    writer = SideBySide(tmp_path / "c.mp4", Fraction(25), ())
    writer.add(caption(1, None, 3, "failed: no reason"), face(99), None)
    writer.close()
    with av.open(str(tmp_path / "c.mp4")) as clip:
        frame = next(clip.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape[0] == SIDE_PX + MARGIN_PX
    assert frame[MARGIN_PX:, SIDE_PX + 8 :].max() < 60  # the half of a failed face is empty
    assert caption(1, None, 3, "x")[0] == "frame 1   no time stamp   person 03"


def test_nothing_is_left_of_a_clip_that_was_given_up(tmp_path: Path) -> None:
    writer = SideBySide(tmp_path / "c.mp4", Fraction(25), label_words(RUN))
    with pytest.raises(ValueError, match="expected"):
        writer.add(("a", "b"), face(1)[:10], None)
    writer.abort()
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_every_person_gets_a_clip_of_its_frames_and_a_broken_picture_is_a_record(
    tmp_path: Path,
) -> None:
    bundle = make_bundle(tmp_path, side=SIDE_PX)
    (bundle / "data" / "restored_faces" / "000002_01.png").write_bytes(b"no picture")
    one, two = write_comparisons(bundle, [0, 1], Fraction(25), RUN)
    assert (one.file, one.frames, one.outcome) == ("cmp_00.mp4", 5, "written")
    assert (two.outcome, two.frames) == ("failed", 0)
    assert two.reason is not None
    assert "000002_01.png" in two.reason
    assert sorted(p.name for p in (bundle / "data").glob("*cmp_*")) == ["cmp_00.mp4"]
