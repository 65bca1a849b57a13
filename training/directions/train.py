"""Train directions of the latent on ``train`` people; the restorer itself stays as it is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from forensics.models.load import load_embedded
from forensics.models.nets import restorer as nets
from forensics.models.nets.perceptual import build_perceptual
from forensics.models.nets.varied import PARTS, SHAPES, Offset, offset, varied_residuals
from forensics.scoring.regions import mask_at
from training import degrade
from training.directions.losses import terms
from training.restorer.data import Portraits, augment, m11

SEED = 20261123
COUNT = 8  # directions
ANSWERS = 2  # drawn of a face in one step
STEPS = 110
RATE = 0.08  # of Adam, in units of each part's own spread over people
FACTORS = (4.0, 10.0)
CODES = 40  # faces whose latents say how far people spread
KEEP_EVERY = 10
START = 1.5  # of a person's distance from the mean: how long the directions are at first


@dataclass(frozen=True)
class Trained:
    """Directions with what the training said, step by step."""

    directions: dict[str, Tensor]
    log: list[dict[str, float]]
    seconds: float


def sample(portraits: Portraits, rng: np.random.Generator) -> tuple[Tensor, Tensor, int]:
    """Crop and truth (1, 3, 256, 256) in [-1, 1], and the face's side in the footage."""
    truth = augment(portraits.sharp[int(rng.integers(len(portraits.sharp)))], rng)
    plan = degrade.draw_any(rng, FACTORS)
    given = degrade.apply(truth, plan)
    side = min(256, max(16, round(degrade.TEMPLATE_PX / plan.factor)))
    return _tensor(given), _tensor(truth), side


def _tensor(picture_u8: np.ndarray) -> Tensor:
    return m11(torch.from_numpy(np.ascontiguousarray(picture_u8)).permute(2, 0, 1)[None])


class _Latents:
    """Hooks that keep the parts of the latent of faces going through the restorer."""

    def __init__(self, net: torch.nn.Module) -> None:
        self.found: dict[str, list[Tensor]] = {"style": [], "summary": []}
        net.final_conv.register_forward_hook(lambda m, i, o: self._keep("summary", o))
        net.final_linear.register_forward_hook(lambda m, i, o: self._keep("style", o))

    def _keep(self, name: str, value: Tensor) -> None:
        self.found[name].append(value.detach().clone().reshape(SHAPES[name]))


def first_guess(
    net: torch.nn.Module, portraits: Portraits, rng: np.random.Generator
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Where training starts: principal directions of people's latents, and each part's spread."""
    latents = _Latents(net)
    with torch.inference_mode():
        for _ in range(CODES):
            given, _, _ = sample(portraits, rng)
            nets.residual_m11(net, given.contiguous())
    net.final_conv._forward_hooks.clear()
    net.final_linear._forward_hooks.clear()
    start: dict[str, Tensor] = {}
    spread: dict[str, float] = {}
    for name, rows in latents.found.items():
        flat = torch.stack(rows).flatten(1)
        flat = flat - flat.mean(0)
        spread[name] = float(flat.std())
        _, _, axes = torch.linalg.svd(flat, full_matrices=False)
        length = spread[name] * flat.shape[1] ** 0.5
        start[name] = (axes[:COUNT] * length).reshape(COUNT, *SHAPES[name])
    constant = net.stylegan_decoder.constant_input.weight
    spread["start"] = float(constant.std())
    start["start"] = 0.3 * spread["start"] * torch.randn(COUNT, *SHAPES["start"])
    return start, spread


def train(packs: Path, steps: int = STEPS, keep: Path | None = None) -> Trained:
    """The whole training; ``keep`` is where what is there so far is saved now and then."""
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    began = time.monotonic()
    net = nets.build()
    net.load_state_dict(load_embedded("restorer").state, strict=True)
    net.eval().requires_grad_(False)
    judge = build_perceptual(load_embedded("perceptual").state)
    portraits = Portraits(packs)
    mask = torch.from_numpy(mask_at("face", nets.NET_PX).astype(np.float32))
    start, spread = first_guess(net, portraits, rng)
    # Whitened, so that one rate suits every part.
    free = {name: (START * start[name] / spread[name]).requires_grad_(True) for name in PARTS}
    adam = torch.optim.Adam(list(free.values()), lr=RATE, betas=(0.9, 0.99))
    log: list[dict[str, float]] = []
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = RATE * min(1.0, 2.0 * (1 - step / steps) + 0.05)
        given, truth, side = sample(portraits, rng)
        weights = torch.from_numpy(rng.normal(size=(ANSWERS, COUNT)).astype(np.float32))
        weights = weights / weights.norm(dim=1, keepdim=True)
        moved = offset({name: free[name] * spread[name] for name in PARTS}, weights)
        with torch.no_grad():
            own = given + varied_residuals(net, given, _none())
        answers = given + varied_residuals(net, given, moved)
        found = terms(own, answers, truth, side, mask, judge)
        adam.zero_grad()
        found.total.backward()
        torch.nn.utils.clip_grad_norm_(list(free.values()), 1.0)
        adam.step()
        row = {"step": step, "side": side, "spread": float(found.spread.detach())}
        row |= {"cover": float(found.cover.detach()), "near": float(found.near.detach())}
        row |= {"reached": found.reached, "total": float(found.total.detach())}
        log.append({name: round(value, 5) for name, value in row.items()})
        if step % 10 == 9:
            _say(log[-10:], time.monotonic() - began)
        if keep is not None and step % KEEP_EVERY == KEEP_EVERY - 1:
            torch.save({n: (free[n] * spread[n]).detach() for n in PARTS}, keep)
    directions = {name: (free[name] * spread[name]).detach() for name in PARTS}
    return Trained(directions, log, time.monotonic() - began)


def _none() -> Offset:
    return Offset(*(torch.zeros(1, *SHAPES[name]) for name in PARTS))


def _say(rows: list[dict[str, float]], seconds: float) -> None:
    means = {name: np.mean([row[name] for row in rows]) for name in rows[0] if name != "step"}
    text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
    print(f"{rows[-1]['step'] + 1} {text} ({seconds:.0f} s)", flush=True)
