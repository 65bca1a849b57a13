"""Made references: upstream's own classes around small networks, or at full size with seeded noise.

`shell` builds `GFPGANer` and `RealESRGANer` without their constructors, so that their methods run
as they are while a test chooses the networks; `full_size` goes through the constructors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import LoadedModel
from forensics.records import Detection
from forensics.reference.engine import ReferenceEngine, rows_of
from forensics.reference.frame import Noise, ReferenceFacts
from forensics.reference.packages import official_classes

SIZE = (128, 160)  # height, width
CPU = torch.device("cpu")


def face(x: float, y: float, eyes: float = 16.0, score: float = 0.99) -> Detection:
    """A level face whose eyes are ``eyes`` px apart around (x, y)."""
    half = eyes / 2
    points = ((-half, 0), (half, 0), (0, 0.6 * eyes), (-0.4 * eyes, eyes), (0.4 * eyes, eyes))
    a, b, c, d, e = ((x + u, y + v) for u, v in points)
    box = (x - eyes, y - eyes, x + eyes, y + 2 * eyes)
    return Detection(box, (a, b, c, d, e), score)


TWO_FACES = (face(40, 40), face(110, 60, score=0.98))


def picture(seed: int = 0, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A smooth made picture, RGB (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (size[0] // 8, size[1] // 8, 3), np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))


class Restorer(torch.nn.Module):
    """Brightens; raises on the calls a test names; adds noise as upstream does, unless told not."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.errors: dict[int, Exception] = {}
        self.answer_nan_at: int | None = None

    def forward(
        self,
        x: torch.Tensor,
        return_rgb: bool = True,
        randomize_noise: bool = True,
        weight: float = 0.5,
    ) -> tuple[torch.Tensor, None]:
        call, self.seen = self.seen, self.seen + 1
        if call in self.errors:
            raise self.errors[call]
        if call == self.answer_nan_at:
            return x * float("nan"), None
        noise = 0.3 * torch.randn_like(x) if randomize_noise else 0.0
        return x * 0.5 + 0.25 + noise, None


class Upsampler(torch.nn.Module):
    """Enlarges by two, nearest; raises on the calls a test names."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.errors: dict[int, Exception] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        call, self.seen = self.seen, self.seen + 1
        if call in self.errors:
            raise self.errors[call]
        return torch.nn.functional.interpolate(1 - x, scale_factor=2.0)


class Parser(torch.nn.Module):
    """Calls every pixel skin."""

    error: Exception | None = None

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        if self.error is not None:
            raise self.error
        out = torch.zeros((1, 19, 512, 512))
        out[:, 1] = 1
        return (out,)


class Detector:
    """Gives the rows of the faces it was made with."""

    def __init__(self, faces: tuple[Detection, ...]) -> None:
        self.faces, self.seen = faces, 0
        self.error: Exception | None = None

    def detect_faces(self, image: NDArray[np.uint8], conf_threshold: float) -> NDArray[np.float32]:
        assert conf_threshold == 0.97
        self.seen += 1
        if self.error is not None:
            raise self.error
        return rows_of(self.faces)


def shell(faces: tuple[Detection, ...] = TWO_FACES, tile_px: int | None = None) -> Any:
    """An official `GFPGANer` around the small networks; ``tile_px`` adds a `RealESRGANer`."""
    from facexlib.utils.face_restoration_helper import FaceRestoreHelper

    official = official_classes()
    restorer = official.gfpganer.__new__(official.gfpganer)
    restorer.upscale, restorer.device, restorer.bg_upsampler = 2, CPU, None
    restorer.gfpgan = Restorer()
    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.device = 2, (512, 512), CPU
    helper.template_3points = helper.pad_blur = False
    helper.use_parse, helper.face_det, helper.face_parse = True, Detector(faces), Parser()
    helper.face_template = np.array(
        [
            [192.98138, 239.94708],
            [318.90277, 240.1936],
            [256.63416, 314.01935],
            [201.26117, 371.41043],
            [313.08905, 371.15118],
        ]
    )
    helper.clean_all()
    restorer.face_helper = helper
    if tile_px is not None:
        up = official.real_esrganer.__new__(official.real_esrganer)
        up.scale, up.tile_size, up.tile_pad, up.pre_pad = 2, tile_px, 10, 0
        up.mod_scale, up.half, up.device, up.model = None, False, CPU, Upsampler()
        restorer.bg_upsampler = up
    return restorer


def engine(restorer: Any, noise: Noise = "stored") -> ReferenceEngine:
    """The engine around a shell."""
    background = "lanczos" if restorer.bg_upsampler is None else "realesrgan-x2plus"
    facts = ReferenceFacts(official_classes().versions, 2, background, 0, False, noise, "cpu")
    return ReferenceEngine(restorer, facts)


def model(role: str, network: torch.nn.Module) -> LoadedModel:
    """A network's tensors as a loaded model."""
    state = {k: v.detach().clone() for k, v in network.state_dict().items()}
    card = {"name": role, "version": "seeded", "licence": "none: random numbers"}
    return LoadedModel(role, state, "0" * 64, card)
