"""False flags on clean video: the true face put in as restoration, and every flag counted.

``python -m benchmarks.clean_video --data ../shared/data [--work FOLDER] [--minutes 10]``

A sharp clip is made into footage (blur, noise, H.264 at a drawn QP; half the size where its faces
leave 20 px between the eyes then), and the sharp clip, aligned by the same geometry, stands for the
restoration: whatever is flagged is flagged falsely.  First all video of the data folder that the
product opens, then variants of the made clip (`fixtures.build`, seeds from 1) until ``--minutes``
are reached.  One line of JSON a clip is kept in ``--work``, so that an interrupted run goes on.

Every frame is followed over time; what needs a network is taken of every Nth (``--every``), as
`--every` of an audit does.  ``profile`` and ``too_small`` are facts of the footage, listed apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fixtures.build import frame_count, truth_frame
from fixtures.scene import Raster, people_truth
from fixtures.story import HEIGHT, story
from forensics.faces.rim import Rim
from forensics.passes.drawing import DrawnFace
from forensics.passes.face_line import face_line, within_frame
from forensics.passes.follow import FollowedFace
from forensics.passes.over_time import FacesOverTime
from forensics.records import Detection
from forensics.scoring.facts import FaceFact
from forensics.scoring.flags import person_flags
from forensics.scoring.measure import FaceInput
from forensics.scoring.scorer import Scorer
from training.references.recorded import Sharp, drawn, footage, from_file, shrink_of

U8 = NDArray[np.uint8]
FACTS = frozenset({"profile", "too_small"})  # true of the footage, whatever was drawn
AT_ONCE = 60  # frames of one encode: memory stays bounded
STRETCH_S = 4.0  # of a made clip; its sizes and crossings are spread over eight seconds


class _NoDistance(torch.nn.Module):
    """In place of the perceptual network, on which no flag turns: it takes half of the time."""

    def forward(self, a_m11: torch.Tensor, b_m11: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(a_m11), 1, 1, 1)


def scorer() -> Scorer:
    """The product's scorer without its perceptual network."""
    return replace(Scorer.embedded("cpu"), perceptual=_NoDistance())


def made(seed: int, begin_s: float) -> Iterator[Sharp]:
    """A stretch of a variant of the made clip, before it is filmed, with its truth."""
    people = 1 + seed % 2
    told = story(seed, people)
    grid = Raster(told.display_width, HEIGHT, told.display_width)
    first = round(begin_s * told.fps)
    for number in range(first, first + frame_count(told, STRETCH_S)):
        shown = people_truth(told, number / told.fps, grid)
        faces = tuple(
            _as_followed(k, np.asarray(one["landmarks_px"], np.float64))
            for k, (_, one) in enumerate(sorted(shown.items()))
            if one["present"] and one["in_view"] >= 0.98 and one["occluded"] < 0.05
        )
        picture = truth_frame(number + 1, seed=seed, people=people)
        yield Sharp(number - first + 1, (number - first) / told.fps, 1, picture, faces)


def _as_followed(person: int, points_px: NDArray[np.float64]) -> FollowedFace:
    low, high = points_px.min(0), points_px.max(0)
    reach = high - low
    box = (*(low - 0.6 * reach), *(high + 0.6 * reach))
    points: Any = tuple(map(tuple, points_px.tolist()))
    found = Detection(tuple(float(v) for v in box), points, 1.0)  # type: ignore[arg-type]  # four of them
    return FollowedFace(person, found, points_px, similarity=None, rival=None)


def face_input(face: DrawnFace, seen_rgb_u8: U8, shrink: int, qp: int) -> FaceInput:
    """What scoring is given of it."""
    if face.aligned is None or face.restored_rgb_u8 is None:
        raise AssertionError("every face here is drawn")
    box = np.array(face.followed.detection.box_px) / shrink
    x0, y0 = np.clip(np.floor(box[:2]).astype(int), 0, None)
    x1, y1 = np.ceil(box[2:]).astype(int)
    region = np.ascontiguousarray(seen_rgb_u8[y0:y1, x0:x1])
    height, width = seen_rgb_u8.shape[:2]
    given = FaceInput(
        crop_rgb_u8=face.aligned.crop_rgb_u8,
        restored_rgb_u8=face.restored_rgb_u8,
        native_rgb_u8=face.aligned.native_rgb_u8,
        scale=face.aligned.scale,
        interocular_px=face.aligned.interocular_px,
        yaw_deg=face.aligned.yaw_deg,
        qp=float(qp),
        region_rgb_u8=region if region.size else None,
    )
    return within_frame(given, Rim(face.aligned.affine, width, height))


def count(clip: Iterator[Sharp], seed: int, judge: Scorer, every: int) -> dict[str, Any]:
    """Flags of one clip: stretches by code, faces, and the time in view."""
    rng = np.random.default_rng(seed)
    qp = int(rng.integers(22, 37))
    over_time = FacesOverTime(judge.digests)
    facts: list[FaceFact] = []
    size: tuple[int, int] | None = None
    times: list[float] = []
    scored_faces = shrink = 0
    waiting: list[Sharp] = []

    def take() -> None:
        nonlocal size, scored_faces, shrink
        shrink = shrink or shrink_of(waiting)
        for one, seen in zip(waiting, footage(waiting, shrink, qp, rng), strict=True):
            size = (seen.shape[1], seen.shape[0])
            if one.pts_s is not None:
                times.append(one.pts_s)
            for followed in one.faces:
                face = drawn(one, seen, followed)
                if face is None:
                    continue
                due = (one.frame - 1) % every == 0
                scored = judge.score([face_input(face, seen, shrink, qp)])[0] if due else None
                scored, steps = over_time.add(face, scored, one.frame, one.pts_s, one.shot, qp)
                line = face_line(one.frame, one.pts_s, face, scored, every)
                facts.append(
                    FaceFact.of(line, None, None, steps.step_grey, one.shot, steps.over_time)
                )
                scored_faces += due
        waiting.clear()

    for one in clip:
        waiting.append(one)
        if len(waiting) == AT_ONCE:
            take()
    if waiting:
        take()
    found: Counter[str] = Counter()
    for person in sorted({fact.person for fact in facts}):
        for flag in person_flags(person, facts, frame_size_px=size, outcomes=False):
            found[flag.code] += stretches(flag.frames, every)
    seconds = times[-1] - times[0] if len(times) > 1 else 0.0
    return {
        "seconds": round(seconds, 2),
        "person_seconds": round(seconds * len(facts) / max(len(times), 1), 2),
        "qp": qp,
        "shrink": shrink,
        "faces": len(facts),
        "scored": scored_faces,
        "flags": dict(found),
    }


def stretches(ranges: Sequence[tuple[int, int]], every: int) -> int:
    """Runs of flagged frames; neighbours among the scored frames are one run."""
    runs, end = 0, None
    for first, last in ranges:
        runs += end is None or first - end > every
        end = last
    return runs


def clips(data: Path) -> list[Path]:
    """Video of the data folder, by name."""
    kinds = {".mp4", ".mkv", ".264"}
    return sorted(p for p in (data / "clips").rglob("*") if p.suffix in kinds)


def main() -> None:
    """Count clip by clip, then print both totals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("clean_video"))
    parser.add_argument("--minutes", type=float, default=10.0, help="of made video")
    parser.add_argument("--every", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=None, help="stop after this time")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    args.work.mkdir(parents=True, exist_ok=True)
    begun, judge = time.monotonic(), scorer()

    def late() -> bool:
        return args.seconds is not None and time.monotonic() - begun > args.seconds

    real = _Lines(args.work / "real.jsonl")
    for number, path in enumerate(clips(args.data)):
        if path.name not in real.rows and not late():
            real.add(path.name, count(from_file(path), number, judge, args.every))
    built = _Lines(args.work / "made.jsonl")
    seed = 1
    while built.minutes() < args.minutes and not late():
        for begin_s in (0.0, 4.0):
            name = f"seed {seed} from {begin_s:g} s"
            if name not in built.rows and not late():
                built.add(name, count(made(seed, begin_s), seed, judge, args.every))
        seed += 1
    for title, lines in (("video of the data folder", real), ("made video", built)):
        print(lines.table(title))


class _Lines:
    """Results by clip, one line of JSON each, written as they arise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        text = path.read_text("utf-8") if path.exists() else ""
        self.rows = {row["clip"]: row for row in map(json.loads, text.splitlines())}

    def add(self, clip: str, row: dict[str, Any]) -> None:
        """Keep a clip's result."""
        self.rows[clip] = {"clip": clip, **row}
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(self.rows[clip]) + "\n")
        print(json.dumps(self.rows[clip]), flush=True)

    def minutes(self) -> float:
        """Length of all clips."""
        return float(sum(row["seconds"] for row in self.rows.values())) / 60

    def table(self, title: str) -> str:
        """False flags by code, and a minute of video."""
        minutes = self.minutes()
        people = sum(row["person_seconds"] for row in self.rows.values()) / 60
        faces = sum(row["faces"] for row in self.rows.values())
        out = [f"{title}: {len(self.rows)} clips, {minutes:.2f} min, {people:.2f} person min, "
               f"{faces} faces"]  # fmt: skip
        found: Counter[str] = Counter()
        for row in self.rows.values():
            found.update(row["flags"])
        false = {code: n for code, n in found.items() if code not in FACTS}
        for code, n in sorted(false.items(), key=lambda item: -item[1]):
            out.append(f"  {code}: {n}, {n / max(minutes, 1e-9):.2f} a minute")
        total = sum(false.values())
        out.append(f"  all: {total}, {total / max(minutes, 1e-9):.2f} a minute")
        facts = ", ".join(f"{code} {found[code]}" for code in sorted(FACTS & found.keys()))
        return "\n".join([*out, f"  facts of the footage: {facts or 'none'}"])


if __name__ == "__main__":
    main()
