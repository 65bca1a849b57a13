"""Traces, samples: footage of faces, untouched or drawn anew, kept in one file a group."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.faces.align import align_face
from forensics.restore.background import enlarge
from forensics.restore.paste import PlacedFace, paste_faces
from forensics.scoring.measure import TEMPLATE_INTEROCULAR_PX
from forensics.scoring.traces import cut
from training.portraits import LISTS, detect, yunet
from training.traces import untouched
from training.traces.hands import Hands, Redrawn
from training.traces.saved import drawn_post, enlarged_affine, save, wide_post
from training.traces.scenes import Scene, Studio, photos

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
REAL_SIZES_PX = (25.0, 40.0, 63.0)
REAL_POSTS = ("png", "qp20", "qp28")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """The part of a frame that the measure looks at; ``affine`` takes its px to the template."""

    person: str
    kind: str
    restored: bool
    post: str
    size_px: float
    family: str
    rgb_u8: U8
    affine: F64


def film(
    data: Path, groups: tuple[str, ...], seed: int, scenes: int, share: tuple[int, int] = (0, 1)
) -> Iterator[Sample]:
    """The training's samples of people of the groups; ``share`` (k, n): only every n-th person."""
    studio, hands = Studio(data), Hands(data)
    for number, photo in enumerate(photos(data, groups, seed, small=True)):
        if number % share[1] != share[0]:
            continue
        rng = np.random.default_rng([seed, number])
        for scene in studio.film_widely(photo, scenes, rng):
            for kept in untouched.train(scene, rng):
                yield sample(scene, kept, False, wide_post(rng))
            for drawn in hands.train(scene, rng):
                yield sample(scene, drawn, True, wide_post(rng))
        if number // share[1] % 10 == 0:
            log.info("person %d of share %d", number, share[0])


def film_test(data: Path, groups: tuple[str, ...], seed: int) -> Iterator[Sample]:
    """The test's samples: stated sizes, hands and ways of saving."""
    studio, hands = Studio(data), Hands(data)
    for number, photo in enumerate(photos(data, groups, seed)):
        rng = np.random.default_rng([seed, number])
        for scene in studio.film(photo, rng):
            for kept in untouched.test(scene, rng):
                yield sample(scene, kept, False, drawn_post(rng))
            for drawn in hands.test(scene):
                yield sample(scene, drawn, True, drawn_post(rng))


def recorded(data: Path, seed: int, every: int = 12) -> Iterator[Sample]:
    """Untouched faces of the clips that may be trained on, saved again in many ways."""
    net, rng = yunet(data), np.random.default_rng(seed)
    names = (LISTS / "clips_train.txt").read_text("utf-8").splitlines()
    for name in (n for n in names if n and not n.startswith("#")):
        clip = cv2.VideoCapture(str(data / "clips" / "intel" / "asl_gestures" / name))
        number = 0
        while True:
            more, bgr = clip.read()
            if not more:
                break
            number += 1
            found = detect(net, bgr) if number % every == 0 else ()
            for box in found:
                points = box[4:14].reshape(5, 2).astype(np.float64)
                rgb = np.ascontiguousarray(bgr[..., ::-1])
                affine = align_face(rgb, points).affine
                size = float(np.linalg.norm(points[1] - points[0]))
                for k in range(3):
                    post = "png" if k == 0 else wide_post(rng)
                    saved, placed = save(rgb, affine, post)
                    part, inside = cut(saved, placed)
                    yield Sample(name, "recorded", False, post, size, "clip", part, inside)


def sample(scene: Scene, given: Redrawn, restored: bool, post: str) -> Sample:
    """One sample, saved in one way and cut."""
    part, affine = cut(*save(given.rgb_u8, given.affine, post))
    return Sample(
        scene.photo.person, given.kind, restored, post, scene.size_px, scene.known.family,
        part, affine,
    )  # fmt: skip


def keep(path: Path, found: Iterator[Sample]) -> None:
    """Write samples: ``path`` holds the pixels one after another, ``.json`` beside it the rest."""
    rows = []
    partial = path.with_suffix(".partial")
    with partial.open("wb") as handle:
        for one in found:
            handle.write(np.ascontiguousarray(one.rgb_u8).tobytes())
            row = {k: getattr(one, k) for k in Sample.__dataclass_fields__ if k != "rgb_u8"}
            rows.append(row | {"affine": one.affine.tolist(), "shape": one.rgb_u8.shape})
    path.with_suffix(".json").write_text(json.dumps(rows), "utf-8")
    partial.replace(path)


def kept(path: Path) -> list[Sample]:
    """Samples that `keep` wrote."""
    rows = json.loads(path.with_suffix(".json").read_text("utf-8"))
    pixels, at, found = np.fromfile(path, np.uint8), 0, []
    for row in rows:
        shape = tuple(row.pop("shape"))
        count = int(np.prod(shape))
        row["affine"] = np.array(row["affine"], np.float64)
        found.append(Sample(rgb_u8=pixels[at : at + count].reshape(shape), **row))
        at += count
    return found


def real(data: Path) -> Iterator[Sample]:
    """Crops and what the official GFPGAN made of them, pasted through the oval at stated sizes.

    The crop is all there is of the surroundings, so it stands in for the frame.
    """
    for folder in sorted((data / "real_restorations").iterdir()):
        for path in sorted((folder / "input").glob("*.png")):
            crop, drawn = (
                np.ascontiguousarray(cv2.imread(str(p))[..., ::-1])
                for p in (path, folder / "restored" / path.name)
            )
            name = f"{folder.name}/{path.name}"
            for size in REAL_SIZES_PX:
                k = size / TEMPLATE_INTEROCULAR_PX
                side = round(crop.shape[0] * k)
                k = side / crop.shape[0]
                frame = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
                frame = np.asarray(frame, np.uint8)
                affine = np.array([[1 / k, 0, 0.5 / k - 0.5], [0, 1 / k, 0.5 / k - 0.5]])
                made = [Redrawn("GFPGAN, untouched", frame, affine)]
                for by in (1, 2):
                    face = [PlacedFace(drawn, affine, 0)]
                    pasted = paste_faces(enlarge(frame, by), face, (side, side))
                    placed = enlarged_affine(affine, by)
                    made.append(Redrawn(f"GFPGAN, {by}x", pasted, placed))
                for one in made:
                    for post in REAL_POSTS:
                        part, inside = cut(*save(one.rgb_u8, one.affine, post))
                        restored = one is not made[0]
                        yield Sample(name, one.kind, restored, post, size, "real", part, inside)
