"""Video fidelity: what goes in comes out: every frame, time, sound and colour, nothing scrambled.

The chain is reader > Lanczos > writer, without networks, so that each difference is the media
code's own.  A seeded tenth runs with the quick tests, all of it with the slow ones.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from forensics.media.probe import probe
from forensics.media.streams import packet_digest
from tests.fidelity.bars import (
    EXPECTED,
    colours_of,
    decoded_rgb,
    frame_of,
    held_by,
    length_of,
    number_of,
    times_of,
)
from tests.fidelity.made import Made, make, through

LEVELS = 2
VFR = (0, 422, 1280, 1707, 27307, 27734, 28587, 29010)  # 33 to 67 ms in 1/12800 s, and 2 s
MS = Fraction(1, 1000)

COLOURS = {
    f"{name}-{'full' if full else 'limited'}-{pix_fmt}": Made(
        matrix=matrix,
        primaries=matrix,
        transfer=1 if matrix == 9 else matrix,
        full=full,
        pix_fmt=pix_fmt,
    )
    for name, matrix in (("bt601", 6), ("bt601-625", 5), ("bt709", 1), ("bt2020", 9))
    for full in (False, True)
    for pix_fmt in ("yuv420p", "yuv444p", "yuv420p10le")
}
COLOURS |= {
    "bt709-limited-yuv422p10le": Made(pix_fmt="yuv422p10le"),
    "hevc-10bit": Made(codec="libx265", pix_fmt="yuv420p10le"),
    "vp9-bt601": Made(name="clip.webm", codec="libvpx-vp9", matrix=6, primaries=6, transfer=6,
                      time_base=MS, pts=tuple(range(0, 320, 40)), last_duration=40),
    "ffv1-16bit": Made(name="clip.mkv", codec="ffv1", pix_fmt="yuv420p16le", time_base=MS,
                       pts=tuple(range(0, 320, 40)), last_duration=40),
}  # fmt: skip
TIMES = {
    "vfr": Made(pts=VFR, last_duration=430),
    "vfr-b-frames": Made(pts=VFR, last_duration=430, b_frames=3),
    "b-frames": Made(b_frames=3),
    "b-frames-start": Made(b_frames=2, pts=tuple(25600 + p for p in range(0, 4096, 512))),
    "start-not-0": Made(pts=tuple(90123 + 512 * k for k in range(8))),
    "ntsc": Made(pts=tuple(1001 * k for k in range(8)), time_base=Fraction(1, 30000),
                 last_duration=1001),
    "fine": Made(pts=(0, 3003, 6006, 9010, 189010), time_base=Fraction(1, 90000),
                 last_duration=2999),
    "long-last": Made(last_duration=12800),
    "one-frame": Made(pts=(0,), last_duration=1024),
    "mkv": Made(name="clip.mkv", time_base=MS, pts=(0, 33, 67, 134, 2134, 2167, 2200, 2267),
                last_duration=50),
    "mkv-b-frames": Made(name="clip.mkv", time_base=MS, pts=tuple(range(0, 320, 40)),
                         last_duration=40, b_frames=3),
    "webm": Made(name="clip.webm", codec="libvpx-vp9", time_base=MS,
                 pts=(0, 33, 67, 134, 167, 200, 267, 300), last_duration=33),
    "webm-one-frame": Made(name="clip.webm", codec="libvpx-vp9", time_base=MS, pts=(0,),
                           last_duration=40),
    "ts-b-frames": Made(name="clip.ts", b_frames=2),
    "mov": Made(name="clip.mov", b_frames=2),
}  # fmt: skip
SHAPES = {
    "sar-128-117": (Made(sar=Fraction(128, 117), size=(176, 96)), (192, 96)),
    "sar-80-33": (Made(sar=Fraction(80, 33), size=(176, 144)), (426, 144)),
    "sar-mkv": (Made(name="clip.mkv", sar=Fraction(4, 3), time_base=MS, size=(120, 96),
                     pts=tuple(range(0, 320, 40)), last_duration=40), (160, 96)),
    "odd-444": (Made(size=(161, 97), pix_fmt="yuv444p"), (161, 97)),
    "odd-vp9": (Made(name="clip.webm", codec="libvpx-vp9", size=(161, 97), time_base=MS,
                     pts=tuple(range(0, 320, 40)), last_duration=40), (161, 97)),
    "odd-ffv1": (Made(name="clip.mkv", codec="ffv1", size=(161, 97), time_base=MS,
                      pts=tuple(range(0, 320, 40)), last_duration=40), (161, 97)),
    "interlaced": (Made(interlaced=True), (160, 96)),
}  # fmt: skip
TURNS = {
    f"turn-{degrees}{'-sar' if sar else ''}": Made(rotation_deg=degrees, sar=sar)
    for degrees in (90, 180, 270)
    for sar in (None, Fraction(4, 3))
}


def _slow_but_a_tenth(names: list[str]) -> list[object]:
    """Every case; all but a seeded few carry the marker of slow tests."""
    quick = set(np.random.default_rng(6).choice(sorted(names), max(1, len(names) // 10), False))
    return [n if n in quick else pytest.param(n, marks=pytest.mark.slow) for n in names]


def _check_pictures(path: Path, made: Made) -> None:
    """Every frame in its order, its colours within two levels of the source's, by the formulas."""
    pictures = decoded_rgb(path, made.matrix, made.full)
    assert [number_of(p) for p in pictures] == [k % 8 for k in range(made.frames)]
    source = held_by(
        frame_of(0, made.size, made.pix_fmt, made.matrix, made.full), made.matrix, made.full
    )
    # Levels are whole numbers, as a screen shows them.
    worst = max(float(np.abs(np.rint(colours_of(p)) - np.rint(source)).max()) for p in pictures)
    assert worst <= LEVELS, f"a colour is {worst:.0f} levels off"


@pytest.mark.parametrize("name", _slow_but_a_tenth(list(COLOURS)))
def test_colours_survive(name: str, tmp_path: Path) -> None:
    made = COLOURS[name]
    media, written, path = through(make(tmp_path, made), tmp_path / "out")
    _check_pictures(path, made)
    assert written.restored.frames == made.frames
    again = probe(path).source
    # The tags say what the samples are, so that every player shows the same.
    keys = ("matrix", "range", "primaries", "transfer")
    assert {k: again.colour[k] for k in keys} == {k: media.source.colour[k] for k in keys}
    assert not [a for a in media.source.assumptions if "colour" in a or "range" in a]


@pytest.mark.parametrize(("height", "matrix"), [(96, 6), (720, 1)])
def test_untagged_clips_are_tagged_by_the_stated_assumption(
    height: int, matrix: int, tmp_path: Path
) -> None:
    made = Made(tagged=False, size=(160, height), matrix=matrix, pts=(0, 512))
    media, _, path = through(make(tmp_path, made), tmp_path / "out", scale=1)
    assert len([a for a in media.source.assumptions if "was assumed" in a]) == 2
    _check_pictures(path, made)


@pytest.mark.parametrize(
    "made",
    [
        Made(name="grey.mkv", codec="ffv1", pix_fmt="gray", full=True, time_base=MS,
             pts=(0, 40, 80), last_duration=40),
        Made(codec="libx264", pix_fmt="gray", pts=(0, 512, 1024)),
    ],
    ids=["full", "limited"],
)  # fmt: skip
def test_grey_clips_stay_grey(made: Made, tmp_path: Path) -> None:
    _, _, path = through(make(tmp_path, made), tmp_path / "out")
    for picture in decoded_rgb(path, made.matrix, made.full):
        shown = colours_of(picture)
        assert np.ptp(shown, axis=1).max() <= LEVELS
        # The green of each bar was written as its luma.
        assert np.abs(shown[:, 1] - EXPECTED[:, 1]).max() <= LEVELS


@pytest.mark.parametrize("name", _slow_but_a_tenth(["h264-rgb", "png", "jpeg"]))
def test_rgb_and_jpeg_clips(name: str, tmp_path: Path) -> None:
    made = {
        "h264-rgb": Made(codec="libx264rgb", pix_fmt="rgb24", pts=(0, 512, 1024), tagged=False),
        "png": Made(name="clip.mov", codec="png", pix_fmt="rgb24", pts=(0, 512, 1024),
                    tagged=False),
        "jpeg": Made(name="clip.avi", codec="mjpeg", pix_fmt="yuvj420p", matrix=5, full=True,
                     tagged=False, time_base=Fraction(1, 25), pts=(0, 1, 2), last_duration=1),
    }[name]  # fmt: skip
    _, _, path = through(make(tmp_path, made), tmp_path / "out")
    # RGB becomes limited-range BT.709; the JPEG clip keeps full range and its BT.601.
    _check_pictures(path, made)


@pytest.mark.parametrize("name", _slow_but_a_tenth(list(TIMES)))
def test_times_survive(name: str, tmp_path: Path) -> None:
    made = TIMES[name]
    source = make(tmp_path, made)
    before = times_of(source)
    media, written, path = through(source, tmp_path / "out")
    after = times_of(path)
    assert [t for t, _ in after] == [t for t, _ in before]
    assert written.restored.frames == media.source.frames == made.frames
    _check_pictures(path, made)
    again = probe(path).source
    assert again.duration_s == pytest.approx(media.source.duration_s, abs=1e-9)
    if made.name.endswith((".mp4", ".mov")):  # where a file states how long the last frame lasts
        whole = (made.pts[-1] - made.pts[0] + made.last_duration) * made.time_base
        assert again.duration_s == pytest.approx(float(whole), abs=1e-9)
        assert length_of(path) == length_of(source) == whole


@pytest.mark.parametrize("name", _slow_but_a_tenth(list(SHAPES)))
def test_shapes_survive(name: str, tmp_path: Path) -> None:
    made, shown = SHAPES[name]
    media, _, path = through(make(tmp_path, made), tmp_path / "out")
    again = probe(path).source
    assert (media.source.display_width, media.source.display_height) == shown
    assert (again.width, again.height, again.sar) == (2 * shown[0], 2 * shown[1], "1:1")
    _check_pictures(path, made)
    interlaced = any("interlaced" in a for a in media.source.assumptions)
    assert interlaced == (name == "interlaced")


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("name", _slow_but_a_tenth(list(TURNS)))
def test_turned_clips_are_upright(name: str, scale: int, tmp_path: Path) -> None:
    made = TURNS[name]
    _, _, path = through(make(tmp_path, made), tmp_path / "out", scale)
    again = probe(path).source
    assert (again.rotation, again.sar) == (0, "1:1")
    pictures = decoded_rgb(path, made.matrix, made.full)
    # PyAV's angle is counter-clockwise: turned back, the picture is what was put in.
    turned = [np.rot90(p, -(made.rotation_deg or 0) // 90) for p in pictures]
    assert [number_of(p) for p in turned] == list(range(made.frames))
    assert max(float(np.abs(colours_of(p) - EXPECTED).max()) for p in turned) <= LEVELS


SOUNDS = {
    "none": (Made(), ()),
    "aac": (Made(audio=("aac",)), ("copied",)),
    "aac-b-frames": (Made(audio=("aac",), b_frames=3), ("copied",)),
    "aac-late": (Made(audio=("aac",), audio_start=9600), ("copied",)),
    "aac-both-late": (
        Made(audio=("aac",), audio_start=96000, pts=tuple(25600 + p for p in range(0, 4096, 512))),
        ("copied",),
    ),
    "mp3": (Made(audio=("libmp3lame",)), ("copied",)),
    "two": (Made(audio=("aac", "ac3")), ("copied", "copied")),
    "flac": (Made(name="clip.mkv", audio=("flac",), time_base=MS, last_duration=40,
                  pts=tuple(range(0, 320, 40))), ("copied",)),
    "opus": (Made(name="clip.webm", codec="libvpx-vp9", audio=("libopus",), time_base=MS,
                  pts=tuple(range(0, 320, 40)), last_duration=40), ("copied",)),
    "pcm-mov": (Made(name="clip.mov", audio=("pcm_s16le",)), ("sidecar",)),
    "pcm-mkv": (Made(name="clip.mkv", audio=("pcm_s16le",), time_base=MS, last_duration=40,
                     pts=tuple(range(0, 320, 40))), ("sidecar",)),
}  # fmt: skip


def _sound_times(path: Path) -> list[list[tuple[Fraction, Fraction]]]:
    """Start and duration of every packet of each audio stream."""
    import av

    with av.open(str(path)) as box:
        base = {s.index: s.time_base for s in box.streams.audio}
        out: dict[int, list[tuple[Fraction, Fraction]]] = {index: [] for index in base}
        for packet in box.demux(*box.streams.audio):
            if packet.size:
                tb = base[packet.stream_index] or Fraction(1)
                out[packet.stream_index].append(((packet.pts or 0) * tb, packet.duration * tb))
        return list(out.values())


@pytest.mark.parametrize("name", _slow_but_a_tenth(list(SOUNDS)))
def test_sound_is_copied_packet_by_packet(name: str, tmp_path: Path) -> None:
    made, outcomes = SOUNDS[name]
    source = make(tmp_path, made)
    _, written, path = through(source, tmp_path / "out")
    assert tuple(s.outcome for s in written.streams) == outcomes
    assert times_of(path)[0][0] == times_of(source)[0][0]
    if not outcomes:
        return
    sound = path
    if outcomes == ("sidecar",):
        (sound,) = (p for p in path.parent.iterdir() if p != path)
    assert packet_digest(sound) == packet_digest(source)
    # Sound and picture stay together: to a sample in MP4, to a millisecond where Matroska rounds.
    fine = made.name.endswith((".mp4", ".mov")) and outcomes[0] == "copied"
    slack = Fraction(1, 48_000) if fine else Fraction(1, 1000)
    for before, after in zip(_sound_times(source), _sound_times(sound), strict=True):
        assert len(before) == len(after)
        assert max(abs(a[0] - b[0]) for a, b in zip(before, after, strict=True)) <= slack


@pytest.mark.parametrize(
    ("made", "outcome"),
    [
        (Made(subtitle="mov_text", audio=("aac",)), "copied"),
        (Made(name="clip.mkv", subtitle="subrip", time_base=MS, last_duration=40,
              pts=tuple(range(0, 320, 40))), "sidecar"),
    ],
    ids=["mov_text", "subrip"],
)  # fmt: skip
def test_subtitles_keep_words_and_times(made: Made, outcome: str, tmp_path: Path) -> None:
    import av

    source = make(tmp_path, made)
    _, written, path = through(source, tmp_path / "out")
    (words,) = (s for s in written.streams if s.kind == "subtitle")
    assert words.outcome == outcome
    kept = path if outcome == "copied" else next(p for p in path.parent.iterdir() if p != path)
    said = []
    for file in (source, kept):
        with av.open(str(file)) as box:
            packets = [p for p in box.demux(subtitles=0) if p.size and b"Good" in bytes(p)]
            said.append(
                [(p.pts * p.time_base, p.duration * p.time_base, bytes(p)) for p in packets]
            )
    assert said[0] == said[1]
    assert len(said[0]) == 2


@pytest.mark.parametrize("name", _slow_but_a_tenth(["h264", "h264-b-frames", "hevc"]))
def test_raw_streams_without_time_stamps(name: str, tmp_path: Path) -> None:
    made = {
        "h264": Made(name="clip.264"),
        "h264-b-frames": Made(name="clip.264", b_frames=3),
        "hevc": Made(name="clip.265", codec="libx265"),
    }[name]
    media, _, path = through(make(tmp_path, made), tmp_path / "out")
    assert media.source.time_base is None
    assert [t for t, _ in times_of(path)] == [Fraction(k, 25) for k in range(8)]
    _check_pictures(path, made)
