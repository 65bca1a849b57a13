"""Losses of the detector: multibox on known faces, distillation of a teacher's dense answers.

Multibox as in SSD (Liu et al. 2016) and RetinaFace (Deng et al. 2019): priors are matched at IoU
0.35, negatives are the hardest ones; boxes and points are measured by smooth L1.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from forensics.faces.anchors import encode_boxes, encode_points
from training.detector.config import Config


@dataclass(frozen=True)
class Targets:
    """Per prior: kind (B, N) 1 face, 0 background, -1 ignored; offsets (B, N, 4), (B, N, 10).

    ``face`` (B, N): number of the face in its scene that a prior of kind 1 stands for.
    """

    kind: torch.Tensor
    boxes: torch.Tensor
    points: torch.Tensor
    face: torch.Tensor


def match(
    boxes: torch.Tensor,
    points: torch.Tensor,
    face: torch.Tensor,
    priors: torch.Tensor,
    match_iou: float,
) -> Targets:
    """Targets of one scene; boxes (M, 4) and points (M, 5, 2) relative, face (M,) bool."""
    count = len(priors)
    kind = torch.zeros(count, dtype=torch.int8)
    box_t, point_t = torch.zeros(count, 4), torch.zeros(count, 10)
    number = torch.zeros(count, dtype=torch.int64)
    if len(boxes) == 0:
        return Targets(kind, box_t, point_t, number)
    corner = torch.cat((priors[:, :2] - priors[:, 2:] / 2, priors[:, :2] + priors[:, 2:] / 2), 1)
    low = torch.maximum(boxes[:, None, :2], corner[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], corner[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    overlap = shared / (areas[:, None] + priors[None, :, 2:].prod(-1) - shared)
    best, which = overlap.max(0)
    for k, prior in enumerate(overlap.argmax(1).tolist()):
        if overlap[k, prior] >= 0.2:  # every face keeps its best prior
            best[prior], which[prior] = 2.0, k
    chosen = face[which]
    kind[(best >= match_iou) & chosen] = 1
    centre_in = (
        (priors[None, :, :2] > boxes[:, None, :2]) & (priors[None, :, :2] < boxes[:, None, 2:])
    ).all(-1)
    small = priors[None, :, 2] < 2 * (boxes[:, 2] - boxes[:, 0])[:, None]
    doubtful = (centre_in & small & ~face[:, None]).any(0) | ((best >= 0.3) & ~chosen)
    kind[doubtful & (kind == 0)] = -1
    hit = kind == 1
    box_t[hit] = encode_boxes(boxes[which[hit]], priors[hit])
    point_t[hit] = encode_points(points[which[hit]], priors[hit])
    number[hit] = which[hit]
    return Targets(kind, box_t, point_t, number)


def without_unseen(targets: Targets, teacher_class: torch.Tensor, least: float) -> Targets:
    """Faces whose priors the teacher all scores below ``least`` are ignored from here on.

    Such a head is too dark, too small or too far out of focus to tell; taught as a face, it teaches
    to find faces in blobs. ``teacher_class``: (B, N, 2) logits of what the student sees.
    """
    goal = torch.sigmoid(teacher_class[..., 1] - teacher_class[..., 0])
    hit = targets.kind == 1
    most = int(targets.face.max()) + 1
    best = torch.zeros(len(goal), most, device=goal.device, dtype=goal.dtype)
    best.scatter_reduce_(1, targets.face, goal * hit, "amax")
    unseen = hit & (best.gather(1, targets.face) < least)
    kind = torch.where(unseen, torch.full_like(targets.kind, -1), targets.kind)
    return dataclasses.replace(targets, kind=kind)


def multibox(
    outputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    targets: Targets,
    config: Config,
    point_weight: float,
) -> dict[str, torch.Tensor]:
    """Class, box and point losses, each per matched prior."""
    box_out, class_out, point_out = outputs
    hit = targets.kind == 1
    n_hit = hit.sum().clamp(min=1).float()
    margin = class_out[..., 1] - class_out[..., 0]
    loss = F.binary_cross_entropy_with_logits(margin, hit.float(), reduction="none")
    hardness = loss.detach().masked_fill(targets.kind != 0, -1.0)
    wanted = (hit.sum(1) * config.negatives_per_positive).clamp(min=60)
    order = hardness.argsort(1, descending=True)
    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(order.shape[1], device=order.device).expand_as(order))
    hard = (rank < wanted[:, None]) & (targets.kind == 0)
    total = loss[hit].sum() + loss[hard].sum()
    box = F.smooth_l1_loss(box_out[hit], targets.boxes[hit], reduction="sum", beta=0.2)
    point = F.smooth_l1_loss(point_out[hit], targets.points[hit], reduction="sum", beta=0.15)
    return {
        "class": total / n_hit,
        "box": config.box_weight * box / n_hit / 4,
        "point": point_weight * point / n_hit / 10,
    }


def distil(
    outputs: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    teacher: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    targets: Targets,
    config: Config,
) -> dict[str, torch.Tensor]:
    """Soft classes of the teacher where it agrees with what is known, and its boxes there.

    Where a face is known, the teacher may not lower its score; doubtful priors follow the teacher.
    """
    margin = outputs[1][..., 1] - outputs[1][..., 0]
    goal = torch.sigmoid(teacher[1][..., 1] - teacher[1][..., 0])
    goal = torch.where(targets.kind == 1, torch.maximum(goal, torch.full_like(goal, 0.9)), goal)
    weight = torch.maximum(goal, torch.sigmoid(margin.detach())) + 0.005
    soft = F.binary_cross_entropy_with_logits(margin, goal, reduction="none")
    floor = F.binary_cross_entropy(goal, goal, reduction="none")
    trust = goal * ((goal > 0.3) & (targets.kind != 1))
    box = F.smooth_l1_loss(outputs[0], teacher[0], reduction="none", beta=0.2).mean(-1)
    return {
        "soft": config.distil_class_weight * ((soft - floor) * weight).sum() / weight.sum(),
        "soft_box": config.distil_box_weight * (box * trust).sum() / trust.sum().clamp(min=1),
    }


def features(student: list[torch.Tensor], teacher: list[torch.Tensor]) -> torch.Tensor:
    """Squared distance of feature maps, relative to the teacher's variance; mean of the maps."""
    parts = []
    for mine, told in zip(student, teacher, strict=True):
        goal = told.float()
        spread = goal.var((0, 2, 3))
        usual = spread.mean()
        distance = ((mine.float() - goal) ** 2).mean((0, 2, 3))
        parts.append((distance / (spread + 0.1 * usual)).mean())
    return torch.stack(parts).mean()
