"""Points to learn: YuNet (n) looks at each photo at several sizes, and the mean is kept.

One look errs: on people of the list ``fit``, the same net on the same photo at another size puts
its points 5 to 7 % of the eye distance away. Mirrored looks are left out, as YuNet leans to one
side by 2 to 3 % and the judge is not mirrored.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from training.portraits import detect, yunet

SCALES = (0.7, 0.8, 0.9, 1.0, 1.12, 1.25)
FAR = 0.25  # a look further away than this, in eye distances, is another face or a blunder


def settled(data: Path, packs: Path) -> list[dict]:
    """Rows of ``train_256.json`` with ``points_px``, the mean of the looks; cached beside it."""
    cache = packs / "points_train.json"
    rows = json.loads((packs / "train_256.json").read_text("utf-8"))
    if not cache.exists():
        net = yunet(data, 0.3, "yunet_n")
        points = [_mean_look(data, row, net) for row in rows]
        cache.write_text(json.dumps(points), "utf-8")
    points = json.loads(cache.read_text("utf-8"))
    return [row | {"points_px": five} for row, five in zip(rows, points, strict=True)]


def _mean_look(data: Path, row: dict, net: cv2.FaceDetectorYN) -> list[list[float]]:
    bgr = cv2.imread(str(data / "portraits" / row["set"] / row["file"]), cv2.IMREAD_COLOR)
    first = np.array(row["landmarks_px"])
    looks = []
    for scale in SCALES:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        seen = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=way)
        grow = np.array(bgr.shape[1::-1]) / np.array(seen.shape[1::-1])
        for found in detect(net, seen):
            five = (found[4:14].reshape(5, 2) + 0.5) * grow - 0.5
            away = np.linalg.norm(five - first, axis=1).mean() / row["iod_native_px"]
            if away < FAR:
                looks.append(five)
                break
    return np.mean(looks or [first], axis=0).round(3).tolist()
