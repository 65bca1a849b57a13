"""Build the reference table of scoring from people of the `fit` list.

``python -m training.references --data ../shared/data --packs PACKS --out forensics/scoring/tables``

Needs the packs of ``training.portraits``; measures without a network are kept in ``--work`` and
taken from there while the sampling and the measures' sources are unchanged, so that a run after new
weights takes about seven minutes instead of twenty on one core.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from forensics.calibration import coding, filmed
from forensics.errors import EnvironmentLacks
from forensics.models.load import LoadedModel, load_embedded
from forensics.models.nets.identity import build_identity
from forensics.models.nets.perceptual import build_perceptual
from forensics.scoring import baseline, identity
from forensics.scoring.appearance import measure_appearance
from forensics.scoring.contradiction import measure_contradiction
from forensics.scoring.information import measure_information
from forensics.scoring.invention import measure_invention
from forensics.scoring.measure import FaceInput, Measure
from training.portraits import LISTS, read_list
from training.references import in_motion, moving, over_time, samples, views
from training.references.fit import BANDS_PX, input_facts, measures_table

SEED = 20261122
DRAWS = 24  # faces per photo
EVERY_FOR_PERCEPTUAL = 3  # the large network sees one face in three
EVERY_FOR_STEPS = 5  # needs a second frame of the face
SOURCES = (
    "contradiction.py", "information.py", "invention.py", "regions.py", "baseline.py",
    "appearance.py", "matched.py", "structure.py", "iris.py", "attributes.py", "hair_grid.py",
    "tables/glasses.json",
)  # fmt: skip
# Measures of one face that need no network and nothing beside the face: one line each, here, and
# one in `fit.ENTRIES` with the scale; their files in SOURCES.
ALONE: tuple[Measure, ...] = (measure_information, measure_contradiction, measure_appearance)
VIEWS, VIEWS_MOVING = "views.npy", "views_moving.npy"
VERSION = "1"
Table = dict[str, Any]


def sha256(path: Path) -> str:
    """Digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def meaning(path: Path) -> str:
    """Digest of what a file decides: of Python its code, not layout or words."""
    if path.suffix != ".py":
        return sha256(path)
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # texts standing alone are documentation
            kept = [s for s in body if not (isinstance(s, ast.Expr) and _is_text(s.value))]
            node.body = kept  # type: ignore[attr-defined]  # every node with a list has it
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def recipe_digest(pack: Path) -> str:
    """Digest of everything that decides the rows: data, sampling, measures."""
    scoring = Path(identity.__file__).parent
    made = [Path(str(module.__file__)) for module in (filmed, coding, moving, in_motion)]
    files = [pack, *made, *(scoring / name for name in SOURCES)]
    files.append(scoring.parent / "faces" / "align.py")
    text = "\n".join(meaning(path) for path in files) + f"\n{SEED} {DRAWS} {views.SAYS}"
    return hashlib.sha256(text.encode()).hexdigest()


def without_networks(face: FaceInput) -> dict[str, float]:
    """All measures of one face that need no network."""
    row: dict[str, float] = {}
    for measure in ALONE:
        row.update(measure(face).values)
    row.update(measure_invention(face, row.get("cutoff")).values)
    row["ssim_crop"] = baseline.ssim(face.crop_rgb_u8, face.restored_rgb_u8)
    return row


def saved_rows(kept: Path, digest: str) -> list[dict[str, Any]] | None:
    """Rows of an earlier run of the same recipe."""
    if not kept.exists():
        return None
    saved = json.loads(kept.read_text("utf-8"))
    return list(saved["rows"]) if saved["digest"] == digest else None


def gather(pack: Path, work: Path) -> list[dict[str, Any]]:
    """Rows of all samples; windows and pairs for the networks lie in ``work`` beside them."""
    photos = json.loads(pack.with_suffix(".json").read_text("utf-8"))
    strangers = {photo["person"] for photo in photos} - read_list("fit")
    if strangers:
        raise SystemExit(f"people outside the fit list: {sorted(strangers)}")
    work.mkdir(parents=True, exist_ok=True)
    digest, kept = recipe_digest(pack), work / "rows.json"
    if (saved := saved_rows(kept, digest)) is not None:
        return saved
    truths = np.load(pack, mmap_mode="r")
    rng = np.random.default_rng(SEED)
    plan = [
        samples.draw(photo, k % (len(samples.SIZES_PX) - 1), rng)
        for photo in range(len(photos))
        for k in range(DRAWS)
    ]
    windows = np.lib.format.open_memmap(
        work / "windows.npy", "w+", np.uint8, (len(plan), 2, 112, 112, 3)
    )
    few = len(range(0, len(plan), EVERY_FOR_PERCEPTUAL))
    pairs = np.lib.format.open_memmap(work / "pairs.npy", "w+", np.uint8, (few, 2, 512, 512, 3))
    kept_views = views.Views(work / VIEWS, len(plan))
    rows: list[dict[str, Any]] = []
    for k, known in enumerate(plan):
        face = samples.make(np.ascontiguousarray(truths[known.photo]), known)
        row: dict[str, Any] = dict(without_networks(face))
        row |= samples.known_facts(known) | kept_views.add(face)
        if k % EVERY_FOR_STEPS == 0:
            row |= over_time.steps(np.ascontiguousarray(truths[known.photo]), known, face)
        row |= {"family": known.family, "person": photos[known.photo]["person"]}
        rows.append(row)
        windows[k] = [
            identity.window_112(face.restored_rgb_u8), identity.window_112(face.crop_rgb_u8)
        ]  # fmt: skip
        if k % EVERY_FOR_PERCEPTUAL == 0:
            pairs[k // EVERY_FOR_PERCEPTUAL] = [face.crop_rgb_u8, face.restored_rgb_u8]
        if k % 100 == 0:
            print(f"{k} of {len(plan)}", flush=True)
    kept.write_text(json.dumps({"digest": digest, "rows": rows}), "utf-8")
    return rows


def gather_moving(pack: Path, work: Path) -> list[dict[str, Any]]:
    """Rows of faces in motion; kept like those of `gather`, for measures without a network."""
    digest, kept = recipe_digest(pack), work / "rows_moving.json"
    if (saved := saved_rows(kept, digest)) is not None:
        return saved
    people = [photo["person"] for photo in json.loads(pack.with_suffix(".json").read_text("utf-8"))]
    kept_views = views.Views(work / VIEWS_MOVING, in_motion.count(len(people)))

    def measure(face: FaceInput) -> dict[str, float]:
        return without_networks(face) | kept_views.add(face)

    rows = []
    for row in in_motion.rows(np.load(pack, mmap_mode="r"), people, measure):
        rows.append(row)
        if len(rows) % 100 == 0:
            print(f"{len(rows)} in motion", flush=True)
    kept.write_text(json.dumps({"digest": digest, "rows": rows}), "utf-8")
    return rows


def add_identity(rows: list[dict[str, Any]], model: LoadedModel, work: Path) -> None:
    """Distances d(truth, crop) of the identity network, where its gate is open."""
    net = build_identity(model.state)
    windows = np.load(work / "windows.npy", mmap_mode="r")
    for start in range(0, len(rows), 32):
        part = windows[start : start + 32]
        with torch.inference_mode():
            a = net(baseline.as_m11(list(part[:, 0]), torch.device("cpu")))
            b = net(baseline.as_m11(list(part[:, 1]), torch.device("cpu")))
        for k, d in enumerate((1 - (a * b).sum(1)).tolist()):
            if rows[start + k]["interocular_px"] >= identity.MIN_INTEROCULAR_PX:
                rows[start + k]["identity_distance"] = d


def add_perceptual(rows: list[dict[str, Any]], model: LoadedModel, work: Path) -> None:
    """Embedded perceptual distances crop to truth, for one face in three."""
    net = build_perceptual(model.state)
    pairs = np.load(work / "pairs.npy", mmap_mode="r")
    for k, pair in enumerate(pairs):
        crop, truth = (baseline.as_m11([picture], torch.device("cpu")) for picture in pair)
        distance = float(baseline.lpips_distances(net, crop, truth)[0])
        rows[k * EVERY_FOR_PERCEPTUAL]["lpips_embedded_crop"] = distance


def available(role: str) -> LoadedModel | None:
    """The embedded network, or None (said on the terminal) while it is not there."""
    try:
        return load_embedded(role)
    except EnvironmentLacks as error:
        print(f"{error.message}: its entries are left out")
        return None


def build(
    rows: list[dict[str, Any]],
    in_motion_rows: list[dict[str, Any]],
    models: dict[str, str],
    data: Path,
    pack: Path,
) -> Table:
    """The table: where it comes from, for which networks it holds, facts, references."""
    return {
        "version": VERSION,
        "made_by": "python -m training.references",
        "says": "what true faces of fit people score under known degradations",
        "data": {
            "list": "fit",
            "people": len({row["person"] for row in rows}),
            "photos": len({row["known_phot"] for row in rows}),
            "faces": len(rows),
            "faces_with_qp": sum("qp" in row for row in rows),
            "faces_in_motion": len(in_motion_rows),
            "list_sha256": sha256(LISTS / "fit.txt"),
            "index_sha256": sha256(data / "portraits" / "index.csv"),
            "pack_sha256": sha256(pack),
            "seed": SEED,
            "bands_px": list(BANDS_PX),
        },
        "models": models,
        "inputs": input_facts(rows) | {"steps_grey": over_time.steps_table(rows)},
        "measures": measures_table([*rows, *in_motion_rows]),
    }


def main() -> None:
    """Gather, add what the networks say, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=None, help="default: PACKS/references")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pack, work = args.packs / "fit_512.npy", args.work or args.packs / "references"
    rows = gather(pack, work)
    models: dict[str, str] = {}
    for role, add in (("identity", add_identity), ("perceptual", add_perceptual)):
        model = available(role)
        if model is not None:
            add(rows, model, work)
            models[role] = model.sha256
    moved = gather_moving(pack, work)
    model = available("evidence")
    if model is not None:
        views.add_evidence(rows, model, work / VIEWS)
        views.add_evidence(moved, model, work / VIEWS_MOVING)
        models["evidence"] = model.sha256
    table = build(rows, moved, models, args.data, pack)
    appearance = available("appearance")
    if appearance is not None:
        crops = np.load(work / "windows.npy", mmap_mode="r")[:, 1]
        table["inputs"]["swap"] = over_time.swap_margins(rows, crops, appearance)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "references.json"
    path.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(f"{path}: {len(rows)} faces, {sorted(table['measures'])}")


if __name__ == "__main__":
    main()
