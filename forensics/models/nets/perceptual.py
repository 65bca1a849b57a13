"""The embedded perceptual network: lpips' alex layout, built offline, with our own weights.

Its distance is named ``lpips_embedded_crop``.  It is computed by `lpips.LPIPS` itself, but backbone
and heads were trained here, so its values are not LPIPS and are never called that alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import lpips
import torch

LAYOUT = "alex"
PARAMETERS = 2_470_848


def build_perceptual(state: Mapping[str, torch.Tensor]) -> lpips.LPIPS:
    """`lpips.LPIPS` with ``state`` loaded strictly, in evaluation mode, without gradients.

    The module takes two (N, 3, H, W) float batches in [-1, 1], H and W >= 64, and gives (N, 1, 1,
    1) distances >= 0, exactly 0 for equal pictures.  Gradients reach the pictures, not the weights.
    Nothing is downloaded: ``pnet_rand=True`` builds the trunk empty, ``pretrained=False`` leaves
    out the official heads.  Raises `RuntimeError` (torch's) when keys or shapes do not match, and
    `ValueError` when a head's weight is negative.
    """
    with warnings.catch_warnings():
        # lpips 0.1.4 calls torchvision's alexnet with `pretrained=`, renamed since; not ours to
        # mend.
        warnings.filterwarnings(
            "ignore", message=r"The parameter 'pretrained' is deprecated", category=UserWarning
        )
        warnings.filterwarnings(
            "ignore",
            message=r"Arguments other than a weight enum or `None` for 'weights'",
            category=UserWarning,
        )
        net = lpips.LPIPS(pretrained=False, net=LAYOUT, pnet_rand=True, verbose=False)
    net.load_state_dict(dict(state), strict=True)
    for name, value in state.items():
        if name.startswith("lin") and bool((value < 0).any()):
            raise ValueError(f"head {name} has a negative weight: distances could be negative")
    return net.eval().requires_grad_(False)
