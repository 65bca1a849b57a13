"""Reader: exact times, exact counts, upright square pixels, nothing lost without a word."""

from __future__ import annotations

import resource
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from forensics.errors import InputError
from forensics.media.limits import Limits
from forensics.media.probe import Media, probe
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from tests.clips import SIZE, VFR_PTS, pattern


def _frames(media: Media) -> list[DecodedFrame]:
    items = list(read_frames(media))
    frames = [item for item in items if isinstance(item, DecodedFrame)]
    assert len(frames) == len(items) == media.source.frames
    return frames


@pytest.mark.parametrize(
    ("time_base", "pts"),
    [
        (Fraction(1, 12800), VFR_PTS),
        (Fraction(1, 90000), (0, 3003, 6006, 9010, 189010, 192013)),
        (Fraction(1, 12800), (25600, 26112, 26624, 27136)),  # does not start at 0
    ],
)
def test_time_stamps_are_the_files_integers(
    clip: Callable[..., Path], time_base: Fraction, pts: tuple[int, ...]
) -> None:
    media = probe(clip(pts=pts, time_base=time_base))
    frames = _frames(media)
    assert tuple(f.pts for f in frames) == pts
    assert media.time_base == time_base
    assert [f.frame for f in frames] == list(range(1, len(pts) + 1))
    assert frames[-1].duration == 512
    assert frames[-1].pts_s == pytest.approx(float(pts[-1] * time_base), abs=1e-9)
    expected_s = float((pts[-1] - pts[0] + 512) * time_base)
    assert media.source.duration_s == pytest.approx(expected_s, abs=1e-9)


@pytest.mark.parametrize(
    ("pts", "vfr"),
    [
        (VFR_PTS, True),
        (tuple(range(0, 5120, 512)), False),
        ((0, 33, 67, 100, 133), False),  # milliseconds of a constant 30 frames a second
        ((0, 33, 100, 133, 167), True),
    ],
)
def test_uneven_times_are_told_from_rounded_ones(
    clip: Callable[..., Path], pts: tuple[int, ...], vfr: bool
) -> None:
    assert probe(clip(pts=pts, time_base=Fraction(1, 12800))).source.vfr is vfr


def test_two_passes_are_identical(two_people: Path) -> None:
    media = probe(two_people)
    first, second = read_frames(media), read_frames(media)
    for _ in range(20):
        a, b = next(first), next(second)
        assert isinstance(a, DecodedFrame)
        assert isinstance(b, DecodedFrame)
        assert (a.frame, a.pts, a.native_sha256) == (b.frame, b.pts, b.native_sha256)
        assert np.array_equal(a.rgb_u8, b.rgb_u8)


def test_pictures_show_what_was_put_in(clip: Callable[..., Path]) -> None:
    for number, frame in enumerate(_frames(probe(clip()))):
        assert frame.rgb_u8.dtype == np.uint8
        assert frame.rgb_u8.flags.c_contiguous
        error = np.abs(frame.rgb_u8.astype(int) - pattern(number)).mean()
        assert error < 12  # quantiser 20, halved colour; the next frame differs by more


def test_square_pixels(clip: Callable[..., Path]) -> None:
    media = probe(clip(sar=Fraction(80, 33)))
    assert media.source.sar == "80:33"
    assert (media.source.width, media.source.height) == SIZE
    assert media.source.display_width == 232  # 96 * 80 / 33 = 232.7, nearest even
    assert all(f.rgb_u8.shape == (64, 232, 3) for f in _frames(media))


@pytest.mark.parametrize(("degrees", "clockwise"), [(90, 270), (180, 180), (-90, 90)])
def test_rotation_is_applied(clip: Callable[..., Path], degrees: int, clockwise: int) -> None:
    media = probe(clip(rotation_deg=degrees))
    frames = _frames(media)
    assert media.source.rotation == clockwise
    upright = np.rot90(pattern(0), degrees // 90)
    assert frames[0].rgb_u8.shape == upright.shape
    assert np.abs(frames[0].rgb_u8.astype(int) - upright).mean() < 12


def test_raw_stream_has_no_times_and_says_what_was_assumed(clip: Callable[..., Path]) -> None:
    media = probe(clip("clip.264"))
    assert media.source.time_base is None
    assert all(f.pts is None and f.pts_s is None and f.duration is None for f in _frames(media))
    assert any("no time stamps" in text for text in media.source.assumptions)
    assert media.frame_rate_hint == 25


def test_reordered_frames_in_avi_lose_neither_place_nor_time(clip: Callable[..., Path]) -> None:
    """AVI keeps no display times, and FFmpeg's guesses run backwards where B frames are."""
    media = probe(clip("reordered.avi", pts=tuple(range(0, 12 * 512, 512))))
    frames = list(read_frames(media))
    assert all(isinstance(frame, DecodedFrame) for frame in frames)
    times = [frame.pts_s for frame in frames]
    assert times == pytest.approx([k / 25 for k in range(12)], abs=1e-9)


def test_untagged_colour_is_an_assumption(clip: Callable[..., Path]) -> None:
    source = probe(clip(colour=None)).source
    assert "the source states no colour matrix; smpte170m was assumed" in source.assumptions
    assert probe(clip("tagged.mp4")).source.assumptions == ()


def test_high_bit_depth_is_said_to_be_reduced(clip: Callable[..., Path]) -> None:
    media = probe(clip(pix_fmt="yuv420p10le"))
    assert any("high bit depth" in text for text in media.source.assumptions)
    assert np.abs(_frames(media)[0].rgb_u8.astype(int) - pattern(0)).mean() < 12


def _samples(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as box:
        packets = [p for p in box.demux(video=0) if p.size]
        return [(p.pos or 0, p.size) for p in packets]


def test_damaged_packet_becomes_a_failed_frame(clip: Callable[..., Path]) -> None:
    path = clip(codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at, size = _samples(path)[3]
    data[at : at + size] = bytes(size)
    path.write_bytes(data)
    media = probe(path)
    items = list(read_frames(media))
    failures = [i for i in items if isinstance(i, FrameFailure)]
    assert len(items) == media.source.frames == 10
    assert [(f.frame, f.pts) for f in failures] == [(4, 1536)]
    assert "InvalidData" in failures[0].error
    assert any("could not be decoded" in text for text in media.source.assumptions)
    assert [i.frame for i in items] == list(range(1, 11))


def test_cut_off_file_accounts_for_the_frames_its_header_promises(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    whole = clip(codec="mjpeg", pix_fmt="yuvj420p")
    moved = tmp_path / "faststart.mp4"
    with (
        av.open(str(whole)) as source,
        av.open(str(moved), "w", options={"movflags": "+faststart"}) as out,
    ):
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    at, size = _samples(moved)[6]
    moved.write_bytes(moved.read_bytes()[: at + size // 2])
    media = probe(moved)
    items = list(read_frames(media))
    assert media.source.frames == len(items) == 10
    assert all(isinstance(i, DecodedFrame) for i in items[:6])
    assert all(isinstance(i, FrameFailure) for i in items[7:])


def test_sound_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as box:
        stream = box.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 44_100
        box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    with pytest.raises(InputError, match="holds no video stream"):
        probe(path)


def test_video_without_frames_is_refused(clip: Callable[..., Path]) -> None:
    path = clip("clip.264")
    data = path.read_bytes()
    start = data.index(b"\x00\x00\x01\x65")
    path.write_bytes(data[:start])
    with pytest.raises(InputError, match=r"clip\.264"):
        probe(path)


def test_limits_stop_before_and_while_counting(clip: Callable[..., Path]) -> None:
    path = clip()
    for limits, words in (
        (Limits(frame_px=1000), "declares pictures of 96x64"),
        (Limits(side_px=90), "declares pictures of 96x64"),
        (Limits(frames=9), "more than 9 frames"),
        (Limits(duration_s=0.1), "at most 0 are read"),
        (Limits(bytes=100), "at most 100 are read"),
    ):
        with pytest.raises(InputError, match=words):
            probe(path, limits)
    with pytest.raises(InputError, match="more than 9 frames"):
        probe(clip("raw.264"), Limits(frames=9))


def test_digest_notices_a_change(clip: Callable[..., Path]) -> None:
    media = probe(clip())
    assert media.digests().sha256 == media.source.sha256
    media.path.write_bytes(media.path.read_bytes() + b"x")
    assert media.digests().sha256 != media.source.sha256


def test_makers_words_become_the_note(two_people: Path) -> None:
    note = probe(two_people).source.note
    assert note is not None
    assert note.startswith("Made clip: two public-domain portraits")


def test_memory_stays_flat(clip: Callable[..., Path]) -> None:
    """40 more frames of 0.9 MB each need no further memory; kept, they would take 37 MB."""
    media = probe(clip(size=(640, 480), pts=tuple(range(0, 60 * 512, 512))))
    peaks = [
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for item in read_frames(media)
        if item.frame in (20, 60)
    ]
    assert peaks[1] - peaks[0] < 12_000  # KiB


def test_shared_rotated_clip(shared_data: Path) -> None:
    media = probe(shared_data / "clips/torchcodec/nasa_13013_rotated.mp4")
    assert media.source.rotation == 270
    assert (media.source.display_width, media.source.display_height) == (270, 480)
    assert _frames(media)[0].rgb_u8.shape == (480, 270, 3)


def test_shared_start_that_is_not_zero(shared_data: Path) -> None:
    frames = _frames(probe(shared_data / "clips/torchcodec/test_non_zero_start.mp4"))
    assert [f.pts for f in frames] == list(range(127995, 127995 + 12 * 512, 512))


def test_shared_raw_stream_with_odd_pixels(shared_data: Path) -> None:
    media = probe(shared_data / "clips/openh264/SarVui.264")
    assert (media.source.sar, media.source.display_width, media.source.frames) == ("80:33", 426, 17)


def test_shared_uneven_matroska(shared_data: Path) -> None:
    media = probe(shared_data / "clips/intel/asl_gestures/brother.mkv")
    assert media.source.vfr
    assert (media.source.frames, media.source.time_base) == (65, "1/1000")
    assert media.source.colour["range"] == "pc"


def test_every_stream_order_gives_every_frame(tmp_path: Path) -> None:
    """The video decoder is flushed wherever its stream stands: with B-frames the last ones wait."""
    path = tmp_path / "sound_first.mp4"
    with av.open(str(path), "w") as box:
        sound = box.add_stream("aac", rate=44_100, layout="mono")
        video = box.add_stream("libx264", rate=25, options={"bf": "3", "threads": "1"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        for number in range(10):
            box.mux(video.encode(av.VideoFrame.from_ndarray(pattern(number), format="rgb24")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        silence.sample_rate = 44_100
        box.mux(sound.encode(silence))
        box.mux([*video.encode(None), *sound.encode(None)])
    media = probe(path)
    assert media.stream_index == 1
    assert len(_frames(media)) == 10
    assert not [text for text in media.source.assumptions if "could not be decoded" in text]


def test_a_stream_of_data_is_no_obstacle(clip: Callable[..., Path]) -> None:
    """Cameras write time codes and sensor data beside the picture; no decoder exists for them."""
    path = clip("camera.mov", audio="aac")
    path.write_bytes(path.read_bytes().replace(b"soun", b"tmcd").replace(b"mp4a", b"tmcd"))
    media = probe(path)
    assert [stream.kind for stream in media.source.other_streams] == ["data"]
    assert len(_frames(media)) == 10
