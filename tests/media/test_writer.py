"""Writer: the source's times, colour and sound on the restored clip; nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from forensics.errors import InputError
from forensics.media.limits import Limits
from forensics.media.probe import Media, probe
from forensics.media.reader import DecodedFrame, FrameFailure, read_frames
from forensics.media.writer import Written, open_writer, packet_digest, safe_stem
from tests.clips import VFR_PTS, make_clip, pattern


def _copy(media: Media, folder: Path, scale: int = 2) -> tuple[Written, Path]:
    """Enlarge every frame with Lanczos and write it."""
    source = media.source
    size = source.display_width * scale, source.display_height * scale
    writer = open_writer(media, folder, *size)
    for item in read_frames(media):
        if isinstance(item, DecodedFrame):
            writer.write(item, cv2.resize(item.rgb_u8, size, interpolation=cv2.INTER_LANCZOS4))
    written = writer.close()
    return written, folder / written.restored.file


def _times(path: Path) -> list[tuple[Fraction, Fraction]]:
    """Presentation time of each frame, and the last one's duration, in exact seconds."""
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        base = stream.time_base or Fraction(1)
        packets = sorted((p for p in box.demux(stream) if p.size), key=lambda p: p.pts or 0)
        times = [((p.pts or 0) * base, Fraction(0)) for p in packets]
        times[-1] = times[-1][0], (packets[-1].duration or 0) * base
        return times


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("vfr.mp4", {"pts": VFR_PTS}),
        (
            "fine.mp4",
            {"pts": (0, 3003, 6006, 9010, 189010), "time_base": Fraction(1, 90000)},
        ),
        ("late.mp4", {"pts": (25611, 26112, 26624, 27136)}),
        ("coarse.mp4", {"pts": tuple(range(12)), "time_base": Fraction(1, 15), "last_duration": 1}),
        (
            "ntsc.mp4",
            {
                "pts": tuple(range(0, 9009, 1001)),
                "time_base": Fraction(1, 30000),
                "last_duration": 1001,
            },
        ),
        ("film.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("broadcast.ts", {}),
        (
            "milli.mkv",
            {"pts": (0, 33, 67, 167, 200), "time_base": Fraction(1, 1000), "last_duration": 33},
        ),
    ],
)
def test_every_time_is_kept_exactly(
    clip: Callable[..., Path], tmp_path: Path, name: str, spec: dict[str, object]
) -> None:
    source = clip(name, **spec)
    written, path = _copy(probe(source), tmp_path / "out")
    before, after = _times(source), _times(path)
    assert [t for t, _ in before] == [t for t, _ in after]
    if not name.endswith(("mkv", "avi", "ts")):  # those state no duration per packet
        assert before[-1][1] == after[-1][1]
    assert written.restored.frames == len(before)
    again = probe(path)
    assert again.source.frames == len(before)


def test_raw_stream_gets_the_assumed_rate(clip: Callable[..., Path], tmp_path: Path) -> None:
    _, path = _copy(probe(clip("clip.264")), tmp_path / "out")
    assert [t for t, _ in _times(path)] == [Fraction(n, 25) for n in range(10)]


def test_committed_clip_keeps_its_sound_and_words(two_people: Path, tmp_path: Path) -> None:
    media = probe(two_people)
    written, path = _copy(media, tmp_path, scale=1)
    (audio,) = written.streams
    assert (audio.outcome, audio.kind, audio.codec) == ("copied", "audio", "aac")
    assert audio.packets == 346
    assert packet_digest(path, "audio") == packet_digest(two_people, "audio")
    assert written.source_streams()["audio"] == written.streams
    again = probe(path).source
    assert (again.sar, again.width, again.height) == ("1:1", 640, 400)
    assert again.note == media.source.note
    assert again.colour == media.source.colour
    with av.open(str(two_people)) as a, av.open(str(path)) as b:
        times = [[(p.pts, p.dts) for p in box.demux(audio=0) if p.size] for box in (a, b)]
    assert times[0] == times[1]


def test_pictures_survive_encoding(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip(full_range=True, colour=6))
    _, path = _copy(media, tmp_path, scale=2)
    again = probe(path)
    assert (again.source.colour["matrix"], again.source.colour["range"]) == ("smpte170m", "pc")
    for before, after in zip(read_frames(media), read_frames(again), strict=True):
        assert isinstance(before, DecodedFrame)
        assert isinstance(after, DecodedFrame)
        enlarged = cv2.resize(before.rgb_u8, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)
        error = after.rgb_u8.astype(float) - enlarged
        assert np.abs(error).mean() < 4
        assert abs(error.mean()) < 1  # no shift of range or matrix


def test_rotated_source_is_written_upright(clip: Callable[..., Path], tmp_path: Path) -> None:
    _, path = _copy(probe(clip(rotation_deg=90)), tmp_path)
    again = probe(path).source
    assert (again.width, again.height, again.rotation) == (128, 192, 0)


def test_odd_sizes_are_kept(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip(size=(97, 65), pix_fmt="yuv444p"))
    written, path = _copy(media, tmp_path, scale=1)
    assert written.restored.encoder["pix_fmt"] == "yuv444p"
    assert (probe(path).source.width, probe(path).source.height) == (97, 65)


def test_same_frames_give_the_same_file(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip(audio="aac"))
    first, _ = _copy(media, tmp_path / "a")
    second, _ = _copy(media, tmp_path / "b")
    assert first.restored.sha256 == second.restored.sha256


def test_sound_that_mp4_cannot_hold_goes_beside_it(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    source = clip("pcm.mkv", audio="pcm_s16le", time_base=Fraction(1, 1000))
    written, path = _copy(probe(source), tmp_path / "out")
    (audio,) = written.streams
    assert audio.outcome == "sidecar"
    beside = path.with_name("pcm.audio1.mka")
    assert beside.name in (audio.reason or "")
    assert packet_digest(beside, "audio") == packet_digest(source, "audio")
    assert sorted(p.name for p in path.parent.iterdir()) == ["pcm.audio1.mka", "pcm.mp4"]


def test_sound_with_adts_headers_is_not_rewritten(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    source = clip("broadcast.ts", audio="aac")
    written, path = _copy(probe(source), tmp_path / "out")
    (audio,) = written.streams
    assert audio.outcome == "sidecar"
    assert packet_digest(path.with_name("broadcast.audio1.ts")) == packet_digest(source)


def _with_subtitle(path: Path) -> Path:
    plain = make_clip(path.with_name("plain.mkv"))
    with av.open(str(plain)) as source, av.open(str(path), "w") as box:
        video = box.add_stream_from_template(source.streams.video[0])
        words = box.add_mux_stream("subrip")
        words.time_base = Fraction(1, 1000)
        packet = av.Packet(b"Good evening")
        packet.stream, packet.pts, packet.dts, packet.duration = words, 0, 0, 100
        packet.time_base = Fraction(1, 1000)
        box.mux(packet)
        for one in source.demux(video=0):
            if one.size:
                one.stream = video
                box.mux(one)
    return path


def test_subtitles_go_beside_it(tmp_path: Path) -> None:
    source = _with_subtitle(tmp_path / "spoken.mkv")
    written, path = _copy(probe(source), tmp_path / "out")
    (words,) = written.source_streams()["other_streams"]
    assert (words.kind, words.outcome) == ("subtitle", "sidecar")
    beside = path.with_name("spoken.subtitle1.mks")
    assert packet_digest(beside, "subtitle") == packet_digest(source, "subtitle")


def test_second_picture_stream_is_reported_as_dropped(tmp_path: Path) -> None:
    one, path = make_clip(tmp_path / "one.mp4"), tmp_path / "two.mp4"
    with av.open(str(one)) as a, av.open(str(one)) as b, av.open(str(path), "w") as box:
        streams = [box.add_stream_from_template(x.streams.video[0]) for x in (a, b)]
        for x, stream in zip((a, b), streams, strict=True):
            for packet in x.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    box.mux(packet)
    written, _ = _copy(probe(path), tmp_path / "out")
    (second,) = written.streams
    assert (second.kind, second.outcome) == ("video", "dropped")
    assert "only one video stream" in (second.reason or "")


def test_abort_leaves_nothing(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip("pcm.mkv", audio="pcm_s16le"))
    writer = open_writer(media, tmp_path / "out", 192, 128)
    for item in read_frames(media):
        assert isinstance(item, DecodedFrame)
        writer.write(item, cv2.resize(item.rgb_u8, (192, 128)))
        assert not [p for p in (tmp_path / "out/restored").iterdir() if p.name[0] != "."]
    writer.abort()
    writer.abort()
    assert not list((tmp_path / "out/restored").iterdir())


def test_wrong_frame_size_is_refused(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip())
    writer = open_writer(media, tmp_path / "out", 192, 128)
    frame = next(read_frames(media))
    assert isinstance(frame, DecodedFrame)
    with pytest.raises(ValueError, match="expected"):
        writer.write(frame, frame.rgb_u8)
    with pytest.raises(InputError, match="no frame"):
        writer.close()
    assert not list((tmp_path / "out/restored").iterdir())


def test_output_size_is_limited(clip: Callable[..., Path], tmp_path: Path) -> None:
    media = probe(clip(), Limits(output_px=100_000))
    with pytest.raises(InputError, match="would be restored at 960x640"):
        open_writer(media, tmp_path, 960, 640)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("clip.mp4", "clip"),
        ("-y;x.mp4", "y_x"),
        ("a b\u202egpj.mp4", "a b_gpj"),
        ("\u00e9t\u00e9.mp4", "\u00e9t\u00e9"),
        ("....mp4", "source"),
    ],
)
def test_stem_holds_nothing_to_trip_over(name: str, stem: str) -> None:
    assert safe_stem(Path("/folder") / name) == stem


# ---------------------------------------------------------------- pictures


def test_picture_with_alpha_profile_and_exif(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    alpha = np.tile(np.linspace(0, 255, 96, dtype=np.uint8), (64, 1))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a caption"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(np.dstack([pattern(0), alpha])).save(path, exif=exif, icc_profile=icc)
    written, out = _copy(probe(path), tmp_path / "out")
    assert written.restored.file == "restored/picture.png"
    with Image.open(out) as image:
        image.load()
        assert (image.size, image.mode) == ((128, 192), "RGBA")
        assert image.info["icc_profile"] == icc
        assert image.getexif().get(0x0112) is None
        assert image.getexif()[0x010E] == "a caption"
        shown = np.asarray(image)
    upright = np.rot90(np.dstack([pattern(0), alpha]), -1)
    smaller = cv2.resize(shown, (64, 96), interpolation=cv2.INTER_AREA)
    assert np.abs(smaller.astype(int) - upright).mean() < 3


def test_folder_keeps_its_names(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number, name in enumerate(["a.jpg", "a.png", "b.bmp"]):
        Image.fromarray(pattern(number)).save(folder / name)
    (folder / "c.png").write_bytes(b"")
    media = probe(folder)
    written, out = _copy(media, tmp_path / "out")
    assert written.restored.file == "restored"
    assert written.restored.frames == 3
    names = sorted(p.name for p in out.iterdir())
    assert names == ["a-000002.png", "a.png", "b.png"]
    assert sum(isinstance(i, FrameFailure) for i in read_frames(media)) == 1
