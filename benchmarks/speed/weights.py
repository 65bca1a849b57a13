"""Official networks at their official size with seeded random weights, in files as upstream's.

The official weights are not needed: the time of a network does not depend on their values.  What
follows the detector does: it sorts the boxes that pass for faces.  Random heads let thousands pass,
footage a few, so the head that tells faces from background says background everywhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from forensics.models.load import LoadedModel
from forensics.models.official import official
from forensics.reference.packages import official_classes

SEED = 7
GFPGAN, X2PLUS = "gfpgan-1.4", "realesrgan-x2plus"
DETECTOR, PARSENET, BISENET = "retinaface-resnet50", "parsenet", "bisenet"
NAMES = (GFPGAN, DETECTOR, PARSENET, BISENET, X2PLUS)


@dataclass(frozen=True)
class Weights:
    """A folder of weight files under their official names."""

    folder: Path

    def file(self, name: str) -> Path:
        return self.folder / official(name).file

    def load(self, name: str) -> LoadedModel:
        """As `forensics.models.load.load_official` would give it."""
        row = official(name)
        raw = torch.load(self.file(name), map_location="cpu", weights_only=True)
        state = raw.get("params_ema", raw)
        digest = hashlib.sha256(self.file(name).read_bytes()).hexdigest()
        card = {
            "name": row.name,
            "version": "seeded random weights",
            "role": row.role,
            "architecture": row.architecture,
            "kind": "official",
            "file": row.file,
            "source": "made by benchmarks/speed/weights.py",
            "sha256": digest,
            "licence": row.licence,
            "notice": row.notice,
        }
        return LoadedModel(row.role, state, digest, card)


def make_weights(folder: Path, names: tuple[str, ...] = NAMES) -> Weights:
    """Build each official network, seed it and save it as upstream's file is laid out.

    Files that are there already are used again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = Weights(folder)
    for name in names:
        if weights.file(name).is_file():
            continue
        torch.manual_seed(SEED)
        state = _network(name).state_dict()
        nested = name in (GFPGAN, X2PLUS)
        torch.save({"params_ema": state} if nested else state, weights.file(name))
    return weights


def _network(name: str) -> Any:
    classes = official_classes()
    if name == GFPGAN:
        from gfpgan.archs.gfpganv1_clean_arch import GFPGANv1Clean

        return GFPGANv1Clean(
            out_size=512,
            num_style_feat=512,
            channel_multiplier=2,
            decoder_load_path=None,
            fix_decoder=False,
            num_mlp=8,
            input_is_latent=True,
            different_w=True,
            narrow=1,
            sft_half=True,
        )
    if name == X2PLUS:
        return classes.rrdbnet(3, 3, num_feat=64, num_block=23, num_grow_ch=32, scale=2)
    if name == DETECTOR:
        from facexlib.detection.retinaface import RetinaFace

        net = RetinaFace("resnet50", device=torch.device("cpu"))
        for head in net.ClassHead:
            _finds_nothing(head.conv1x1)
        return net
    if name == PARSENET:
        from facexlib.parsing.parsenet import ParseNet

        return ParseNet(in_size=512, out_size=512, parsing_ch=19)
    from facexlib.parsing.bisenet import BiSeNet

    return BiSeNet(num_class=19)


def _finds_nothing(head: Any) -> None:
    """Logits (background, face) of +5 and -5 for each prior, whatever is seen."""
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.tensor([5.0, -5.0]).repeat(len(head.bias) // 2))
