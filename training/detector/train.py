"""Training of the detector: scenes in, EMA weights out; resumable, on CPU and CUDA.

Every draw depends on (seed, step) alone, so a run in pieces equals a run in one.
"""

from __future__ import annotations

import copy
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from facexlib.detection.retinaface import RetinaFace
from safetensors.torch import load_file, save_file

from forensics.faces.anchors import prior_boxes
from forensics.models.nets.detector import build_detector
from training.detector.backgrounds import official
from training.detector.config import Config
from training.detector.degrade import darkened, degrade
from training.detector.losses import Targets, distil, features, match, multibox, without_unseen

MEAN_BGR = (104.0, 117.0, 123.0)
Outputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Batch:
    """seen and clean: (B, 3, S, S) float32, BGR minus mean; targets on the priors of S."""

    seen: torch.Tensor
    clean: torch.Tensor
    targets: Targets


class Scenes:
    """The packed scenes, drawn by step."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.config = config
        self.pixels, self.labels = [], []
        for k in range(shard_count(config)):
            self.pixels.append(np.load(folder / f"scenes_{k}.npy", mmap_mode="r"))
            with np.load(folder / f"labels_{k}.npz") as found:
                self.labels.append({name: found[name] for name in found.files})
        self.priors = {
            size: torch.from_numpy(prior_boxes(size, size).copy()) for size in config.sizes_px
        }

    def batch(self, step: int) -> Batch:
        """The batch of one step: shuffled per round, half mirrored, degraded for the student."""
        c = self.config
        third = step >= c.second_cycle
        pool = self._pool(step)
        per_round = len(pool) // c.batch
        order = np.random.default_rng((c.seed, 1, step // per_round)).permutation(pool)
        chosen = order[(step % per_round) * c.batch :][: c.batch]
        draw = np.random.default_rng((c.seed, 2, step))
        size = int(draw.choice(c.sizes_px, p=c.size_odds))
        seen, clean, targets = [], [], []
        for index in chosen.tolist():
            if third and draw.random() < c.collage:
                rgb, target = self._collage(draw, index, pool, size)
            else:
                rgb, target = self._one(index, size, bool(draw.random() < 0.5))
            clean.append(rgb)
            dark = third and draw.random() < (c.darker_fifth if _which(step, c) == 4 else c.darker)
            seen.append(degrade(draw, darkened(draw, rgb) if dark else rgb))
            targets.append(target)
        joined = Targets(
            torch.stack([t.kind for t in targets]),
            torch.stack([t.boxes for t in targets]),
            torch.stack([t.points for t in targets]),
            torch.stack([t.face for t in targets]),
        )
        return Batch(as_input(seen), as_input(clean), joined)

    def _pool(self, step: int) -> np.ndarray:
        """Numbers of the scenes that the cycle of ``step`` draws from."""
        c = self.config
        which = _which(step, c)
        older = c.shards + c.crowd_shards
        busy = older + c.busy_shards
        first = (0, 0, 0, 1, older)[which]
        last = (c.shards, c.shards, older, busy, busy + c.hall_shards)[which]
        return np.arange(first * c.scenes_per_shard, last * c.scenes_per_shard)

    def _collage(
        self, draw: np.random.Generator, index: int, pool: np.ndarray, size: int
    ) -> tuple[np.ndarray, Targets]:
        """Four scenes at half size beside each other: smaller faces, busier surroundings."""
        half = size // 2
        canvas = np.empty((size, size, 3), np.uint8)
        boxes, points, face = [], [], []
        for k, which in enumerate((index, *pool[draw.integers(0, len(pool), 3)].tolist())):
            rgb, b, p, f = self._scene(which, half, bool(draw.random() < 0.5))
            y, x = divmod(k, 2)
            canvas[y * half :, x * half :][:half, :half] = rgb
            at = np.array((x, y), np.float32) / 2
            # a face that runs over the rim of its scene is cut here: no good example
            inside = ((b[:, :2] > -0.05) & (b[:, 2:] < 1.05)).all(axis=1)
            boxes.append((b.reshape(-1, 2, 2) / 2 + at).reshape(-1, 4))
            points.append(p / 2 + at)
            face.append(f & inside)
        return canvas, self._targets(
            np.concatenate(boxes), np.concatenate(points), np.concatenate(face), size
        )

    def _one(self, index: int, size: int, mirror: bool) -> tuple[np.ndarray, Targets]:
        rgb, boxes, points, face = self._scene(index, size, mirror)
        return rgb, self._targets(boxes, points, face, size)

    def _scene(
        self, index: int, size: int, mirror: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Scene at ``size``: rgb, boxes (N, 4) and points (N, 5, 2) in 0..1, face (N,)."""
        shard, k = divmod(index, self.config.scenes_per_shard)
        rgb = np.asarray(self.pixels[shard][k])
        labels, whole = self.labels[shard], self.config.scene_px
        low = int(labels["ends"][k - 1]) if k else 0
        rows = slice(low, int(labels["ends"][k]))
        boxes = labels["boxes"][rows] / whole
        points = labels["points"][rows].reshape(-1, 5, 2) / whole
        if size != whole:
            rgb = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA)
        if mirror:
            rgb = np.ascontiguousarray(rgb[:, ::-1])
            boxes = boxes.copy()
            boxes[:, [0, 2]] = 1 - boxes[:, [2, 0]]
            points = points[:, [1, 0, 2, 4, 3]].copy()
            points[..., 0] = 1 - points[..., 0]
        return rgb, boxes, points, labels["face"][rows]

    def _targets(
        self, boxes: np.ndarray, points: np.ndarray, face: np.ndarray, size: int
    ) -> Targets:
        large = (boxes[:, 2] - boxes[:, 0]) * size >= self.config.face_min_px
        return match(
            torch.from_numpy(boxes.astype(np.float32)),
            torch.from_numpy(points.astype(np.float32)),
            torch.from_numpy(face & large),
            self.priors[size],
            self.config.match_iou,
        )


def as_input(frames_rgb_u8: list[np.ndarray]) -> torch.Tensor:
    """Frames to the network's input (B, 3, H, W): BGR minus the mean, channels last in memory."""
    stack = torch.from_numpy(np.stack(frames_rgb_u8)).permute(0, 3, 1, 2).flip(1).float()
    stack -= torch.tensor(MEAN_BGR).view(1, 3, 1, 1)
    return stack.contiguous(memory_format=torch.channels_last)


class Tap:
    """Keeps the maps of every block of the body, of the FPN and of the context modules.

    Student and teacher are of one class, so each map of one has its counterpart in the other.
    """

    def __init__(self, net: RetinaFace) -> None:
        self.maps: list[torch.Tensor] = []
        net.register_forward_pre_hook(self._clear)
        blocks = [block for stage in net.body.values() for block in stage]
        for module in (*blocks, net.fpn, net.ssh1, net.ssh2, net.ssh3):
            module.register_forward_hook(self._keep)

    def _clear(self, _module: object, _inputs: object) -> None:
        self.maps = []

    def _keep(
        self, _module: object, _inputs: object, output: torch.Tensor | list[torch.Tensor]
    ) -> None:
        self.maps += output if isinstance(output, list) else [output]


def _float(outputs: Outputs) -> Outputs:
    return outputs[0].float(), outputs[1].float(), outputs[2].float()


def rate(step: int, config: Config) -> float:
    """Learning rate of a step: in each cycle a linear warm-up, then a cosine to ``lr_last``."""
    done, length = _cycle(step, config)
    tops = (config.lr, config.lr_second, config.lr_third, config.lr_fourth, config.lr_fifth)
    top = tops[_which(step, config)]
    if done < config.warmup_steps:
        return top * (done + 1) / config.warmup_steps
    part = (done - config.warmup_steps) / max(1, length - config.warmup_steps)
    return config.lr_last + (top - config.lr_last) * 0.5 * (1 + math.cos(math.pi * part))


def _which(step: int, config: Config) -> int:
    """Number of the cycle of ``step``, from 0."""
    begins = (config.first_cycle, config.second_cycle, config.third_cycle, config.fourth_cycle)
    return sum(step >= begin for begin in begins)


def _cycle(step: int, config: Config) -> tuple[int, int]:
    """Steps done in the cycle of ``step``, and its length."""
    c = config
    ends = (0, c.first_cycle, c.second_cycle, c.third_cycle, c.fourth_cycle, c.steps)
    begun, end = ends[_which(step, config) :][:2]
    return step - begun, end - begun


def feature_weight(step: int, config: Config) -> float:
    """Weight of the feature maps: falls to zero in the first cycle, even in the later ones."""
    if step >= config.first_cycle:
        return config.feature_weight_second
    part = 1 - step / (config.feature_until * config.first_cycle)
    return config.feature_weight * max(0.0, part)


def update_ema(ema: RetinaFace, net: RetinaFace, step: int, config: Config) -> None:
    """Moving mean of weights and of batch statistics; short at the start."""
    keep = min(config.ema, (step + 1) / (step + 20))
    with torch.no_grad():
        for mine, new in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(new, 1 - keep)
            else:
                mine.copy_(new)


def shard_count(config: Config) -> int:
    """Shards of all kinds."""
    return config.shards + config.crowd_shards + config.busy_shards + config.hall_shards


def train(
    data: Path,
    out: Path,
    config: Config,
    device: torch.device,
    export: Path | None,
    start: Path | None = None,
) -> None:
    """Train to ``config.steps``, continuing from ``out/last.pt`` where it is there.

    ``start``: weights after the fourth cycle; without a checkpoint the fifth begins from them.
    """
    torch.manual_seed(config.seed)
    scenes = Scenes(out / "scenes", config)
    net = build_detector(training=True).to(device=device, memory_format=torch.channels_last)
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    teacher = official(data).to(device=device, memory_format=torch.channels_last)
    tap, teacher_tap = Tap(net), Tap(teacher)
    optimiser = _optimiser(net, config)
    first = _resume(out, net, ema, optimiser)
    if first == 0 and start is not None:
        ema.load_state_dict(load_file(start, device=str(device)))
        first = config.fourth_cycle
    _cut_curve(out / "curve.csv", first)
    sums: dict[str, float] = {}
    saved = time.monotonic()
    for step in range(first, config.steps):
        if step == config.fourth_cycle:
            net.load_state_dict(ema.state_dict())
            optimiser = _optimiser(net, config)
        batch = scenes.batch(step)
        for group in optimiser.param_groups:
            group["lr"] = rate(step, config)
        done, length = _cycle(step, config)
        brief = done < config.bf16_until * length
        second = step >= config.first_cycle
        told_on = batch.seen if second else batch.clean
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=brief):
            told = _float(teacher(told_on.to(device)))
        targets = Targets(
            batch.targets.kind.to(device),
            batch.targets.boxes.to(device),
            batch.targets.points.to(device),
            batch.targets.face.to(device),
        )
        if _which(step, config) >= 3:
            targets = without_unseen(targets, told[1], config.teacher_sees)
        with torch.autocast(device.type, torch.bfloat16, enabled=brief):
            outputs = _float(net(batch.seen.to(device)))
        late = _which(step, config) >= 2
        point_weight = config.point_weight_third if late else config.point_weight
        parts = multibox(outputs, targets, config, point_weight) | distil(
            outputs, told, targets, config
        )
        weight = feature_weight(step, config)
        if weight > 0:
            last_maps = slice(-6, None) if second else slice(None)  # FPN and context modules
            maps = tap.maps[last_maps], teacher_tap.maps[last_maps]
            parts["feature"] = weight * features(*maps)
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        optimiser.step()
        update_ema(ema, net, step, config)
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        if (step + 1) % config.log_every == 0:
            _log(out / "curve.csv", step + 1, rate(step, config), sums, config.log_every)
            sums = {}
        last = step + 1 == config.steps
        whole_line = (step + 1) % config.log_every == 0  # so that the curve has no gap
        if last or (whole_line and time.monotonic() - saved > config.checkpoint_seconds):
            _save(out, net, ema, optimiser, step + 1, export)
            saved = time.monotonic()


def _optimiser(net: RetinaFace, config: Config) -> torch.optim.Optimizer:
    return torch.optim.AdamW(net.parameters(), config.lr, weight_decay=config.weight_decay)


def _resume(out: Path, net: RetinaFace, ema: RetinaFace, optimiser: torch.optim.Optimizer) -> int:
    path = out / "last.pt"
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(state["net"])
    ema.load_state_dict(state["ema"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def _save(
    out: Path,
    net: RetinaFace,
    ema: RetinaFace,
    optimiser: torch.optim.Optimizer,
    step: int,
    export: Path | None,
) -> None:
    state = {
        "net": net.state_dict(),
        "ema": ema.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
    }
    torch.save(state, out / "last.tmp")
    (out / "last.tmp").replace(out / "last.pt")
    weights = {k: v.detach().cpu().contiguous() for k, v in ema.state_dict().items()}
    for target in (out / "detector.safetensors", export):
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            save_file(weights, target.with_suffix(".part"))
            target.with_suffix(".part").chmod(0o644)
            target.with_suffix(".part").replace(target)


def _cut_curve(path: Path, step: int) -> None:
    """Drop the lines of steps that a resumed run will do again."""
    if path.exists():
        head, *lines = path.read_text("utf-8").splitlines()
        kept = [line for line in lines if int(line.split(",")[0]) <= step]
        path.write_text("\n".join([head, *kept]) + "\n", "utf-8")


def _log(path: Path, step: int, lr: float, sums: dict[str, float], count: int) -> None:
    names = ("class", "box", "point", "soft", "soft_box", "feature")
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        if new:
            writer.writerow(("step", "lr", *names))
        values = [f"{sums.get(name, 0.0) / count:.5f}" for name in names]
        writer.writerow((step, f"{lr:.3e}", *values))
    print(step, " ".join(f"{n} {v}" for n, v in zip(names, values, strict=True)), flush=True)
