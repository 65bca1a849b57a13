"""Weights, calibration, figures, card and contact sheet of the evidence network."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from forensics.models.load import EMBEDDED
from forensics.models.nets import evidence as nets
from forensics.scoring.evidence import support
from forensics.scoring.references import TABLES
from training import degrade
from training.evidence import calibrate, config
from training.evidence.calibrate import Truth, band_row, coverage, samples_of, stretches_of, truths
from training.restorer.data import Portraits

VERSION = "0.1.0"
CPU = torch.device("cpu")
CAL_TAG, VAL_TAG, PSNR_TAG = 1, 2, 3
FAMILY_BANDS = (1, 2)  # 16 to 64 px between the eyes, where most faces of real clips lie


def export(packs: Path, run: Path) -> None:
    """Everything that is committed, from a run's checkpoint; about 15 minutes on one core."""
    checkpoint = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    state = {name: value.half().contiguous() for name, value in checkpoint["ema"].items()}
    raw = safetensors.torch.save(state)
    digest = hashlib.sha256(raw).hexdigest()
    net = nets.build_evidence({name: value.float() for name, value in state.items()})
    table, held = calibrated(net, packs, digest)
    figures = held_out(net, packs, held)
    (EMBEDDED / "evidence.safetensors").write_bytes(raw)
    (TABLES / "evidence.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    document = card(checkpoint, packs, digest, figures)
    (EMBEDDED / "evidence.json").write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    here = Path(__file__).parent
    write_curve(run / "log.jsonl", here / "curve.csv")
    cv2.imwrite(str(here / "contact_sheet.jpg"), sheet(net, packs), [cv2.IMWRITE_JPEG_QUALITY, 88])
    print(json.dumps(figures, indent=1))


def calibrated(
    net: nets.EvidenceNet, packs: Path, digest: str
) -> tuple[dict[str, Any], list[dict[str, list[calibrate.Sample]]]]:
    """The table of ``cal`` people, and their samples by band for the left-out families."""
    people = truths(packs, "cal")
    bands, rows = [], []
    for number in range(len(calibrate.BINS_PX) - 1):
        found = samples_of(net, people, number, calibrate.DRAWS, CPU, CAL_TAG)
        bands.append(found)
        rows.append(band_row(number, found))
        print(f"cal, band {number}: {len(found)} people, {rows[-1]['stretch']}", flush=True)
    list_sha256 = hashlib.sha256(Path("training/lists/cal.txt").read_bytes()).hexdigest()
    table = {
        "version": "1",
        "made_by": "python -m training.evidence export",
        "says": "how far the intervals are stretched, and what true faces of cal people score",
        "model": digest,
        "alpha": config.ALPHA,
        "list": "cal",
        "list_sha256": list_sha256,
        "draws": calibrate.DRAWS,
        "seed": config.SEED,
        "bins": rows,
    }
    return table, bands


def held_out(
    net: nets.EvidenceNet, packs: Path, cal: list[dict[str, list[calibrate.Sample]]]
) -> dict[str, Any]:
    """Coverage and distance to the truth on people of ``val``."""
    people = truths(packs, "val")
    inside, families = {}, {}
    for number, found in enumerate(cal):
        name = f"{calibrate.BINS_PX[number]:.0f}-{calibrate.BINS_PX[number + 1]:.0f} px"
        stretch, _ = stretches_of(found)
        inside[name] = coverage(samples_of(net, people, number, 1, CPU, VAL_TAG), stretch)
        print(f"val, {name}: {inside[name]}", flush=True)
        if number not in FAMILY_BANDS:
            continue
        families[name] = {
            family: coverage(
                samples_of(net, people, number, 1, CPU, VAL_TAG + 10, family),
                stretches_of(found, leave_out=family)[0],
            )
            for family in degrade.FAMILIES
        }
        print(f"val, {name}, families left out: {families[name]}", flush=True)
    return {
        "coverage": inside,
        "coverage_of_families_left_out_of_the_calibration": families,
        "psnr_db": {
            "template": gains(net, people),
            "crop_of_128_px": gains_128(net, people),
        },
    }


def gains(net: nets.EvidenceNet, people: list[Truth]) -> dict[str, Any]:
    """PSNR of the mean against the crop's (bicubic), 256 px, sharp portraits of ``val``."""
    out = {}
    sharp = [t for t in people if t.sharp]
    for low, high in ((2.0, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, 12.0)):
        rows = []
        for k, truth in enumerate(sharp):
            rng = np.random.default_rng([config.SEED, PSNR_TAG, int(10 * low), k])
            plan = replace(degrade.draw("gfpgan", rng, (low, high)), enlarge="cubic")
            crop = degrade.apply(truth.crop_rgb_u8, plan)
            rows.append(_psnrs(net, crop, truth.crop_rgb_u8, plan.factor, 256))
        out[f"{low:g}-{high:g}x"] = _spread(rows)
    for factor in (4.0, 8.0):
        rows = []
        for k, truth in enumerate(sharp):
            plan = degrade.trial_plan(factor, k, "jpeg" if k % 2 else "h264")
            crop = degrade.apply(truth.crop_rgb_u8, plan)
            rows.append(_psnrs(net, crop, truth.crop_rgb_u8, factor, 256))
        out[f"{factor:g}x, as the restorer is tested"] = _spread(rows)
    return out


def gains_128(net: nets.EvidenceNet, people: list[Truth]) -> dict[str, Any]:
    """The same for crops of 128 px shrunk 3 to 8 times: blur, area, noise 0-6, JPEG 40-95."""
    rows = []
    for k, truth in enumerate(people):
        rng = np.random.default_rng([config.SEED, PSNR_TAG, 128, k])
        factor = float(rng.uniform(3, 8))
        small = cv2.resize(truth.crop_rgb_u8, (128, 128), interpolation=cv2.INTER_AREA)
        only = degrade.Pass(
            blur=float(rng.uniform(0.1, 0.6)) * 4 * factor,
            factor=4 * factor,
            noise=float(rng.uniform(0, 6)),
            jpeg=int(rng.integers(40, 96)),
        )
        plan = degrade.Plan("trial", (only,), "cubic", k)
        crop = degrade.apply(small, plan)
        large = cv2.resize(crop, (512, 512), interpolation=cv2.INTER_CUBIC)
        truth_128 = cv2.resize(small, (512, 512), interpolation=cv2.INTER_CUBIC)
        rows.append(_psnrs(net, large, truth_128, 4 * factor, 128))
    return {"3-8x of 128 px": _spread(rows)}


def _psnrs(
    net: nets.EvidenceNet, crop: NDArray[np.uint8], truth: NDArray[np.uint8], scale: float, px: int
) -> tuple[float, float]:
    side = (512, 512)
    crop, truth = (
        p if p.shape[0] == 512 else cv2.resize(p, side, interpolation=cv2.INTER_CUBIC)
        for p in (crop, truth)
    )
    mean = support(net, [crop], [scale], CPU)[0][px].mean
    small = (px, px)
    given, true = (
        cv2.resize(p, small, interpolation=cv2.INTER_AREA).astype(np.float64) / 255
        for p in (crop, truth)
    )
    return tuple(  # type: ignore[return-value] # two of them
        float(-10 * np.log10(np.square(p.clip(0, 1) - true).mean())) for p in (given, mean)
    )


def _spread(rows: list[tuple[float, float]]) -> dict[str, float]:
    given, mean = np.array(rows).T
    gain = mean - given
    low, middle, high = np.quantile(gain, [0.25, 0.5, 0.75])
    return {
        "n": len(rows),
        "bicubic": round(float(given.mean()), 2),
        "mean": round(float(mean.mean()), 2),
        "gain_mean": round(float(gain.mean()), 2),
        "gain_p25": round(float(low), 2),
        "gain_p50": round(float(middle), 2),
        "gain_p75": round(float(high), 2),
    }


def card(
    checkpoint: dict[str, Any], packs: Path, digest: str, figures: dict[str, Any]
) -> dict[str, Any]:
    """What the model is, what it was made of and what it must not be used for."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return {
        "name": "embedded-evidence",
        "version": VERSION,
        "role": "evidence",
        "sha256": digest,
        "licence": "Apache-2.0",
        "network": {
            "class": "forensics.models.nets.evidence EvidenceNet",
            "parameters": sum(p.numel() for p in nets.EvidenceNet().parameters()),
            "use": "what a face may have looked like, from the crop at 256 px and its scale alone: "
            "mean and bounds at 256, 128 and 64 px, sRGB values; intervals by "
            "scoring/tables/evidence.json",
        },
        "data": {
            "people": Portraits(packs).people,
            "packs_sha256": {
                name: hashlib.sha256((packs / name).read_bytes()).hexdigest()
                for name in ("train_256.npy", "train_512.npy", "cal_256.npy", "cal_512.npy")
            },
            "lists_left_out": ["val", "fit", "cal"],
            "calibrated_on": "cal",
            "source": "portraits/index.csv of the data folder, split train (us_congress_118, "
            "us_congress_2015_225x275: public domain; london: CC BY 4.0; two CC0 one-person sets)",
        },
        "recipe": {
            "command": "python -m training.evidence train --packs PACKS --out OUT",
            "commit": done.stdout.strip(),
            "seed": config.SEED,
            "batch": config.BATCH,
            "steps": checkpoint["step"],
            "lr": config.LR,
            "ema_decay": config.EMA_DECAY,
            "alpha": config.ALPHA,
            "factors": [config.USUAL_FACTORS, config.FACTORS],
            "families": degrade.WEIGHTS,
            "seconds": round(checkpoint["seconds"]),
        },
        "figures": {"val": figures},
        "limits": [
            "about 600 people, mostly middle-aged officials in suits, lit from the front",
            "knows blur, shrinking, noise, JPEG and H.264 as the recipe draws them, nothing else",
            "families were left out of the calibration only, not out of the training",
            "bounds are for single values: what they say of a region is a share, not a shape",
            "a rare trait that the crop does not show (scar, birthmark) can lie outside",
            "the same portraits trained the embedded restorer: errors of both can agree",
        ],
    }


def write_curve(log: Path, out: Path) -> None:
    """The log as a table, every hundredth step."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    with out.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in rows if row["step"] % 100 == 0)


def sheet(net: nets.EvidenceNet, packs: Path) -> NDArray[np.uint8]:
    """Crop, mean, width of the interval and truth of ``val`` people (public domain portraits)."""
    rows = json.loads((packs / "val_512.json").read_text("utf-8"))
    crops = np.load(packs / "val_512.npy", mmap_mode="r")
    chosen = [k for k, row in enumerate(rows) if row["set"] == "us_congress_118"][::8][:6]
    lines = []
    for k in chosen:
        line = []
        for factor in (4.0, 8.0, 12.0):
            crop = degrade.apply(np.asarray(crops[k]), degrade.trial_plan(factor, k, "h264"))
            said = support(net, [crop], [factor], CPU)[0][256]
            small = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_AREA)
            width = (said.upper - said.lower).mean(2, keepdims=True).repeat(3, 2)
            line += [small, _u8(said.mean), _u8(width)]
        line.append(cv2.resize(crops[k], (256, 256), interpolation=cv2.INTER_AREA))
        lines.append(np.hstack(line))
    whole = np.vstack(lines)[..., ::-1]
    return np.asarray(cv2.resize(whole, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA))


def _u8(picture_01: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(255 * picture_01), 0, 255).astype(np.uint8)
