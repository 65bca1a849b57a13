"""Calibration, judges: how far a restored face lies from the true one, by networks that are named.

Truth labels need the sharp face, so they exist in calibration only.  T1 asks a recogniser, T2 the
embedded perceptual network in three regions.  A judge never is the network behind `identity_drift`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Protocol

import cv2
import lpips
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.calibration.filmed import Known, make
from forensics.models.load import LoadedModel
from forensics.models.nets.identity import build_identity
from forensics.models.nets.perceptual import build_perceptual
from forensics.scoring.baseline import as_m11
from forensics.scoring.identity import window_112
from forensics.scoring.regions import template_mask

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
FEATURES = ("eyes", "nose", "mouth")
WINDOW = (slice(160, 448), slice(112, 400))  # rows, columns of the template that hold all three
FALSE_MATCH_RATE = 1e-3
LEAST_PAIRS = 1000  # of different people, for a threshold at that rate
CODEC_QP = 30
CODEC_INTEROCULAR_PX = 32.0
CODEC_SHARE = 0.95


class IdentityJudge(Protocol):
    """A recogniser: unit rows for template crops."""

    @property
    def name(self) -> str:
        """What it is called in the record."""
        ...

    @property
    def sha256(self) -> str:
        """Digest of its weights."""
        ...

    def embed(self, crops_rgb_u8: Sequence[U8]) -> F64:
        """(N, D) rows of length 1 for N crops (512, 512, 3) on the template."""
        ...


class AppearanceJudge:
    """The embedded `appearance` network, the one that follows people in an audit."""

    def __init__(self, model: LoadedModel) -> None:
        self._net = build_identity(model.state)
        self.name = f"{model.card['name']} {model.card['version']} (embedded)"
        self.sha256 = model.sha256

    def embed(self, crops_rgb_u8: Sequence[U8]) -> F64:
        """See `IdentityJudge.embed`."""
        windows = [window_112(crop) for crop in crops_rgb_u8]
        rows = []
        with torch.inference_mode():
            for start in range(0, len(windows), 32):
                part = as_m11(windows[start : start + 32], torch.device("cpu"))
                rows.append(self._net(part).numpy())
        return np.concatenate(rows).astype(np.float64)


def identity_limit(embeddings: F64, people: Sequence[str]) -> tuple[float, int]:
    """Distance 1 - cos that one pair of different people in a thousand falls below, and the pairs.

    Above it the judge no longer takes two pictures for one person.  Raises `ValueError` under
    `LEAST_PAIRS` pairs: a thousandth of fewer is a guess.
    """
    cosines = embeddings @ embeddings.T
    names = np.array(people)
    upper = np.triu(names[:, None] != names[None, :], 1)
    pairs = cosines[upper]
    if len(pairs) < LEAST_PAIRS:
        raise ValueError(f"{len(pairs)} pairs of different people; at least {LEAST_PAIRS}")
    return float(1.0 - np.quantile(pairs, 1.0 - FALSE_MATCH_RATE)), len(pairs)


class FeatureJudge:
    """Perceptual distance of eyes, nose and mouth by the embedded network (it is not LPIPS)."""

    def __init__(self, model: LoadedModel) -> None:
        self._net = build_perceptual(model.state)
        self.name = f"{model.card['name']} {model.card['version']} (embedded)"
        self.sha256 = model.sha256

    def distances(self, truth_rgb_u8: U8, restored_rgb_u8: U8) -> dict[str, float]:
        """Distance by feature, >= 0, of two template crops (512, 512, 3)."""
        return region_distances(self._net, truth_rgb_u8, restored_rgb_u8)

    def limits(self, truths_rgb_u8: Sequence[U8]) -> dict[str, float]:
        """What 95 of 100 true faces stay below after H.264 at QP 30 alone, by feature.

        The faces are filmed with 32 px between the eyes and not spoilt otherwise: the size from
        which one is commonly held to be able to confirm a person.  At the portrait's own size the
        codec leaves so little that nearly every restored face would count as erred.
        """
        return codec_limits(truths_rgb_u8, self.distances)


def codec_limits(
    truths_rgb_u8: Sequence[U8], apart: Callable[[U8, U8], Mapping[str, float]]
) -> dict[str, float]:
    """What 95 of 100 true faces (512, 512, 3) stay below, by the names that ``apart`` gives.

    ``apart`` is given a true face, and as H.264 at QP 30 leaves it with 32 px between the eyes, on
    the same alignment.  A name that it gives of no face is left out.
    """
    found: dict[str, list[float]] = {}
    for number, truth in enumerate(truths_rgb_u8):
        known = Known(
            number, 3, "h264", CODEC_INTEROCULAR_PX, 0.0, 0.0, 0.0, None, CODEC_QP, number
        )
        face = make(truth, known)
        for name, value in apart(face.restored_rgb_u8, face.crop_rgb_u8).items():
            found.setdefault(name, []).append(value)
    return {name: float(np.quantile(v, CODEC_SHARE)) for name, v in found.items()}


def region_distances(net: lpips.LPIPS, a_rgb_u8: U8, b_rgb_u8: U8) -> dict[str, float]:
    """LPIPS' sum over layers, each layer's map averaged over a region instead of the picture."""
    pair = as_m11([np.ascontiguousarray(p[WINDOW]) for p in (a_rgb_u8, b_rgb_u8)], _CPU)
    totals = dict.fromkeys(FEATURES, 0.0)
    with torch.inference_mode():
        for k, maps in enumerate(net.net(net.scaling_layer(pair))):
            unit = lpips.normalize_tensor(maps)
            layer = getattr(net, f"lin{k}")((unit[:1] - unit[1:]) ** 2)[0, 0].numpy()
            for name, weight in _weights(layer.shape[0]).items():
                totals[name] += float((layer * weight).sum())
    return totals


_CPU = torch.device("cpu")


@cache
def _weights(side: int) -> Mapping[str, F64]:
    """Share of each cell of a (side, side) map in a feature's mean; sums to 1."""
    found = {}
    for name in FEATURES:
        mask = template_mask(name)[WINDOW].astype(np.float64)
        share = np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA))
        found[name] = share / share.sum()
    return found
