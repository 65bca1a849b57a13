"""Traces, hands: who draws a face anew, through which mask, and into what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import load_embedded
from forensics.models.nets.srvgg import build_srvgg
from forensics.restore.background import enlarge
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.mask import FaceMask, feathered
from forensics.restore.paste import PlacedFace, paste_faces
from training.traces.saved import enlarged_affine
from training.traces.scenes import Scene

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
SIDE = 512
UPSCALES = (1.0, 1.5, 2.0, 3.0, 4.0)
UPSCALE_SHARES = (0.35, 0.1, 0.38, 0.07, 0.1)
MASK_SHARES = (0.5, 0.3, 0.2)  # the oval, the head with its hair, the template's square
KERNELS = (cv2.INTER_LANCZOS4, cv2.INTER_CUBIC, cv2.INTER_LINEAR)
MOST_X4_PX = 60_000  # of footage that Real-ESRGAN enlarges: more takes too long


class Redrawn(NamedTuple):
    """A frame with its face drawn anew; ``affine`` takes its px to the template."""

    kind: str
    rgb_u8: U8
    affine: F64


class Hands:
    """Restorers that can be run here, and imitations of strong ones."""

    def __init__(self, data: Path) -> None:
        self._embedded = EmbeddedRestorer(load_embedded("restorer"), torch.device("cpu"))
        path = data / "models" / "realesrgan" / "realesr-general-x4v3_from_ncnn_fp16.pth"
        raw = torch.load(path, map_location="cpu", weights_only=True)
        self._x4v3 = build_srvgg(raw.get("params", raw)).eval()

    def test(self, scene: Scene) -> Iterator[Redrawn]:
        """The test's kinds: four hands, at the frame's size and in the frame enlarged twice."""
        strong = _strong(scene)
        drawn: list[tuple[str, U8, FaceMask | None]] = [
            ("embedded", self._by_embedded(scene), None),
            ("x4v3", self._enlarged(scene.aligned.native_rgb_u8), None),
            ("strong", strong, None),
            ("strong, with hair", strong, head()),
        ]
        for hand, face, mask in drawn:
            for by in (1, 2):
                large = enlarge(scene.source, by)
                yield _pasted(f"{hand}, {by}x", scene, large, by, face, mask)

    def train(self, scene: Scene, rng: np.random.Generator) -> Iterator[Redrawn]:
        """The training's: other strengths, masks, enlargements and backgrounds each time."""
        faces = [("strong", varied(scene, rng)), ("strong", varied(scene, rng))]
        faces.append(("painted", self._painted(scene, rng)))
        embedded = self._by_embedded(scene)
        if rng.random() < 0.5:
            embedded = sharpened(embedded, float(rng.uniform(2, 5)), float(rng.uniform(0.3, 1.5)))
        faces.append(("embedded", embedded))
        if rng.random() < 0.4 and scene.aligned.native_rgb_u8.shape[0] ** 2 < MOST_X4_PX:
            faces.append(("x4v3", self._enlarged(scene.aligned.native_rgb_u8)))
        pixels = scene.source.shape[0] * scene.source.shape[1]
        behind = self._x4(scene.source) if pixels < MOST_X4_PX and rng.random() < 0.3 else None
        for hand, face in faces:
            mask = (None, head(), square())[int(rng.choice(3, p=MASK_SHARES))]
            by = float(rng.choice(UPSCALES, p=UPSCALE_SHARES))
            if behind is not None and by > 1 and rng.random() < 0.6:
                how = cv2.INTER_AREA if by < 4 else cv2.INTER_CUBIC
                yield _pasted(hand, scene, _sized(behind, scene.source, by, how), by, face, mask)
            else:
                how = int(rng.choice(KERNELS))
                yield _pasted(
                    hand, scene, _sized(scene.source, scene.source, by, how), by, face, mask
                )

    def _by_embedded(self, scene: Scene) -> U8:
        drawn = self._embedded.restore([scene.aligned.crop_rgb_u8])[0]
        if not isinstance(drawn, np.ndarray):
            raise ValueError(f"{scene.photo.file}: the embedded restorer gave no face")
        return drawn

    def _painted(self, scene: Scene, rng: np.random.Generator) -> U8:
        """The portrait, shrunk and drawn large by Real-ESRGAN: smooth areas, hard edges."""
        side = int(rng.integers(112, 193))
        small = cv2.resize(_plain(scene), (side, side), interpolation=cv2.INTER_AREA)
        drawn = self._enlarged(np.asarray(small, np.uint8))
        return sharpened(drawn, 1.5, float(rng.uniform(0, 0.8)))

    def _enlarged(self, native_rgb_u8: U8) -> U8:
        """Real-ESRGAN general x4v3 on the face alone, on the template."""
        picture = self._x4(native_rgb_u8)
        how = cv2.INTER_CUBIC if picture.shape[0] < SIDE else cv2.INTER_AREA
        return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=how), np.uint8)

    def _x4(self, rgb_u8: U8) -> U8:
        given = torch.from_numpy(rgb_u8.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            out = self._x4v3(given)[0].permute(1, 2, 0).numpy()
        return np.clip(np.rint(out * 255), 0, 255).astype(np.uint8)


def _pasted(
    kind: str, scene: Scene, large: U8, by: float, face: U8, mask: FaceMask | None
) -> Redrawn:
    affine = scene.aligned.affine
    size = (large.shape[1] / by, large.shape[0] / by)
    frame = paste_faces(large, [PlacedFace(face, affine, 0, mask)], size)
    return Redrawn(kind, frame, enlarged_affine(affine, by))


def _sized(given: U8, like: U8, by: float, how: int) -> U8:
    size = (round(like.shape[1] * by), round(like.shape[0] * by))
    if given.shape[1::-1] == size:
        return given
    return np.asarray(cv2.resize(given, size, interpolation=how), np.uint8)


def _scale(scene: Scene) -> float:
    """Template px for one px of the portrait."""
    return float(np.sqrt(abs(np.linalg.det(scene.to_template[:, :2]))))


def _plain(scene: Scene) -> U8:
    """The portrait itself on the template."""
    scale = _scale(scene)
    rgb = scene.portrait_rgb_u8
    given = rgb if scale >= 1 else cv2.GaussianBlur(rgb, (0, 0), 0.4 / scale)
    crop = cv2.warpAffine(
        given, scene.to_template, (SIDE, SIDE),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    return np.asarray(crop, np.uint8)


def _strong(scene: Scene) -> U8:
    """A sharp face with smooth skin, as strong restorers leave it: the portrait itself."""
    scale = _scale(scene)
    smooth = cv2.bilateralFilter(_plain(scene), 7, 18, 5).astype(np.float32)
    if scale > 1:
        smooth = 2 * smooth - cv2.GaussianBlur(smooth, (0, 0), 0.8 * scale)
    return np.clip(np.rint(smooth), 0, 255).astype(np.uint8)


def varied(scene: Scene, rng: np.random.Generator) -> U8:
    """`_strong` with strengths of its own: smoothing, sharpening, contrast, grain, shifts."""
    scale = _scale(scene)
    out = _plain(scene)
    if rng.random() < 0.85:
        out = cv2.bilateralFilter(out, 7, float(rng.uniform(6, 35)), float(rng.uniform(2, 6)))
    amount = float(rng.uniform(0, 1.2)) + (0.6 if scale > 1 else 0.0)
    smooth = sharpened(np.asarray(out, np.uint8), max(1.0, 0.8 * scale), amount).astype(np.float32)
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(
            rng.normal(0, 1, (SIDE, SIDE, 1)).astype(np.float32), (0, 0), float(rng.uniform(0.6, 2))
        )
        smooth += (grain / grain.std() * float(rng.uniform(0.5, 4)))[..., None]
    smooth = (smooth - 128) * float(rng.uniform(0.94, 1.08)) + 128 + rng.normal(0, 2.5, 3)
    wave = cv2.resize(rng.normal(0, 2.5, (6, 6, 2)).astype(np.float32), (SIDE, SIDE))
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    moved = cv2.remap(
        smooth.astype(np.float32), x + wave[..., 0], y + wave[..., 1], cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def sharpened(rgb_u8: U8, sigma_px: float, amount: float) -> U8:
    """Unsharp mask."""
    given = rgb_u8.astype(np.float32)
    out = given + amount * (given - cv2.GaussianBlur(given, (0, 0), sigma_px))
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def head() -> FaceMask:
    """About what a parsing network marks: face and hair, up to the rim of the template."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inside = (((x - 256) / 225) ** 2 + ((y - 270) / 275) ** 2 < 1) & (y < 500)
    return feathered(inside, "parsenet")


def square() -> FaceMask:
    """The template's square with a soft rim, as restorers paste that parse nothing."""
    inside = np.zeros((SIDE, SIDE), np.bool_)
    inside[24:-24, 24:-24] = True
    return feathered(inside, "parsenet")
