"""Picture: one still image, decoded whole or refused, with depth, alpha, EXIF turn and ICC by fact.

Promise: sizes are checked from the header before a pixel is decoded; a cut-off file is an error,
never half a picture; 16 bit and alpha are what the file declares, never guessed from values.
"""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from forensics.errors import InputError
from forensics.media.declaration import declared_in
from forensics.media.geometry import EXIF_TURNS, Geometry, Turn
from forensics.media.limits import Limits
from forensics.media.quick import sniff_file

# What Pillow's readers raise on damaged files (its documentation names OSError and SyntaxError).
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error)
_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 0x0102
# Pillow and OpenCV apply a TIFF's orientation while they decode; a second turn would undo it.
_TURNED_BY_READERS = {"TIFF"}
_PLAIN_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"}
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N"}


@dataclass(frozen=True)
class Header:
    """What an image file declares."""

    name: str
    geometry: Geometry
    format: str
    mode: str
    bits: int
    pictures: int
    icc_sha256: str | None
    notes: tuple[str, ...]
    declared: str | None = None
    """Where its own text says that a network drew in it."""


@dataclass(frozen=True)
class Still:
    """A decoded picture: upright RGB (H, W, 3) uint8 and, if it has one, alpha (H, W) uint8."""

    header: Header
    rgb_u8: NDArray[np.uint8]
    alpha_u8: NDArray[np.uint8] | None
    icc: bytes | None
    exif: bytes | None
    native_sha256: str


@contextmanager
def _whole_files_only() -> Iterator[None]:
    """Pillow refuses a truncated file, unless a library said otherwise for the whole process.

    WeasyPrint does (weasyprint/images.py sets the flag when it is imported): after one PDF, half a
    picture would pass for a whole one.
    """
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def read_header(path: Path, limits: Limits) -> Header:
    """Read what a picture declares; decodes nothing. Raises `InputError`."""
    limits.check_bytes(path.name, path.stat().st_size)
    wanted = sniff_file(path)
    if wanted.kind != "image":
        raise InputError(f"{path.name} is a {wanted.words}, not a picture")
    with _whole_files_only(), _opened(path, path.name, wanted.demuxer, limits) as image:
        return _header(image, path.name)


def _opened(source: Path | BytesIO, name: str, format_: str, limits: Limits) -> ImageFile.ImageFile:
    """Pillow's lazy image: its header is parsed, its pixels are not. Raises `InputError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(source, formats=[format_])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"{name} declares more pixels than are read ({limits.frame_px:,})",
            "Scale it down first and audit the smaller copy.",
        ) from error
    except BROKEN as error:
        raise InputError(
            f"{name} is a damaged {format_} picture: its header cannot be read",
            "Fetch or copy it again.",
        ) from error
    try:
        limits.check_size(name, *image.size)
    except InputError:
        image.close()
        raise
    return image


def _bits(image: ImageFile.ImageFile, name: str) -> int:
    """Bits per sample as the file declares them."""
    if image.format == "PNG":
        return _png_bits(image)
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        declared = tags.get(_BITS_PER_SAMPLE, 8)
        bits = max(declared) if isinstance(declared, tuple) else int(declared)
        if bits > 16 or image.mode in ("F", "I"):
            raise InputError(f"{name} holds {bits}-bit samples; 8 and 16 bits are read")
        return 16 if bits > 8 else 8
    return 8


def _png_bits(image: ImageFile.ImageFile) -> int:
    """Byte 24 of a PNG is the bit depth in its IHDR chunk (PNG specification, 11.2.1)."""
    file = image.fp
    if file is None:
        return 8
    here = file.tell()
    file.seek(24)
    depth = file.read(1)[0]
    file.seek(here)
    return 16 if depth == 16 else 8


def _header(image: ImageFile.ImageFile, name: str) -> Header:
    if image.mode not in _PLAIN_MODES | _DEEP_MODES | {"I"}:
        raise InputError(f"{name} holds samples of mode {image.mode}, which are not read")
    bits = _bits(image, name)
    notes = []
    turn = Turn()
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except BROKEN:
        orientation = 1
        notes.append("its EXIF data are damaged and were not used")
    if orientation in EXIF_TURNS:
        turn = EXIF_TURNS[orientation]
    elif orientation:
        notes.append(f"its EXIF orientation {orientation} is not defined and was not applied")
    pictures = int(getattr(image, "n_frames", 1))
    if pictures > 1:
        notes.append(f"only the first of its {pictures} pictures is examined")
    if bits == 16:
        notes.append("16-bit samples are reduced to 8 bits: the networks take 8 bits")
    if image.mode == "CMYK":
        notes.append("CMYK is turned into RGB without a colour profile")
    icc = image.info.get("icc_profile")
    if icc and image.mode != "CMYK":
        notes.append("it has a colour profile (ICC): kept in the output, not applied to the pixels")
    width, height = image.size
    if turn.swap and image.format in _TURNED_BY_READERS:
        width, height = height, width  # Pillow gives the size after the turn
    return Header(
        name=name,
        geometry=Geometry(width, height, turn=turn),
        format=image.format or "",
        mode=image.mode,
        bits=bits,
        pictures=pictures,
        icc_sha256=hashlib.sha256(icc).hexdigest() if icc else None,
        notes=tuple(notes),
        declared=declared_in(_texts(image)),
    )


def _texts(image: ImageFile.ImageFile) -> list[str]:
    """What the file says in words: PNG texts, JPEG comments, XMP."""
    found = [v for v in image.info.values() if isinstance(v, str)]
    raw = (image.info.get(key) for key in ("xmp", "comment"))
    return found + [v.decode("utf-8", "replace") for v in raw if isinstance(v, bytes)]


def read_picture(path: Path, limits: Limits) -> Still:
    """Decode one picture whole. Raises `InputError` for anything less."""
    read_header(path, limits)
    data = path.read_bytes()
    format_ = sniff_file(path).demuxer
    # Even reading a PNG's EXIF decodes its pixels, so the guard stands round everything.
    with _whole_files_only(), _opened(BytesIO(data), path.name, format_, limits) as image:
        header = _header(image, path.name)
        try:
            image.load()
        except (*BROKEN, Image.DecompressionBombError) as error:
            raise InputError(
                f"{path.name} is a damaged {header.format} picture: it ends early or is garbled",
                "Fetch or copy it again.",
            ) from error
        samples = _deep(data, path.name) if header.bits == 16 else _plain(image)
        icc = image.info.get("icc_profile") if image.mode != "CMYK" else None
        exif = _exif_upright(image)
    turn = Turn() if header.format in _TURNED_BY_READERS else header.geometry.turn
    native = hashlib.sha256(samples.tobytes()).hexdigest()
    rgb, alpha = _split(samples)
    return Still(
        header=header,
        rgb_u8=turn.apply(_to_8_bits(rgb)),
        alpha_u8=None if alpha is None else turn.apply(_to_8_bits(alpha)),
        icc=icc,
        exif=exif,
        native_sha256=native,
    )


def _plain(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB"), dtype=np.uint8)


def _deep(data: bytes, name: str) -> NDArray[np.uint16]:
    """16-bit samples in RGB(A) order; Pillow would cut them to 8 bits."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint16:
        raise InputError(f"{name} holds 16-bit samples in a layout that is not read")
    if picture.ndim == 2:
        return np.repeat(picture[..., None], 3, axis=2)
    order = [2, 1, 0, 3] if picture.shape[2] == 4 else [2, 1, 0]
    return np.ascontiguousarray(picture[..., order])


def _split(
    samples: NDArray[np.uint8] | NDArray[np.uint16],
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.uint8] | NDArray[np.uint16] | None]:
    return samples[..., :3], samples[..., 3] if samples.shape[2] == 4 else None


def _to_8_bits(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """By dtype: 16-bit samples to the nearest of 256 levels (65535 is 255)."""
    if samples.dtype == np.uint8:
        return np.asarray(samples, dtype=np.uint8)
    return ((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _exif_upright(image: ImageFile.ImageFile) -> bytes | None:
    """The picture's EXIF with its orientation taken out, because it has been applied."""
    try:
        exif = image.getexif()
        exif.pop(_ORIENTATION, None)
        return exif.tobytes() if len(exif) else None
    except BROKEN:
        return None
