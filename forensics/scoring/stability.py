"""Scoring, stability: would the same face come out, had the footage been a hair different?

`stability_input`: the crop is moved by half a pixel, turned by a degree, enlarged by 3 %, coded
again and made a little noisier; each is restored again and brought back, and what comes out is
compared in pairs.  `stability_seed`: the same for a restorer's own random numbers.  `disagreement`:
two restorers on one crop.  The restorer is handed in: scoring never loads one.
A steady answer may be the same invention each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import cv2
import lpips
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.scoring.baseline import as_m11
from forensics.scoring.facts import P99
from forensics.scoring.information import noise_grey
from forensics.scoring.measure import F32, TEMPLATE_PX, U8, FaceInput, Reading
from forensics.scoring.thresholds import ThresholdTable, shipped_thresholds

F64 = NDArray[np.float64]
Restore = Callable[[Sequence[U8]], Sequence[U8 | None]]
"""Crops (512, 512, 3) uint8 to restored ones, in order; None for one that failed."""

INNER: Final = (slice(112, 432), slice(96, 416))
"""Rows and columns of the inner face on the template: brows to chin, ear to ear (320 px)."""
SEEDS: Final = 4
AT_ONCE: Final = 4
FAILED: Final = "the restorer failed on a slightly changed crop"
NO_NOISE: Final = "the restorer draws no noise"
_QUALITIES: Final = (90, 75)


@dataclass(frozen=True)
class Perturbed:
    """A changed crop, and the map (2, 3) that brings its answer back to the crop's frame."""

    name: str
    crop_rgb_u8: U8
    back: NDArray[np.float64] | None


def perturb(face: FaceInput) -> tuple[Perturbed, ...]:
    """The nine small changes of a crop: half a footage pixel either way, one degree, 3 %, JPEG 90
    and 75 and half the footage's own noise, the last three at the footage's own size.
    """
    half = 0.5 * face.scale
    found = [
        _warped("+0.5 px", face.crop_rgb_u8, _similarity(dx=half, dy=half)),
        _warped("-0.5 px", face.crop_rgb_u8, _similarity(dx=-half, dy=-half)),
        _warped("+1 deg", face.crop_rgb_u8, _similarity(turn_deg=1.0)),
        _warped("-1 deg", face.crop_rgb_u8, _similarity(turn_deg=-1.0)),
        _warped("+3 %", face.crop_rgb_u8, _similarity(size=1.03)),
        _warped("-3 %", face.crop_rgb_u8, _similarity(size=1 / 1.03)),
    ]
    native = face.native_rgb_u8
    changed = {f"JPEG {q}": _jpeg(native, q).astype(np.float32) - native for q in _QUALITIES}
    sigma = 0.5 * noise_grey(native)
    # Drawn from the picture itself: the same face always gets the same grain.
    draw = np.random.default_rng(int(native.sum(dtype=np.int64)))
    changed["noise"] = draw.normal(0.0, sigma, native.shape).astype(np.float32)
    found += [Perturbed(n, _with(face.crop_rgb_u8, change), None) for n, change in changed.items()]
    return tuple(found)


def brought_back(picture_rgb_u8: U8, changed: Perturbed) -> U8:
    """A picture of a changed crop in the frame of the crop as it was."""
    if changed.back is None:
        return picture_rgb_u8
    return _warp(picture_rgb_u8, changed.back)


def pair_distances(net: lpips.LPIPS, pictures_rgb_u8: Sequence[U8], device: torch.device) -> F64:
    """`lpips_embedded` of every pair of N pictures of one size: (N, N), symmetric, zero diagonal.

    Equals ``net(a, b)`` up to rounding; each picture goes through the trunk once.
    """
    features: list[list[torch.Tensor]] = []
    with torch.inference_mode():
        for start in range(0, len(pictures_rgb_u8), AT_ONCE):
            part = as_m11(pictures_rgb_u8[start : start + AT_ONCE], device)
            layers = net.net.forward(net.scaling_layer(part))
            unit = [lpips.normalize_tensor(layer) for layer in layers]
            features += [[layer[k : k + 1] for layer in unit] for k in range(len(part))]
        found = np.zeros((len(features), len(features)), np.float64)
        for a, b in combinations(range(len(features)), 2):
            parts = [
                head((x - y).square_()).mean()
                for head, x, y in zip(net.lins, features[a], features[b], strict=True)
            ]
            found[a, b] = found[b, a] = float(torch.stack(parts).sum())
    return found


def mean_pair(distances: F64) -> float:
    """Mean over all pairs of an (N, N) table, N >= 2."""
    upper = distances[np.triu_indices(len(distances), 1)]
    return float(upper.mean())


def inner(picture_rgb_u8: U8) -> U8:
    """The inner face (320, 320, 3) of a picture on the template."""
    return np.ascontiguousarray(picture_rgb_u8[INNER])


def measure_stability(
    face: FaceInput,
    restore: Restore,
    net: lpips.LPIPS,
    device: torch.device,
    table: ThresholdTable | None = None,
) -> tuple[Reading, dict[str, float]]:
    """`stability_input`, and its references: what the changes alone cost, and the limit.

    The reference is the same mean distance between the changed crops themselves, brought back but
    not restored: what re-sampling and coding cost without any network.
    """
    name = "stability_input"
    changed = perturb(face)
    answers = restore([one.crop_rgb_u8 for one in changed])
    drawn: list[U8] = []
    for answer, one in zip(answers, changed, strict=True):
        if answer is None:
            return Reading(reasons={name: FAILED}), {}
        drawn.append(inner(brought_back(answer, one)))
    crops = [inner(brought_back(one.crop_rgb_u8, one)) for one in changed]
    value = mean_pair(pair_distances(net, drawn, device))
    usual = mean_pair(pair_distances(net, crops, device))
    limits = table or shipped_thresholds()
    limit = max(limits["unstable_ratio"] * usual, limits["unstable_least"])
    return Reading({name: value}), {name: usual, name + P99: limit}


def measure_seeds(
    crop_rgb_u8: U8,
    restore_seeded: Callable[[Sequence[U8], Sequence[int]], Sequence[U8 | None]],
    seed: int,
    net: lpips.LPIPS,
    device: torch.device,
) -> Reading:
    """`stability_seed`: the mean distance between four answers that differ in their noise alone."""
    seeds = [(seed + 1 + k) % 2**48 for k in range(SEEDS)]
    answers = restore_seeded([crop_rgb_u8] * SEEDS, seeds)
    drawn = [inner(answer) for answer in answers if answer is not None]
    if len(drawn) < SEEDS:
        return Reading(reasons={"stability_seed": "the restorer failed under another seed"})
    return Reading({"stability_seed": mean_pair(pair_distances(net, drawn, device))})


def measure_disagreement(
    restored_rgb_u8: U8, other_rgb_u8: U8, net: lpips.LPIPS, device: torch.device
) -> Reading:
    """`disagreement`: the distance between what two restorers drew of one crop."""
    pair = [inner(restored_rgb_u8), inner(other_rgb_u8)]
    return Reading({"disagreement": float(pair_distances(net, pair, device)[0, 1])})


def _similarity(
    dx: float = 0.0, dy: float = 0.0, turn_deg: float = 0.0, size: float = 1.0
) -> NDArray[np.float64]:
    """Map (2, 3) about the middle of the template."""
    middle = (TEMPLATE_PX - 1) / 2
    turn = math.radians(turn_deg)
    linear = size * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = np.array([middle, middle])
    return np.hstack([linear, (centre - linear @ centre + np.array([dx, dy]))[:, None]])


def _warped(name: str, crop_rgb_u8: U8, there: NDArray[np.float64]) -> Perturbed:
    back = np.asarray(cv2.invertAffineTransform(there), np.float64)
    return Perturbed(name, _warp(crop_rgb_u8, there), back)


def _warp(picture_rgb_u8: U8, matrix: NDArray[np.float64]) -> U8:
    moved = cv2.warpAffine(
        picture_rgb_u8,
        matrix,
        (TEMPLATE_PX, TEMPLATE_PX),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, np.uint8)


def _jpeg(rgb_u8: U8, quality: int) -> U8:
    """JPEG there and back, chroma halved, as OpenCV writes it."""
    done, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, quality)
    )
    back = cv2.imdecode(coded, cv2.IMREAD_COLOR) if done else None
    if back is None:
        raise ValueError(f"a picture {rgb_u8.shape} could not be coded as JPEG")
    return np.asarray(cv2.cvtColor(back, cv2.COLOR_BGR2RGB), np.uint8)


def _with(crop_rgb_u8: U8, change: F32) -> U8:
    """The crop with a change (h, h, 3) of the footage's own pixels, enlarged to it."""
    added = cv2.resize(change, (TEMPLATE_PX, TEMPLATE_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.rint(crop_rgb_u8 + added), 0, 255), np.uint8)
