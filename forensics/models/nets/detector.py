"""The detector's network: facexlib's RetinaFace class at mobile0.25, built without download.

Source: facexlib ``detection/retinaface.py`` (MIT). 426,608 parameters. The class downloads nothing
for this backbone; weights are loaded strictly, from a state dict whose digest was checked before.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from facexlib.detection.retinaface import RetinaFace

NETWORK_NAME = "mobile0.25"  # the name facexlib takes; its own config calls it mobilenet0.25
PARAMETERS = 426_608


def build_detector(*, training: bool = False) -> RetinaFace:
    """Build the network on the CPU with fresh weights.

    ``training``: True returns class logits instead of probabilities and is in train mode.
    Input of its forward: (B, 3, H, W) float32, BGR minus (104, 117, 123). Output: boxes (B, N, 4),
    classes (B, N, 2), landmarks (B, N, 10), all relative to the priors of (H, W).
    """
    phase = "train" if training else "test"
    net = RetinaFace(network_name=NETWORK_NAME, phase=phase, device=torch.device("cpu"))
    return net.train(training)


def load_detector(state: Mapping[str, torch.Tensor]) -> RetinaFace:
    """Build the network and load ``state`` strictly, in evaluation mode.

    Raises RuntimeError (torch's) naming the keys that are missing, surplus or of another shape.
    """
    net = build_detector()
    net.load_state_dict(dict(state), strict=True)
    return net.eval()
