"""Shards of scenes on disk: painted once, digested, read by the training as they lie."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from training.detector.backgrounds import clip_frames, pictures
from training.detector.config import Config
from training.detector.scenes import Painter, read_portraits


def pack_scenes(data: Path, packs: Path, out: Path, config: Config) -> None:
    """Write ``scenes_K.npy``, ``labels_K.npz`` and ``scenes.json``; finished shards are kept."""
    out.mkdir(parents=True, exist_ok=True)
    shards = range(config.shards + config.crowd_shards)
    wanted = [k for k in shards if not (out / f"labels_{k}.npz").exists()]
    portraits = read_portraits(data, packs)
    if wanted:
        painter = Painter(portraits, pictures(), clip_frames(data), config.scene_px)
        for shard in wanted:
            _pack_shard(painter, out, config, shard)
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


def _pack_shard(painter: Painter, out: Path, config: Config, shard: int) -> None:
    count, size = config.scenes_per_shard, config.scene_px
    pixels = np.lib.format.open_memmap(
        out / f"scenes_{shard}.npy", "w+", np.uint8, (count, size, size, 3)
    )
    found = []
    for k in range(count):
        scene = painter.scene(
            np.random.default_rng((config.seed, shard, k)), crowd=shard >= config.shards
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


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
