"""RetinaFace (ResNet-50 and MobileNet 0.25) on facexlib's class, made lean for inference.

Promise: nothing is downloaded (the trunk is built without its pretrained weights), weights load
strictly, and the answers equal the class's own up to the rounding of float32.

Source: facexlib ``detection/retinaface.py``, ``retinaface_net.py`` (MIT). Batch norms, which are
fixed at inference, are folded into the convolutions before them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from facexlib.detection.retinaface import RetinaFace
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from forensics.models.nets.modulated import cast

Backbone = Literal["resnet50", "mobile0.25"]


def backbone_of(state: Mapping[str, Tensor]) -> Backbone:
    """Which trunk the weights are of.  Raises ValueError for neither."""
    names = {name.removeprefix("module.") for name in state}
    if "body.layer1.0.conv1.weight" in names:
        return "resnet50"
    if "body.stage1.0.0.weight" in names:
        return "mobile0.25"
    raise ValueError("these are not the weights of a RetinaFace with ResNet-50 or MobileNet 0.25")


def published(state: Mapping[str, Tensor]) -> RetinaFace:
    """facexlib's class with ``state`` loaded strictly, on the CPU, in evaluation mode.

    Raises ValueError for an unknown trunk and RuntimeError (torch's) naming keys that do not fit.
    """
    net = RetinaFace(network_name=backbone_of(state), phase="test", device=torch.device("cpu"))
    # The weights were saved from a parallel wrapper.
    net.load_state_dict({k.removeprefix("module."): v for k, v in state.items()}, strict=True)
    return net.eval().requires_grad_(False)


class LeanRetinaFace(nn.Module):
    """Trunk, pyramid and context in ``dtype``; the heads, which say where, in float32."""

    def __init__(self, loaded: RetinaFace, dtype: torch.dtype) -> None:
        super().__init__()
        fold_batch_norms(loaded)
        self.dtype = dtype
        self.body, self.fpn = loaded.body, loaded.fpn
        self.contexts = nn.ModuleList((loaded.ssh1, loaded.ssh2, loaded.ssh3))
        self.boxes, self.classes = loaded.BboxHead, loaded.ClassHead
        self.points = loaded.LandmarkHead
        for part in (self.body, self.fpn, self.contexts):
            cast(part, dtype)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, H, W) BGR minus (104, 117, 123), float32, to what each of N priors says, float32.

        Box offsets (B, N, 4), probability of a face (B, N), landmark offsets (B, N, 10).
        """
        x = x.to(dtype=self.dtype, memory_format=torch.channels_last)
        levels = self.fpn(list(self.body(x).values()))
        pairs = zip(self.contexts, levels, strict=True)
        seen = [context(level).float() for context, level in pairs]
        boxes, classes, points = (
            torch.cat([head(y) for head, y in zip(heads, seen, strict=True)], dim=1)
            for heads in (self.boxes, self.classes, self.points)
        )
        return boxes, F.softmax(classes, dim=-1)[..., 1], points


def fold_batch_norms(net: nn.Module) -> None:
    """Fold each batch norm of ``net`` (in evaluation mode) into the convolution before it."""
    for parent in list(net.modules()):
        before: tuple[str, nn.Conv2d] | None = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None:
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = (name, child) if isinstance(child, nn.Conv2d) else None
