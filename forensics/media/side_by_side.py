"""Side by side: a small H.264 clip of one person, footage beside restored face, facts in margins.

Promise: one frame is held at a time, and any frame is found fast: a key frame at least every five.
Only frames in which the person is present are in it, so times jump where it is absent; the margin
above says which frame it is.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from forensics.media.colour import LIMITED, Colour, from_rgb
from forensics.media.label import MARGIN_PX, label_words, margin

SIDE_PX: Final = 512
KEY_FRAME_EVERY: Final = 5
_CRF: Final = "20"
_BT709: Final = Colour(1, LIMITED, 1, 1)
# Without look-ahead an encoder holds a frame or two; the output then also depends on nothing else.
_OPTIONS: Final = {
    "crf": _CRF,
    "preset": "veryfast",
    "tune": "zerolatency",
    "threads": "1",
    "g": str(KEY_FRAME_EVERY),
    "bf": "0",
}
_BLANK: Final = np.full((SIDE_PX, SIDE_PX, 3), 29, np.uint8)


def caption(frame: int, pts_s: float | None, person: int, outcome: str) -> tuple[str, str]:
    """What the margin above a frame says: which frame and when, and what came of the face."""
    when = "no time stamp" if pts_s is None else f"{pts_s:.3f} s"
    return f"frame {frame}   {when}   person {person:02d}", outcome


class SideBySide:
    """Writes one person's clip; `close` makes the file appear, `abort` removes what there is."""

    def __init__(self, path: Path, rate: Fraction, run_id: str | None) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._rate = rate
        self._below = None if run_id is None else margin(*label_words(run_id), width=2 * SIDE_PX)
        self._reformatter = VideoReformatter()
        self.frames = 0
        self._open = True
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._box = av.open(str(self._part), "w", format="mp4", options=options)
        self._stream = self._box.add_stream("libx264", rate=rate, options=_OPTIONS)
        self._stream.width = 2 * SIDE_PX
        self._stream.height = SIDE_PX + MARGIN_PX * (1 if self._below is None else 2)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = 1 / rate
        context.colorspace, context.color_range = _BT709.matrix, _BT709.range
        context.color_primaries, context.color_trc = _BT709.primaries, _BT709.transfer

    def add(
        self,
        words: tuple[str, str],
        crop_rgb_u8: NDArray[np.uint8] | None,
        restored_rgb_u8: NDArray[np.uint8] | None,
    ) -> None:
        """Add one frame; a face that was not cut out or not restored leaves its half empty."""
        halves = [_fitted(half) for half in (crop_rgb_u8, restored_rgb_u8)]
        rows = [margin(*words, width=2 * SIDE_PX), np.hstack(halves)]
        if self._below is not None:
            rows.append(self._below)
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


def _fitted(half_rgb_u8: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """A face picture, or an even grey where there is none. ValueError for another size."""
    if half_rgb_u8 is None:
        return _BLANK
    if half_rgb_u8.shape != _BLANK.shape:
        raise ValueError(f"expected {_BLANK.shape}, got {half_rgb_u8.shape}")
    return half_rgb_u8
