"""The network that finds the parts of a face: facexlib's BiSeNet with weights handed in.

Promise: builds without download; answers what facexlib's class answers first, at the same size.

Source: BiSeNet (Yu et al. 2018), zllrunning/face-parsing.PyTorch (MIT) as facexlib carries it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from facexlib.parsing.bisenet import BiSeNet

# In the order of its answer's channels (facexlib inference/inference_parsing.py).
CLASSES = (
    "background",
    "skin",
    "l_brow",
    "r_brow",
    "l_eye",
    "r_eye",
    "eye_g",
    "l_ear",
    "r_ear",
    "ear_r",
    "nose",
    "mouth",
    "u_lip",
    "l_lip",
    "neck",
    "neck_l",
    "cloth",
    "hair",
    "hat",
)
MEAN_01 = (0.485, 0.456, 0.406)
SPREAD_01 = (0.229, 0.224, 0.225)


def build_bisenet() -> BiSeNet:
    """The network with fresh weights (its caller seeds torch), on the CPU, in evaluation mode."""
    return BiSeNet(num_class=len(CLASSES)).eval()


def load_bisenet(state: Mapping[str, torch.Tensor]) -> BiSeNet:
    """The network with these weights.

    Raises ``RuntimeError`` (torch's) naming keys that are missing, surplus or of another shape.
    """
    net = build_bisenet()
    net.load_state_dict(dict(state), strict=True)
    return net.requires_grad_(False)


def bisenet_scores(net: BiSeNet, x: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) RGB, normalised, to (B, 19, H, W): facexlib's first answer of three.

    The other two heads serve training alone and are left out.
    """
    eighth, context, _ = net.cp(x)
    scores, _ = net.conv_out(net.ffm(eighth, context))
    return F.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=True)
