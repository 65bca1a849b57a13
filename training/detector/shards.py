"""Shards of scenes on disk: painted once, digested, read by the training as they lie."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from training.detector.backgrounds import clip_frames, pictures
from training.detector.busy import HALL, BusyPainter
from training.detector.config import Config
from training.detector.points import settled
from training.detector.scenes import Painter, Portrait, read_portraits
from training.detector.turned import build_bank


def pack_scenes(data: Path, packs: Path, out: Path, config: Config) -> None:
    """Write ``scenes_K.npy``, ``labels_K.npz`` and ``scenes.json``; finished shards are kept."""
    out.mkdir(parents=True, exist_ok=True)
    plain = config.shards + config.crowd_shards
    busy_end = plain + config.busy_shards
    shards = range(busy_end + config.hall_shards)
    wanted = [k for k in shards if not (out / f"labels_{k}.npz").exists()]
    portraits = read_portraits(data, packs)
    if any(k < plain for k in wanted):
        painter = Painter(portraits, pictures(), clip_frames(data), config.scene_px)
        for shard in (k for k in wanted if k < plain):
            _pack_shard(painter, out, config, shard)
    if any(k >= plain for k in wanted):
        busy = _busy_painter(data, packs, portraits, config)
        for shard in (k for k in wanted if plain <= k < busy_end):
            _pack_shard(busy, out, config, shard)
        busy.manner = HALL
        for shard in (k for k in wanted if k >= busy_end):
            _pack_shard(busy, out, config, shard)
    facts = {
        "people": len({p.person for p in portraits}),
        "photos": len(portraits),
        "shards": {
            f"{stem}_{k}.{end}": _sha256(out / f"{stem}_{k}.{end}")
            for k in shards
            for stem, end in (("scenes", "npy"), ("labels", "npz"))
        },
    }
    (out / "scenes.json").write_text(json.dumps(facts, indent=1), "utf-8")


def _busy_painter(
    data: Path, packs: Path, portraits: list[Portrait], config: Config
) -> BusyPainter:
    """The painter of the last cycles: needs the output of ``mesh_teacher`` in ``packs``."""
    rows = settled(data, packs)
    better = [
        dataclasses.replace(p, points_px=np.array(row["points_px"]))
        for p, row in zip(portraits, rows, strict=True)
    ]
    bank = build_bank(data, packs, rows, config.seed, config.turned_each)
    print(f"bank: {len(bank.faces)} turned, {len(bank.behind)} from behind", flush=True)
    return BusyPainter(better, pictures(), clip_frames(data), config.scene_px, bank)


def _pack_shard(painter: Painter, out: Path, config: Config, shard: int) -> None:
    count, size = config.scenes_per_shard, config.scene_px
    pixels = np.lib.format.open_memmap(
        out / f"scenes_{shard}.npy", "w+", np.uint8, (count, size, size, 3)
    )
    found = []
    for k in range(count):
        scene = painter.scene(
            np.random.default_rng((config.seed, shard, k)), crowd=_crowd(config, shard, k)
        )
        pixels[k] = scene.rgb_u8
        found.append(scene)
    pixels.flush()
    np.savez(
        out / f"labels_{shard}.npz",
        boxes=np.concatenate([s.boxes_px for s in found]),
        points=np.concatenate([s.points_px for s in found]),
        face=np.concatenate([s.face for s in found]),
        ends=np.cumsum([len(s.boxes_px) for s in found]),
    )
    print(f"shard {shard}: {count} scenes", flush=True)


def _crowd(config: Config, shard: int, k: int) -> bool:
    """Crowds fill the crowd shards, and every third scene of the busy ones."""
    if shard >= config.shards + config.crowd_shards:
        return k % 3 == 0
    return shard >= config.shards


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
