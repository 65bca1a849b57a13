"""Quick check: whether a path is footage at all, from its first bytes, before anything is loaded.

Promise: no decoder, no network library and no other file is touched.  The kind of a file is read
from its content by our own short list; its name decides nothing.  FFmpeg guesses from content too,
but its list holds playlists that make it open further files (an ffconcat script named ``.mp4``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from forensics.errors import InputError, UsageError

HEAD_BYTES = 1024
SUPPORTED = "mp4, mov, mkv, webm, avi, ts, raw H.264 or HEVC; png, jpeg, webp, tiff, bmp"


@dataclass(frozen=True)
class Sniffed:
    """What the first bytes say: the kind, FFmpeg's demuxer or Pillow's format for it."""

    kind: Literal["video", "image"]
    demuxer: str  # FFmpeg's name for a video, Pillow's for an image
    words: str


_MP4_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_H264_FIRST = {6, 7, 9}  # SEI, parameter set, delimiter
_HEVC_FIRST = {0x40, 0x42, 0x46}  # VPS, SPS, delimiter


def sniff(head: bytes) -> Sniffed | None:
    """The kind of footage whose first bytes are ``head``, or None."""
    return _sniff_image(head) or _sniff_video(head)


def _sniff_image(head: bytes) -> Sniffed | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Sniffed("image", "PNG", "PNG picture")
    if head.startswith(b"\xff\xd8\xff"):
        return Sniffed("image", "JPEG", "JPEG picture")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Sniffed("image", "WEBP", "WebP picture")
    if head[:4] in (b"II*\x00", b"MM\x00*"):
        return Sniffed("image", "TIFF", "TIFF picture")
    if head.startswith(b"BM") and len(head) >= 26 and head[14:18] in _BMP_HEADERS:
        return Sniffed("image", "BMP", "BMP picture")
    return None


_BMP_HEADERS = {n.to_bytes(4, "little") for n in (12, 40, 52, 56, 64, 108, 124)}


def _sniff_video(head: bytes) -> Sniffed | None:
    if head[4:8] in _MP4_BOXES:
        return Sniffed("video", "mov", "MP4 or MOV video")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Sniffed("video", "matroska", "Matroska or WebM video")
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return Sniffed("video", "avi", "AVI video")
    for step in (188, 192):
        at = step - 188
        if len(head) > at + 2 * step and {head[at + n * step] for n in range(3)} == {0x47}:
            return Sniffed("video", "mpegts", "MPEG transport stream")
    start = re.match(rb"\x00{2,3}\x01(.)", head, re.DOTALL)
    if start is None:
        return None
    first = start.group(1)[0]
    if first in _HEVC_FIRST:
        return Sniffed("video", "hevc", "raw HEVC stream")
    if first < 0x80 and first & 0x1F in _H264_FIRST:
        return Sniffed("video", "h264", "raw H.264 stream")
    return None


def _what_else(path: Path, head: bytes) -> str:
    """Words for a file that is no footage."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"ffconcat", b"#EXTM3U", b"[playlist]")) or b"<MPD" in head:
        return "a playlist that names other files"
    if text.startswith(b"v=0"):
        return "a session description (SDP) that names a stream elsewhere"
    if path.suffix.lower() in (".yuv", ".rgb", ".raw"):
        return "raw video without a header, whose size and frame rate nobody can know"
    if head.startswith(b"GIF8"):
        return "a GIF"
    if b"\x00" not in head and head:
        return "a text file"
    return "of a kind that is not read"


def sniff_file(path: Path) -> Sniffed:
    """The kind of one file. Raises `InputError` when it is empty, unreadable or no footage."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
    if not head:
        raise InputError(f"{path.name} is empty (0 bytes)", "Fetch or copy it again.")
    sniffed = sniff(head)
    if sniffed is None:
        raise InputError(
            f"{path.name} is {_what_else(path, head)}, not footage", f"Supported are {SUPPORTED}."
        )
    return sniffed


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which ``frame2`` comes before ``frame10``."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p.casefold()) for p in parts if p)


@dataclass(frozen=True)
class Folder:
    """A folder of frames: its pictures in natural order, and the names that were left out."""

    pictures: tuple[Path, ...]
    left_out: tuple[str, ...]


def list_folder(path: Path) -> Folder:
    """Pictures of a folder by content, in natural order. Raises `InputError` if there are none."""
    pictures, left_out = [], []
    try:
        entries = sorted(path.iterdir(), key=lambda p: (natural_key(p.name), p.name))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from error
    home = path.resolve()
    for entry in entries:
        if entry.is_symlink() and not _stays_in(entry, home):
            left_out.append(f"{entry.name} (a link to elsewhere)")
            continue
        head = b""
        if entry.is_file():
            try:
                with entry.open("rb") as file:
                    head = file.read(HEAD_BYTES)
            except OSError:
                head = b""
        # An empty or cut-off picture is a frame that failed, not a file of another kind.
        named = entry.suffix.lower() in _PICTURE_SUFFIXES and entry.is_file()
        if named or _sniff_image(head):
            pictures.append(entry)
        else:
            left_out.append(entry.name)
    if not pictures:
        what = "is an empty folder" if not entries else "holds no picture"
        raise InputError(f"{path.name or path} {what}", f"Pictures read are {SUPPORTED[-27:]}.")
    return Folder(tuple(pictures), tuple(left_out))


def _stays_in(link: Path, folder: Path) -> bool:
    """Whether a link leads to a file of its own folder.

    Whoever packs a folder of frames could otherwise make the audit copy any picture of its reader.
    """
    try:
        return link.resolve(strict=True).parent == folder
    except (OSError, RuntimeError):  # dangling or in a loop; older Pythons raise the latter
        return False


_PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


def quick_check(path: Path) -> Literal["video", "image", "frames"]:
    """The kind of a source, from its first bytes.

    Raises `UsageError` (exit 2) for a path that does not exist or is neither file nor folder,
    `InputError` (exit 3) for a file or folder that is no footage.
    """
    if not path.exists():
        raise UsageError(f"there is no file or folder {str(path)!r}", "Check the path.")
    if path.is_dir():
        list_folder(path)
        return "frames"
    if not path.is_file():
        raise UsageError(f"{str(path)!r} is neither a file nor a folder")
    return sniff_file(path).kind
