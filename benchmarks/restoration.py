"""Benchmark: the embedded restorer against bicubic on people it has never seen.

``python -m benchmarks.restoration --packs DIR [--out FILE.json]`` degrades the ``val`` portraits by
the fixed plans of `training.degrade.trial_plan` (4x and 8x against the 512 template, that is 31 and
16 px between the eyes; JPEG 75 and H.264 QP 28; seed = portrait number) and compares with the truth
at 512 px: PSNR over the whole crop, and ``lpips_embedded`` where its weights are installed.

The bars: at each factor the median of the paired PSNR differences is at least 0.5 dB, and the
median distance at least 20 % below bicubic's.  The 225x275 photos are soft at 512 px; they stand
apart.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from forensics.models.load import EMBEDDED, load_embedded
from forensics.models.nets.perceptual import build_perceptual
from forensics.records import Failure
from forensics.restore.embedded import EmbeddedRestorer
from training import degrade

U8 = NDArray[np.uint8]
FACTORS = (4, 8)
CODECS = ("jpeg", "h264")
PSNR_BAR_DB = 0.5
DISTANCE_BAR = 0.20
SOFT_SET = "us_congress_2015_225x275"


@dataclass(frozen=True)
class Row:
    """One portrait at one degradation. Distances are None without the perceptual network."""

    group: str
    file: str
    person: str
    ita_deg: float | None
    factor: int
    codec: str
    psnr_bicubic: float
    psnr_restored: float
    distance_bicubic: float | None
    distance_restored: float | None


def psnr(a_u8: U8, b_u8: U8) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; equal pictures raise."""
    error = float(np.mean((a_u8.astype(np.float64) - b_u8.astype(np.float64)) ** 2))
    return 10 * float(np.log10(255.0**2 / error))


class Distance:
    """lpips_embedded of pairs (512, 512, 3) uint8."""

    def __init__(self) -> None:
        self.net = build_perceptual(load_embedded("perceptual").state)

    def __call__(self, a_u8: U8, b_u8: U8) -> float:
        with torch.inference_mode():
            return float(self.net(_m11(a_u8), _m11(b_u8)))


def _m11(picture_u8: U8) -> torch.Tensor:
    return torch.from_numpy(picture_u8).permute(2, 0, 1)[None].float() / 127.5 - 1


def portraits(packs: Path, limit: int) -> list[tuple[str, dict[str, Any], U8]]:
    """(group, row, truth at 512): ``large`` from the 512 pack, ``soft`` from the 225x275 set."""
    found: list[tuple[str, dict[str, Any], U8]] = []
    large = np.load(packs / "val_512.npy", mmap_mode="r")
    rows = json.loads((packs / "val_512.json").read_text("utf-8"))
    found += [("large", row, np.array(crop)) for row, crop in zip(rows, large, strict=True)][:limit]
    small = np.load(packs / "val_256.npy", mmap_mode="r")
    rows = json.loads((packs / "val_256.json").read_text("utf-8"))
    soft = [(row, crop) for row, crop in zip(rows, small, strict=True) if row["set"] == SOFT_SET]
    for row, crop in soft[:limit]:
        truth = cv2.resize(np.array(crop), (512, 512), interpolation=cv2.INTER_CUBIC)
        found.append(("soft", row, np.asarray(truth, np.uint8)))
    return found


def measure(
    restorer: EmbeddedRestorer, distance: Distance | None, packs: Path, limit: int
) -> list[Row]:
    """All rows, in a fixed order."""
    rows = []
    for number, (group, facts, truth) in enumerate(portraits(packs, limit)):
        plans = [
            (factor, codec, degrade.trial_plan(factor, number, codec))
            for factor in FACTORS
            for codec in CODECS
        ]
        given = [degrade.apply(truth, plan) for _, _, plan in plans]
        for (factor, codec, _), bicubic, restored in zip(
            plans, given, restorer.restore(given), strict=True
        ):
            if isinstance(restored, Failure):
                raise SystemExit(f"{facts['file']}: {restored.reason}: {restored.error}")
            rows.append(
                Row(
                    group,
                    facts["file"],
                    facts["person"],
                    facts["ita_deg"],
                    factor,
                    codec,
                    psnr(bicubic, truth),
                    psnr(restored, truth),
                    distance(bicubic, truth) if distance else None,
                    distance(restored, truth) if distance else None,
                )
            )
    return rows


def quartiles(values: list[float]) -> dict[str, float]:
    """Lower quartile, median, upper quartile."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {
        "q1": round(float(low), 4),
        "median": round(float(middle), 4),
        "q3": round(float(high), 4),
    }


def summary(rows: list[Row]) -> dict[str, Any]:
    """Figures of one group at one factor: medians, quartiles, paired differences, the two bars."""
    gain = [r.psnr_restored - r.psnr_bicubic for r in rows]
    out: dict[str, Any] = {
        "pairs": len(rows),
        "portraits": len({r.file for r in rows}),
        "psnr_bicubic": quartiles([r.psnr_bicubic for r in rows]),
        "psnr_restored": quartiles([r.psnr_restored for r in rows]),
        "psnr_gain_db": quartiles(gain),
        "psnr_share_better": round(float(np.mean(np.array(gain) > 0)), 4),
        "psnr_bar_met": bool(np.median(gain) >= PSNR_BAR_DB),
    }
    pairs = [
        (r.distance_bicubic, r.distance_restored)
        for r in rows
        if r.distance_bicubic is not None and r.distance_restored is not None
    ]
    if pairs:
        lower = [1 - restored / bicubic for bicubic, restored in pairs]
        out |= {
            "distance_bicubic": quartiles([b for b, _ in pairs]),
            "distance_restored": quartiles([r for _, r in pairs]),
            "distance_lower_by": quartiles(lower),
            "distance_bar_met": bool(np.median(lower) >= DISTANCE_BAR),
        }
    return out


def summaries(rows: list[Row]) -> dict[str, Any]:
    """``GROUP_FACTORx`` over both codecs (the bars), and each codec apart."""
    out = {}
    for group in ("large", "soft"):
        for factor in FACTORS:
            here = [r for r in rows if r.group == group and r.factor == factor]
            if not here:
                continue
            out[f"{group}_{factor}x"] = summary(here)
            for codec in CODECS:
                out[f"{group}_{factor}x_{codec}"] = summary([r for r in here if r.codec == codec])
    return out


def line(name: str, figures: dict[str, Any]) -> str:
    """One row of the printed table."""
    gain = figures["psnr_gain_db"]
    text = (
        f"{name:16s} {figures['pairs']:4d} | PSNR {figures['psnr_bicubic']['median']:6.2f} -> "
        f"{figures['psnr_restored']['median']:6.2f} dB, paired {gain['median']:+.2f} "
        f"[{gain['q1']:+.2f}, {gain['q3']:+.2f}], better in {figures['psnr_share_better']:.0%}"
    )
    if "distance_lower_by" in figures:
        low = figures["distance_lower_by"]
        text += (
            f" | lpips_embedded {figures['distance_bicubic']['median']:.4f} -> "
            f"{figures['distance_restored']['median']:.4f}, lower by {low['median']:+.1%} "
            f"[{low['q1']:+.1%}, {low['q3']:+.1%}]"
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restoration", description=__doc__)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="write rows and summary as JSON")
    parser.add_argument("--limit", type=int, default=10_000, help="portraits a group")
    args = parser.parse_args()
    restorer = EmbeddedRestorer.load(load_embedded("restorer"), torch.device("cpu"))
    has_distance = (EMBEDDED / "perceptual.json").is_file()
    rows = measure(restorer, Distance() if has_distance else None, args.packs, args.limit)
    figures = summaries(rows)
    for name, entry in figures.items():
        print(line(name, entry))
    if not has_distance:
        print("lpips_embedded: not measured, its weights are not installed")
    if args.out:
        text = {"weights_sha256": restorer.facts.sha256, "summary": figures}
        args.out.write_text(
            json.dumps(text | {"rows": [asdict(r) for r in rows]}, indent=1), "utf-8"
        )


if __name__ == "__main__":
    main()
