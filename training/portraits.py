"""Portraits for training: the index, the person lists, and packs of aligned faces.

``python -m training.portraits lists --data DIR`` writes ``training/lists/fit.txt`` and ``cal.txt``:
100 people each, drawn from the ``train`` people by a seeded draw, 72 of each with a large photo, so
that at least 60 of each have 100 px between the eyes.  They stay out of every training.  ``val``
people are only ever tested on.

``python -m training.portraits pack --data DIR --out DIR`` finds five landmarks with YuNet (a BSD-3
teacher, read from ``DIR/models/yunet``), aligns every photo to the FFHQ template, and packs the
crops into one array a group, so that recipes read no pictures again.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from forensics.faces.align import TEMPLATE_512

LISTS = Path(__file__).parent / "lists"
LARGE_SETS = ("us_congress_118", "london_neutral", "london_smiling")
ONE_PERSON_SETS = ("cc0_zoom_one_person", "cc0_lisa_one_person")
LIST_SEED = 20261122


@dataclass(frozen=True)
class Photo:
    """One row of ``portraits/index.csv``. ``group`` is train, fit, cal or val."""

    set: str
    file: str
    person: str
    group: str
    sha256: str
    ita_deg: float | None

    def path(self, data: Path) -> Path:
        return data / "portraits" / self.set / self.file


def read_list(name: str) -> frozenset[str]:
    """People of ``fit`` or ``cal``, from the committed list."""
    lines = (LISTS / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def read_index(data: Path) -> list[Photo]:
    """All photos with the group of their person; fit and cal come out of ``train``."""
    held = {person: name for name in ("fit", "cal") for person in read_list(name)}
    with (data / "portraits" / "index.csv").open(encoding="utf-8") as handle:
        return [
            Photo(
                row["set"],
                row["file"],
                row["person"],
                row["split"] if row["split"] == "val" else held.get(row["person"], "train"),
                row["sha256"],
                float(row["cheek_ita_deg"]) if row["cheek_ita_deg"] else None,
            )
            for row in csv.DictReader(handle)
        ]


def draw_lists(data: Path) -> None:
    """Draw ``fit`` and ``cal`` once, before any training. Same data and seed, same lists."""
    with (data / "portraits" / "index.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["split"] == "train"]
    one_person = {row["person"] for row in rows if row["set"] in ONE_PERSON_SETS}
    everyone = sorted({row["person"] for row in rows} - one_person)
    large = {row["person"] for row in rows if row["set"] in LARGE_SETS}
    draw = random.Random(LIST_SEED)
    with_large = [p for p in everyone if p in large]
    without = [p for p in everyone if p not in large]
    draw.shuffle(with_large)
    draw.shuffle(without)
    LISTS.mkdir(exist_ok=True)
    for k, name in enumerate(("fit", "cal")):
        people = sorted(with_large[72 * k : 72 * k + 72] + without[28 * k : 28 * k + 28])
        head = (
            f"# {len(people)} people held out of every training ({name}); 72 of them with a\n"
            f"# large photo; seed {LIST_SEED}; python -m training.portraits lists\n"
        )
        (LISTS / f"{name}.txt").write_text(head + "\n".join(people) + "\n", "utf-8")


def yunet(data: Path, score: float = 0.6, net: str = "yunet_n") -> cv2.FaceDetectorYN:
    """YuNet as OpenCV runs it: a teacher and a judge, never shipped."""
    model = str(data / "models" / "yunet" / f"{net}_dynamic.onnx")
    return cv2.FaceDetectorYN.create(model, "", (320, 320), score, 0.3, 5000)


def detect(net: cv2.FaceDetectorYN, bgr_u8: np.ndarray) -> np.ndarray:
    """Boxes of one picture: (N, 15) float32 rows x y w h, 5 points (template order), score."""
    net.setInputSize((bgr_u8.shape[1], bgr_u8.shape[0]))
    found = net.detect(bgr_u8)[1]
    if found is None:
        return np.zeros((0, 15), np.float32)
    # YuNet lists the right eye of the person (left in the picture) first, as the template does.
    return np.asarray(found, np.float32)


def align(rgb_u8: np.ndarray, points_px: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarity-align to the template at ``size``: crop (size, size, 3) uint8 and A (2, 3)."""
    matrix, _ = cv2.estimateAffinePartial2D(
        points_px.astype(np.float32),
        TEMPLATE_512.astype(np.float32) * (size / 512),
        method=cv2.LMEDS,
    )
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    flags = cv2.INTER_AREA if shrink < 1 else cv2.INTER_CUBIC
    source = rgb_u8
    if shrink < 0.5:
        # warpAffine does not filter: shrink first so that no alias enters the crop.
        step = 0.5 / shrink
        source = cv2.resize(rgb_u8, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
        matrix = matrix.copy()
        matrix[:, :2] *= step
    crop = cv2.warpAffine(
        source, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    return crop, matrix


def pack(data: Path, out: Path) -> None:
    """Write ``GROUP_{256,512}.npy`` and ``.json``: 256 holds all photos, 512 those >= 100 px."""
    out.mkdir(parents=True, exist_ok=True)
    net = yunet(data)
    rows: dict[tuple[str, int], list[dict[str, object]]] = {}
    crops: dict[tuple[str, int], list[np.ndarray]] = {}
    lost = []
    for photo in read_index(data):
        raw = photo.path(data).read_bytes()
        if hashlib.sha256(raw).hexdigest() != photo.sha256:
            raise SystemExit(f"{photo.file}: digest differs from index.csv")
        bgr = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        longest = max(bgr.shape[:2])
        shrink = min(1.0, 640 / longest)  # YuNet was made for faces of about 10 to 300 px
        small = cv2.resize(bgr, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        found = detect(net, small)
        if len(found) == 0:
            lost.append(photo.file)
            continue
        best = found[np.argmax(found[:, 2] * found[:, 3] * found[:, 14])]
        points = best[4:14].reshape(5, 2) / shrink
        iod = float(np.linalg.norm(points[0] - points[1]))
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        for size in (256, 512) if iod >= 100 else (256,):
            key = (photo.group, size)
            crop, matrix = align(rgb, points, size)
            crops.setdefault(key, []).append(crop)
            rows.setdefault(key, []).append(
                {
                    "set": photo.set,
                    "file": photo.file,
                    "person": photo.person,
                    "sha256": photo.sha256,
                    "ita_deg": photo.ita_deg,
                    "iod_native_px": round(iod, 2),
                    "box_px": [round(float(v) / shrink, 2) for v in best[:4]],
                    "landmarks_px": np.round(points, 2).tolist(),
                    "score": round(float(best[14]), 4),
                    "affine": np.round(matrix, 5).tolist(),
                }
            )
    for (group, size), items in crops.items():
        np.save(out / f"{group}_{size}.npy", np.stack(items))
        text = json.dumps(rows[group, size], indent=0)
        (out / f"{group}_{size}.json").write_text(text, "utf-8")
        print(f"{group}_{size}: {len(items)} faces")
    print(f"no face found in {len(lost)}: {lost}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("lists", "pack"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("packs"))
    args = parser.parse_args()
    if args.step == "lists":
        draw_lists(args.data)
    else:
        pack(args.data, args.out)


if __name__ == "__main__":
    main()
