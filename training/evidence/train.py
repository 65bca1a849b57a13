"""The training loop: one schedule by step, a checkpoint every minute, resumed by step."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, Subset

from forensics.models.nets.evidence import EvidenceNet, Statement, log2_scale, read
from training.evidence import config
from training.evidence.data import Faces
from training.restorer.data import Portraits

CHECKPOINT_S = 60.0
State = dict[str, torch.Tensor]


@dataclass
class Run:
    """What a checkpoint holds."""

    net: EvidenceNet
    ema: State
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def begin(device: torch.device) -> Run:
    """A run at its first step."""
    torch.manual_seed(config.SEED)
    net = EvidenceNet().to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        net.parameters(), lr=config.LR[0], weight_decay=config.WEIGHT_DECAY, foreach=True
    )
    return Run(net, {k: v.detach().clone() for k, v in net.state_dict().items()}, optimizer)


def save(run: Run, out: Path) -> None:
    """Write ``checkpoint.pt`` so that a broken write never replaces a good one."""
    state = {
        "net": run.net.state_dict(),
        "ema": run.ema,
        "optimizer": run.optimizer.state_dict(),
        "step": run.step,
        "seconds": run.seconds,
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def resume(out: Path, device: torch.device) -> Run:
    """The run that ``checkpoint.pt`` holds, or a new one."""
    run = begin(device)
    if (out / "checkpoint.pt").exists():
        state = torch.load(out / "checkpoint.pt", map_location=device, weights_only=True)
        run.net.load_state_dict(state["net"])
        run.optimizer.load_state_dict(state["optimizer"])
        run.ema, run.step, run.seconds = state["ema"], state["step"], state["seconds"]
    return run


def rate(step: int, steps: int) -> float:
    """Learning rate: a short warm-up, then a cosine, by step alone."""
    high, low = config.LR
    fall = low + 0.5 * (high - low) * (1 + math.cos(math.pi * step / steps))
    return fall * min(1.0, (step + 1) / config.WARMUP_STEPS)


def pinball(error: torch.Tensor, share: float) -> torch.Tensor:
    """Pinball loss per element of ``target - prediction`` for the quantile ``share``."""
    return torch.maximum(share * error, (share - 1) * error)


def losses_of(
    statements: list[Statement], truth_01: torch.Tensor, sharp: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Squared error and pinball losses over the sizes.

    A truth that was enlarged itself teaches nothing about the finest size and is left out there.
    """
    parts: dict[str, torch.Tensor] = {}
    for said, weight in zip(statements, config.SIZE_WEIGHTS, strict=True):
        side = said.mean.shape[-1]
        shrink = truth_01.shape[-1] // side
        truth = F.avg_pool2d(truth_01, shrink) if shrink > 1 else truth_01
        counted = sharp.float() if shrink == 1 else torch.ones_like(sharp, dtype=torch.float32)
        counted = counted / counted.sum().clamp_min(1)
        low = pinball(truth - said.lower, config.ALPHA / 2)
        high = pinball(truth - said.upper, 1 - config.ALPHA / 2)
        mean = (truth - said.mean).square()
        parts[f"mean{side}"] = weight * config.MEAN_WEIGHT * (mean.mean((1, 2, 3)) * counted).sum()
        parts[f"bounds{side}"] = weight * ((low + high).mean((1, 2, 3)) * counted).sum()
    return parts


def train_step(run: Run, batch: list[torch.Tensor], steps: int) -> dict[str, float]:
    """One optimiser step and one step of the running mean of the weights."""
    crop_u8, scale, sharp, truth_u8 = batch
    crop, truth = crop_u8.float() / 255, truth_u8.float() / 255
    for group in run.optimizer.param_groups:
        group["lr"] = rate(run.step, steps)
    with torch.autocast(crop.device.type, torch.bfloat16):
        answers = run.net(
            crop.contiguous(memory_format=torch.channels_last), log2_scale(scale.float())
        )
    parts = losses_of(read(answers, crop), truth, sharp)
    run.optimizer.zero_grad(set_to_none=True)
    torch.stack(list(parts.values())).sum().backward()
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), config.CLIP_NORM)
    run.optimizer.step()
    decay = min(config.EMA_DECAY, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for name, value in run.net.state_dict().items():
            run.ema[name].lerp_(value, 1 - decay)
    run.step += 1
    return {name: float(value.detach()) for name, value in parts.items()}


def train(packs: Path, out: Path, device: torch.device, hours: float, steps: int) -> Run:
    """From the checkpoint in ``out`` if there is one, for at most ``hours``."""
    out.mkdir(parents=True, exist_ok=True)
    run = resume(out, device)
    faces = Faces(Portraits(packs), steps * config.BATCH)
    rest = Subset(faces, range(run.step * config.BATCH, len(faces)))
    loader = DataLoader(rest, batch_size=config.BATCH, num_workers=1, prefetch_factor=4)
    begun = saved = time.monotonic()
    before = run.seconds
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        for batch in loader:
            parts = train_step(run, [part.to(device) for part in batch], steps)
            now = time.monotonic()
            run.seconds = before + now - begun
            if run.step % 20 == 0:
                row = {"step": run.step, "s": round(run.seconds, 1)}
                log.write(json.dumps(row | {k: round(v, 6) for k, v in parts.items()}) + "\n")
                log.flush()
            if now - saved > CHECKPOINT_S:
                save(run, out)
                saved = now
            if now - begun > hours * 3600:
                break
    save(run, out)
    return run
