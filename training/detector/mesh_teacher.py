"""Shapes for the turned heads: MediaPipe's face mesh, person mask and hands of training material.

Runs in an environment of its own, because MediaPipe 0.10.21 needs numpy below 2:

    python3.11 -m venv mesh && mesh/bin/pip install --require-hashes \
        -r training/detector/mesh_teacher.txt
    mesh/bin/python -m training.detector.mesh_teacher --data ../shared/data --packs packs

Writes ``meshes_train.npz`` (rows as in ``train_256.json``: ``mesh`` (N, 468, 3) photo px, depth
away from the camera positive; ``found`` (N,) bool; ``person`` (N, 256, 256) uint8, the whole photo
squeezed into the square) and ``hands_train.npz`` (hands of the clips of ``clips_train.txt``:
``rgb`` (M, 96, 96, 3), ``alpha`` (M, 96, 96)). MediaPipe's networks: Apache-2.0; teachers, never
shipped. ``--group val`` writes only ``meshes_val.npz``, which ``benchmarks.turned_heads`` reads and
no training.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import mediapipe as mp
import numpy as np

PERSON_PX = 256
HAND_PX = 96
LISTS = Path(__file__).resolve().parents[1] / "lists"


def meshes(data: Path, packs: Path, group: str) -> dict[str, np.ndarray]:
    """Mesh and person mask of every photo of a pack."""
    rows = json.loads((packs / f"{group}_256.json").read_text("utf-8"))
    points = np.zeros((len(rows), 468, 3), np.float32)
    person = np.zeros((len(rows), PERSON_PX, PERSON_PX), np.uint8)
    found = np.zeros(len(rows), bool)
    face = mp.solutions.face_mesh.FaceMesh(static_image_mode=True, min_detection_confidence=0.3)
    body = mp.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
    for k, row in enumerate(rows):
        bgr = cv2.imread(str(data / "portraits" / row["set"] / row["file"]), cv2.IMREAD_COLOR)
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        answer = face.process(rgb).multi_face_landmarks
        if not answer:
            continue
        height, width = rgb.shape[:2]
        # depth comes in units of the width
        relative = np.array([(p.x, p.y, p.z) for p in answer[0].landmark])
        points[k] = relative * (width, height, width) - (0.5, 0.5, 0)
        likely = body.process(rgb).segmentation_mask
        small = cv2.resize(likely, (PERSON_PX, PERSON_PX), interpolation=cv2.INTER_AREA)
        person[k] = np.clip(small * 255 + 0.5, 0, 255).astype(np.uint8)
        found[k] = True
    return {"mesh": points, "person": person, "found": found}


def hands(data: Path, every: int = 4) -> dict[str, np.ndarray]:
    """Hands of the training clips, cut out along the hull of their 21 points."""
    names = [
        line
        for line in (LISTS / "clips_train.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    finder = mp.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=4, min_detection_confidence=0.4
    )
    colours, covers = [], []
    for name in names:
        clip = cv2.VideoCapture(str(data / "clips" / "intel" / "asl_gestures" / name))
        k = 0
        while True:
            more, bgr = clip.read()
            if not more:
                break
            if k % every == 0:
                rgb = np.ascontiguousarray(bgr[..., ::-1])
                for hand in finder.process(rgb).multi_hand_landmarks or ():
                    spot = np.array([(p.x, p.y) for p in hand.landmark])
                    colour, cover = _cut(rgb, spot * (rgb.shape[1], rgb.shape[0]))
                    colours.append(colour)
                    covers.append(cover)
            k += 1
        clip.release()
    return {"rgb": np.stack(colours), "alpha": np.stack(covers)}


def _cut(rgb: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A square around the hand and its cover: hull and fingers, thickened, with a soft rim."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) * 1.45
    scale = HAND_PX / side
    shift = HAND_PX / 2 - (low + high) / 2 * scale
    affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    colour = cv2.warpAffine(rgb, affine, (HAND_PX, HAND_PX), flags=cv2.INTER_AREA)
    at = (points * scale + shift).astype(np.int32)
    cover = np.zeros((HAND_PX, HAND_PX), np.uint8)
    cv2.fillConvexPoly(cover, at[[0, 1, 5, 9, 13, 17]], 255)
    for root in (1, 5, 9, 13, 17):
        finger = at[[0, 1, 2, 3, 4]] if root == 1 else at[root : root + 4]
        cv2.polylines(cover, [finger], False, 255, 11, cv2.LINE_AA)
    cover = cv2.GaussianBlur(cv2.dilate(cover, np.ones((3, 3))), (0, 0), 1.2)
    inside = np.full(rgb.shape[:2], 255, np.uint8)  # a hand at the rim of the frame is cut off
    return colour, np.minimum(cover, cv2.warpAffine(inside, affine, (HAND_PX, HAND_PX)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--group", choices=("train", "fit", "val"), default="train")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    shapes = meshes(args.data, args.packs, args.group)
    np.savez_compressed(args.packs / f"meshes_{args.group}.npz", **shapes)
    print(f"meshes {shapes['found'].sum()} of {len(shapes['found'])}")
    if args.group != "train":
        return
    found = hands(args.data)
    np.savez_compressed(args.packs / "hands_train.npz", **found)
    print(f"hands {len(found['rgb'])}")


if __name__ == "__main__":
    main()
