"""Scoring, the named baseline: how much the picture was changed (`lpips_crop`, `ssim_crop`).

Lowest (LPIPS) or highest (SSIM) when nothing was restored: shown beside every other measure with
the sentence in `SENTENCE`, and never used for a band.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import lpips
import numpy as np
import torch

from forensics.errors import IntegrityError
from forensics.scoring.measure import F32, U8, check_picture

SENTENCE = (
    "This number is lowest when nothing was restored; it says how much the picture was changed, "
    "not whether the change is right."
)
# The published trunk carries the first digits of its SHA-256 in its name: alexnet-owt-7be5be79.pth.
OFFICIAL_ALEXNET_SHA256_START = "7be5be79"
NO_BACKBONE = "official AlexNet backbone not fetched"
_SSIM_WINDOW = 7
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(a_rgb_u8: U8, b_rgb_u8: U8) -> float:
    """Mean structural similarity of two pictures (H, W, 3), -1..1.

    The numbers of scikit-image's `structural_similarity` with its defaults (7x7 uniform window,
    sample covariance, mean of three channels), by box filters; about six times as fast.
    Raises `ValueError` when the sizes differ or a side is under 7 px.
    """
    check_picture("a_rgb_u8", a_rgb_u8)
    check_picture("b_rgb_u8", b_rgb_u8, (a_rgb_u8.shape[0], a_rgb_u8.shape[1]))
    if min(a_rgb_u8.shape[:2]) < _SSIM_WINDOW:
        raise ValueError(f"pictures must be at least {_SSIM_WINDOW} px, are {a_rgb_u8.shape[:2]}")
    a, b = a_rgb_u8.astype(np.float32), b_rgb_u8.astype(np.float32)
    window = (_SSIM_WINDOW, _SSIM_WINDOW)
    mean_a, mean_b = cv2.blur(a, window), cv2.blur(b, window)
    sample = _SSIM_WINDOW**2 / (_SSIM_WINDOW**2 - 1)
    var_a = sample * (cv2.blur(a * a, window) - mean_a * mean_a)
    var_b = sample * (cv2.blur(b * b, window) - mean_b * mean_b)
    both = sample * (cv2.blur(a * b, window) - mean_a * mean_b)
    top = (2 * mean_a * mean_b + _C1) * (2 * both + _C2)
    bottom = (mean_a * mean_a + mean_b * mean_b + _C1) * (var_a + var_b + _C2)
    edge = _SSIM_WINDOW // 2
    inner = (top / bottom)[edge:-edge, edge:-edge]
    return float(inner.mean(dtype=np.float64))


def as_m11(pictures_rgb_u8: Sequence[U8], device: torch.device) -> torch.Tensor:
    """Pictures of one size to a tensor (N, 3, H, W) float32 in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(pictures_rgb_u8)).to(device)
    return stacked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)


def lpips_distances(net: lpips.LPIPS, a_m11: torch.Tensor, b_m11: torch.Tensor) -> F32:
    """LPIPS of pairs (N, 3, H, W) in [-1, 1]: (N,) float32; equals ``net(a, b)``."""
    with torch.inference_mode():
        found = net(a_m11, b_m11)
    return np.asarray(found.reshape(len(a_m11)).cpu().numpy(), np.float32)


def build_official(trunk: Path) -> lpips.LPIPS:
    """LPIPS v0.1 on the official AlexNet trunk: the heads ship with the package, no download.

    Raises `IntegrityError` unless the file is the published trunk.
    """
    raw = trunk.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if not digest.startswith(OFFICIAL_ALEXNET_SHA256_START):
        raise IntegrityError(
            f"{trunk.name} is not the published AlexNet backbone: SHA-256 {digest}",
            "Move it away and run 'forensics models fetch torchvision-alexnet'.",
        )
    state = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    return _with_trunk(state)


def _with_trunk(state: Mapping[str, torch.Tensor]) -> lpips.LPIPS:
    """The alex layout of lpips with torchvision's ``features.K.*`` tensors put in strictly."""
    with warnings.catch_warnings():
        # lpips 0.1.4 still passes torchvision's old `pretrained` argument; nothing we can change.
        warnings.filterwarnings("ignore", message="The parameter 'pretrained' is deprecated")
        warnings.filterwarnings("ignore", message="Arguments other than a weight enum")
        net = lpips.LPIPS(net="alex", pretrained=True, pnet_rand=True, verbose=False)
    own = net.net.state_dict()
    # Own keys read slice1.0.weight: the last number is the layer's place in torchvision's list.
    trunk = {key: state["features." + key.split(".", 1)[1]] for key in own}
    net.net.load_state_dict(trunk, strict=True)
    return net.eval().requires_grad_(False)
