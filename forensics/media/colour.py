"""Colour: which matrix and range turn a source's samples into RGB and back, stated, never silent.

Tags are kept.  Where a source has none, the assumption is recorded: BT.601 below 720 lines, BT.709
from there on, limited range unless the pixel format says full.  swscale runs with ``accurate_rnd``
and ``bitexact`` on one thread, so that the same samples give the same RGB on every CPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

FLAGS = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
SWSCALE = "swscale bicubic+accurate_rnd+bitexact+full_chroma_int+full_chroma_inp, 1 thread"
UNSPECIFIED = 2
LIMITED, FULL = 1, 2
HD_LINES = 720
BAND_LINES = 16

# ITU-T H.273 code points, names as FFmpeg prints them.
MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m"}
MATRICES |= {8: "ycgco", 9: "bt2020nc", 10: "bt2020c"}
RANGES = {LIMITED: "tv", FULL: "pc"}
PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film"}
PRIMARIES |= {9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}
TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
TRANSFERS |= {11: "iec61966-2-4", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12"}
TRANSFERS |= {16: "smpte2084", 18: "arib-std-b67"}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
# Kr and Kb of H.273, table 4.
LUMA_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114)}
LUMA_WEIGHTS |= {7: (0.212, 0.087), 9: (0.2627, 0.0593)}
_SWSCALE_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # H.273 to swscale's SWS_CS numbers


@dataclass(frozen=True)
class Colour:
    """Code points in use; ``assumed`` says in words which of them the source does not state."""

    matrix: int
    range: int
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    is_rgb: bool = False
    assumed: tuple[str, ...] = ()

    def words(self) -> dict[str, str]:
        """For the record: names of what the source states or what was assumed."""
        out = {
            "matrix": MATRICES.get(self.matrix, str(self.matrix)),
            "range": RANGES.get(self.range, str(self.range)),
            "primaries": PRIMARIES.get(self.primaries, "unspecified"),
            "transfer": TRANSFERS.get(self.transfer, "unspecified"),
            "conversion": SWSCALE,
        }
        return out

    @property
    def unsupported_signal(self) -> str | None:
        """Name of a high dynamic range transfer, whose faces are not restored; else None."""
        return HDR_TRANSFERS.get(self.transfer)


def colour_of(frame: av.VideoFrame, lines: int) -> Colour:
    """Colour of a decoded frame of ``lines`` coded lines, assumptions included."""
    components = frame.format.components
    is_rgb = frame.format.is_rgb or frame.format.has_palette
    if is_rgb:
        return Colour(0, FULL, frame.color_primaries, frame.color_trc, is_rgb=True)
    assumed = []
    matrix = int(frame.colorspace)
    if matrix not in _SWSCALE_MATRIX:
        stated = MATRICES.get(matrix)
        matrix = 1 if lines >= HD_LINES else 6
        why = "states no colour matrix" if stated is None else f"uses {stated}, which is not read"
        assumed.append(f"the source {why}; {MATRICES[matrix]} was assumed")
    range_ = int(frame.color_range)
    if frame.format.name.startswith("yuvj"):
        range_ = FULL
    elif range_ not in RANGES:
        range_ = FULL if len(components) == 1 else LIMITED
        assumed.append(f"the source states no colour range; {RANGES[range_]} was assumed")
    return Colour(
        matrix, range_, int(frame.color_primaries), int(frame.color_trc), assumed=tuple(assumed)
    )


def to_rgb(
    reformatter: VideoReformatter, frame: av.VideoFrame, colour: Colour, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """A decoded frame as RGB (H, W, 3) uint8 at ``size`` (width, height), before any turn."""
    out = reformatter.reformat(
        frame,
        size[0],
        size[1],
        "rgb24",
        src_colorspace=None if colour.is_rgb else _SWSCALE_MATRIX[colour.matrix],
        src_color_range=None if colour.is_rgb else colour.range,
        dst_color_range=FULL,
        interpolation=FLAGS,
        threads=1,
    )
    return np.asarray(out.to_ndarray(), dtype=np.uint8)


def from_rgb(
    reformatter: VideoReformatter, rgb_u8: NDArray[np.uint8], colour: Colour, pix_fmt: str
) -> av.VideoFrame:
    """RGB (H, W, 3) uint8 as a frame of ``pix_fmt`` with the colour's matrix, range and tags."""
    if colour.range == FULL:
        # swscale widens limited-range chroma to full range a whole code too low in places, which
        # is two levels of blue; computed here, and only the chroma is left for it to shrink.
        planes = full_range_planes(rgb_u8, colour.matrix)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        picture.color_range = FULL
    else:
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb_u8), format="rgb24")
    out = reformatter.reformat(
        picture,
        None,
        None,
        pix_fmt,
        src_colorspace=_SWSCALE_MATRIX[colour.matrix] if colour.range == FULL else None,
        src_color_range=FULL,
        dst_colorspace=_SWSCALE_MATRIX[colour.matrix],
        dst_color_range=colour.range,
        interpolation=FLAGS,
        threads=1,
    )
    out.colorspace, out.color_range = colour.matrix, colour.range
    out.color_primaries, out.color_trc = colour.primaries, colour.transfer
    return out


def full_range_planes(rgb_u8: NDArray[np.uint8], matrix: int) -> NDArray[np.uint8]:
    """RGB (H, W, 3) uint8 as full-range Y, Cb, Cr (3, H, W) uint8, to the nearest code.

    ITU-T H.273, 8.3, in integers, so that every CPU gives the same.
    """
    kr, kb = LUMA_WEIGHTS[matrix]
    kg = 1 - kr - kb
    rows = (
        (kr, kg, kb),
        (-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5),
        (0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr))),
    )
    one = 1 << 16
    fixed = np.array([[round(w * one) for w in row] for row in rows], np.int32)
    out = np.empty((3, *rgb_u8.shape[:2]), np.uint8)
    for top in range(0, rgb_u8.shape[0], BAND_LINES):  # a band stays in the processor's cache
        band = rgb_u8[top : top + BAND_LINES].astype(np.int32)
        red, green, blue = (np.ascontiguousarray(band[..., k]) for k in range(3))
        for k in range(3):
            total = red * fixed[k, 0]
            total += green * fixed[k, 1]
            total += blue * fixed[k, 2]
            # Half a code to round to nearest; chroma's zero is code 128.
            total += one // 2 + (128 * one if k else 0)
            total >>= 16
            np.clip(total, 0, 255, out=total)
            out[k, top : top + BAND_LINES] = total
    return out


def for_output(colour: Colour) -> Colour:
    """The colour a restored clip is written with: the source's; BT.709 when that was RGB."""
    if not colour.is_rgb:
        return colour
    return Colour(1, LIMITED, 1, 1, assumed=("an RGB source is written as limited-range BT.709",))
