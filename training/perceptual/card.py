"""Export of the small embedded networks: fp16 safetensors and the card that goes with it.

``write`` stores weights and card; ``add_figures`` puts measured held-out figures into the card.
Used by the recipes of the perceptual network and of the two face embeddings.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

EMBEDDED = Path(__file__).parents[2] / "forensics" / "models" / "embedded"
LISTS = Path(__file__).parents[1] / "lists"
PORTRAITS = (
    {
        "name": "us_congress_118, us_congress_2015_225x275 (train people)",
        "licence": "public domain (US Government Printing Office, via unitedstates/images)",
    },
    {
        "name": "london_neutral, london_smiling (train people)",
        "licence": "CC BY 4.0, DeBruine and Jones 2017, Face Research Lab London Set, "
        "doi 10.6084/m9.figshare.5047666",
    },
    {"name": "cc0_zoom_one_person, cc0_lisa_one_person", "licence": "CC0"},
)


@dataclass(frozen=True)
class Facts:
    """What a recipe says about its network."""

    role: str
    name: str
    version: str
    architecture: str
    arguments: dict[str, Any]
    data: tuple[dict[str, str], ...]
    command: str
    seed: int
    steps: dict[str, int]
    curves: tuple[str, ...]
    limits: tuple[str, ...]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(packs: Path) -> dict[str, str]:
    """Digests of the committed person lists and of the training pack."""
    names = {f"training/lists/{n}.txt": LISTS / f"{n}.txt" for n in ("fit", "cal")}
    names["train_256.npy"] = packs / "train_256.npy"
    names["train_256.json"] = packs / "train_256.json"
    return {name: sha256_of(path) for name, path in names.items()}


def commit() -> str:
    """The commit of the working tree."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, cwd=LISTS
    )
    return done.stdout.strip()


def write(
    state: Mapping[str, torch.Tensor],
    facts: Facts,
    packs: Path,
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``ROLE.safetensors`` (fp16) and ``ROLE.json`` into the package; returns the card's
    path.

    Figures of an earlier export are dropped: they belong to other weights.
    """
    EMBEDDED.mkdir(parents=True, exist_ok=True)
    half = {
        k: (v.half() if v.is_floating_point() else v).detach().cpu().clone().contiguous()
        for k, v in state.items()
    }
    weights = EMBEDDED / f"{facts.role}.safetensors"
    safetensors.torch.save_file(half, weights)
    lines = asdict(facts)
    card = {
        "name": lines.pop("name"),
        "version": lines.pop("version"),
        "role": lines.pop("role"),
        "sha256": sha256_of(weights),
        "bytes": weights.stat().st_size,
        "precision": "fp16 stored, fp32 computed",
        "licence": "Apache-2.0",
        "parameters": sum(v.numel() for v in learnt(half)),
        "commit": commit(),
        **lines,
        "held_out_of_training": "people of val, fit and cal; astronaut; Grace Hopper; test clips",
        "digests": digests(packs),
        **(more or {}),
        "figures": {},
    }
    path = EMBEDDED / f"{facts.role}.json"
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def learnt(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """The learnt tensors: no batch-norm statistics, no input scaling, and none of lpips' second
    names (``lins.K`` repeats ``linK``).
    """
    passed_over = ("lins.", "scaling_layer.")
    counted = ("running_mean", "running_var", "num_batches_tracked")
    return [
        v for k, v in state.items() if not k.startswith(passed_over) and not k.endswith(counted)
    ]


def add_figures(role: str, figures: dict[str, Any]) -> None:
    """Put measured figures into a card that was exported before."""
    path = EMBEDDED / f"{role}.json"
    card = json.loads(path.read_text("utf-8"))
    card["figures"] = figures
    path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
