"""The training loop: stages in order, a checkpoint every minute, resumable by step."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Subset

from forensics.models.nets import restorer
from training import losses
from training.restorer.config import EMA_DECAY, SEED, STAGES, Stage
from training.restorer.data import Pairs, Portraits, m11
from training.restorer.sharp import Sharpener
from training.restorer.widen import initial, widen

CHECKPOINT_S = 60.0
WARMUP_STEPS = 60
CLIP_NORM = 1.0
State = dict[str, torch.Tensor]


@dataclass
class Run:
    """What a checkpoint holds: where training stands, and every tensor needed to go on."""

    stage: int
    step: int
    net: torch.nn.Module
    ema: State
    optimizer: torch.optim.Optimizer
    sharpener: Sharpener | None
    seconds: float = 0.0


def rate(stage: Stage, step: int) -> float:
    """Learning rate: a short warm-up, then a cosine from ``lr[0]`` to ``lr[1]``, by step alone."""
    high, low = stage.lr
    fall = low + 0.5 * (high - low) * (1 + math.cos(math.pi * step / stage.steps))
    return fall * min(1.0, (step + 1) / WARMUP_STEPS)


def begin(stage_index: int, ema: State | None, device: torch.device) -> Run:
    """A run at the start of a stage: fresh for the first, widened or carried over later."""
    stage = STAGES[stage_index]
    torch.manual_seed(SEED + stage_index)
    net = initial(restorer.build(stage.px))
    if ema is not None:
        before = STAGES[stage_index - 1].px
        net.load_state_dict(widen(ema, before, stage.px) if before != stage.px else ema)
    fast_layout(net.to(device))
    wanted = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(wanted, lr=stage.lr[0], betas=(0.9, 0.99), foreach=True)
    sharpener = Sharpener(device) if stage.perceptual or stage.adversarial else None
    return Run(stage_index, 0, net, _copy(net), optimizer, sharpener)


def fast_layout(net: torch.nn.Module) -> None:
    """Channels-last weights (15 % faster on CPU); the style code's flattening needs rows again."""
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)
        if isinstance(module, restorer.GFPGANv1Clean):
            module.final_conv.register_forward_hook(lambda _module, _args, out: out.contiguous())


def _copy(net: torch.nn.Module) -> State:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def save(run: Run, out: Path) -> None:
    """Write ``checkpoint.pt`` so that a broken write never replaces a good one."""
    state = {
        "stage": run.stage,
        "step": run.step,
        "net": run.net.state_dict(),
        "ema": run.ema,
        "optimizer": run.optimizer.state_dict(),
        "sharpener": run.sharpener.state() if run.sharpener else None,
        "seconds": run.seconds,
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def resume(out: Path, device: torch.device) -> Run:
    """The run that ``checkpoint.pt`` holds, or a new one."""
    if not (out / "checkpoint.pt").exists():
        return begin(0, None, device)
    state = torch.load(out / "checkpoint.pt", map_location=device, weights_only=True)
    run = begin(state["stage"], None, device)
    run.net.load_state_dict(state["net"])
    run.optimizer.load_state_dict(state["optimizer"])
    if run.sharpener is not None:
        run.sharpener.load(state["sharpener"])
    run.step, run.ema, run.seconds = state["step"], state["ema"], state["seconds"]
    return run


def loss_of(
    run: Run, stage: Stage, given: torch.Tensor, truth: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    """Loss of one batch in [-1, 1], and its parts for the log."""
    device = given.device.type
    with torch.autocast(device, torch.bfloat16):
        added = restorer.residual_m11(run.net, given.contiguous(memory_format=torch.channels_last))
    restored = given + added.float()
    parts = {
        "pixel": stage.pixel * losses.charbonnier(restored, truth),
        "gradient": stage.gradient * losses.gradient_loss(restored, truth),
    }
    if run.sharpener is not None:
        parts |= run.sharpener.generator_parts(stage, restored, truth, run.step)
        run.sharpener.train_critic(stage, restored.detach(), truth, run.step)
    total = torch.stack(list(parts.values())).sum()
    return total, {name: float(value.detach()) for name, value in parts.items()}


def train_step(
    run: Run, stage: Stage, given: torch.Tensor, truth: torch.Tensor
) -> dict[str, float]:
    """One optimiser step and one step of the running mean of the weights."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate(stage, run.step)
    total, parts = loss_of(run, stage, given, truth)
    run.optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), CLIP_NORM)
    run.optimizer.step()
    # Early on the mean follows fast, so that a short stage is not held back by its first weights.
    decay = min(EMA_DECAY, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for name, value in run.net.state_dict().items():
            run.ema[name].lerp_(value, 1 - decay)
    run.step += 1
    return parts


def run_stage(
    run: Run, portraits: Portraits, out: Path, device: torch.device, stop_at: float
) -> bool:
    """Train until the stage's last step (True) or until the clock passes ``stop_at`` (False)."""
    stage = STAGES[run.stage]
    pairs = Pairs(
        portraits,
        stage.px,
        stage.sharp_only,
        stage.clean,
        stage.factors,
        SEED + 1000 * run.stage,
        stage.steps * stage.batch,
    )
    rest = Subset(pairs, range(run.step * stage.batch, len(pairs)))
    loader = DataLoader(rest, batch_size=stage.batch, num_workers=1, prefetch_factor=4)
    saved = begun = time.monotonic()
    before = run.seconds
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        for given, truth in loader:
            parts = train_step(run, stage, m11(given.to(device)), m11(truth.to(device)))
            run.seconds = before + time.monotonic() - begun
            if run.step % 10 == 0:
                row = {"stage": stage.name, "step": run.step, "s": round(run.seconds, 1)}
                log.write(json.dumps(row | {k: round(v, 5) for k, v in parts.items()}) + "\n")
                log.flush()
            now = time.monotonic()
            if now - saved > CHECKPOINT_S or now > stop_at:
                save(run, out)
                saved = now
            if now > stop_at:
                return False
    save(run, out)
    return True


def train(packs: Path, out: Path, device: torch.device, hours: float) -> Run:
    """All stages, from the checkpoint in ``out`` if there is one, for at most ``hours``."""
    out.mkdir(parents=True, exist_ok=True)
    stop_at = time.monotonic() + hours * 3600
    portraits = Portraits(packs)
    run = resume(out, device)
    while run_stage(run, portraits, out, device, stop_at) and run.stage + 1 < len(STAGES):
        seconds = run.seconds
        run = begin(run.stage + 1, run.ema, device)
        run.seconds = seconds
        save(run, out)
    return run
