"""The bank of turned heads and the objects that are no faces: sprites for the painter.

Every sprite depends on (seed, photo, number) alone, so the bank is the same however it is made.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.detector import heads
from training.detector.scenes import Portrait

BEHIND_DEG = 140.0  # turned further than this, a head shows no face
PROFILE_DEG = 85.0
WORKERS = 2


@dataclass(frozen=True)
class Bank:
    """``faces``: turned heads with labels; ``behind``: heads from behind (H, W, 4), no faces;
    ``hands``: RGBA (H, W, 4) of training clips; ``yaws_deg`` of the faces.
    """

    faces: list[Portrait]
    behind: list[np.ndarray]
    hands: list[np.ndarray]
    yaws_deg: np.ndarray


def angles(draw: np.random.Generator, own_yaw_deg: float) -> tuple[float, float, float]:
    """Yaw (to add), pitch and roll of a sprite: an eighth from behind, a sixth rather nodding."""
    side = 1.0 if draw.random() < 0.5 else -1.0
    kind = draw.random()
    pitch, roll = draw.normal(0, 9), draw.normal(0, 6)
    if kind < 0.125:
        return side * draw.uniform(BEHIND_DEG, 180), float(pitch), float(roll)
    if kind < 0.29:
        yaw, pitch = draw.uniform(0, 25), draw.uniform(-28, 28)
    else:
        yaw = draw.uniform(25, PROFILE_DEG)
    return float(side * yaw - own_yaw_deg), float(pitch), float(roll)


def build_bank(data: Path, packs: Path, rows: list[dict], seed: int, each: int) -> Bank:
    """``each`` sprites of every train portrait that has a mesh, and the hands.

    ``rows``: the train pack's, with ``points_px``.
    """
    with np.load(packs / "meshes_train.npz") as found:
        usable = np.flatnonzero(found["found"]).tolist()
        jobs = [
            (data, rows[k], found_mesh, found_person, seed, k, each)
            for k, found_mesh, found_person in zip(
                usable, found["mesh"][usable], found["person"][usable], strict=True
            )
        ]
    faces, behind, yaws = [], [], []
    with ProcessPoolExecutor(WORKERS) as pool:
        for sprites in pool.map(_sprites, jobs, chunksize=8):
            for sprite, yaw in sprites:
                if abs(yaw) < BEHIND_DEG - 30:
                    faces.append(sprite)
                    yaws.append(yaw)
                else:
                    behind.append(sprite.rgba)
    with np.load(packs / "hands_train.npz") as found:
        hands = list(np.concatenate((found["rgb"], found["alpha"][..., None]), axis=3))
    return Bank(faces, behind, hands, np.array(yaws))


def read_head(
    data: Path, row: dict, mesh: np.ndarray, person: np.ndarray, points: str = "landmarks_px"
) -> heads.Head:
    """The head of a portrait: ``row`` of its pack, mesh and mask of ``mesh_teacher``.

    ``points``: which five points of the row are its labels.
    """
    bgr = cv2.imread(str(data / "portraits" / row["set"] / row["file"]), cv2.IMREAD_COLOR)
    x, y, w, h = row["box_px"]
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    corners, five = np.array([x, y, x + w, y + h]), np.array(row[points])
    return heads.build(rgb, mesh, person, corners, five)


def _sprites(
    job: tuple[Path, dict, np.ndarray, np.ndarray, int, int, int],
) -> list[tuple[Portrait, float]]:
    data, row, mesh, person, seed, index, each = job
    cv2.setNumThreads(1)
    head = read_head(data, row, mesh, person, "points_px")
    found = []
    for number in range(each):
        draw = np.random.default_rng((seed, 77, index, number))
        yaw, pitch, roll = angles(draw, head.yaw_deg)
        light = draw.normal(0, 0.12, 3)
        turned = heads.render(head, yaw, pitch, roll, far=draw.uniform(3.5, 12), light=light)
        found.append((_cropped(row["person"], turned, head.width), turned.yaw_deg))
    return found


def _cropped(person: str, turned: heads.Turned, width: float) -> Portrait:
    """Head and shoulders of a rendering, as something to paste."""
    cx = (turned.box_px[0] + turned.box_px[2]) / 2
    high, wide = turned.rgba.shape[:2]
    x0, x1 = max(0, int(cx - 1.5 * width)), min(wide, int(cx + 1.5 * width))
    y0 = max(0, int(turned.box_px[1] - 0.8 * width))
    y1 = min(high, int(turned.box_px[3] + 0.9 * width))
    shift = np.array([x0, y0], np.float64)
    return Portrait(
        person,
        b"",
        turned.box_px - np.tile(shift, 2),
        turned.points_px - shift,
        rgba=np.ascontiguousarray(turned.rgba[y0:y1, x0:x1]),
        eyes_px=turned.eyes_px,
    )


def stick(
    draw: np.random.Generator, canvas: np.ndarray, rgba: np.ndarray, at: np.ndarray, size_px: float
) -> np.ndarray:
    """Paste an object of about ``size_px`` at ``at``, turned and toned; its cover (H, W) bool."""
    scale = size_px / max(rgba.shape[:2])
    angle = draw.uniform(-180, 180) if rgba.shape[0] == rgba.shape[1] else draw.normal(0, 10)
    if scale < 0.6:
        rgba = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        scale = 1.0
    matrix = cv2.getRotationMatrix2D((0, 0), float(angle), scale)
    if draw.random() < 0.5:
        matrix[:, 0] *= -1
    matrix[:, 2] = at - matrix[:, :2] @ (np.array(rgba.shape[1::-1]) / 2)
    layer = cv2.warpAffine(rgba, matrix, canvas.shape[1::-1], flags=cv2.INTER_LINEAR)
    gain = np.exp(draw.uniform(np.log(0.35), np.log(1.3))) * draw.uniform(0.85, 1.15, 3)
    alpha = layer[..., 3:].astype(np.float32) / 255
    colour = np.clip(layer[..., :3] * gain, 0, 255)
    canvas[:] = (canvas * (1 - alpha) + colour * alpha + 0.5).astype(np.uint8)
    return layer[..., 3] > 127


def lights(draw: np.random.Generator, canvas: np.ndarray) -> None:
    """A dark hall with flames and lamps out of focus, in place; none of them is a face."""
    size = canvas.shape[0]
    dark = canvas.astype(np.float32) * np.float32(np.exp(draw.uniform(np.log(0.1), np.log(0.6))))
    glow = np.zeros_like(dark)
    for _ in range(int(draw.integers(1, 9))):
        radius = float(np.exp(draw.uniform(np.log(2), np.log(size / 14))))
        at = tuple(int(v) for v in draw.uniform(0, size, 2))
        warm = np.array((255, draw.uniform(150, 245), draw.uniform(70, 220)))
        spot = np.zeros((size, size), np.float32)
        axes = (max(1, int(radius)), max(1, int(radius * draw.uniform(0.9, 2.6))))
        cv2.ellipse(spot, at, axes, float(draw.normal(0, 8)), 0, 360, 1.0, -1, cv2.LINE_AA)
        soft = cv2.GaussianBlur(spot, (0, 0), max(0.5, radius * draw.uniform(0.1, 0.7)))
        halo = cv2.GaussianBlur(spot, (0, 0), radius * draw.uniform(2, 5))
        strength = draw.uniform(0.4, 1.3)
        glow += (soft * strength + halo * draw.uniform(0, 1.5))[..., None] * warm
    canvas[:] = np.clip(dark + glow, 0, 255).astype(np.uint8)
