"""Acceptance of the embedded detector: recall, extra boxes and landmarks on held-out material.

``python -m benchmarks.detection --data ../shared/data [--packs DIR] [--weights FILE]`` prints every
clip and the pool. A face is present where yunet_s scores >= 0.7 with eyes >= 12 px apart; it is
found when one of our boxes overlaps it by IoU >= 0.5. A box of ours is extra where neither yunet_n
nor yunet_s has a box with score >= 0.3 at IoU >= 0.5. Every tenth frame of the White House clip and
every fifth of the others is looked at, with ``--every-frame`` each one: neighbours are much alike,
and that clip then holds half of all faces. Nothing here was used in training or for the choice of a
threshold.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import safetensors.torch

from forensics.faces.detector import Detector
from forensics.models.load import load_embedded
from forensics.records import Detection

LISTS = Path(__file__).resolve().parents[1] / "training" / "lists"
PRESENT_SCORE, JUDGE_SCORE, OVERLAP, EYES_MIN_PX = 0.7, 0.3, 0.5, 12.0
RECALL_MIN, EXTRA_MAX, POINTS_MAX = 0.95, 0.05, 0.06
SAR_VUI = 80 / 33  # sample aspect of SarVui.264
LANDMARK_EYES_PX = (16, 24, 48, 96)
# WebMorph's 189 points: pupils and mouth corners; it has no nose tip, 54 and 60 stand beside it.
WEBMORPH = {"eyes": (0, 1), "nose_sides": (54, 60), "mouth": (87, 93)}
Find = Callable[[list[np.ndarray]], list[list[Detection]]]


@dataclass(frozen=True)
class Tally:
    """Counts of one clip: faces present, of these found; our boxes, of these extra."""

    clip: str
    frames: int
    present: int
    found: int
    boxes: int
    extra: int

    def line(self) -> str:
        recall = f"{self.found / self.present:6.1%}" if self.present else "     -"
        extra = f"{self.extra / self.boxes:6.1%}" if self.boxes else "     -"
        return (
            f"{self.clip:34s} frames {self.frames:4d}  present {self.present:4d}  "
            f"recall {recall}  boxes {self.boxes:4d}  extra {self.extra:3d} = {extra}"
        )


@dataclass(frozen=True)
class Points:
    """Mean landmark error in eye distances at one size, and how many faces were found."""

    eyes_px: int
    faces: int
    found: int
    error: float
    error_90: float


def pooled(tallies: list[Tally], name: str = "pooled") -> Tally:
    """All clips as one."""
    return Tally(
        name,
        sum(t.frames for t in tallies),
        sum(t.present for t in tallies),
        sum(t.found for t in tallies),
        sum(t.boxes for t in tallies),
        sum(t.extra for t in tallies),
    )


def read_list(name: str) -> list[str]:
    """Clip names of a committed list."""
    lines = (LISTS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_clips(data: Path) -> list[tuple[Path, int]]:
    """The held-out clips and the step between the frames that are looked at."""
    clips = data / "clips"
    names = sorted((clips / "openh264").iterdir())
    rows = [(clips / "face_recognition" / "short_hamilton_clip.mp4", 10)]
    rows += [(path, 5) for path in names]
    return rows + [(clips / "intel" / "asl_gestures" / n, 5) for n in read_list("clips_test.txt")]


def train_clips(data: Path) -> list[tuple[Path, int]]:
    """The clips that were trained on: for choices, never for figures."""
    folder = data / "clips" / "intel" / "asl_gestures"
    return [(folder / name, 5) for name in read_list("clips_train.txt")]


def frames(path: Path, every: int) -> Iterator[np.ndarray]:
    """Every ``every``-th frame as coded (no SAR), RGB uint8; .yuv is planar 4:2:0."""
    if path.suffix == ".yuv":
        width, height = (int(v) for v in re.search(r"_(\d+)x(\d+)_", path.name).groups())
        raw = np.fromfile(path, np.uint8)
        size = width * height * 3 // 2
        for k in range(0, len(raw) // size, every):
            planes = raw[k * size : (k + 1) * size].reshape(height * 3 // 2, width)
            yield cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)
        return
    with av.open(str(path)) as container:
        for k, frame in enumerate(container.decode(video=0)):
            if k % every == 0:
                yield frame.to_ndarray(format="rgb24")


class Judge:
    """One YuNet net at a low score: a judge, never shipped."""

    def __init__(self, data: Path, net: str) -> None:
        model = str(data / "models" / "yunet" / f"{net}_dynamic.onnx")
        self._net = cv2.FaceDetectorYN.create(model, "", (320, 320), JUDGE_SCORE, 0.3, 5000)

    def faces(self, rgb_u8: np.ndarray) -> np.ndarray:
        """Rows x0 y0 x1 y1, 5 points, score: (N, 15) float."""
        self._net.setInputSize((rgb_u8.shape[1], rgb_u8.shape[0]))
        rows = self._net.detect(np.ascontiguousarray(rgb_u8[..., ::-1]))[1]
        if rows is None:
            return np.zeros((0, 15))
        rows = np.asarray(rows, np.float64).copy()
        rows[:, 2:4] += rows[:, :2]
        return rows


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of boxes (N, 4) and (M, 4): (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(x[:, 2:] - x[:, :2], axis=1) for x in (a, b)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


def judged(rgb_u8: np.ndarray, judges: tuple[Judge, Judge]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) of the faces present, and (M, 4) of all that yunet_s or yunet_n sees."""
    small, normal = (judge.faces(rgb_u8) for judge in judges)
    eyes = np.linalg.norm(small[:, 4:6] - small[:, 6:8], axis=1)
    present = small[(small[:, 14] >= PRESENT_SCORE) & (eyes >= EYES_MIN_PX), :4]
    return present, np.concatenate((small, normal))[:, :4]


def judge_clip(
    find: Find, judges: tuple[Judge, Judge], path: Path, every: int, square: float = 1.0
) -> Tally:
    """Tally of one clip; ``judges`` are yunet_s and yunet_n; ``square`` stretches the width."""
    seen = list(frames(path, every))
    if square != 1.0:
        seen = [cv2.resize(f, None, fx=square, fy=1, interpolation=cv2.INTER_CUBIC) for f in seen]
    present = found = boxes = extra = 0
    for frame, ours in zip(seen, find(seen), strict=True):
        truth, known = judged(frame, judges)
        mine = np.array([d.box_px for d in ours]).reshape(-1, 4)
        present += len(truth)
        found += int((overlap(truth, mine).max(axis=1, initial=0) >= OVERLAP).sum())
        boxes += len(mine)
        extra += int((overlap(mine, known).max(axis=1, initial=0) < OVERLAP).sum())
    return Tally(path.name, len(seen), present, found, boxes, extra)


def landmarks(find: Find, data: Path, rows: list[dict], eyes_px: int) -> Points:
    """Error of the five points against yunet_n's on the native photo, at one eye distance.

    Photos are shrunk by area onto a grey 640x480 canvas; photos that would be enlarged are left
    out. The error is the mean distance of the five points over the eye distance.
    """
    usable = [row for row in rows if row["iod_native_px"] >= eyes_px]
    faces, errors = len(usable), []
    for first in range(0, faces, 16):
        chosen = usable[first : first + 16]
        scales = [eyes_px / row["iod_native_px"] for row in chosen]
        pairs = [_on_canvas(_photo(data, r), s) for r, s in zip(chosen, scales, strict=True)]
        answers = find([canvas for canvas, _ in pairs])
        for row, (_, matrix), ours in zip(chosen, pairs, answers, strict=True):
            truth = np.array(row["landmarks_px"]) @ matrix[:, :2].T + matrix[:, 2]
            x, y, w, h = row["box_px"]
            corners = np.array([[x, y], [x + w, y + h]])
            box = (corners @ matrix[:, :2].T + matrix[:, 2]).reshape(1, 4)
            errors.append(_error(ours, box, truth))
    found = np.array([e for e in errors if e is not None])
    return Points(
        eyes_px,
        faces,
        len(found),
        float(found.mean()) if len(found) else float("nan"),
        float(np.quantile(found, 0.9)) if len(found) else float("nan"),
    )


def hand_made(find: Find, data: Path, rows: list[dict], eyes_px: int) -> dict[str, float]:
    """Error in eye distances against the hand-made points of London val (neutral), a part each."""
    folder = data / "portraits" / "london_neutral"
    points = json.loads((folder / "landmarks_webmorph189.json").read_text("utf-8"))
    errors: dict[str, list[float]] = {"eyes": [], "nose_between_54_60": [], "mouth": []}
    for row in rows:
        if row["set"] != "london_neutral":
            continue
        hand = np.array(points[row["file"]])
        native = float(np.linalg.norm(hand[0] - hand[1]))
        canvas, matrix = _on_canvas(_photo(data, row), eyes_px / native)
        hand = hand @ matrix[:, :2].T + matrix[:, 2]
        found = find([canvas])[0]
        if not found:
            continue
        five = np.array(found[0].landmarks_px)
        parts = {
            "eyes": five[:2] - hand[list(WEBMORPH["eyes"])],
            "nose_between_54_60": five[2:3] - hand[list(WEBMORPH["nose_sides"])].mean(0),
            "mouth": five[3:] - hand[list(WEBMORPH["mouth"])],
        }
        for name, difference in parts.items():
            errors[name].append(float(np.linalg.norm(difference, axis=1).mean() / eyes_px))
    return {name: float(np.mean(values)) for name, values in errors.items() if values}


def _photo(data: Path, row: dict) -> np.ndarray:
    path = data / "portraits" / row["set"] / row["file"]
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _on_canvas(photo: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The photo shrunk by area on grey, 640x480 or larger, and native px -> canvas px (2, 3)."""
    way = cv2.INTER_AREA
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=way)
    height, width = max(480, small.shape[0]), max(640, small.shape[1])
    canvas = np.full((height, width, 3), 118, np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    sx, sy = small.shape[1] / photo.shape[1], small.shape[0] / photo.shape[0]
    shift = ((0.5 * sx - 0.5) + left, (0.5 * sy - 0.5) + top)
    return canvas, np.array([[sx, 0, shift[0]], [0, sy, shift[1]]])


def _error(found: list[Detection], box: np.ndarray, truth: np.ndarray) -> float | None:
    """Mean error of the detection on ``box`` in eye distances; None where there is none."""
    mine = np.array([d.box_px for d in found]).reshape(-1, 4)
    match = overlap(box, mine)[0]
    if match.max(initial=0) < 0.4:
        return None
    five = np.array(found[int(match.argmax())].landmarks_px)
    eyes = np.linalg.norm(truth[0] - truth[1])
    return float(np.linalg.norm(five - truth, axis=1).mean() / eyes)


def clip_figures(find: Find, data: Path, rows: list[tuple[Path, int]]) -> list[Tally]:
    """A tally for each clip."""
    judges = (Judge(data, "yunet_s"), Judge(data, "yunet_n"))
    return [judge_clip(find, judges, path, every) for path, every in rows]  # as coded, no SAR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, help="for landmarks: output of training.portraits")
    parser.add_argument("--weights", type=Path, help="instead of the embedded weights")
    parser.add_argument("--train-clips", action="store_true", help="the clips trained on instead")
    parser.add_argument("--every-frame", action="store_true", help="all frames, not a share")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    args = parser.parse_args()
    loaded = (
        safetensors.torch.load_file(args.weights)
        if args.weights
        else load_embedded("detector").state
    )
    detector = Detector.load(loaded)
    rows = train_clips(args.data) if args.train_clips else test_clips(args.data)
    if args.every_frame:
        rows = [(path, 1) for path, _ in rows]
    tallies = clip_figures(detector.detect, args.data, rows)
    for tally in [*tallies, pooled(tallies)]:
        print(tally.line(), flush=True)
    if not args.train_clips:
        sar = args.data / "clips" / "openh264" / "SarVui.264"
        judges = (Judge(args.data, "yunet_s"), Judge(args.data, "yunet_n"))
        wide = judge_clip(detector.detect, judges, sar, 5, SAR_VUI)
        print("apart, in square px:", wide.line())
    figures: dict[str, object] = {
        "score_min": detector.config.score_min,
        "views": [dataclasses.asdict(view) for view in detector.config.views],
        "clips": [vars(t) for t in [*tallies, pooled(tallies)]],
    }
    if args.packs and not args.train_clips:
        faces = json.loads((args.packs / "val_256.json").read_text("utf-8"))
        points = []
        for eyes_px in LANDMARK_EYES_PX:
            p = landmarks(detector.detect, args.data, faces, eyes_px)
            points.append(p)
            print(
                f"landmarks, eyes {p.eyes_px:3d} px: found {p.found} of {p.faces}, "
                f"mean error {p.error:.2%}, 90 % below {p.error_90:.2%} of the eye distance",
                flush=True,
            )
        hand = hand_made(detector.detect, args.data, faces, 96)
        print("hand-made points, London val, eyes 96 px:", {k: f"{v:.2%}" for k, v in hand.items()})
        figures |= {"landmarks": [vars(p) for p in points], "hand_made_london_val": hand}
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1), "utf-8")


if __name__ == "__main__":
    main()
