"""Do people keep their numbers? Made tracks of two portraits, and real clips with YuNet as
detector.

``python -m benchmarks.tracking made --packs DIR [--group val]`` moves two people's spoilt portraits
along made paths (crossing, absence, growing from 12 to 90 px and back) and counts clips in which
both keep one number.  ``python -m benchmarks.tracking clip FILE... --data DIR`` follows real faces.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from forensics.faces.align import TEMPLATE_512, TEMPLATE_INTEROCULAR_PX, align_face
from forensics.faces.embed import Embedder, decision_of
from forensics.faces.track import Tracker, Tracks
from forensics.faces.tracklets import Decision
from forensics.models.load import load_embedded
from forensics.models.nets.identity import FaceNet112, build_identity
from forensics.records import Detection
from training.appearance.faces import Faces, load, spoil, to_m11, window
from training.portraits import detect, yunet

FPS = 15.0


@dataclass(frozen=True)
class Spot:
    """Where one person is in one frame."""

    person: int
    x_px: float
    y_px: float
    eyes_px: float


def crossing(eyes: tuple[float, float]) -> list[list[Spot]]:
    """Sides change within 4 s; the first person is hidden for 0.3 s in the middle."""
    frames = []
    for k in range(60):
        share = k / 60
        spots = [Spot(1, 560 - 480 * share, 160, eyes[1])]
        if abs(share - 0.5) > 0.04:
            spots.append(Spot(0, 80 + 480 * share, 150, eyes[0]))
        frames.append(spots)
    return frames


def absence(eyes: tuple[float, float]) -> list[list[Spot]]:
    """The first person leaves to the left and returns 1.5 s later from the right."""
    frames = []
    for k in range(75):
        spots = [Spot(1, 320, 160, eyes[1])]
        if k < 25:
            spots.append(Spot(0, 100 - 3 * k, 150, eyes[0]))
        elif k > 48:
            spots.append(Spot(0, 600 - 3 * (k - 48), 150, eyes[0]))
        frames.append(spots)
    return frames


def growth(eyes: tuple[float, float]) -> list[list[Spot]]:
    """The first person grows from 12 to 90 px and back while crossing; misses every ninth frame."""
    frames = []
    for k in range(90):
        size = 12 * (90 / 12) ** float(np.sin(np.pi * k / 90) ** 2)
        spots = [Spot(1, 600 - 5 * k, 160, eyes[1])]
        if k % 9 != 4:
            spots.append(Spot(0, 100 + 5 * k, 170, size))
        frames.append(spots)
    return frames


SCENES = {"crossing": crossing, "absence": absence, "growth": growth}


def box_face(spot: Spot, rng: np.random.Generator) -> Detection:
    """A detection at ``spot`` that trembles as detectors do (4 % of the eye distance)."""
    points = (TEMPLATE_512 - 256) * (spot.eyes_px / TEMPLATE_INTEROCULAR_PX)
    points = points + np.array([spot.x_px, spot.y_px]) + rng.normal(0, 0.04 * spot.eyes_px, (5, 2))
    half = 1.1 * spot.eyes_px * np.exp(rng.normal(0, 0.05, 4))
    box = (spot.x_px - half[0], spot.y_px - half[1], spot.x_px + half[2], spot.y_px + half[3])
    a, b, c, d, e = ((float(u), float(v)) for u, v in points)
    x0, y0, x1, y1 = (float(v) for v in box)
    return Detection((x0, y0, x1, y1), (a, b, c, d, e), float(rng.uniform(0.6, 1.0)))


def look(
    net: FaceNet112, faces: list[np.ndarray], spots: list[Spot], rng: np.random.Generator
) -> np.ndarray:
    """Embeddings (N, 128) of the two portraits as the spots show them."""
    pictures = []
    for spot in spots:
        loose = 0.5 + 25 / spot.eyes_px
        matrix = cv2.getRotationMatrix2D((72, 72), rng.normal(0, loose), 1 + rng.normal(0, 0.02))
        matrix[:, 2] += rng.normal(0, 0.5 * loose, 2)
        moved = cv2.warpAffine(
            faces[spot.person], matrix, (144, 144), borderMode=cv2.BORDER_REFLECT_101
        )
        pictures.append(spoil(window(moved).astype(np.float32), spot.eyes_px, rng))
    with torch.inference_mode():
        return net(torch.from_numpy(to_m11(pictures))).numpy()


def kept(tracks: Tracks, frames: list[list[Spot]]) -> bool:
    """Whether there are exactly two people and both keep one number in every frame."""
    mapping = tracks.mapping()
    given: dict[int, set[int | None]] = {0: set(), 1: set()}
    for k, spots in enumerate(frames, start=1):
        for index, spot in enumerate(spots):
            given[spot.person].add(mapping[k, index])
    return len(tracks.people) == 2 and all(len(g) == 1 and None not in g for g in given.values())


def made(net: FaceNet112, rule: Decision, faces: Faces, trials: int, seed: int) -> dict[str, str]:
    """Clips kept by scene and eye distance, as 'kept of all (mean number of people)'."""
    table = {}
    for name, scene in SCENES.items():
        for eyes in ((12.0, 14.0), (16.0, 20.0), (24.0, 30.0), (40.0, 44.0)):
            good, people = 0, 0
            for trial in range(trials):
                rng = np.random.default_rng([seed, trial, int(eyes[0])])
                pair = rng.choice(len(faces.people), 2, replace=False)
                portraits = [faces.rgb_u8[faces.photos_of[p][0]] for p in pair]
                frames = scene(eyes)
                tracker = Tracker(rule)
                for k, spots in enumerate(frames, start=1):
                    found = [box_face(s, rng) for s in spots]
                    tracker.add(k, k / FPS, found, look(net, portraits, spots, rng))
                tracks = tracker.finish()
                good += kept(tracks, frames)
                people += len(tracks.people)
            table[f"{name} {eyes[0]:.0f}/{eyes[1]:.0f} px"] = (
                f"{good} of {trials} ({people / trials:.2f} people)"
            )
    return table


def pictures(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Time and RGB of each frame; raw 4:2:0 files carry their size and rate in their name."""
    if path.suffix == ".yuv":
        size, rate = path.stem.split("_")[-2:]
        width, height = (int(v) for v in size.split("x"))
        planes = np.fromfile(path, np.uint8).reshape(-1, height * 3 // 2, width)
        for k, plane in enumerate(planes):
            yield k / float(rate.removesuffix("fps")), cv2.cvtColor(plane, cv2.COLOR_YUV2RGB_I420)
        return
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time or 0.0), frame.to_ndarray(format="rgb24")


def clip(path: Path, data: Path, embedder: Embedder, rule: Decision, score: float) -> dict:
    """What the tracker makes of one real clip."""
    net = yunet(data, score)
    tracker = Tracker(rule)
    faces = 0
    for number, (time_s, rgb) in enumerate(pictures(path), start=1):
        found = []
        for row in detect(net, np.ascontiguousarray(rgb[:, :, ::-1])):
            x, y, w, h = (float(v) for v in row[:4])
            a, b, c, d, e = ((float(u), float(v)) for u, v in row[4:14].reshape(5, 2))
            found.append(Detection((x, y, x + w, y + h), (a, b, c, d, e), float(row[14])))
        crops = [align_face(rgb, np.array(f.landmarks_px)).crop_rgb_u8 for f in found]
        rows = embedder.embed(np.stack(crops)) if crops else np.zeros((0, 128), np.float32)
        tracker.add(number, time_s, found, rows)
        faces += len(found)
    tracks = tracker.finish()
    counts = Counter(len(line.people) for line in tracks.frames)
    return {
        "frames": len(tracks.frames),
        "detections": faces,
        "rejected": sum(len(line.rejected) for line in tracks.frames),
        "most_at_once": max((k for k, _ in counts.items()), default=0),
        "people": [
            {
                "faces": len(p.faces),
                "frames": [p.frames[0], p.frames[-1]],
                "pieces": len(p.starts),
                "eyes_px": round(
                    float(np.median([f.detection.interocular_px for f in p.faces])), 1
                ),
                "similarity": round(float(np.mean([f.similarity or 0.0 for f in p.faces])), 3),
                "rival": round(float(np.mean([f.rival or 0.0 for f in p.faces])), 3),
                "x_px": [round(p.faces[k].detection.box_px[0]) for k in (0, -1)],
            }
            for p in tracks.people
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("made", "clip"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--packs", type=Path, default=Path("packs"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--group", default="train", choices=("train", "val"))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--score", type=float, default=0.6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_embedded("appearance")
    rule = decision_of(model.card)
    if args.what == "made":
        faces = load(args.packs, args.group)
        table = made(build_identity(model.state), rule, faces, args.trials, args.seed)
        print(json.dumps(table, indent=1))
        return
    embedder = Embedder(model.state)
    for path in args.files:
        print(path.name, json.dumps(clip(path, args.data, embedder, rule, args.score)))


if __name__ == "__main__":
    main()
