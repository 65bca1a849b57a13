"""Traces, training: one picture at a time, sixteen of them a step, shared by two processes.

Pictures of all sizes make no batch, and small convolutions gain little from threads: each process
reads half of a step's pictures with one thread, and the gradients are averaged.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from numpy.typing import NDArray

from forensics.models.nets.traces import Placed, TracesNet
from forensics.scoring.traces import mirrored, place
from training.traces import config
from training.traces.samples import Sample

U8 = NDArray[np.uint8]
log = logging.getLogger(__name__)
LOG_EVERY = 50


@dataclass
class Run:
    """A training that can be stopped after any step and goes on from its checkpoint."""

    net: TracesNet
    ema: TracesNet
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0


def train(
    found: list[Sample],
    out: Path,
    hours: float,
    epochs: int = config.EPOCHS,
    processes: int = config.PROCESSES,
) -> None:
    """Train on ``found``; checkpoint and log lie in ``out``, and a stopped training goes on."""
    out.mkdir(parents=True, exist_ok=True)
    meeting = out / "meeting"
    meeting.unlink(missing_ok=True)
    context = multiprocessing.get_context("fork")  # the samples are shared, not copied
    given = (found, out, hours, epochs, processes, meeting)
    started = [context.Process(target=_take_part, args=(k, *given)) for k in range(processes)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    if any(one.exitcode for one in started):
        raise SystemExit("a training process failed; what it said stands above")


def _take_part(
    rank: int,
    found: list[Sample],
    out: Path,
    hours: float,
    epochs: int,
    processes: int,
    meeting: Path,
) -> None:
    torch.set_num_threads(1)
    where = f"file://{meeting.resolve()}"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=processes)
    run = _start(out)
    a_pass = math.ceil(len(found) / config.BATCH)
    steps, began = a_pass * epochs, time.monotonic()
    losses: list[float] = []
    while run.step < steps and not _time_is_up(began, hours):
        order = np.random.default_rng([config.SEED, run.step // a_pass]).permutation(len(found))
        at = run.step % a_pass * config.BATCH
        for group in run.optimiser.param_groups:
            group["lr"] = rate(run.step, steps)
        batch = order[at : at + config.BATCH]
        mine = batch[rank::processes]
        losses.append(_step(run, [(int(k), found[k]) for k in mine]))
        run.step += 1
        if rank:
            continue
        if run.step % LOG_EVERY == 0 or run.step == steps:
            row = {"step": run.step, "loss": round(float(np.mean(losses)), 4)}
            _append(out / "log.jsonl", row)
            log.info("%d of %d: %.4f", run.step, steps, row["loss"])
            losses = []
        if run.step % a_pass == 0 or run.step == steps:
            _save(run, out, run.seconds + time.monotonic() - began)
    if rank == 0:
        _save(run, out, run.seconds + time.monotonic() - began)
    dist.destroy_process_group()


def _time_is_up(began: float, hours: float) -> bool:
    """The same answer in every process: that of the first."""
    up = torch.tensor([time.monotonic() - began > hours * 3600])
    dist.broadcast(up, 0)
    return bool(up[0])


def rate(step: int, steps: int) -> float:
    """Learning rate of a step: a short rise, then a cosine."""
    high, low = config.LR
    if step < config.WARMUP_STEPS:
        return high * (step + 1) / config.WARMUP_STEPS
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _step(run: Run, batch: list[tuple[int, Sample]]) -> float:
    """One step with this process's part of a batch; the loss of that part."""
    run.optimiser.zero_grad(set_to_none=False)
    values, wanted = [], []
    for number, one in batch:
        rng = np.random.default_rng([config.SEED, run.step, number])
        placed = place(*narrowed(one, rng))
        if placed is None:
            continue
        values.append(run.net.read(varied(placed, rng)))
        wanted.append(one.restored)
    loss = torch.zeros(())
    if values:
        torch.manual_seed(config.SEED + run.step)
        kept = F.dropout(torch.cat(values), config.DROPOUT)
        told, truth = run.net.decide(kept), torch.tensor(wanted, dtype=torch.float32)
        counts = torch.where(truth > 0, 1.0, config.UNTOUCHED_WEIGHT)
        loss = F.binary_cross_entropy_with_logits(told, truth, counts)
        loss.backward()  # type: ignore[no-untyped-call]
    for one in run.net.parameters():
        if one.grad is None:
            one.grad = torch.zeros_like(one)
        dist.all_reduce(one.grad)
        one.grad /= dist.get_world_size()
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), config.CLIP_NORM)
    run.optimiser.step()
    with torch.no_grad():
        decay = min(config.EMA_DECAY, (run.step + 1) / (run.step + 10))
        for slow, now in zip(run.ema.parameters(), run.net.parameters(), strict=True):
            slow.lerp_(now, 1 - decay)
    return float(loss.detach())


def narrowed(one: Sample, rng: np.random.Generator) -> tuple[U8, NDArray[np.float64]]:
    """The sample, now and then with less around the face, as near the rim of a frame."""
    rgb, affine = one.rgb_u8, one.affine.copy()
    if rng.random() < config.NARROW:
        height, width = rgb.shape[:2]
        x0, x1 = (int(v * width) for v in (rng.uniform(0, 0.2), rng.uniform(0.8, 1)))
        y0, y1 = (int(v * height) for v in (rng.uniform(0, 0.15), rng.uniform(0.8, 1)))
        if min(x1 - x0, y1 - y0) >= config.SIDE_PX:
            rgb = rgb[y0:y1, x0:x1]
            affine[:, 2] += affine[:, :2] @ (x0, y0)
    return rgb, affine


def varied(placed: Placed, rng: np.random.Generator) -> Placed:
    """Mirrored or not, brighter or darker, more or less contrast, another tint."""
    gain = float(rng.uniform(0.75, 1.2)) * torch.tensor(rng.uniform(0.94, 1.06, 3)).float()
    levels = placed.levels * gain[None, :, None, None] + float(rng.uniform(-20, 20))
    levels = levels.clamp(0, 255)
    out = Placed(levels, placed.place, placed.zones)
    return out if rng.random() < 0.5 else mirrored(out)


def _start(out: Path) -> Run:
    torch.manual_seed(config.SEED)
    net = TracesNet().to(memory_format=torch.channels_last)
    ema = copy.deepcopy(net)
    optimiser = torch.optim.AdamW(net.parameters(), config.LR[0], weight_decay=config.WEIGHT_DECAY)
    run = Run(net, ema, optimiser)
    if (out / "checkpoint.pt").exists():
        raw: dict[str, Any] = torch.load(out / "checkpoint.pt", weights_only=True)
        net.load_state_dict(raw["net"])
        ema.load_state_dict(raw["ema"])
        optimiser.load_state_dict(raw["optimiser"])
        run.step, run.seconds = raw["step"], raw["seconds"]
    return run


def _save(run: Run, out: Path, seconds: float) -> None:
    partial = out / "checkpoint.partial"
    torch.save(
        {
            "net": run.net.state_dict(),
            "ema": run.ema.state_dict(),
            "optimiser": run.optimiser.state_dict(),
            "step": run.step,
            "seconds": seconds,
        },
        partial,
    )
    partial.replace(out / "checkpoint.pt")


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(row) + "\n")
