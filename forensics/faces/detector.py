"""Detection: faces of whole frames in batches, each with a box, five landmarks and a score.

Every frame is seen twice, the second time smaller and mirrored; both answers become one (`fusion`).

Promise: a frame's result does not depend on its neighbours (every batch is padded to one size),
nothing is dropped silently (`split_nested` and `split_doubles` return what they reject), and
coordinates are those of the frame that was given, whatever size the network saw.

Network: facexlib's RetinaFace at mobile0.25 (Deng et al. 2019, "RetinaFace: Single-stage Dense Face
Localisation in the Wild"); preprocessing as facexlib (BGR minus 104, 117, 123).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from facexlib.detection.retinaface import RetinaFace

from forensics.faces.anchors import decode_boxes, decode_points, prior_boxes, suppress_doubles
from forensics.faces.answers import FrameU8, as_detections, check_frame
from forensics.faces.fusion import fuse, overlap, unmirrored
from forensics.faces.second_look import look_at, points_seen
from forensics.models.nets.detector import load_detector
from forensics.records import Detection

log = logging.getLogger(__name__)

MEAN_BGR = (104.0, 117.0, 123.0)
MULTIPLE_PX = 32  # the coarsest stride of the network
SIDE_MIN_PX, SIDE_MAX_PX = 8, 32768


@dataclass(frozen=True)
class View:
    """How the network is shown a frame: at ``scale`` of its usual size, mirrored or not."""

    scale: float = 1.0
    mirrored: bool = False


@dataclass(frozen=True)
class DetectorConfig:
    """Settings of detection; all of them change results and belong in the record of a run.

    ``views``: how a frame is shown; a face's box and score are means over them (`fusion`).
    ``score_min``: lowest mean score of a face, chosen on footage outside every test.
    ``view_score_min``: lowest score of a box in one view.
    ``overlap_max``: IoU above which the weaker of two boxes is the same face (facexlib: 0.4).
    ``overlap_views``: IoU from which boxes of two views are the same face.
    ``long_side_max_px``: larger frames are shrunk to this long side by area.
    ``enlarge_up_to_px``, ``enlarge``: frames whose long side is at most this are enlarged by this
    factor (bicubic), because the smallest prior is 16 px wide.
    ``batch``: frames a forward pass, always padded to this number.
    ``looks_px``: widths at which a found face is looked at again for its points (`second_look`);
    empty: the points of the first look are kept.  Chosen on people of the list ``fit``.
    ``look_score_min``: lowest score in a look.
    """

    views: tuple[View, ...] = (View(), View(0.7, mirrored=True))
    score_min: float = 0.53
    view_score_min: float = 0.05
    overlap_max: float = 0.4
    overlap_views: float = 0.5
    long_side_max_px: int = 1280
    enlarge_up_to_px: int = 200
    enlarge: float = 2.0
    batch: int = 4
    candidates_max: int = 1000
    looks_px: tuple[int, ...] = (96, 128)
    look_score_min: float = 0.1


class Detector:
    """The embedded detector on one device."""

    def __init__(
        self, net: RetinaFace, device: torch.device, config: DetectorConfig | None = None
    ) -> None:
        self.config = config or DetectorConfig()
        self.device = device
        self._net = net.to(device=device, memory_format=torch.channels_last).eval()
        self._mean = torch.tensor(MEAN_BGR, device=device).view(1, 3, 1, 1)

    @classmethod
    def load(
        cls,
        state: Mapping[str, torch.Tensor],
        device: torch.device | str = "cpu",
        config: DetectorConfig | None = None,
    ) -> Detector:
        """Build the network with ``state`` (verified weights; see ``forensics.models.load``).

        Raises RuntimeError naming missing, surplus or misshapen keys.
        """
        return cls(load_detector(state), torch.device(device), config)

    def detect(self, frames_rgb_u8: Sequence[FrameU8]) -> list[list[Detection]]:
        """Faces of each frame, best score first.

        ``frames_rgb_u8``: (H, W, 3) uint8 RGB of square pixels; sizes may differ. Boxes may reach
        over the frame's rim where a face does. Raises ValueError for another type or shape, and
        ArithmeticError when the network gives numbers that are not finite.
        """
        for frame in frames_rgb_u8:
            check_frame(frame, SIDE_MIN_PX, SIDE_MAX_PX)
        found: list[list[Detection]] = [[] for _ in frames_rgb_u8]
        by_size: dict[tuple[int, ...], list[int]] = {}
        for index, frame in enumerate(frames_rgb_u8):
            by_size.setdefault(frame.shape, []).append(index)
        for indices in by_size.values():
            for first in range(0, len(indices), self.config.batch):
                chosen = indices[first : first + self.config.batch]
                faces = self._first_look([frames_rgb_u8[k] for k in chosen])
                for index, detections in zip(chosen, faces, strict=True):
                    frame = frames_rgb_u8[index]
                    found[index] = [self._look_again(frame, face) for face in detections]
        return found

    def _first_look(self, frames_rgb_u8: list[FrameU8]) -> list[list[Detection]]:
        """At most ``batch`` frames of one size, in every view."""
        config = self.config
        answers = [self._in_view(frames_rgb_u8, view) for view in config.views]
        return [
            fuse(parts, overlap_min=config.overlap_views, score_min=config.score_min)
            for parts in zip(*answers, strict=True)
        ]

    def _in_view(self, frames_rgb_u8: list[FrameU8], view: View) -> list[list[Detection]]:
        height, width = frames_rgb_u8[0].shape[:2]
        size = self._seen_size(height, width, view.scale)
        config = self.config
        if view.mirrored:
            frames_rgb_u8 = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames_rgb_u8]
        answers = self._detect_batch(frames_rgb_u8, size, config.batch, config.view_score_min)
        if view.mirrored:
            answers = [[unmirrored(part, width) for part in parts] for parts in answers]
        return answers

    def _look_again(self, frame_rgb_u8: FrameU8, face: Detection) -> Detection:
        """The face with the mean of its points in all looks that find it again."""
        seen = []
        for face_px in self.config.looks_px:
            look = look_at(frame_rgb_u8, face, face_px)
            views = [look.rgb_u8, look.mirrored()]
            size = (look.side_px, look.side_px)
            answers = self._detect_batch(views, size, len(views), self.config.look_score_min)
            for mirrored, found in zip((False, True), answers, strict=True):
                five = points_seen(look, face, found, mirrored=mirrored)
                if five is not None:
                    seen.append(five)
        if not seen:
            return face
        points = [(float(x), float(y)) for x, y in np.mean(seen, axis=0)]
        return replace(face, landmarks_px=(points[0], points[1], points[2], points[3], points[4]))

    def _detect_batch(
        self, frames_rgb_u8: list[FrameU8], size: tuple[int, int], batch_size: int, least: float
    ) -> list[list[Detection]]:
        """At most ``batch_size`` frames of one size, seen at ``size`` (height, width)."""
        height, width = frames_rgb_u8[0].shape[:2]
        sized = [_resized(frame, *size) for frame in frames_rgb_u8]
        seen_h, seen_w = sized[0].shape[:2]
        padded_h = -(-seen_h // MULTIPLE_PX) * MULTIPLE_PX
        padded_w = -(-seen_w // MULTIPLE_PX) * MULTIPLE_PX
        # Padding holds the mean colour, which is zero to the network, as its own padding is.
        batch = torch.zeros((batch_size, 3, padded_h, padded_w), device=self.device).contiguous(
            memory_format=torch.channels_last
        )
        rgb = torch.from_numpy(np.stack(sized)).to(self.device)
        batch[: len(sized), :, :seen_h, :seen_w] = (
            rgb.permute(0, 3, 1, 2).flip(1).float() - self._mean
        )
        with torch.inference_mode():
            offsets, classes, points = self._net(batch)
        priors = torch.from_numpy(prior_boxes(padded_h, padded_w).copy()).to(self.device)
        scale_px = torch.tensor([padded_w, padded_h], device=self.device, dtype=torch.float32)
        ratio = torch.tensor([width / seen_w, height / seen_h], device=self.device)
        faces = []
        for k in range(len(sized)):
            if not bool(torch.isfinite(classes[k]).all()):
                raise ArithmeticError("the detector gave numbers that are not finite")
            faces.append(
                self._faces(offsets[k], classes[k, :, 1], points[k], priors, scale_px, ratio, least)
            )
        return faces

    def _faces(
        self,
        offsets: torch.Tensor,
        scores: torch.Tensor,
        points: torch.Tensor,
        priors: torch.Tensor,
        scale_px: torch.Tensor,
        ratio: torch.Tensor,
        least: float,
    ) -> list[Detection]:
        """Detections of one frame from its dense answers, in px of the frame as given."""
        config = self.config
        likely = torch.nonzero(scores >= least).flatten()
        if len(likely) > config.candidates_max:
            best = torch.argsort(scores[likely], descending=True, stable=True)
            log.warning("%d candidates; the best %d are used", len(likely), config.candidates_max)
            likely = likely[best[: config.candidates_max]]
        boxes = decode_boxes(offsets[likely], priors[likely]) * scale_px.repeat(2)
        five = decode_points(points[likely], priors[likely]) * scale_px
        kept = suppress_doubles(boxes, scores[likely], config.overlap_max)
        # Pixel centres lie at integers, so a change of size keeps x + 0.5, not x, in proportion.
        boxes_px = ((boxes[kept].view(-1, 2, 2) + 0.5) * ratio - 0.5).flatten(1)
        five_px = (five[kept] + 0.5) * ratio - 0.5
        return as_detections(boxes_px, five_px, scores[likely][kept])

    def _seen_size(self, height: int, width: int, scale: float) -> tuple[int, int]:
        """Height and width at which the network sees a frame in a view of that scale."""
        long_side = max(height, width)
        factor = 1.0
        if long_side > self.config.long_side_max_px:
            factor = self.config.long_side_max_px / long_side
        elif long_side <= self.config.enlarge_up_to_px:
            factor = self.config.enlarge
        factor *= scale
        return max(1, round(height * factor)), max(1, round(width * factor))


def split_nested(
    detections: Sequence[Detection], *, width_ratio_max: float = 1 / 3, inside_min: float = 0.9
) -> tuple[list[Detection], list[Detection]]:
    """Part faces from what was found inside an eye or a cheek of a larger face: kept, rejected.

    Rejected, for the reason ``nested_in_face``, is a box whose centre lies in a larger one, that is
    at most ``width_ratio_max`` as wide and has at least ``inside_min`` of its area inside it. A
    smaller person who passes in front is wider than that or reaches over the rim. Both lists keep
    the order of ``detections``, and together they hold all of them.
    """
    kept: list[Detection] = []
    rejected: list[Detection] = []
    for small in detections:
        nested = any(_nested(small, large, width_ratio_max, inside_min) for large in detections)
        (rejected if nested else kept).append(small)
    return kept, rejected


def split_doubles(
    detections: Sequence[Detection], *, overlap_min: float = 0.3, apart_min: float = 0.75
) -> tuple[list[Detection], list[Detection]]:
    """Part faces from second boxes on the same face: kept, rejected (reason ``second_box``).

    Two boxes that overlap too little for `DetectorConfig.overlap_max` may still share a face: they
    do where their IoU is at least ``overlap_min`` and the mean distance of their five points is
    below ``apart_min`` eye distances of the wider pair of eyes.  Two heads cannot come so near: the
    one in front would cover the eyes behind.  The better score stays, the first of equal ones. Both
    lists keep the order of ``detections``.
    """
    order = sorted(range(len(detections)), key=lambda k: -detections[k].score)
    kept: list[int] = []
    for k in order:
        mine = detections[k]
        if not any(_one_face(mine, detections[j], overlap_min, apart_min) for j in kept):
            kept.append(k)
    rejected = sorted(set(order) - set(kept))
    return [detections[k] for k in sorted(kept)], [detections[k] for k in rejected]


def _one_face(a: Detection, b: Detection, overlap_min: float, apart_min: float) -> bool:
    if overlap(np.array(a.box_px), np.array(b.box_px)) < overlap_min:
        return False
    gaps = np.subtract(a.landmarks_px, b.landmarks_px)
    apart = float(np.linalg.norm(gaps, axis=1).mean())
    return apart < apart_min * max(a.interocular_px, b.interocular_px)


def _nested(small: Detection, large: Detection, width_ratio_max: float, inside_min: float) -> bool:
    x0, y0, x1, y1 = small.box_px
    u0, v0, u1, v1 = large.box_px
    if x1 - x0 > width_ratio_max * (u1 - u0) or (x1 - x0) * (y1 - y0) <= 0:
        return False
    centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
    if not (u0 < centre_x < u1 and v0 < centre_y < v1):
        return False
    shared = max(0.0, min(x1, u1) - max(x0, u0)) * max(0.0, min(y1, v1) - max(y0, v0))
    return shared >= inside_min * (x1 - x0) * (y1 - y0)


def _resized(frame_rgb_u8: FrameU8, height: int, width: int) -> FrameU8:
    if frame_rgb_u8.shape[:2] == (height, width):
        return frame_rgb_u8
    way = cv2.INTER_AREA if height < frame_rgb_u8.shape[0] else cv2.INTER_CUBIC
    sized = cv2.resize(frame_rgb_u8, (width, height), interpolation=way)
    return np.asarray(sized, np.uint8)
