"""Heads of the perceptual network: rank two degradations of one picture whose order is known.

Each triplet is (reference, mild, severe) of one family and one seed; the loss asks the severe one
to lie further away by a margin in log distance that grows with the step between them.  The
distance's level is held near a common scale, so that no family is bought by ignoring another.
"""

from __future__ import annotations

from pathlib import Path

import lpips
import numpy as np
import torch
from torch.nn import functional

from training.perceptual.data import Pictures, cut, to_m11
from training.perceptual.degrade import FAMILIES, degrade

WINDOW = 128
# Distance wanted at severity 1, one scale for all families: blur and detail loss weigh most,
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


def triplets(
    pictures: Pictures, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """References, mild and severe pictures (B, 3, S, S) in [-1, 1]; severities (B, 2); levels."""
    names = list(FAMILIES)
    kept: list[list[np.ndarray]] = [[], [], []]
    severities, levels = [], []
    sharp = np.flatnonzero(pictures.sharp)
    for k in range(count):
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
        family = names[k % len(names)]
        mild = rng.uniform(0.0, 0.9)
        severe = rng.uniform(mild + 0.05, min(1.0, mild + 0.4))
        seed = int(rng.integers(2**31))
        kept[0].append(reference)
        kept[1].append(degrade(reference, family, mild, seed))
        kept[2].append(degrade(reference, family, severe, seed))
        severities.append((mild, severe))
        levels.append(LEVEL[family])
    stacks = [to_m11(side) for side in kept]
    return (*stacks, np.array(severities, np.float32), np.array(levels, np.float32))


def rank(
    model: lpips.LPIPS, pictures: Pictures, steps: int, seed: int, out: Path, device: str
) -> list[dict[str, float]]:
    """Ranking stage over heads and trunk; resumes from ``out/rank.pt``. Returns the curve."""
    heads = [p for n, p in model.named_parameters() if n.startswith("lin")]
    trunk = list(model.net.parameters())
    optimiser = torch.optim.AdamW(
        [{"params": heads, "lr": 3e-4}, {"params": trunk, "lr": 1e-4}], weight_decay=0.0
    )
    base = [group["lr"] for group in optimiser.param_groups]
    curve: list[dict[str, float]] = []
    begin = 0
    kept = out / "rank.pt"
    if kept.exists():
        saved = torch.load(kept, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        begin, curve = saved["step"], saved["curve"]
    hits: list[float] = []
    for step in range(begin, steps):
        rng = np.random.default_rng([seed, 2, step])
        share = min(1.0, (step + 1) / 30) * (0.5 * (1 + np.cos(np.pi * step / steps)) * 0.98 + 0.02)
        for group, rate in zip(optimiser.param_groups, base, strict=True):
            group["lr"] = float(rate * share)
        reference, mild, severe, severities, level = triplets(pictures, 14, rng)
        x = torch.from_numpy(np.concatenate([reference, mild, severe])).to(device)
        near, far = distances(model, x)
        gap = torch.from_numpy(severities[:, 1] - severities[:, 0]).to(device)
        ratio = torch.log(far + 1e-5) - torch.log(near + 1e-5)
        order = functional.relu(1.0 * gap - ratio).mean()
        order = order + 0.1 * functional.softplus(-8 * ratio).mean()
        wanted = torch.from_numpy(level[:, None] * severities).to(device)
        scale = functional.smooth_l1_loss(torch.stack([near, far], 1), wanted, beta=0.1)
        loss = order + 2.0 * scale
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*heads, *trunk], 2.0)
        optimiser.step()
        with torch.no_grad():
            for weight in heads:
                weight.clamp_(min=0.0)
        hits.append((ratio > 0).float().mean().item())
        if step % 10 == 0:
            curve.append({"step": step, "order": order.item(), "scale": scale.item()})
        if step % 50 == 0 or step + 1 == steps:
            print(
                f"rank {step}: order {order.item():.4f} scale {scale.item():.4f} "
                f"right {np.mean(hits[-50:]):.3f}",
                flush=True,
            )
            torch.save(
                {
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "curve": curve,
                },
                kept,
            )
    return curve


def distances(model: lpips.LPIPS, x_m11: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances (B,), (B,) of the second and last third of ``x_m11`` to its first third.

    Same sum as ``lpips.LPIPS.forward`` without dropout, with the reference's features used twice.
    """
    features = model.net(model.scaling_layer(x_m11))
    near = far = torch.zeros(())
    for k, maps in enumerate(features):
        unit = lpips.normalize_tensor(maps)
        reference, mild, severe = unit.chunk(3)
        weight = getattr(model, f"lin{k}").model[-1].weight
        near = near + functional.conv2d((reference - mild) ** 2, weight).mean((1, 2, 3))
        far = far + functional.conv2d((reference - severe) ** 2, weight).mean((1, 2, 3))
    return near, far
