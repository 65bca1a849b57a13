"""Picture writer: restored pictures as 8-bit PNG, with the source's alpha, ICC profile and EXIF.

A single picture becomes ``restored/STEM.png``; a folder's pictures keep their own names.
"""

from __future__ import annotations

import hashlib
import shutil
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forensics import records
from forensics.errors import InputError
from forensics.media.container import digest_file, digest_files
from forensics.media.declaration import LINE, PICTURE_KEY
from forensics.media.probe import Media
from forensics.media.reader import DecodedFrame
from forensics.media.written import Written

# Leaves room below 255 bytes for a digest, a frame number and the ending.
_MAX_STEM_BYTES = 150


class PictureWriter:
    """Writes PNG files; see `forensics.media.writer.Writer`."""

    def __init__(self, media: Media, folder: Path, stem: str, width: int, height: int) -> None:
        self._media, self._folder, self._stem = media, folder, stem
        self._size = (width, height)
        self._part = folder / ".part"
        self._part.mkdir()
        self._names: dict[str, int] = {}
        self._closed = False

    def write(self, decoded: DecodedFrame, rgb_u8: NDArray[np.uint8]) -> None:
        """Write one picture. Raises `ValueError` for another size."""
        width, height = self._size
        if rgb_u8.shape != (height, width, 3) or rgb_u8.dtype != np.uint8:
            raise ValueError(f"expected ({height}, {width}, 3) uint8, got {rgb_u8.shape}")
        samples = rgb_u8
        if decoded.alpha_u8 is not None:
            alpha = cv2.resize(decoded.alpha_u8, (width, height), interpolation=cv2.INTER_CUBIC)
            samples = np.dstack([rgb_u8, alpha])
        still = decoded.still
        words = PngInfo()
        words.add_text(PICTURE_KEY, LINE)
        Image.fromarray(samples).save(
            self._part / self._name(decoded),
            format="PNG",
            icc_profile=still.icc if still else None,
            exif=(still.exif if still else None) or b"",
            pnginfo=words,
        )

    def _name(self, decoded: DecodedFrame) -> str:
        """Own name with the ending .png; the frame number is added where two would be equal."""
        stem = self._stem if decoded.name is None else _plain(Path(decoded.name).stem)
        name = f"{stem}.png"
        if name.casefold() in self._names:
            name = f"{stem}-{decoded.frame:06d}.png"
        self._names[name.casefold()] = decoded.frame
        return name

    def close(self) -> Written:
        """Move the pictures into place."""
        parts = sorted(self._part.iterdir(), key=lambda p: self._names[p.name.casefold()])
        if not parts:
            self.abort()
            raise InputError(f"no picture of {self._media.path.name} could be written")
        final = tuple(part.replace(self._folder / part.name) for part in parts)
        self._part.rmdir()
        self._closed = True
        one = self._media.source.kind == "image"
        digests = digest_file(final[0]) if one else digest_files(final)
        restored = records.Restored(
            file=f"{self._folder.name}/{final[0].name}" if one else self._folder.name,
            sha256=digests.sha256,
            bytes=digests.bytes,
            width=self._size[0],
            height=self._size[1],
            frames=len(final),
            codec="png",
            encoder={"name": "Pillow", "version": PIL.__version__, "bits": "8"},
        )
        names = tuple((path.name, self._names[path.name.casefold()]) for path in final)
        return Written(restored, pictures=names)

    def abort(self) -> None:
        """Remove everything written so far."""
        if not self._closed and self._part.exists():
            shutil.rmtree(self._part)


def _plain(stem: str) -> str:
    """A stem of a folder's own file without characters or a length that a bundle does not take."""
    safe = "".join(c if c.isprintable() and c not in '/\\:*?"<>|%' else "_" for c in stem)
    kept = unicodedata.normalize("NFC", safe).strip(" .")
    if kept.startswith("-"):
        kept = "_" + kept[1:]  # no name that a command takes for an option
    short = kept.encode()[:_MAX_STEM_BYTES].decode(errors="ignore").strip(" .")
    if short == stem:
        return short
    # Two names that differ only in what was taken out must stay apart.
    raw = stem.encode("utf-8", "surrogateescape")
    return f"{short or 'picture'}-{hashlib.sha256(raw).hexdigest()[:8]}"
