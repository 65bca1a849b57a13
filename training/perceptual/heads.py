"""Heads of the perceptual network: rank degradations of one picture whose order is known.

The trunk stays as self-supervision left it.  For each picture and family the squared feature
differences of four severities are averaged over the picture, channel by channel, once; then the
1,152 non-negative head weights are fitted to that table: a more severe picture must lie further
away by a margin in log distance that grows with the step between them, and the level of distance
is held near one scale, so that no family is bought by ignoring another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import lpips
import numpy as np
import torch
from torch.nn import functional

from training.perceptual.backbone import CHANNELS
from training.perceptual.data import Pictures, cut, to_m11
from training.perceptual.degrade import FAMILIES, degrade

WINDOW = 192
STEPS = 4  # severities of one picture
# Distance wanted at severity 1, one scale for all families: blur and lost detail weigh most,
# because this distance trains and judges a restorer.
LEVEL = {
    "blur": 0.7,
    "motion": 0.65,
    "down": 0.75,
    "noise": 0.5,
    "jpeg": 0.5,
    "warp": 0.5,
    "chain": 0.75,
}


@dataclass(frozen=True)
class Table:
    """``differences`` (N, 4, 1152), ``severities`` (N, 4) ascending, ``levels`` (N,)."""

    differences: torch.Tensor
    severities: torch.Tensor
    levels: torch.Tensor


def ladder(
    pictures: Pictures, family: str, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """A reference followed by four ever worse pictures of it, and the four severities."""
    sharp = np.flatnonzero(pictures.sharp)
    if rng.random() < 0.2:
        photo = pictures.others_rgb_u8[rng.integers(len(pictures.others_rgb_u8))]
        share = rng.uniform(0.2, 0.9)
    else:
        rows = sharp if rng.random() < 0.7 else np.arange(len(pictures.faces_rgb_u8))
        photo = pictures.faces_rgb_u8[rng.choice(rows)]
        share = rng.choice((WINDOW / 256, rng.uniform(0.4, 1.0)))
    reference = cut(photo, WINDOW, float(share), rng)[0]
    if rng.random() < 0.5:
        reference = np.ascontiguousarray(reference[:, ::-1])
    steps = rng.uniform(0.05, 0.24, STEPS)
    severities = np.minimum(np.cumsum(steps), 1.0)
    seed = int(rng.integers(2**31))
    worse = [degrade(reference, family, float(s), seed) for s in severities]
    return [reference, *worse], severities.astype(np.float32)


def measure(
    model: lpips.LPIPS, pictures: Pictures, count: int, seed: int, out: Path, device: str
) -> Table:
    """Feature differences of ``count`` ladders, families in turn; resumes from ``out/table.pt``."""
    kept = out / "table.pt"
    rows: dict[str, list[torch.Tensor]] = {"differences": [], "severities": [], "levels": []}
    if kept.exists():
        saved = torch.load(kept, map_location="cpu", weights_only=True)
        rows = {name: list(saved[name]) for name in rows}
    names = list(FAMILIES)
    for k in range(len(rows["levels"]), count):
        family = names[k % len(names)]
        steps, severities = ladder(pictures, family, np.random.default_rng([seed, 2, k]))
        rows["differences"].append(differences(model, torch.from_numpy(to_m11(steps)).to(device)))
        rows["severities"].append(torch.from_numpy(severities))
        rows["levels"].append(torch.tensor(LEVEL[family]))
        if (k + 1) % 70 == 0 or k + 1 == count:
            torch.save({name: torch.stack(values) for name, values in rows.items()}, kept)
            print(f"measured {k + 1} of {count} ladders", flush=True)
    return Table(*(torch.stack(rows[name]) for name in ("differences", "severities", "levels")))


def differences(model: lpips.LPIPS, x_m11: torch.Tensor) -> torch.Tensor:
    """(4, 1152): squared differences of unit features to the first picture, averaged over space."""
    with torch.no_grad():
        features = model.net(model.scaling_layer(x_m11))
    parts = []
    for maps in features:
        unit = lpips.normalize_tensor(maps)
        parts.append(((unit[1:] - unit[:1]) ** 2).mean((2, 3)))
    return torch.cat(parts, 1).cpu()


def fit(model: lpips.LPIPS, table: Table, steps: int) -> list[dict[str, float]]:
    """Fit the heads in place; returns the curve's rows. Deterministic: all data in every step."""
    even = torch.cat([torch.full((c,), 1.0 / c) for c in CHANNELS])
    # Start where the uniform distance has the wanted mean.
    wanted = table.levels[:, None] * table.severities
    uniform = table.differences @ even
    start = even * (wanted.mean() / uniform.mean())
    log_weight = start.log().clone().requires_grad_(True)
    optimiser = torch.optim.Adam([log_weight], lr=0.03)
    curve: list[dict[str, float]] = []
    upper = torch.triu(torch.ones(STEPS, STEPS, dtype=torch.bool), 1)
    gaps = (table.severities[:, None, :] - table.severities[:, :, None])[:, upper]
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 0.03 * 0.5 * (1 + float(np.cos(np.pi * step / steps)))
        distance = table.differences @ log_weight.exp()
        log_d = torch.log(distance + 1e-6)
        ratio = (log_d[:, None, :] - log_d[:, :, None])[:, upper]
        order = functional.relu(gaps - ratio).mean()
        order = order + 0.1 * functional.softplus(-8 * ratio).mean()
        scale = functional.smooth_l1_loss(distance, wanted, beta=0.1)
        # Few strong channels would make a loss that can be cheated: stay near even weights.
        spread = ((log_weight - start.log()) ** 2).mean()
        loss = order + 2.0 * scale + 0.02 * spread
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if step % 25 == 0 or step + 1 == steps:
            right = (ratio > 0).float().mean().item()
            curve.append(
                {"step": step, "order": order.item(), "scale": scale.item(), "right": right}
            )
    print(f"heads: {curve[-1]}", flush=True)
    with torch.no_grad():
        parts = log_weight.exp().split(CHANNELS)
        for k, part in enumerate(parts):
            getattr(model, f"lin{k}").model[-1].weight.copy_(part.view(1, -1, 1, 1))
    return curve
