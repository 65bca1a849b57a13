"""Scoring, `restored_twice`: does the footage itself look as if a restorer had drawn the face?

From the footage alone.  A restorer draws inside a mask and leaves what surrounds it as it was, so
sharpness, noise, colour detail and the codec's grid can differ between the face and the hair, neck
and clothes around it.  Each of them differs in untouched pictures too; a small network, trained on
people of the training list and held to a limit set on others, weighs them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.scoring.facts import SEVERITY, FaceFact, FlagFinding, merged_ranges
from forensics.scoring.measure import (
    F32,
    TEMPLATE_INTEROCULAR_PX,
    U8,
    Reading,
    check_picture,
)
from forensics.scoring.thresholds import ThresholdTable

if TYPE_CHECKING:
    from forensics.models.nets.traces import Placed, TracesNet

F64 = NDArray[np.float64]
TRACES: Final = "restoration_traces"
MIN_INTEROCULAR_PX: Final = 16.0
MOST_INTEROCULAR_PX: Final = 80.0  # larger faces are shrunk: what is finer costs time only
MIN_PIXELS: Final = 150
# The face as restorers paste it: brows to chin, cheek to cheek (`restore.mask` has the same oval;
# stages do not import each other, and a test holds the two together).
MASK_CENTRE_PX: Final = (256.0, 292.0)
MASK_RADII_PX: Final = (168.0, 202.0)
MASK_POWER: Final = 2.5
FIELD_PX: Final = (-60.0, -60.0, 572.0, 640.0)  # of the template, that is looked at
INSIDE, _SEAM, _RING = 0.8, 1.05, 1.5  # of the radius of the mask: where the zones end
_SQUARE_PX = 262.0  # beyond the template's own square
_HALF_PX = 256.0
_APART = "inside the face it is drawn otherwise than around it"
DRAWN_TYPES: Final = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"}
)
"""IPTC digital source types of pictures in which something was generated."""
_USUAL_EYES_PX = 32.0
_MOST_RADIUS = 3.0


def measure_traces(frame_rgb_u8: U8, affine: F64, net: TracesNet) -> Reading:
    """`restoration_traces`: how far the face stands out of its surroundings as restored ones do.

    ``frame_rgb_u8`` (H, W, 3) is the frame as decoded; ``affine`` (2, 3) takes its px to the
    template.  About -7 to 25, high is suspicious; it is no probability.  Abstains under 16 px
    between the eyes and where too little of the surroundings is in the picture.

    Raises `ValueError` for a wrong dtype or shape.
    """
    check_picture("frame_rgb_u8", frame_rgb_u8)
    scale = _scale(np.asarray(affine, np.float64))
    if scale <= 0 or TEMPLATE_INTEROCULAR_PX / scale < MIN_INTEROCULAR_PX:
        reason = f"under {MIN_INTEROCULAR_PX:.0f} px between the eyes: cannot be told"
        return Reading(reasons={TRACES: reason})
    placed = place(*cut(frame_rgb_u8, np.asarray(affine, np.float64)))
    if placed is None:
        reason = "too little of the face or its surroundings is in the picture"
        return Reading(reasons={TRACES: reason})
    return Reading({TRACES: told(net, placed)})


def told(net: TracesNet, placed: Placed) -> float:
    """The network's number, the mean of the picture as it is and mirrored."""
    import torch

    with torch.inference_mode():
        return (float(net(placed)[0]) + float(net(mirrored(placed))[0])) / 2


def mirrored(placed: Placed) -> Placed:
    """The same face in a mirror: the picture, its zones and where its pixels lie."""
    from forensics.models.nets.traces import Placed

    where = placed.place.clone()
    where[:, 1] = -where[:, 1]
    return Placed(placed.levels.flip(3), where.flip(3), placed.zones.flip(3))


def find_traces(person: int, own: Sequence[FaceFact], limits: ThresholdTable) -> FlagFinding | None:
    """Whether the footage shows traces of an earlier restoration in this person's faces, or None.

    ``own`` are the person's faces.  The median over all faces that were read decides; the range
    runs from the first that lies above the limit to the last, because not every face is read.
    None proves nothing: many restorations leave no trace that this would see.
    """
    read = [(f, f.traces) for f in own if f.traces is not None]
    if not read:
        return None
    limit = limits["traces_limit"]
    median = float(np.median([value for _, value in read]))
    if median <= limit:
        return None
    high = sorted(f.frame for f, value in read if value > limit)
    return FlagFinding(
        "restored_twice",
        person,
        merged_ranges(f.frame for f in own if high[0] <= f.frame <= high[-1]),
        SEVERITY["restored_twice"],
        measured=median,
        reference=limit,
        detail=f"{_APART}; so in {len(high)} of {len(read)} faces read",
    )


def declared_traces(
    source_types: Iterable[str], tags_say: str | None, frames: int
) -> FlagFinding | None:
    """Whether the source itself claims that a network drew in it, or None.

    ``source_types`` are the IPTC digital source types of its Content Credentials' actions,
    ``tags_say`` what its own tags say of it; ``frames`` is the length of the source, all of which
    the claim is about.  A claim is no proof, and its absence is none.
    """
    claims = [
        f"its Content Credentials claim the source type {name}"
        for name in sorted(DRAWN_TYPES.intersection(source_types))
    ]
    if tags_say is not None:
        claims.append("its own tags say so")
    if not claims:
        return None
    return FlagFinding(
        "restored_twice",
        None,
        ((1, frames),),
        SEVERITY["restored_twice"],
        detail="; ".join(claims),
    )


def cut(frame_rgb_u8: U8, affine: F64) -> tuple[U8, F64]:
    """The face with its surroundings, on the frame's own grid, and the affine of that part."""
    left, top, right, bottom = FIELD_PX
    corners = np.array([[x, y, 1.0] for x in (left, right) for y in (top, bottom)])
    placed = corners @ np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2].T
    size = [frame_rgb_u8.shape[1], frame_rgb_u8.shape[0]]
    x0, y0 = np.clip(np.floor(placed.min(0)).astype(int), 0, size)
    x1, y1 = np.clip(np.ceil(placed.max(0)).astype(int), 0, size)
    part, matrix = frame_rgb_u8[y0:y1, x0:x1], affine.copy()
    matrix[:, 2] += affine[:, :2] @ (x0, y0)
    shrink = _scale(affine) * MOST_INTEROCULAR_PX / TEMPLATE_INTEROCULAR_PX
    if shrink >= 1 or 0 in part.shape:
        return part, matrix
    width, height = max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink))
    kx, ky = width / part.shape[1], height / part.shape[0]
    small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    back = np.array([[1 / kx, 0, 0.5 / kx - 0.5], [0, 1 / ky, 0.5 / ky - 0.5], [0, 0, 1]])
    return np.asarray(small, np.uint8), np.asarray(matrix @ back, np.float64)


def place(part_rgb_u8: U8, affine: F64) -> Placed | None:
    """The part as the network is given it; None where face or ring have too few pixels."""
    import torch

    from forensics.models.nets.traces import Placed

    if min(part_rgb_u8.shape[:2]) < 16:
        return None
    where, zones = _maps(part_rgb_u8.shape[:2], affine)
    if min(int(zones[0].sum()), int(zones[2].sum())) < MIN_PIXELS:
        return None
    levels = np.ascontiguousarray(part_rgb_u8.transpose(2, 0, 1)[None], np.float32)
    return Placed(*(torch.from_numpy(a) for a in (levels, where[None], zones[None])))


def _scale(affine: F64) -> float:
    """Template px for one px of the frame."""
    return math.sqrt(abs(float(np.linalg.det(affine[:, :2]))))


def _maps(shape: tuple[int, ...], affine: F64) -> tuple[F32, F32]:
    """Where each pixel lies (4, H, W), and the four zones (4, H, W): see `Placed`."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    (a, b, c), (d, e, f) = affine.tolist()
    u, v = a * x + b * y + c, d * x + e * y + f
    across = np.abs(u - MASK_CENTRE_PX[0]) / MASK_RADII_PX[0]
    down = np.abs(v - MASK_CENTRE_PX[1]) / MASK_RADII_PX[1]
    radius = (across**MASK_POWER + down**MASK_POWER) ** (1 / MASK_POWER)
    eyes = math.log2(TEMPLATE_INTEROCULAR_PX / _scale(affine) / _USUAL_EYES_PX)
    where = np.stack(
        [
            np.minimum(radius, _MOST_RADIUS),
            (u - _HALF_PX) / _HALF_PX,
            (v - _HALF_PX) / _HALF_PX,
            np.full_like(u, eyes),
        ]
    )
    beyond = np.maximum(np.abs(u - 255.5), np.abs(v - 255.5)) > _SQUARE_PX
    seam = (radius >= INSIDE) & (radius <= _SEAM)
    ring = (radius > _SEAM) & (radius < _RING)
    zones = np.stack([radius < INSIDE, seam, ring, beyond])
    return where.astype(np.float32), zones.astype(np.float32)
