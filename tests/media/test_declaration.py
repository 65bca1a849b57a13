"""Declaration: a restored file says so in its own tags, and a source that says so is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forensics.media.declaration import KEY, LINE, SOURCE_TYPE, declared_in, described
from forensics.media.probe import probe
from forensics.media.reader import DecodedFrame, read_frames
from forensics.media.writer import open_writer


def _copied(source: Path, folder: Path) -> Path:
    """The source written as a restored file is, with its own pixels."""
    media = probe(source)
    size = media.source.display_width, media.source.display_height
    writer = open_writer(media, folder, *size)
    for item in read_frames(media):
        if isinstance(item, DecodedFrame):
            writer.write(item, item.rgb_u8)
    return folder / writer.close().restored.file


def test_a_restored_clip_says_so_and_the_clip_it_was_made_from_does_not(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    source = clip()
    assert probe(source).source.declared is None
    restored = _copied(source, tmp_path / "out")
    with av.open(str(restored)) as box:
        assert box.metadata[KEY] == LINE
    assert probe(restored).source.declared == LINE
    again = _copied(restored, tmp_path / "again")
    with av.open(str(again)) as box:
        assert box.metadata[KEY] == LINE  # said once, not twice


def test_what_the_source_says_of_itself_stays_before_it(two_people: Path, tmp_path: Path) -> None:
    with av.open(str(two_people)) as box:
        before = {k: box.metadata[k] for k in ("title", "comment")}
    with av.open(str(_copied(two_people, tmp_path / "out"))) as box:
        assert {k: box.metadata[k] for k in before} == before
    assert described("A walk in the park.") == f"A walk in the park. {LINE}"


def test_the_description_of_a_matroska_clip_is_kept(
    clip: Callable[..., Path], ffmpeg: Callable[..., str], tmp_path: Path
) -> None:
    said = tmp_path / "said.mkv"
    ffmpeg("-i", str(clip()), "-c", "copy", "-metadata", "DESCRIPTION=A walk.", str(said))
    with av.open(str(_copied(said, tmp_path / "out"))) as box:
        assert box.metadata[KEY] == f"A walk. {LINE}"


def test_it_survives_another_coding(
    clip: Callable[..., Path], ffmpeg: Callable[..., str], tmp_path: Path
) -> None:
    restored = _copied(clip(), tmp_path / "out")
    for name, how in (("copied.mkv", ("-c", "copy")), ("coded.mp4", ("-c:v", "libx264"))):
        ffmpeg("-i", str(restored), *how, str(tmp_path / name))
        assert probe(tmp_path / name).source.declared == LINE


def test_a_restored_picture_and_a_folder_that_holds_one_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(folder / name)
    assert probe(folder / "a.png").source.declared is None
    assert probe(folder).source.declared is None
    restored = _copied(folder / "b.png", tmp_path / "out")
    assert probe(restored).source.declared == LINE
    restored.replace(folder / "b.png")
    assert probe(folder).source.declared == LINE


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_the_iptc_source_type_in_xmp_is_found(tmp_path: Path, kind: str) -> None:
    packet = f'<x:xmpmeta><d Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></x:xmpmeta>'
    path, picture = tmp_path / f"a.{kind}", Image.fromarray(np.full((40, 50, 3), 90, np.uint8))
    if kind == "png":
        words = PngInfo()
        words.add_itxt("XML:com.adobe.xmp", packet)
        picture.save(path, pnginfo=words)
    else:
        picture.save(path, xmp=packet.encode())
    declared = probe(path).source.declared
    assert declared is not None
    assert SOURCE_TYPE in declared


def test_only_known_words_count_and_long_texts_are_cut() -> None:
    harmless = ["algorithmicallyEnhanced", "a restored chapel", "digitalCapture", None, ""]
    assert declared_in(harmless) is None
    assert declared_in([None, f"by {SOURCE_TYPE}\n\tof IPTC"]) == f"by {SOURCE_TYPE} of IPTC"
    long = declared_in(["x " * 5000 + "AI-RESTORED" + " y" * 5000])
    assert long is not None
    assert len(long) == 200
    assert "AI-RESTORED" in long
