"""Bars: a picture of eight bars over a mid-grey field, made and read back by the formulas alone.

Nothing of the package is used: samples are computed with the equations of BT.601, BT.709 and
BT.2020 in numpy, so that a clip's colours are known and a result's colours are measured apart from
the code under test.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

# kr and kb of each matrix, by its ITU-T H.273 number.
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
GREY = 128
BARS_RGB = (
    (191, 191, 191),
    (191, 191, 16),
    (16, 191, 191),
    (16, 191, 16),
    (191, 16, 191),
    (191, 16, 16),
    (16, 16, 191),
    (16, 16, 16),
)
MARK_RGB = (235, 235, 235)


def bars_rgb(number: int, width: int, height: int) -> NDArray[np.float64]:
    """Frame ``number``: bars above, grey below, and a white mark that moves along the bottom."""
    picture = np.full((height, width, 3), float(GREY))
    for k, colour in enumerate(BARS_RGB):
        picture[: height // 2, k * width // 8 : (k + 1) * width // 8] = colour
    left = mark_left(number, width)
    picture[3 * height // 4 :, left : left + width // 8] = MARK_RGB
    return picture


def mark_left(number: int, width: int) -> int:
    """Where the mark of frame ``number`` begins."""
    return (number % 8) * width // 8


def yuv_of(
    rgb: NDArray[np.float64], matrix: int, full: bool, depth: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Y, Cb and Cr in code values of ``depth`` bits, not yet rounded (H.273, 8.3)."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = (rgb[..., k] / 255 for k in range(3))
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    unit, top = 2 ** (depth - 8), 2**depth - 1
    if full:
        return y * top, cb * top + 2 ** (depth - 1), cr * top + 2 ** (depth - 1)
    return (219 * y + 16) * unit, (224 * cb + 128) * unit, (224 * cr + 128) * unit


def rgb_of(
    y: NDArray[np.float64],
    cb: NDArray[np.float64],
    cr: NDArray[np.float64],
    matrix: int,
    full: bool,
    depth: int,
) -> NDArray[np.float64]:
    """The way back, in grey levels 0..255, not rounded."""
    kr, kb = WEIGHTS[matrix]
    unit, top, half = 2 ** (depth - 8), 2**depth - 1, 2 ** (depth - 1)
    if full:
        luma, u, v = y / top, (cb - half) / top, (cr - half) / top
    else:
        luma, u, v = (y / unit - 16) / 219, (cb / unit - 128) / 224, (cr / unit - 128) / 224
    r, b = luma + 2 * (1 - kr) * v, luma + 2 * (1 - kb) * u
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return 255 * np.stack([r, g, b], axis=-1)


def frame_of(
    number: int, size: tuple[int, int], pix_fmt: str, matrix: int, full: bool
) -> av.VideoFrame:
    """A frame whose planes hold exactly those samples."""
    frame = av.VideoFrame(*size, pix_fmt)
    components = frame.format.components
    if frame.format.is_rgb and not frame.format.is_planar:
        packed = np.rint(bars_rgb(number, *size)).astype(np.uint8)
        return av.VideoFrame.from_ndarray(packed, format="rgb24").reformat(format=pix_fmt)
    depth = components[0].bits
    dtype = np.uint8 if depth == 8 else np.uint16
    rgb = bars_rgb(number, *size)
    if frame.format.is_rgb:  # planar G, B, R
        planes = [rgb[..., 1], rgb[..., 2], rgb[..., 0]]
    elif len(components) == 1:
        planes = [yuv_of(np.repeat(rgb[..., 1:2], 3, 2), matrix, full, depth)[0]]
    else:
        planes = list(yuv_of(rgb, matrix, full, depth))
    for plane, samples in zip(frame.planes, planes, strict=True):
        # Chroma sits where its luma samples are; flat bars make the place of the sample harmless.
        rows = -(-samples.shape[0] // plane.height)
        columns = -(-samples.shape[1] // plane.width)
        thin = samples[::rows, ::columns][: plane.height, : plane.width]
        block = np.zeros((plane.height, plane.line_size // np.dtype(dtype).itemsize), dtype)
        block[:, : plane.width] = np.clip(np.rint(thin), 0, 2**depth - 1)
        plane.update(block.tobytes())
    return frame


def _rgb_of_planes(frame: av.VideoFrame, matrix: int, full: bool) -> NDArray[np.float64]:
    depth = frame.format.components[0].bits
    samples = []
    for plane in frame.planes:
        dtype = np.uint8 if depth == 8 else np.uint16
        raw = np.frombuffer(bytes(plane), dtype).reshape(plane.height, -1)
        thin = raw[:, : plane.width].astype(float)
        rows, columns = -(-frame.height // plane.height), -(-frame.width // plane.width)
        wide = thin.repeat(rows, 0).repeat(columns, 1)
        samples.append(wide[: frame.height, : frame.width])
    return rgb_of(*samples, matrix, full, depth)


def decoded_rgb(path: Path, matrix: int, full: bool) -> list[NDArray[np.float64]]:
    """Every frame of a clip as RGB, by the formulas; chroma repeated."""
    with av.open(str(path)) as box:
        return [_rgb_of_planes(frame, matrix, full) for frame in box.decode(video=0)]


def colours_of(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean colour in the middle of each bar and of the grey field between bars and mark, (9, 3)."""
    height, width = picture.shape[:2]
    out = []
    for k in range(8):
        x0, x1 = int((k + 0.3) * width / 8), int((k + 0.7) * width / 8)
        out.append(picture[height // 8 : 3 * height // 8, x0:x1].mean((0, 1)))
    field = picture[int(0.58 * height) : int(0.66 * height), width // 8 : 7 * width // 8]
    out.append(field.mean((0, 1)))
    return np.array(out)


EXPECTED = np.array([*BARS_RGB, (GREY, GREY, GREY)], float)


def held_by(frame: av.VideoFrame, matrix: int, full: bool) -> NDArray[np.float64]:
    """The colours that a frame's samples stand for, by the formulas: bars are rounded to codes."""
    if frame.format.is_rgb or len(frame.format.components) == 1:
        return EXPECTED
    return colours_of(_rgb_of_planes(frame, matrix, full))


def number_of(picture: NDArray[np.float64]) -> int:
    """Which of eight frames a picture is, by the place of its mark; raises when there is none."""
    height, width = picture.shape[:2]
    row = picture[int(0.85 * height) : int(0.92 * height)].mean((0, 2))
    cells = [row[int((k + 0.3) * width / 8) : int((k + 0.7) * width / 8)].mean() for k in range(8)]
    if max(cells) < 200:
        raise AssertionError(f"no mark in {cells}")
    return int(np.argmax(cells))


def times_of(path: Path) -> list[tuple[Fraction, Fraction | None]]:
    """Time and duration of each packet of the first video stream, in order of presentation."""
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        base = stream.time_base or Fraction(1)
        packets = sorted((p for p in box.demux(stream) if p.size), key=lambda p: p.pts or 0)
        return [
            ((p.pts or 0) * base, None if p.duration is None else p.duration * base)
            for p in packets
        ]


def length_of(path: Path) -> Fraction:
    """How long the first video stream is, as its container says."""
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        return (stream.duration or 0) * (stream.time_base or Fraction(1))
