"""``python -m training.restorer.sheet --packs DIR --out FILE.jpg``: 16 val portraits to look at.

Rows: truth | degraded (nearest pixels) | bicubic | restored, four portraits a row of the sheet,
``us_congress_118`` only (public domain), half at 4x and half at 8x, half JPEG and half H.264.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import load_embedded
from forensics.records import Failure
from forensics.restore.embedded import EmbeddedRestorer
from training import degrade

COUNT = 16
CELL_PX = 144
QUALITY = 82


def cells(packs: Path) -> list[NDArray[np.uint8]]:
    """One strip (CELL, 4 CELL, 3) a portrait, with its factor and codec written on it."""
    rows = json.loads((packs / "val_512.json").read_text("utf-8"))
    large = np.load(packs / "val_512.npy", mmap_mode="r")
    wanted = [i for i, row in enumerate(rows) if row["set"] == "us_congress_118"]
    chosen = [wanted[k * len(wanted) // COUNT] for k in range(COUNT)]
    restorer = EmbeddedRestorer.load(load_embedded("restorer"), torch.device("cpu"))
    strips = []
    for number, index in enumerate(chosen):
        factor, codec = (4, 8)[number % 2], ("jpeg", "h264")[number // 2 % 2]
        plan = degrade.trial_plan(factor, index, codec)
        truth = np.array(large[index])
        small, bicubic = degrade.shrunk(truth, plan), degrade.apply(truth, plan)
        (restored,) = restorer.restore([bicubic])
        if isinstance(restored, Failure):
            raise SystemExit(f"{rows[index]['file']}: {restored.reason}")
        nearest = cv2.resize(small, (512, 512), interpolation=cv2.INTER_NEAREST)
        strip = np.concatenate([truth, nearest, bicubic, restored], 1)
        strip = cv2.resize(strip, (4 * CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA)
        label = f"{factor}x {codec}"
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            place = (CELL_PX + 4, CELL_PX - 6)
            cv2.putText(strip, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, width, 16)
        strips.append(strip)
    return strips


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.restorer.sheet", description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "contact_sheet.jpg")
    args = parser.parse_args()
    strips = cells(args.packs)
    columns = [np.concatenate(strips[k::2], 0) for k in (0, 1)]
    sheet = np.concatenate(columns, 1)[..., ::-1]
    cv2.imwrite(str(args.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
