"""Hostile bytes: media whose headers lie, grow or point elsewhere, and weights that run code."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from PIL import Image, PngImagePlugin

from tests.clips import Spec, make_clip, pattern, png_header

TICK = 2048  # of 1/12800 s: two frames last longer than what counts as a flash
SHORT = Spec(pts=(0, TICK), last_duration=TICK)
HOSTILE_TEXT = (
    "<script>alert(1)</script><svg/onload=alert(1)><img src=x onerror=alert(1)>"
    "javascript:alert(1) {{7*7}} {% raw %} =cmd|'/c calc'!A1 \x1b[2J\x1b]0;owned\x07 \u202egnp.exe"
)


def short_clip(path: Path, **metadata: str) -> Path:
    """Two frames, one face in each for the null detector."""
    spec = Spec(pts=SHORT.pts, last_duration=TICK, metadata=tuple(metadata.items()))
    return make_clip(path, spec)


def picture(path: Path, **options: object) -> Path:
    """A picture of 96 x 64 px; the format follows from the ending."""
    Image.fromarray(pattern(1)).save(path, **options)  # type: ignore[arg-type]  # Pillow's own
    return path


# ---------------------------------------------------------------- scripts that name other files


def scripts(bait: str, port: int) -> dict[str, bytes]:
    """Playlists and descriptions that make a player open ``bait`` or knock at ``port``."""
    web = f"http://127.0.0.1:{port}/x.mp4"
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    mpd = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="0" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    return {
        "ffconcat": f"ffconcat version 1.0\nfile '{bait}'\n".encode(),
        "ffconcat over http": f"ffconcat version 1.0\nfile '{web}'\n".encode(),
        "ffconcat with BOM": b"\xef\xbb\xbf" + f"ffconcat version 1.0\nfile '{bait}'\n".encode(),
        "m3u8": hls.format(bait).encode(),
        "m3u8 over http": hls.format(web).encode(),
        "m3u8 with concat:": hls.format(f"concat:{bait}|{web}").encode(),
        "DASH": mpd.format(bait).encode(),
        "DASH over http": mpd.format(web).encode(),
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        + f"m=video {port} RTP/AVP 96\n".encode(),
        "SVG": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{web}"/></svg>'.encode(),
        "PostScript": b"%!PS\n(" + bait.encode() + b") run\n",
        "image2 pattern": f"file:{bait}\n".encode(),
        "pls": f"[playlist]\nFile1={web}\nNumberOfEntries=1\n".encode(),
    }


def disguised_scripts(bait: str, port: int) -> dict[str, bytes]:
    """The same behind first bytes that look like media."""
    plain = scripts(bait, port)
    return {
        "ftyp box, then m3u8": _box(b"ftyp", b"isom\0\0\0\0isom") + plain["m3u8 over http"],
        "free box, then ffconcat": _box(b"free", b"\0" * 8) + plain["ffconcat"],
        "AVI, then m3u8": b"RIFF\xff\xff\0\0AVI " + b"GAB2\0\2\0" + plain["m3u8 over http"],
        "PNG, then ffconcat": b"\x89PNG\r\n\x1a\n" + plain["ffconcat"],
        "EBML, then m3u8": b"\x1a\x45\xdf\xa3\x80" + plain["m3u8"],
    }


def reference_movie(clip: bytes, bait: str, kind: bytes) -> bytes:
    """An MP4 whose data reference points to another file (QuickTime's reference movies)."""
    at = clip.index(b"url \0\0\0\1")
    target = bait.encode() + b"\0"
    entry = _box(kind, b"\0\0\0\0" + target)
    grown = clip[: at - 4] + entry + clip[at + 8 :]
    return _grow_parents(grown, clip, at, len(entry) - 12)


def _grow_parents(grown: bytes, clip: bytes, at: int, more: int) -> bytes:
    """Add ``more`` to the size of every box around position ``at``."""
    out = bytearray(grown)
    for kind in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = clip.rfind(kind, 0, at) - 4
        size = struct.unpack_from(">I", clip, place)[0]
        struct.pack_into(">I", out, place, size + more)
    return bytes(out)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


# ---------------------------------------------------------------- headers that lie or grow


def declared_size(clip: bytes, width: int, height: int) -> bytes:
    """An MP4 whose sample entry declares another picture size."""
    at = clip.index(b"avc1", clip.index(b"stsd")) + 4 + 24
    return clip[:at] + struct.pack(">HH", width, height) + clip[at + 4 :]


def declared_frames(clip: bytes, frames: int) -> bytes:
    """An MP4 whose sample tables declare ``frames`` samples of one byte."""
    out = bytearray(clip)
    at = clip.index(b"stsz") + 4
    struct.pack_into(">II", out, at + 4, 1, frames)
    struct.pack_into(">I", out, clip.index(b"stts") + 12, frames)
    return bytes(out)


def declared_duration(clip: bytes, seconds: int) -> bytes:
    """An MP4 whose headers declare a length of ``seconds``."""
    out = bytearray(clip)
    for kind, scale_at in ((b"mvhd", 16), (b"mdhd", 16)):
        at = clip.index(kind)
        scale = struct.unpack_from(">I", clip, at + scale_at)[0]
        struct.pack_into(">I", out, at + scale_at + 4, min(0xFFFFFFFE, seconds * scale))
    return bytes(out)


def far_apart(path: Path, seconds: int) -> Path:
    """Two frames with ``seconds`` between them."""
    return make_clip(path, Spec(pts=(0, seconds * 12800), last_duration=TICK))


def bitmap_header(side: int) -> bytes:
    """A BMP that declares side x side pixels."""
    return b"BM" + struct.pack(
        "<IIIIiiHHIIiiII", 70, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0
    )


def jpeg_header(side: int) -> bytes:
    """A JPEG whose frame header declares side x side pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pattern(1)).save(buffer, "JPEG")
    raw = bytearray(buffer.getvalue())
    at = raw.index(b"\xff\xc0")
    struct.pack_into(">HH", raw, at + 5, side, side)
    return bytes(raw)


def tiff_header(side: int) -> bytes:
    """A TIFF that declares side x side pixels and holds none."""
    tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8)]
    tags += [(277, 3, 1), (278, 4, side), (279, 4, side)]
    body = struct.pack("<H", len(tags))
    for tag, kind, value in tags:
        body += struct.pack("<HHII", tag, kind, 1, value)
    return b"II*\0" + struct.pack("<I", 8) + body + b"\0\0\0\0"


def zero_png(width: int, height: int) -> bytes:
    """A valid grey PNG of zeros: a few kB that become width x height bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    coder = zlib.compressobj(9)
    rows = b"".join(coder.compress(bytes(width + 1)) for _ in range(height)) + coder.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND")


def text_bomb_png(path: Path) -> Path:
    """A PNG whose compressed text unpacks to 100 MB."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "A" * 100_000_000, zip=True)
    Image.fromarray(pattern(1)).save(path, pnginfo=info)
    return path


def profile_bomb_png() -> bytes:
    """A PNG whose colour profile unpacks to 200 MB."""
    raw = io.BytesIO()
    Image.fromarray(pattern(1)).save(raw, "PNG")
    bomb = b"x\0\0" + zlib.compress(bytes(200_000_000), 9)
    plain = raw.getvalue()
    return plain[:33] + _chunk(b"iCCP", bomb) + plain[33:]


def _chunk(kind: bytes, data: bytes = b"") -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def huge_png(side: int) -> bytes:
    """A PNG header that declares side x side pixels."""
    return png_header(side, side)


def nan_tiff(path: Path) -> Path:
    """A floating-point TIFF of NaN and infinity."""
    samples = np.full((64, 96), np.nan, np.float32)
    samples[::2] = np.inf
    Image.fromarray(samples, mode=None).save(path)
    return path


# ---------------------------------------------------------------- metadata and code


def tagged_png(path: Path) -> Path:
    """A PNG with hostile text in its title, author and XMP."""
    info = PngImagePlugin.PngInfo()
    for key in ("Title", "Author", "Comment", "XML:com.adobe.xmp"):
        info.add_itxt(key, HOSTILE_TEXT)
    Image.fromarray(pattern(1)).save(path, pnginfo=info)
    return path


def tagged_jpeg(path: Path) -> Path:
    """A JPEG with hostile text in EXIF and XMP."""
    exif = Image.Exif()
    for tag in (0x010E, 0x013B, 0x8298, 0x9C9B):  # description, artist, copyright, title
        exif[tag] = HOSTILE_TEXT.encode("utf-16-le" if tag == 0x9C9B else "utf-8")
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{HOSTILE_TEXT}</x:xmpmeta>".encode()
    Image.fromarray(pattern(1)).save(path, exif=exif, xmp=xmp)
    return path


def tagged_matroska(path: Path) -> Path:
    """A Matroska file with hostile tags on file and stream."""
    with av.open(str(path), "w") as box:
        box.metadata.update({"title": HOSTILE_TEXT, "comment": HOSTILE_TEXT, "=1+1": "@SUM(1)"})
        stream = box.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.metadata.update({"language": "<b>", "title": HOSTILE_TEXT})
        for number in range(4):
            box.mux(stream.encode(av.VideoFrame.from_ndarray(pattern(number), format="rgb24")))
        box.mux(stream.encode(None))
    return path


class _Runs:
    """Unpickling this makes a file: the mark of executed code."""

    def __init__(self, marker: str) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mknod, (self._marker, 0o600)


def pickled_code(marker: Path) -> bytes:
    """Weights in name only: loading them with pickle creates ``marker``."""
    return pickle.dumps(_Runs(str(marker)))
