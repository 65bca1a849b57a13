"""The network by which upstream finds the parts of a face: facexlib's ParseNet.

Promise: builds without download; answers what facexlib's class answers first.  Its weights are not
for commercial use, so it runs for --upstream-compat alone.

Source: ParseNet of PSFRGAN (Chen et al. 2021) as facexlib carries it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from facexlib.parsing.parsenet import ParseNet

# In the order of its answer's channels (facexlib inference/inference_parsing_parsenet.py).
CLASSES = (
    "background",
    "skin",
    "nose",
    "eye_g",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "l_ear",
    "r_ear",
    "mouth",
    "u_lip",
    "l_lip",
    "hair",
    "hat",
    "ear_r",
    "neck_l",
    "neck",
    "cloth",
)
MEAN_01 = SPREAD_01 = (0.5, 0.5, 0.5)


def build_parsenet() -> ParseNet:
    """The network with fresh weights (its caller seeds torch), on the CPU, in evaluation mode."""
    return ParseNet(in_size=512, out_size=512, parsing_ch=len(CLASSES)).eval()


def load_parsenet(state: Mapping[str, torch.Tensor]) -> ParseNet:
    """The network with these weights.

    Raises ``RuntimeError`` (torch's) naming keys that are missing, surplus or of another shape.
    """
    net = build_parsenet()
    net.load_state_dict(dict(state), strict=True)
    return net.requires_grad_(False)


def parsenet_scores(net: ParseNet, x: torch.Tensor) -> torch.Tensor:
    """(B, 3, 512, 512) RGB in [-1, 1] to (B, 19, 512, 512): facexlib's first answer of two.

    The second, a picture, is left out.
    """
    features = net.encoder(x)
    return torch.as_tensor(net.out_mask_conv(net.decoder(features + net.body(features))))
