"""Traces, scenes: portraits filmed small with what surrounds them, and restored by several hands.

A scene is the whole photograph at a stated eye distance, degraded and coded; a sample is that scene
as footage, untouched or with its face drawn before, saved or coded once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.calibration.coding import add_noise, h264_pass, jpeg_pass
from forensics.calibration.filmed import LANDMARK_ERROR, Known, code
from forensics.faces.align import Aligned, align_face
from forensics.models.load import load_embedded
from forensics.models.nets.srvgg import build_srvgg
from forensics.restore.background import enlarge
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.mask import FaceMask, feathered
from forensics.restore.paste import PlacedFace, paste_faces
from training.portraits import LARGE_SETS, Photo, detect, read_index, yunet

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
SIZES_PX = (17, 24, 40, 64)
FAMILIES = ("clean", "jpeg", "h264", "h264_blur", "blur", "jpeg_blur", "double")
POSTS = ("png", "qp20", "qp28", "jpeg85", "half", "0.7x")
POST_SHARES = (0.25, 0.2, 0.2, 0.15, 0.08, 0.12)
CLEAN = ("clean", "enlarged", "sharpened", "defocused", "pristine", "pristine defocused")
HANDS = ("embedded", "x4v3", "strong", "strong, with hair")


@dataclass(frozen=True)
class Scene:
    """One filmed portrait: ``frame`` without degradation, ``source`` as footage."""

    photo: Photo
    size_px: float
    known: Known
    frame: U8
    source: U8
    points_px: F64  # as a detector would see them
    strong: U8  # what a strong restorer would draw, on the template
    aligned: Aligned


@dataclass(frozen=True)
class Sample:
    """Footage of a face; ``affine`` takes its px to the template."""

    kind: str
    restored: bool
    post: str
    rgb_u8: U8
    affine: F64


def photos(data: Path, groups: tuple[str, ...], seed: int) -> list[Photo]:
    """One large photograph of each person of the groups, in a seeded order."""
    index = read_index(data)
    seen: dict[str, Photo] = {}
    for k in np.random.default_rng(seed).permutation(len(index)):
        photo = index[k]
        large = photo.set in LARGE_SETS and photo.set != "london_smiling"
        if photo.group in groups and large:
            seen.setdefault(photo.person, photo)
    return list(seen.values())


class Studio:
    """Films and restores; holds the detector and the networks."""

    def __init__(self, data: Path) -> None:
        self._data, self._net = data, yunet(data)
        self._embedded = EmbeddedRestorer(load_embedded("restorer"), torch.device("cpu"))
        path = data / "models" / "realesrgan" / "realesr-general-x4v3_from_ncnn_fp16.pth"
        raw = torch.load(path, map_location="cpu", weights_only=True)
        self._x4v3 = build_srvgg(raw.get("params", raw)).eval()

    def film(self, photo: Photo, rng: np.random.Generator) -> list[Scene]:
        """Up to two scenes of a photograph, at other eye distances and qualities."""
        bgr = cv2.imread(str(photo.path(self._data)))
        boxes = detect(self._net, bgr)
        if len(boxes) == 0:
            return []
        best = boxes[int((boxes[:, 2] * boxes[:, 3]).argmax())]
        points = best[4:14].reshape(5, 2).astype(np.float64)
        eyes_px = float(np.linalg.norm(points[1] - points[0]))
        sizes = [size for size in SIZES_PX if size <= 0.95 * eyes_px]
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        picked = rng.choice(sizes, min(2, len(sizes)), replace=False) if sizes else []
        return [_scene(photo, rgb, points, float(size), eyes_px, rng) for size in picked]

    def samples(self, scene: Scene, rng: np.random.Generator) -> Iterator[Sample]:
        """Every kind of footage of one scene, each saved in one way."""
        affine = scene.aligned.affine
        for kind, rgb, matrix in _untouched(scene, rng):
            yield _saved(kind, False, rgb, matrix, rng)
        big, size = enlarge(scene.source, 2), (scene.source.shape[1], scene.source.shape[0])
        for hand, drawn, mask in self._drawn(scene):
            placed = [PlacedFace(drawn, affine, 0, mask)]
            once = paste_faces(scene.source, placed, size)
            twice = paste_faces(big, placed, size)
            yield _saved(f"{hand}, 1x", True, once, affine, rng)
            yield _saved(f"{hand}, 2x", True, twice, enlarged_affine(affine, 2), rng)

    def _drawn(self, scene: Scene) -> list[tuple[str, U8, FaceMask | None]]:
        embedded = self._embedded.restore([scene.aligned.crop_rgb_u8])[0]
        if not isinstance(embedded, np.ndarray):
            raise ValueError(f"{scene.photo.file}: the embedded restorer gave no face")
        return [
            ("embedded", embedded, None),
            ("x4v3", self._enlarged(scene.aligned.native_rgb_u8), None),
            ("strong", scene.strong, None),
            ("strong, with hair", scene.strong, _head()),
        ]

    def _enlarged(self, native_rgb_u8: U8) -> U8:
        """Real-ESRGAN general x4v3 on the face alone, on the template."""
        given = torch.from_numpy(native_rgb_u8.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            out = self._x4v3(given)[0].permute(1, 2, 0).numpy()
        picture = np.clip(np.rint(out * 255), 0, 255).astype(np.uint8)
        how = cv2.INTER_CUBIC if picture.shape[0] < 512 else cv2.INTER_AREA
        return np.asarray(cv2.resize(picture, (512, 512), interpolation=how), np.uint8)


def enlarged_affine(affine: F64, by: float) -> F64:
    """The affine of the same face in the frame enlarged (or shrunk) ``by``."""
    out = affine.copy()
    out[:, 2] += affine[:, :2] @ np.full(2, 0.5 / by - 0.5)
    out[:, :2] /= by
    return out


def _scene(
    photo: Photo, rgb: U8, points: F64, size: float, eyes_px: float, rng: np.random.Generator
) -> Scene:
    size *= float(rng.uniform(0.97, 1.05))
    k = size / eyes_px
    width, height = round(rgb.shape[1] * k), round(rgb.shape[0] * k)
    kx, ky = width / rgb.shape[1], height / rgb.shape[0]
    frame = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    family = str(rng.choice(FAMILIES))
    known = Known(
        0, 0, family, size,
        float(rng.uniform(0.7, 2.0)) if "blur" in family else float(rng.uniform(0, 0.6)),
        0.0, float(rng.uniform(0.5, 4)),
        int(rng.integers(40, 95)) if "jpeg" in family else None,
        int(rng.integers(22, 40)) if family in ("h264", "h264_blur", "double") else None,
        int(rng.integers(2**31)),
    )  # fmt: skip
    source = code(frame, known, np.random.default_rng(known.seed))
    placed = (points + 0.5) * [kx, ky] - 0.5
    seen = placed + rng.normal(0, LANDMARK_ERROR * size, placed.shape)
    aligned = align_face(source, seen)
    shrunk = np.array([[kx, 0, 0.5 * kx - 0.5], [0, ky, 0.5 * ky - 0.5], [0, 0, 1]])
    strong = _strong(rgb, aligned.affine @ shrunk)
    return Scene(photo, size, known, frame, source, placed, strong, aligned)


def _strong(rgb: U8, affine: F64) -> U8:
    """A sharp face with smooth skin, as strong restorers leave it: the portrait itself."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    given = rgb if scale >= 1 else cv2.GaussianBlur(rgb, (0, 0), 0.4 / scale)
    crop = cv2.warpAffine(
        given, affine, (512, 512), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    smooth = cv2.bilateralFilter(crop, 7, 18, 5).astype(np.float32)
    if scale > 1:
        smooth = 2 * smooth - cv2.GaussianBlur(smooth, (0, 0), 0.8 * scale)
    return np.clip(np.rint(smooth), 0, 255).astype(np.uint8)


def _head() -> FaceMask:
    """About what a parsing network marks: face and hair, up to the rim of the template."""
    y, x = np.mgrid[0:512, 0:512]
    inside = (((x - 256) / 225) ** 2 + ((y - 270) / 275) ** 2 < 1) & (y < 500)
    return feathered(inside, "parsenet")


def _untouched(scene: Scene, rng: np.random.Generator) -> Iterator[tuple[str, U8, F64]]:
    affine, source = scene.aligned.affine, scene.source
    yield "clean", source, affine
    yield "enlarged", enlarge(source, 2), enlarged_affine(affine, 2)
    soft = cv2.GaussianBlur(source, (0, 0), 1.2)
    sharp = np.clip(1.8 * source.astype(float) - 0.8 * soft, 0, 255).astype(np.uint8)
    yield "sharpened", sharp, affine
    behind = defocused(scene.frame, scene.points_px)
    yield "defocused", code(behind, scene.known, np.random.default_rng(scene.known.seed)), affine
    noise = float(rng.uniform(0, 2))
    yield "pristine", add_noise(scene.frame, noise, False, rng), affine
    yield "pristine defocused", add_noise(behind, noise, False, rng), affine


def defocused(frame: U8, points_px: F64) -> U8:
    """The person in focus before a background out of focus."""
    eyes = float(np.linalg.norm(points_px[1] - points_px[0]))
    middle = points_px[:2].mean(0)
    y, x = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]].astype(np.float32)
    across, down = (x - middle[0]) / eyes, (y - middle[1]) / eyes
    head = (across / 1.55) ** 2 + ((down - 0.5) / 2.1) ** 2 < 1
    body = (down > 2.2) & (np.abs(across) < 1.0 + 2 * (down - 2.2))
    near = cv2.GaussianBlur((head | body).astype(np.float32), (0, 0), 0.06 * eyes)[..., None]
    far = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), 0.12 * eyes)
    return np.clip(np.rint(frame * near + far * (1 - near)), 0, 255).astype(np.uint8)


def _saved(kind: str, restored: bool, rgb: U8, affine: F64, rng: np.random.Generator) -> Sample:
    post = str(rng.choice(POSTS, p=POST_SHARES))
    rgb, affine = save(rgb, affine, post)
    return Sample(kind, restored, post, rgb, affine)


def save(rgb: U8, affine: F64, post: str) -> tuple[U8, F64]:
    """The picture as ``post`` leaves it: one of `POSTS`."""
    if post == "png":
        return rgb, affine
    if post == "jpeg85":
        return jpeg_pass(rgb, 85), affine
    if post.startswith("qp"):
        return h264_pass([rgb, rgb], int(post[2:]))[-1], affine
    k = 0.5 if post == "half" else 0.7
    small = cv2.resize(rgb, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    return h264_pass([np.asarray(small, np.uint8)], 20)[-1], enlarged_affine(affine, k)
