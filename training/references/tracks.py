"""Build the table of what true faces score over time: people of `fit`, and recorded clips.

``python -m training.references.tracks --data ../shared/data --packs PACKS --out
forensics/scoring/tables``

Writes ``over_time.json``: median and 99th percentile of `jitter`, `identity_dispersion` and of
morphing, by band of eye distances, one value a clip (its median window, and its worst).  Rows are
kept in ``--work`` as they arise, so that an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from forensics.models.load import load_embedded
from forensics.models.nets.identity import build_identity
from forensics.scoring import identity
from forensics.scoring.information import contrast_grey, luma
from forensics.scoring.over_time_table import FINE, FINE_QP
from forensics.scoring.temporal import TemporalMeter
from training.portraits import read_list
from training.references import moving, recorded, samples

SEED = 20261124
FRAMES = 28
RECORDED_QPS = (22, 26, 30, 33, 35, 38, 42)
CLIPS = Path("clips") / "intel" / "asl_gestures"
LEAST_CLIPS = 20  # of a band; fewer have no 99th percentile worth the name
BANDS_PX = (16.0, 24.0, 40.0, 64.0, 110.0)  # smaller faces are never flagged
FINE_BANDS_PX = (16.0, 40.0, 110.0)
VALUES = {"jitter": "jitter_pct", "identity_dispersion": "dispersion", "morphing": "morph_grey"}
Row = dict[str, Any]


def measure(track: Iterable[tuple[int, moving.Shown]], net: torch.nn.Module) -> Row:
    """Windows of one track (frame number and face): all values of each kind, and how steps lie."""
    meter, found = TemporalMeter(), {name: [] for name in VALUES}
    change, sizes, contrasts = [], [], []
    for frame, one in track:
        sizes.append(one.interocular_px)
        contrasts.append(contrast_grey(luma(one.native_rgb_u8)))
        pair = None
        if one.interocular_px >= identity.MIN_INTEROCULAR_PX:
            rows = identity.embed(net, [one.truth_rgb_u8, one.crop_rgb_u8], torch.device("cpu"))
            pair = (rows[0], rows[1])
        here, _ = meter.add(
            person=0,
            frame=frame,
            pts_s=one.pts_s,
            shot=1,
            crop_rgb_u8=one.crop_rgb_u8,
            restored_rgb_u8=one.truth_rgb_u8,
            scale=one.scale,
            yaw_deg=one.yaw_deg,
            embedded=pair,
        )
        change.append(here.change_grey)
        for name, attribute in VALUES.items():
            value = getattr(here, attribute)
            if value is not None:
                found[name].append(float(value))
    drops = [b / max(np.median(change[: k + 1]), 1e-3) for k, b in enumerate(change)]
    row: Row = {"least_change": float(min(drops)), "interocular_px": float(np.median(sizes))}
    row["contrast"] = float(np.median(contrasts))
    for name, values in found.items():
        if values:
            row[name] = [float(np.median(values)), float(max(values))]
    return row


def recorded_track(clip: Sequence[recorded.Sharp], qp: int) -> Iterator[tuple[int, moving.Shown]]:
    """The person of a recorded clip, filmed again at a quantiser."""
    rng = np.random.default_rng([SEED, qp])
    shrink = recorded.shrink_of(clip)
    for one, seen in zip(clip, recorded.footage(clip, shrink, qp, rng), strict=True):
        for followed in one.faces:
            face = recorded.drawn(one, seen, followed)
            if face is None or face.aligned is None or face.restored_rgb_u8 is None:
                continue
            if followed.person == 0 and one.pts_s is not None:
                found = face.aligned
                yield one.frame, moving.Shown(
                    one.pts_s, seen, found.native_rgb_u8, found.crop_rgb_u8, face.restored_rgb_u8,
                    found.scale, found.interocular_px, found.yaw_deg,
                )  # fmt: skip


def table(rows: list[Row], digest: str) -> dict[str, Any]:
    """Bands with the median of clips, the 99th percentile of their worst windows, least contrast.

    Rows ending in ``_fine``: of clips without a codec or coded at a QP of 35 at most.
    """
    fine = [r for r in rows if r["qp"] is None or r["qp"] <= FINE_QP]
    measures = _measures(rows, BANDS_PX)
    measures |= {name + FINE: e for name, e in _measures(fine, FINE_BANDS_PX).items()}
    for name in ("identity_dispersion", "identity_dispersion" + FINE):
        measures[name]["needs_model"] = "identity"
    return {
        "version": "1",
        "made_by": "python -m training.references.tracks",
        "says": "what true faces of fit people score while they move, speak and blink, and those of"
        " recorded training clips; p50: the middle clip; p99: the worst window of 99 of 100 clips"
        " stays below",
        "data": {
            "list": "fit",
            "clips": sum(r["photo"] is not None for r in rows),
            "recorded_clips": sum(r["photo"] is None for r in rows),
            "frames": FRAMES,
            "seed": SEED,
        },
        "models": {"identity": digest},
        "measures": measures,
    }


def _measures(rows: list[Row], edges_px: tuple[float, ...]) -> dict[str, Any]:
    measures: dict[str, Any] = {}
    for name in VALUES:
        bands = []
        for low, high in pairwise(edges_px):
            some = [r for r in rows if name in r and low <= r["interocular_px"] < high]
            if len(some) < LEAST_CLIPS:
                continue
            typical, worst = np.array([r[name] for r in some]).T
            bands.append(
                {
                    "from": low,
                    "to": high,
                    "p50": round(float(np.median(typical)), 4),
                    "p99": round(float(np.quantile(worst, 0.99)), 4),
                    "n": len(some),
                    "least_contrast": round(min(r["contrast"] for r in some), 2),
                }
            )
        measures[name] = {"bands": bands}
    return measures


def main() -> None:
    """Measure clips that are not yet measured, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None, help="default: PACKS/tracks.jsonl")
    parser.add_argument("--most", type=int, default=None, help="clips, for a trial")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pack = args.packs / "fit_512.npy"
    photos = json.loads(pack.with_suffix(".json").read_text("utf-8"))
    strangers = {photo["person"] for photo in photos} - read_list("fit")
    if strangers:
        raise SystemExit(f"people outside the fit list: {sorted(strangers)}")
    truths = np.load(pack, mmap_mode="r")
    rng = np.random.default_rng(SEED)
    bands = [samples.SIZES_PX.index(low) for low in BANDS_PX[:-1]]
    plan = [samples.draw(photo, band, rng) for band in bands for photo in range(len(photos))]
    order = rng.permutation(len(plan))  # an interrupted run has seen all sizes
    work = args.work or args.packs / "tracks.jsonl"
    lines = work.read_text("utf-8").splitlines() if work.exists() else []
    done = {row["clip"]: row for row in map(json.loads, lines)}
    model = load_embedded("identity")
    net = build_identity(model.state)
    with work.open("a", encoding="utf-8") as out:
        for k in order[: args.most].tolist():
            if k in done:
                continue
            known = plan[k]
            photo = np.ascontiguousarray(truths[known.photo])
            row = measure(enumerate(moving.clip(photo, known, FRAMES), 1), net)
            row |= {"interocular_px": known.interocular_px, "photo": known.photo}
            done[k] = row | {"family": known.family, "qp": known.qp, "clip": k}
            out.write(json.dumps(done[k]) + "\n")
            out.flush()
        for name in sorted(read_list("clips_train")):
            wanted = [qp for qp in RECORDED_QPS if f"{name} {qp}" not in done]
            clip = list(recorded.from_file(args.data / CLIPS / name)) if wanted else []
            for qp in wanted:
                key = f"{name} {qp}"
                row = measure(recorded_track(clip, qp), net)
                done[key] = row | {"family": "recorded", "qp": qp, "photo": None, "clip": key}
                out.write(json.dumps(done[key]) + "\n")
                out.flush()
    made = table([done[k] for k in sorted(done, key=str)], model.sha256)
    (args.out / "over_time.json").write_text(json.dumps(made, indent=1) + "\n", "utf-8")
    print(f"{len(done)} clips")


if __name__ == "__main__":
    main()
