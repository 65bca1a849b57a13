"""The rule that joins people of different shots, set outside the tests.

``python -m training.appearance.across --data ../shared/data --packs packs [--write]`` prints the
light that the networks were trained in (`forensics.models.nets.identity` holds it), the likeness of
strangers and of one person in shots of the list `fit`, and in the training clips, as they came and
small in the dark.  The cosine from which shots join lies midway between the two strangers that are
most alike and the clips of one person that are least alike; ``--write`` puts it and what it rests
on into the card.  ``packs`` holds ``meshes_fit.npz`` (``training.detector.mesh_teacher --group
fit``).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from forensics.faces.align import align_face, landmarks_array
from forensics.faces.detector import Detector
from forensics.faces.embed import Embedder
from forensics.faces.people import Group
from forensics.faces.tracklets import Sighting, Tracklet
from forensics.models.load import load_embedded
from forensics.models.nets.identity import MIDDLE
from forensics.records import Detection
from training.appearance.faces import load, view
from training.appearance.shots import shots
from training.detector.degrade import darkened
from training.perceptual.card import EMBEDDED

CLIPS = "clips/intel/asl_gestures"
# Who signs in the training clips, by clothes and face.
SIGNERS = {
    "again.mkv": "a",
    "help.mkv": "a",
    "no.mkv": "a",
    "bird.mkv": "b",
    "milk.mkv": "b",
    "eat.mkv": "c",
    "night.mkv": "c",
}
EVERY = 3  # frames of a clip
SEED = 5
VIEWS = 2000


@dataclass(frozen=True)
class Looks:
    """Shots by their pooled look: unit rows (N, 128), who, and which kind of light."""

    rows: np.ndarray
    who: np.ndarray
    kind: np.ndarray

    def cosines(self, *, same: bool, kind: str | None = None) -> np.ndarray:
        """Of all pairs of shots of one person, or of two; within one kind of light if named."""
        keep = np.full(len(self.who), True) if kind is None else self.kind == kind
        rows, who = self.rows[keep], self.who[keep]
        pairs = np.triu((who[:, None] == who) == same, 1)
        return (rows @ rows.T)[pairs]


def pooled(seen: list[tuple[Detection, np.ndarray]], embedder: Embedder) -> np.ndarray:
    """The look of one shot as the tracker pools it: a unit row (128,)."""
    rows = embedder.embed(np.stack([crop for _, crop in seen]))
    tracklet = Tracklet()
    for k, ((face, _), row) in enumerate(zip(seen, rows, strict=True)):
        tracklet.add(Sighting(k, k / 25, 0, face, row))
    total = Group.of(tracklet).total
    return total / np.linalg.norm(total)


def portraits(data: Path, packs: Path, embedder: Embedder) -> Looks:
    """Shots of the people of `fit`."""
    rows, who, kind = [], [], []
    for shot in shots(data, packs):
        rows.append(pooled(list(shot.seen), embedder))
        who.append(shot.person)
        kind.append(("dark" if shot.dark else "lit") + (" soft" if shot.soft else ""))
    return Looks(np.stack(rows), np.array(who), np.array(kind))


def clips(data: Path, embedder: Embedder, detector: Detector) -> Looks:
    """The training clips, as they came and at half their size in the dark."""
    rows, who, kind = [], [], []
    for number, (name, signer) in enumerate(SIGNERS.items()):
        for dark in (False, True):
            seen = list(_signer(data / CLIPS / name, detector, number if dark else None))
            rows.append(pooled(seen, embedder))
            who.append(signer)
            kind.append("dark" if dark else "lit")
    return Looks(np.stack(rows), np.array(who), np.array(kind))


def _signer(
    path: Path, detector: Detector, dark: int | None
) -> Iterator[tuple[Detection, np.ndarray]]:
    """The largest face of every third frame and its crop; ``dark`` is the seed of the light."""
    with av.open(str(path)) as film:
        for k, frame in enumerate(film.decode(video=0)):
            if k % EVERY:
                continue
            rgb = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            if dark is not None:
                rgb = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
                rgb = darkened(np.random.default_rng((SEED, dark)), rgb)
            found = detector.detect([rgb])[0]
            if found:
                face = max(found, key=lambda d: d.interocular_px)
                yield face, align_face(rgb, landmarks_array(face.landmarks_px)).crop_rgb_u8


def light(packs: Path) -> dict[str, list[float]]:
    """Mean and contrast of the middle of training views, 5 and 95 %."""
    faces = load(packs)
    draw = np.random.default_rng(SEED)
    greys = []
    for row in draw.choice(len(faces.rgb_u8), VIEWS):
        seen = view(faces.rgb_u8[row], draw, bool(draw.random() < 0.6), faces.rgb_u8)
        greys.append(seen[MIDDLE].mean(2))
    means = [grey.mean() for grey in greys]
    contrasts = [grey.std() for grey in greys]
    return {
        "mean": np.quantile(means, (0.05, 0.95)).round(1).tolist(),
        "contrast": np.quantile(contrasts, (0.05, 0.95)).round(1).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="into the appearance card")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print("light of the training views, 5 and 95 %:", light(args.packs))
    embedder = Embedder(load_embedded("appearance").state)
    detector = Detector.load(load_embedded("detector").state)
    made, filmed = portraits(args.data, args.packs, embedder), clips(args.data, embedder, detector)
    strangers, own = made.cosines(same=False), made.cosines(same=True)
    highest = max(filmed.cosines(same=False, kind=kind).max() for kind in ("lit", "dark"))
    lowest = float(filmed.cosines(same=True, kind="lit").min())
    rule = round((max(float(highest), float(np.quantile(strangers, 0.999))) + lowest) / 2, 2)
    for kind in sorted(set(made.kind.tolist())):
        other, same = made.cosines(same=False, kind=kind), made.cosines(same=True, kind=kind)
        print(
            f"fit, {kind:9s}: strangers {other.mean():.2f} (99.9 %: {np.quantile(other, 0.999):.2f}"
            f"), joined {np.sum(other > rule)} of {len(other)}; one person {same.mean():.2f}, "
            f"joined {np.sum(same > rule)} of {len(same)}"
        )
    for kind in ("lit", "dark"):
        other, same = filmed.cosines(same=False, kind=kind), filmed.cosines(same=True, kind=kind)
        print(
            f"clips, {kind}: strangers {other.min():.2f} to {other.max():.2f} ({len(other)}), one "
            f"person {same.min():.2f} to {same.max():.2f} ({len(same)})"
        )
    facts = {
        "shots_of_fit": len(made.who),
        "pairs_of_strangers": len(strangers),
        "strangers_joined": int(np.sum(strangers > rule)),
        "strangers_99.9_percent_below": round(float(np.quantile(strangers, 0.999)), 3),
        "pairs_of_one_person_any_turn_and_light": len(own),
        "one_person_joined": int(np.sum(own > rule)),
        "clips_strangers_highest": round(float(highest), 3),
        "clips_one_person_lowest": round(lowest, 3),
    }
    print("rule", rule, json.dumps(facts))
    if args.write:
        path = EMBEDDED / "appearance.json"
        card = json.loads(path.read_text("utf-8"))
        card["decision"]["across"] = rule
        card["figures"]["across_shots"] = facts
        path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
