"""Detection, official: RetinaFace as GFPGAN runs it, on verified weights, in batches.

Promise: the faces of facexlib's ``detect_faces`` on the same weights (confidence 0.97, NMS 0.4,
the frame at its own size), within 1e-3 px in float32; a frame's result does not depend on its
neighbours; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from forensics.errors import IntegrityError
from forensics.faces.anchors import decode_boxes, decode_points, prior_boxes, suppress_doubles
from forensics.faces.answers import FrameU8, as_detections, check_frame
from forensics.models.load import LoadedModel
from forensics.models.nets.retinaface import Backbone, LeanRetinaFace, backbone_of, published
from forensics.records import Detection

MEAN_BGR = (104.0, 117.0, 123.0)
SIDE_MIN_PX, SIDE_MAX_PX = 8, 32768
BATCHES = {"cpu": 1, "cuda": 4}
DTYPES = {"exact": torch.float32, "fast": torch.bfloat16}


@dataclass(frozen=True)
class OfficialDetectorConfig:
    """Settings of detection; all of them change results and belong in the record of a run.

    ``score_min`` and ``overlap_max`` are upstream's; ``batch`` None is one frame a pass on a CPU,
    four on a GPU; the last pass is padded to it.
    """

    score_min: float = 0.97
    overlap_max: float = 0.4
    precision: Literal["exact", "fast"] = "exact"
    batch: int | None = None


@dataclass
class OfficialDetector:
    """RetinaFace on one device."""

    net: LeanRetinaFace
    backbone: Backbone
    device: torch.device
    config: OfficialDetectorConfig = field(default_factory=OfficialDetectorConfig)

    @classmethod
    def load(
        cls,
        model: LoadedModel,
        device: torch.device | str = "cpu",
        config: OfficialDetectorConfig | None = None,
    ) -> OfficialDetector:
        """From verified weights of retinaface-resnet50 or retinaface-mobile0.25.

        Raises `IntegrityError` when the weights fit neither.
        """
        config = config or OfficialDetectorConfig()
        try:
            loaded = published(model.state)
        except (RuntimeError, ValueError) as error:
            raise IntegrityError(
                f"the weights of '{model.card['name']}' do not fit RetinaFace: {error}",
                "Fetch the file again: forensics models fetch.",
            ) from error
        net = LeanRetinaFace(loaded, DTYPES[config.precision]).to(device)
        return cls(net, backbone_of(model.state), torch.device(device), config)

    def detect(self, frames_rgb_u8: Sequence[FrameU8]) -> list[list[Detection]]:
        """Faces of each frame, best score first, in px of the frame as given.

        ``frames_rgb_u8``: (H, W, 3) uint8 RGB of square pixels; sizes may differ. Boxes may reach
        over the frame's rim. Raises ValueError for another type or shape, and ArithmeticError when
        the network gives numbers that are not finite.
        """
        for frame in frames_rgb_u8:
            check_frame(frame, SIDE_MIN_PX, SIDE_MAX_PX)
        batch = self.config.batch or BATCHES[self.device.type]
        by_size: dict[tuple[int, ...], list[int]] = {}
        for index, frame in enumerate(frames_rgb_u8):
            by_size.setdefault(frame.shape, []).append(index)
        found: list[list[Detection]] = [[] for _ in frames_rgb_u8]
        for indices in by_size.values():
            for first in range(0, len(indices), batch):
                chosen = indices[first : first + batch]
                faces = self._detect_batch([frames_rgb_u8[k] for k in chosen], batch)
                for index, detections in zip(chosen, faces, strict=True):
                    found[index] = detections
        return found

    def _detect_batch(self, frames_rgb_u8: list[FrameU8], batch: int) -> list[list[Detection]]:
        """At most ``batch`` frames of one size."""
        height, width = frames_rgb_u8[0].shape[:2]
        with torch.inference_mode():
            rgb = torch.from_numpy(np.stack(frames_rgb_u8)).to(self.device)
            x = torch.zeros((batch, 3, height, width), device=self.device)
            mean = torch.tensor(MEAN_BGR, device=self.device).view(1, 3, 1, 1)
            x[: len(rgb)] = rgb.permute(0, 3, 1, 2).flip(1).float() - mean
            offsets, scores, points = self.net(x)
        priors = _priors(height, width, str(self.device))
        faces = []
        for k in range(len(frames_rgb_u8)):
            if not all(bool(torch.isfinite(part[k]).all()) for part in (offsets, scores, points)):
                raise ArithmeticError("the detector gave numbers that are not finite")
            faces.append(self._faces(offsets[k], scores[k], points[k], priors, (width, height)))
        return faces

    def _faces(
        self,
        offsets: Tensor,
        scores: Tensor,
        points: Tensor,
        priors: Tensor,
        size_px: tuple[int, int],
    ) -> list[Detection]:
        """Detections of one frame from its dense answers."""
        likely = torch.nonzero(scores > self.config.score_min).flatten()
        scale_px = torch.tensor(size_px, device=self.device, dtype=torch.float32)
        boxes = decode_boxes(offsets[likely], priors[likely]) * scale_px.repeat(2)
        five = decode_points(points[likely], priors[likely]) * scale_px
        kept = suppress_doubles(boxes, scores[likely], self.config.overlap_max)
        return as_detections(boxes[kept], five[kept], scores[likely][kept])


@lru_cache(maxsize=8)
def _priors(height_px: int, width_px: int, device: str) -> Tensor:
    """Priors of one frame size on one device, (N, 4)."""
    return torch.from_numpy(prior_boxes(height_px, width_px).copy()).to(device)
