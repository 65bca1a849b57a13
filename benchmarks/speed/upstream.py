"""Upstream, unmodified: the loop of inference_gfpgan.py around the official classes.

``shipped`` runs them as they are.  ``one-line`` is what a user gets by a line or two: bf16 autocast
around each network and channels_last where the network takes it (GFPGAN's modulated weights are
5-D and do not).
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch

from benchmarks.speed.clip import Clip
from benchmarks.speed.weights import DETECTOR, GFPGAN, PARSENET, X2PLUS, Weights
from forensics.records import Detection
from forensics.reference.engine import rows_of
from forensics.reference.packages import official_classes

Settings = Literal["shipped", "one-line"]


@dataclass
class Upstream:
    """`GFPGANer` (and `RealESRGANer`) ready to run; ``stage_s`` adds up inside its own methods."""

    restorer: Any
    device: torch.device
    faces: tuple[Detection, ...] = ()
    stage_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(
        cls, weights: Weights, with_background: bool, settings: Settings, device: torch.device
    ) -> Upstream:
        """Build both through their own constructors, from files where upstream looks for them."""
        official = official_classes()
        upsampler = None
        if with_background:
            # inference_gfpgan.py:67-77; it leaves this out on a CPU, where half precision fails.
            upsampler = official.real_esrganer(
                scale=2,
                model_path=str(weights.file(X2PLUS)),
                model=official.rrdbnet(3, 3, num_feat=64, num_block=23, num_grow_ch=32, scale=2),
                tile=400,
                tile_pad=10,
                pre_pad=0,
                half=device.type == "cuda",
                device=device,
            )
        with _where_upstream_looks(weights):
            restorer = official.gfpganer(
                model_path=str(weights.file(GFPGAN)),
                upscale=2,
                arch="clean",
                channel_multiplier=2,
                bg_upsampler=upsampler,
                device=device,
            )
        made = cls(restorer, device)
        if settings == "one-line":
            made._one_line()
        made._watch()
        return made

    def run(self, clip: Clip, numbers: Sequence[int], out: Path) -> float:
        """Frames ``numbers`` (from 0) through upstream's loop; seconds for all of them."""
        self.faces = clip.faces
        self.stage_s.clear()
        _as_torch_starts()
        said = io.StringIO()
        start = time.perf_counter()
        with contextlib.redirect_stdout(said):
            for number in numbers:
                self._one(clip.pictures[number], out)
        seconds = time.perf_counter() - start
        if "Failed inference" in said.getvalue() or "Error" in said.getvalue():
            raise RuntimeError(f"upstream hid an error: {said.getvalue()[-300:]}")
        self.stage_s["rest"] = seconds - sum(self.stage_s.values())
        return seconds

    def _one(self, path: Path, out: Path) -> None:
        """What inference_gfpgan.py:120-168 does with one picture."""
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        crops, restored, whole = self.restorer.enhance(
            picture, has_aligned=False, only_center_face=False, paste_back=True, weight=0.5
        )
        if len(crops) != len(self.faces):
            raise RuntimeError(f"upstream used {len(crops)} of {len(self.faces)} faces")
        for k, (crop, face) in enumerate(zip(crops, restored, strict=True)):
            name = f"{path.stem}_{k:02d}.png"
            for folder, image in (
                ("cropped_faces", crop),
                ("restored_faces", face),
                ("cmp", np.concatenate((crop, face), axis=1)),
            ):
                _write(out / folder / name, image)
        _write(out / "restored_imgs" / path.name, whole)

    def _watch(self) -> None:
        """Time the parts; replace what the detector found, after it has run."""
        helper = self.restorer.face_helper
        detect = self._timed("detect", helper.face_det.detect_faces)

        def detect_and_replace(image: Any, threshold: float) -> Any:
            detect(image, threshold)
            return rows_of(self.faces)

        helper.face_det.detect_faces = detect_and_replace
        for name, network in (("restore", self.restorer.gfpgan), ("mask", helper.face_parse)):
            network.forward = self._timed(name, network.forward)
        if (upsampler := self.restorer.bg_upsampler) is not None:
            upsampler.enhance = self._timed("background", upsampler.enhance)

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            out = call(*args, **kwargs)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.stage_s[name] = self.stage_s.get(name, 0.0) + time.perf_counter() - start
            return out

        return timed

    def _one_line(self) -> None:
        helper, upsampler = self.restorer.face_helper, self.restorer.bg_upsampler
        helper.face_det.to(memory_format=torch.channels_last)
        helper.face_parse.to(memory_format=torch.channels_last)
        networks = [helper.face_det, helper.face_parse, self.restorer.gfpgan]
        if upsampler is not None:
            upsampler.model.to(memory_format=torch.channels_last)
            networks.append(upsampler.model)
        for network in networks:
            network.forward = _autocast(network.forward, self.device)


def _as_torch_starts() -> None:
    """torch's own defaults: what ours switched on for its turn would slow upstream down."""
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.allow_tf32 = True


def _autocast(forward: Callable[..., Any], device: torch.device) -> Callable[..., Any]:
    def cast(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast(device.type, torch.bfloat16):
            out = forward(*args, **kwargs)
        # numpy, where upstream takes the answer next, knows no bfloat16.
        if isinstance(out, torch.Tensor):
            return out.float()
        return tuple(v.float() if isinstance(v, torch.Tensor) else v for v in out)

    return cast


def _write(path: Path, picture: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


@contextlib.contextmanager
def _where_upstream_looks(weights: Weights) -> Iterator[None]:
    """The current folder, with facexlib's files in ``gfpgan/weights``, as upstream expects them."""
    before = Path.cwd()
    root = weights.folder / "cwd"
    places = root / "gfpgan/weights"
    places.mkdir(parents=True, exist_ok=True)
    for name in (DETECTOR, PARSENET):
        link = places / weights.file(name).name
        if not link.exists():
            link.symlink_to(weights.file(name).resolve())
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)
