"""Reference, build: the official `GFPGANer` and `RealESRGANer` from verified weights alone."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any, Literal

import torch

from forensics.errors import UsageError
from forensics.models.load import LoadedModel
from forensics.reference.files import DETECTOR_FILE, PARSER_FILE, weight_files
from forensics.reference.packages import OfficialClasses

# inference_gfpgan.py:67-77: tile 400, tile_pad 10, pre_pad 0.
TILE_PX, TILE_PAD_PX, PRE_PAD_PX = 400, 10, 0
RESTORER_FILE, BACKGROUND_FILE = "restorer.pth", "background.pth"
BACKGROUNDS = ("realesrgan-x2plus", "realesrgan-x4plus", "realesr-general-x4v3")
Arch = Literal["clean", "RestoreFormer"]


@dataclass(frozen=True)
class ReferenceModels:
    """The verified weights of a run: GFPGAN or RestoreFormer, RetinaFace R50, ParseNet, and
    Real-ESRGAN when the background asks for it."""

    restorer: LoadedModel
    detector: LoadedModel
    parser: LoadedModel
    background: LoadedModel | None = None


def build_gfpganer(
    official: OfficialClasses, models: ReferenceModels, upscale: float, device: torch.device
) -> Any:
    """`GFPGANer` with its `FaceRestoreHelper`, without background.

    Raises `UsageError` (2) when a set of weights is not that of the network it is meant for.
    """
    states: dict[str, dict[str, object]] = {
        RESTORER_FILE: {"params_ema": models.restorer.state},
        DETECTOR_FILE: dict(models.detector.state),
        PARSER_FILE: dict(models.parser.state),
    }
    with weight_files(states) as paths:
        try:
            return official.gfpganer(
                model_path=str(paths[RESTORER_FILE]),
                upscale=upscale,
                arch=arch_of(models.restorer),
                channel_multiplier=2,
                bg_upsampler=None,
                device=device,
            )
        except (RuntimeError, KeyError, pickle.UnpicklingError) as error:
            raise _misfit("GFPGAN, RetinaFace R50 or ParseNet", error) from error


def build_upsampler(
    official: OfficialClasses,
    model: LoadedModel,
    name: str,
    device: torch.device,
    tile_px: int = TILE_PX,
) -> Any:
    """`RealESRGANer` as inference_gfpgan.py builds it: fp16 on a GPU, fp32 on a CPU.

    Raises `UsageError` (2) for an unknown name or weights of another network.
    """
    if name == "realesr-general-x4v3":
        scale, net = 4, official.srvgg(3, 3, num_feat=64, num_conv=32, upscale=4, act_type="prelu")
    elif name in BACKGROUNDS:
        scale = 2 if name == "realesrgan-x2plus" else 4
        net = official.rrdbnet(3, 3, num_feat=64, num_block=23, num_grow_ch=32, scale=scale)
    else:
        raise UsageError(
            f"--background {name}: the reference engine has no such background",
            f"It takes lanczos, {', '.join(BACKGROUNDS)}.",
        )
    with weight_files({BACKGROUND_FILE: {"params_ema": model.state}}) as paths:
        try:
            return official.real_esrganer(
                scale=scale,
                model_path=str(paths[BACKGROUND_FILE]),
                model=net,
                tile=tile_px,
                tile_pad=TILE_PAD_PX,
                pre_pad=PRE_PAD_PX,
                half=device.type == "cuda",
                device=device,
            )
        except (RuntimeError, KeyError, pickle.UnpicklingError) as error:
            raise _misfit(name, error) from error


def arch_of(model: LoadedModel) -> Arch:
    """Which of upstream's two architectures the weights are of, by the names of the tensors.

    Upstream's own predictor keeps a wrong version in memory (cog_predict.py:117-123): the tensors
    decide, not a name.
    """
    return (
        "clean"
        if any(k.startswith("stylegan_decoder.") for k in model.state)
        else ("RestoreFormer")
    )


def _misfit(name: str, error: Exception) -> UsageError:
    first = str(error).splitlines()[0]
    return UsageError(
        f"the weights handed over are not those of {name}: {first}",
        "The reference engine runs official models alone; see 'forensics models list'.",
    )
