"""Traces, export: weights, limit, figures, card, curve and contact sheet."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from forensics.models.load import EMBEDDED
from forensics.models.nets.traces import TracesNet, build_traces
from forensics.scoring.thresholds import shipped_thresholds
from training.portraits import read_index
from training.traces import config
from training.traces.figures import MARGIN, SHARE, counted, read, rule_limit, untouched_figures
from training.traces.samples import Sample

VERSION = "0.1.0"
SHEET_KINDS = ("clean", "sharpened", "pristine defocused", "embedded, 2x", "x4v3, 2x", "strong, 1x",
               "strong, 2x", "strong, with hair, 2x")  # fmt: skip
CELL_PX = 200
Rows = Sequence[tuple[Sample, float]]


def export(
    data: Path, run: Path, trained: Sequence[Sample], fit: Sequence[Sample],
    val: Sequence[Sample], real: Sequence[Sample],
) -> dict[str, Any]:  # fmt: skip
    """Write everything that is committed but the limit, which stands in thresholds.json."""
    checkpoint = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    state = {name: value.half().contiguous() for name, value in checkpoint["ema"].items()}
    raw = safetensors.torch.save(state)
    net = build_traces({name: value.float() for name, value in state.items()})
    held, tested, official = read(net, fit), read(net, val), read(net, real)
    limit = shipped_thresholds()["traces_limit"]
    figures = {
        "limit": limit,
        "limit_by_rule": rule_limit(held),
        "rule": f"{MARGIN} above what {SHARE} % of the untouched samples of `fit` read at most",
        "fit": {
            "untouched": untouched_figures(held),
            "above_the_limit": counted(held, limit, "size"),
        },
        "val": {
            "untouched": untouched_figures(tested),
            "above_the_limit": counted(tested, limit),
            "by_eye_distance": counted(tested, limit, "size"),
        },
        "official_gfpgan": {
            "untouched": untouched_figures(official),
            "above_the_limit": counted(official, limit),
            "by_eye_distance": counted(official, limit, "size"),
        },
    }
    (EMBEDDED / "traces.safetensors").write_bytes(raw)
    document = _card(checkpoint, hashlib.sha256(raw).hexdigest(), trained, figures)
    (EMBEDDED / "traces.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    here = Path(__file__).parent
    _write_curve(run / "log.jsonl", here / "curve.csv")
    free = {photo.person for photo in read_index(data) if photo.set == "us_congress_118"}
    shown = [(one, value) for one, value in tested if one.person in free]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88]
    cv2.imwrite(str(here / "contact_sheet.jpg"), _sheet(shown, limit), quality)
    return figures


def _card(
    checkpoint: dict[str, Any], digest: str, trained: Sequence[Sample], figures: dict[str, Any]
) -> dict[str, Any]:
    """What the model is, what it was made of and what it must not be used for."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    people = sorted({one.person for one in trained if one.family != "clip"})
    return {
        "name": "embedded-traces",
        "version": VERSION,
        "role": "traces",
        "sha256": digest,
        "licence": "Apache-2.0",
        "network": {
            "class": "forensics.models.nets.traces TracesNet",
            "parameters": sum(p.numel() for p in TracesNet().parameters()),
            "use": "whether the footage's face was drawn anew: a number for a face with its "
            "surroundings, held against `traces_limit`; no probability",
        },
        "data": {
            "people": len(people),
            "people_sha256": hashlib.sha256("\n".join(people).encode()).hexdigest(),
            "samples": len(trained),
            "restored": sum(one.restored for one in trained),
            "samples_sha256": _digest(trained),
            "lists_left_out": ["val", "fit", "cal"],
            "limit_set_on": "fit",
            "source": "portraits/index.csv of the data folder, split train (us_congress_118, "
            "us_congress_2015_225x275: public domain; london: CC BY 4.0; two CC0 one-person sets); "
            "clips of training/lists/clips_train.txt (CC BY 4.0, Intel)",
        },
        "recipe": {
            "command": "python -m training.traces --data DIR --out RUN",
            "commit": done.stdout.strip(),
            "seed": config.SEED,
            "batch": config.BATCH,
            "epochs": config.EPOCHS,
            "steps": checkpoint["step"],
            "lr": config.LR,
            "ema_decay": config.EMA_DECAY,
            "seconds": round(checkpoint["seconds"]),
        },
        "figures": figures,
        "limits": [
            "about 600 people, mostly middle-aged officials in suits, lit from the front",
            "strong restorers are imitated (the portrait itself, smoothed and sharpened, or drawn "
            "large by Real-ESRGAN); the official GFPGAN was only measured on",
            "silence proves nothing: what is missed stands in the figures",
            "beauty filters, make-up and a face lit or pasted apart from its surroundings were "
            "not among the untouched",
        ],
    }


def _digest(found: Sequence[Sample]) -> str:
    whole = hashlib.sha256()
    for one in found:
        whole.update(np.ascontiguousarray(one.rgb_u8).tobytes())
    return whole.hexdigest()


def _write_curve(log: Path, out: Path) -> None:
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    with out.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _sheet(rows: Rows, limit: float) -> NDArray[np.uint8]:
    """People of ``val`` (public domain portraits), a line a kind, with what each reads."""
    lines = []
    for kind in SHEET_KINDS:
        cells = [
            _cell(one, value, limit) for one, value in rows if one.kind == kind and one.size_px < 60
        ]
        lines.append(np.hstack(cells[:: max(1, len(cells) // 8)][:8]))
    return np.vstack(lines)[..., ::-1]


def _cell(one: Sample, value: float, limit: float) -> NDArray[np.uint8]:
    k = CELL_PX / max(one.rgb_u8.shape[:2])
    small = cv2.resize(one.rgb_u8, None, fx=k, fy=k, interpolation=cv2.INTER_CUBIC)
    cell = np.full((CELL_PX + 18, CELL_PX, 3), 255, np.uint8)
    height, width = min(CELL_PX, small.shape[0]), min(CELL_PX, small.shape[1])
    cell[:height, :width] = small[:height, :width]
    text = f"{one.kind[:18]} {one.post} {value:.1f}"
    colour = (200, 0, 0) if value > limit else (0, 0, 0)
    cv2.putText(cell, text, (2, CELL_PX + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, 1,
                cv2.LINE_AA)  # fmt: skip
    return cell
