"""Side by side: H.264 clips of one person, footage beside restored face, facts in margins.

Promise: one frame is held at a time, and any frame is found fast: a key frame at least every five.
Only frames in which the person is present are in it, so times jump where it is absent; the margin
above says which frame it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from forensics.media.colour import LIMITED, Colour, from_rgb
from forensics.media.label import CODE_PX, MARGIN_PX, frame_code, margin

SIDE_PX: Final = 512
VIEWER_SIDE_PX: Final = 256
"""Side of a panel of the clip that a report carries: three in a row, and a report of 2,000 faces
stays below 25 MB."""
KEY_FRAME_EVERY: Final = 5
_CRF: Final = "20"
_VIEWER_CRF: Final = "27"
_BT709: Final = Colour(1, LIMITED, 1, 1)
# Without look-ahead an encoder holds a frame or two; the output then also depends on nothing else.
_OPTIONS: Final = {
    "preset": "veryfast",
    "tune": "zerolatency",
    "threads": "1",
    "g": str(KEY_FRAME_EVERY),
    "bf": "0",
}
_PAPER: Final = 29


def caption(frame: int, pts_s: float | None, person: int, outcome: str) -> tuple[str, str]:
    """What the margin above a frame says: which frame and when, and what came of the face."""
    when = "no time stamp" if pts_s is None else f"{pts_s:.3f} s"
    return f"frame {frame}   {when}   person {person:02d}", outcome


class _Clip:
    """Rows of equal width, one frame after another; `close` makes the file appear, `abort` removes
    what there is.
    """

    def __init__(self, path: Path, rate: Fraction, size_px: tuple[int, int], crf: str) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._rate = rate
        self._reformatter = VideoReformatter()
        self.frames = 0
        self._open = True
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._box = av.open(str(self._part), "w", format="mp4", options=options)
        self._stream = self._box.add_stream("libx264", rate=rate, options=_OPTIONS | {"crf": crf})
        self._stream.width, self._stream.height = size_px
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = 1 / rate
        context.colorspace, context.color_range = _BT709.matrix, _BT709.range
        context.color_primaries, context.color_trc = _BT709.primaries, _BT709.transfer

    def _write(self, rows: Sequence[NDArray[np.uint8]]) -> None:
        frame = from_rgb(self._reformatter, np.vstack(rows), _BT709, "yuv420p")
        frame.pts, frame.time_base = self.frames, 1 / self._rate
        self.frames += 1
        self._box.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the clip and give it its name."""
        self._box.mux(self._stream.encode(None))
        self._open = False
        self._box.close()
        self._part.replace(self._path)

    def abort(self) -> None:
        """Remove what was written. Safe to call twice and after `close`."""
        if self._open:
            self._open = False
            self._box.close()
        self._part.unlink(missing_ok=True)

    def discard(self) -> None:
        """`abort`, and remove the finished clip as well."""
        self.abort()
        self._path.unlink(missing_ok=True)


class SideBySide(_Clip):
    """A person's clip for people who look at files: footage and restored face at full size."""

    def __init__(self, path: Path, rate: Fraction, labels: Sequence[str]) -> None:
        """``labels``: what stands below footage and restored face; empty leaves the margin out."""
        width = 2 * SIDE_PX
        self._below = [margin(*labels[:2], width=width)] if labels else []
        height = SIDE_PX + MARGIN_PX * (1 + len(self._below))
        super().__init__(path, rate, (width, height), _CRF)

    def add(
        self,
        words: tuple[str, str],
        crop_rgb_u8: NDArray[np.uint8] | None,
        restored_rgb_u8: NDArray[np.uint8] | None,
    ) -> None:
        """Add one frame; a face that was not cut out or not restored leaves its half empty."""
        halves = [_fitted(half, SIDE_PX) for half in (crop_rgb_u8, restored_rgb_u8)]
        self._write([margin(*words, width=2 * SIDE_PX), np.hstack(halves), *self._below])


class ViewerClip(_Clip):
    """A person's clip for the viewer in a report: footage, restored face and map, small.

    Below the margin above lies a strip with the frame's number for a program (`frame_code`), so
    that a viewer can prove that it shows the frame it was asked for.
    """

    def __init__(self, path: Path, rate: Fraction, labels: Sequence[str]) -> None:
        """``labels``: three, as `label_words` gives them; empty leaves the margin out."""
        width = 3 * VIEWER_SIDE_PX
        self._below = [margin(*labels, width=width)] if labels else []
        height = VIEWER_SIDE_PX + CODE_PX + MARGIN_PX * (1 + len(self._below))
        super().__init__(path, rate, (width, height), _VIEWER_CRF)

    def add(
        self,
        frame: int,
        words: tuple[str, str],
        crop_rgb_u8: NDArray[np.uint8] | None,
        restored_rgb_u8: NDArray[np.uint8] | None,
        map_rgb_u8: NDArray[np.uint8] | None,
    ) -> None:
        """Add one frame of the source by its number; what there is no picture of stays grey."""
        width = 3 * VIEWER_SIDE_PX
        panels = [_shrunk(panel) for panel in (crop_rgb_u8, restored_rgb_u8, map_rgb_u8)]
        above = [margin(*words, width=width), frame_code(frame, width)]
        self._write([*above, np.hstack(panels), *self._below])


def _shrunk(panel_rgb_u8: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """A face picture at the viewer's size."""
    full = _fitted(panel_rgb_u8, SIDE_PX)
    size = (VIEWER_SIDE_PX, VIEWER_SIDE_PX)
    return np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_AREA), np.uint8)


def _fitted(part_rgb_u8: NDArray[np.uint8] | None, side_px: int) -> NDArray[np.uint8]:
    """A face picture, or an even grey where there is none. ValueError for another size."""
    shape = (side_px, side_px, 3)
    if part_rgb_u8 is None:
        return np.full(shape, _PAPER, np.uint8)
    if part_rgb_u8.shape != shape:
        raise ValueError(f"expected {shape}, got {part_rgb_u8.shape}")
    return part_rgb_u8
