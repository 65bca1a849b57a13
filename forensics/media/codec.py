"""Codec facts of a frame: the quantiser that its encoder used, block by block.

FFmpeg exports it for H.264 and MPEG-2 per block and for VP9 per frame; for others there is none
and the reason is stated.  Skipped blocks are not exported: they carry a predicted quantiser.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.encparams import VideoEncParams
from numpy.typing import NDArray

from forensics.media.geometry import Geometry
from forensics.records import Box

EXPORT = {"export_side_data": "venc_params"}
BLOCK_PX = 16


@dataclass(frozen=True)
class QpGrid:
    """Quantiser per 16x16 block in coded px: ``qp`` (rows, columns), 0..51 for H.264."""

    qp: NDArray[np.int32]

    def mean(self, coded_box: Box) -> float:
        """Mean over a box in coded px, each block weighted by the area that lies inside."""
        rows, columns = self.qp.shape
        across = _overlap(coded_box[0], coded_box[2], columns)
        down = _overlap(coded_box[1], coded_box[3], rows)
        weight = down[:, None] * across[None, :]
        return float((weight * self.qp).sum() / weight.sum())


def _overlap(start: float, end: float, blocks: int) -> NDArray[np.float64]:
    """Length of [start, end] inside each block; a box outside counts for the nearest block."""
    edges = np.arange(blocks + 1, dtype=np.float64) * BLOCK_PX
    inside = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
    inside = np.maximum(inside, 0.0)
    if inside.sum() <= 0:
        inside[int(np.clip((start + end) / 2 // BLOCK_PX, 0, blocks - 1))] = 1.0
    return np.asarray(inside, dtype=np.float64)


def qp_grid(frame: av.VideoFrame, codec: str) -> tuple[QpGrid | None, str | None]:
    """The frame's grid, or None and the reason."""
    found = frame.side_data.get("VIDEO_ENC_PARAMS")
    if not isinstance(found, VideoEncParams):
        return None, f"the {codec} decoder states no quantiser for this frame"
    if found.nb_blocks == 0:  # one value for the whole frame
        return QpGrid(np.array([[found.qp]], dtype=np.int32)), None
    grid = found.qp_map()
    if grid is None or grid.ndim != 2:
        return None, f"the {codec} decoder states its quantiser in blocks of uneven size"
    return QpGrid(np.asarray(grid, dtype=np.int32)), None


def qp_in(grid: QpGrid, geometry: Geometry, box_px: Box) -> float:
    """Mean quantiser in a box of the upright picture of square pixels."""
    return grid.mean(geometry.box_to_coded(box_px))
