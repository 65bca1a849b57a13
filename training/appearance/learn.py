"""Training loops of the two embeddings: distillation, and people alone.

`appearance`: the student's degraded and clean views are drawn to MobileFace's embedding of the
clean picture (reduced to 128 dimensions) and to its similarities within the batch.
`identity`: angular classification with margin (CosFace, Wang et al. 2018) over train people and
invented ones, and supervised contrast (Khosla et al. 2020) between views of one person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from forensics.models.nets.identity import FaceNet112
from training.appearance.faces import Faces, invent, to_m11, view, window
from training.appearance.teacher import MobileFace

PEOPLE = 48  # per batch; two views of each


@dataclass(frozen=True)
class Plan:
    """What one run does."""

    mode: str
    steps: int
    invented: int
    seed: int
    out: Path
    device: str
    rate: float = 2e-3


@dataclass(frozen=True)
class Bank:
    """Pictures of classes: photos of train people first, then one picture per invented person."""

    rgb_u8: np.ndarray
    label: np.ndarray
    members: tuple[np.ndarray, ...]
    paired: np.ndarray  # labels of people with two photos or more

    @classmethod
    def of(cls, faces: Faces, invented: int) -> Bank:
        made = np.stack([invent(faces, k) for k in range(invented)])
        real = len(faces.people)
        label = np.concatenate([faces.person, real + np.arange(invented)])
        extra = tuple(np.array([len(faces.person) + k]) for k in range(invented))
        paired = np.array([k for k, rows in enumerate(faces.photos_of) if len(rows) > 1])
        return cls(np.concatenate([faces.rgb_u8, made]), label, faces.photos_of + extra, paired)


def teach(bank: Bank, teacher: MobileFace) -> tuple[np.ndarray, np.ndarray]:
    """MobileFace on every clean picture: unit rows (N, 256), and their 128-d reduction."""
    full = teacher.embed(np.stack([window(face) for face in bank.rgb_u8]))
    basis = np.linalg.svd(full, full_matrices=False)[2][:128]
    small = full @ basis.T
    return full, small / np.linalg.norm(small, axis=1, keepdims=True)


def draw(bank: Bank, rng: np.random.Generator, real: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the first and second view of 48 people: 12 with two photos, then others."""
    paired = rng.choice(bank.paired, 12, replace=False)
    single = rng.choice(np.setdiff1d(np.arange(real), paired), 12, replace=False)
    made = real + rng.choice(len(bank.members) - real, PEOPLE - 24, replace=False)
    first, second = [], []
    for person in np.concatenate([paired, single, made]):
        rows = rng.permutation(bank.members[person])
        first.append(rows[0])
        second.append(rows[-1])
    return np.array(first), np.array(second)


def margin_loss(
    codes: torch.Tensor, label: torch.Tensor, weight: torch.Tensor, margin: float
) -> torch.Tensor:
    """CosFace: cross entropy of scaled cosines, the own class handicapped by ``margin``."""
    cosine = codes @ functional.normalize(weight, dim=1).T
    hot = functional.one_hot(label, weight.shape[0]).to(cosine.dtype)
    return functional.cross_entropy(20.0 * (cosine - margin * hot), label)


def contrast(codes: torch.Tensor, label: torch.Tensor, temperature: float = 0.1) -> torch.Tensor:
    """Supervised contrast over the batch; each row has at least one partner."""
    logits = codes @ codes.T / temperature
    itself = torch.eye(len(codes), dtype=torch.bool, device=codes.device)
    logits = logits.masked_fill(itself, -1e4)
    same = (label[:, None] == label[None, :]) & ~itself
    log_p = logits - torch.logsumexp(logits, 1, keepdim=True)
    return -((log_p * same).sum(1) / same.sum(1)).mean()


def distil_loss(codes: torch.Tensor, full: torch.Tensor, small: torch.Tensor) -> torch.Tensor:
    """Cosine to the teacher's code plus squared difference of similarities within the batch."""
    direct = (1 - (codes * small).sum(1)).mean()
    between = ((codes @ codes.T - full @ full.T) ** 2).mean()
    return direct + 5.0 * between


def learn(faces: Faces, plan: Plan, teacher: MobileFace | None) -> list[dict[str, float]]:
    """Train, resuming from ``out/last.pt``; writes ``out/net.pt``; returns the curve's rows."""
    torch.manual_seed(plan.seed)
    bank = Bank.of(faces, plan.invented)
    real = len(faces.people)
    net = FaceNet112().to(plan.device)
    classes = nn.Parameter(torch.randn(len(bank.members), 128, device=plan.device) * 0.05)
    targets = [torch.from_numpy(t).to(plan.device) for t in teach(bank, teacher)] if teacher else []
    parameters = [*net.parameters(), classes]
    optimiser = torch.optim.AdamW(parameters, lr=plan.rate, weight_decay=0.02)
    state: dict[str, Any] = {"step": 0, "curve": []}
    kept = plan.out / "last.pt"
    if kept.exists():
        state = torch.load(kept, map_location=plan.device, weights_only=True)
        net.load_state_dict(state["net"])
        classes.data.copy_(state["classes"])
        optimiser.load_state_dict(state["optimiser"])
    curve: list[dict[str, float]] = state["curve"]
    net.train()
    for step in range(state["step"], plan.steps):
        rng = np.random.default_rng([plan.seed, step])
        share = min(1.0, (step + 1) / 80) * (0.49 * (1 + np.cos(np.pi * step / plan.steps)) + 0.02)
        for group in optimiser.param_groups:
            group["lr"] = float(plan.rate * share)
        first, second = draw(bank, rng, real)
        rows = np.concatenate([first, second])
        pictures = [view(bank.rgb_u8[k], rng, rng.random() < 0.35, faces.rgb_u8) for k in first]
        pictures += [view(bank.rgb_u8[k], rng, rng.random() < 0.85, faces.rgb_u8) for k in second]
        x = torch.from_numpy(to_m11(pictures)).to(plan.device)
        with torch.autocast(plan.device, torch.bfloat16):
            codes = net(x)
        codes = codes.float()
        label = torch.from_numpy(bank.label[rows]).to(plan.device)
        if teacher:
            loss = distil_loss(codes, targets[0][rows], targets[1][rows])
        else:
            margin = 0.2 * min(1.0, step / (0.3 * plan.steps))
            loss = margin_loss(codes, label, classes, margin) + 0.5 * contrast(codes, label)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        if step % 10 == 0:
            curve.append({"step": step, "loss": loss.item()})
        if step % 100 == 0 or step + 1 == plan.steps:
            mean = np.mean([row["loss"] for row in curve[-10:]])
            print(f"{plan.mode} {step}: loss {mean:.4f}", flush=True)
            torch.save(
                {
                    "net": net.state_dict(),
                    "classes": classes.data,
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "curve": curve,
                },
                kept,
            )
    torch.save(net.state_dict(), plan.out / "net.pt")
    return curve
