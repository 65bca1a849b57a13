"""Backbone of the perceptual network: start values and the self-supervised stage.

The first layer starts as a Gabor and colour-opponent bank (it has to tell sharp from blurred from
the first step on), the others by He's rule with their output scale set on data (LSUV, Mishkin and
Matas 2016).  Views are never blurred: what changes with sharpness must stay in the features.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import lpips
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.perceptual.data import Pictures, cut, recolour, to_m11

CHANNELS = (64, 192, 384, 256, 256)
VIEW = 96


def blank() -> lpips.LPIPS:
    """lpips' alex layout with a random trunk that learns; nothing is downloaded."""
    with warnings.catch_warnings():
        # lpips 0.1.4 still passes torchvision's old `pretrained` argument; nothing we can change.
        warnings.filterwarnings("ignore", message="The parameter 'pretrained' is deprecated")
        warnings.filterwarnings("ignore", message="Arguments other than a weight enum")
        return lpips.LPIPS(
            pretrained=False, net="alex", pnet_rand=True, pnet_tune=True, verbose=False
        )


def gabor_bank(rng: np.random.Generator) -> torch.Tensor:
    """(64, 3, 11, 11) start filters: 46 grey Gabors of 2.6 to 11 px waves, 18 coloured ones."""
    y, x = np.mgrid[-5:6, -5:6].astype(np.float64)
    opponents = np.array([[1, -1, 0], [0.5, 0.5, -1], [1, 0, -1]])
    bank = []
    for k in range(64):
        colour = k >= 46
        wave = rng.uniform(6, 22) if colour else 2.6 * (11 / 2.6) ** ((k % 6) / 5)
        angle = np.pi * (k // 6) / 8 + rng.uniform(-0.1, 0.1)
        width = float(np.clip(0.45 * wave, 1.2, 3.5))
        envelope = np.exp(-(x**2 + y**2) / (2 * width**2))
        carrier = np.cos(
            2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wave + rng.uniform(0, 2 * np.pi)
        )
        plane = envelope * carrier
        mix = opponents[k % 3] if colour else np.ones(3)
        if not colour:
            plane -= envelope * plane.sum() / envelope.sum()
        kernel = mix[:, None, None] * plane
        bank.append(kernel / np.linalg.norm(kernel))
    return torch.tensor(np.stack(bank), dtype=torch.float32)


def start(model: lpips.LPIPS, pictures: Pictures, seed: int) -> None:
    """Set start values in place: Gabor bank, He, then unit output scale layer by layer."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    convs = [m for m in model.net.modules() if isinstance(m, nn.Conv2d)]
    for conv in convs:
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
    with torch.no_grad():
        convs[0].weight.copy_(gabor_bank(rng))
    x = torch.from_numpy(views(pictures, 48, 16, rng)[0])
    for conv in convs:
        seen: list[torch.Tensor] = []
        hook = conv.register_forward_hook(lambda m, i, out, seen=seen: seen.append(out))
        with torch.no_grad():
            model.net(model.scaling_layer(x))
            conv.weight /= seen[0].std()
        hook.remove()
    for k in range(5):
        nn.init.constant_(getattr(model, f"lin{k}").model[-1].weight, 1.0 / CHANNELS[k])


def views(
    pictures: Pictures, faces: int, others: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Two views of each of ``faces`` people and ``others`` face-free windows.

    Returns (2 B, 3, 96, 96) in [-1, 1] (first all first views, then all second) and the places
    (2 B, 3) of the windows; B = faces + others.
    """
    first, second, places = [], [], []
    for person in rng.choice(len(pictures.photos_of), faces, replace=False):
        for side in (first, second):
            photo = pictures.faces_rgb_u8[rng.choice(pictures.photos_of[person])]
            window, place = cut(photo, VIEW, rng.uniform(0.3, 0.95), rng)
            if rng.random() < 0.5:
                window = window[:, ::-1]
                place = place * np.array([-1, 1, 1], np.float32)
            side.append(recolour(window, rng))
            places.append(place)
    for _ in range(others):
        photo = pictures.others_rgb_u8[rng.integers(len(pictures.others_rgb_u8))]
        region, _place = cut(photo, 192, rng.uniform(0.15, 0.8), rng)
        for side in (first, second):
            window, _place = cut(region, VIEW, rng.uniform(0.5, 0.95), rng)
            side.append(recolour(window[:, :: rng.choice((1, -1))], rng))
    where = np.stack(places)
    return to_m11(first + second), np.concatenate([where[0::2], where[1::2]])


class Pretext(nn.Module):
    """Heads used only while the backbone learns: 128-d view code, place of the patch."""

    def __init__(self) -> None:
        super().__init__()
        width = sum(CHANNELS)
        self.code = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 512), nn.ReLU(), nn.Linear(512, 128)
        )
        self.place = nn.Sequential(nn.LayerNorm(512), nn.Linear(512, 256), nn.ReLU())
        self.xy = nn.Linear(256, 3)

    def forward(self, features: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Five feature maps to (2 B, 128) unit codes and (2 B, 3) places."""
        pooled = torch.cat([f.float().mean((2, 3)) for f in features], 1)
        deep = torch.cat([features[3], features[4]], 1).float().mean((2, 3))
        return functional.normalize(self.code(pooled)), self.xy(self.place(deep))


def contrast(codes: torch.Tensor, temperature: float = 0.15) -> torch.Tensor:
    """NT-Xent (Chen et al. 2020) of (2 B, D) unit codes whose partners lie B apart."""
    half = len(codes) // 2
    logits = codes @ codes.T / temperature
    logits.fill_diagonal_(-1e4)
    partner = torch.arange(2 * half).roll(half)
    return functional.cross_entropy(logits, partner)


def pretrain(
    model: lpips.LPIPS, pictures: Pictures, steps: int, seed: int, out: Path, device: str
) -> list[dict[str, float]]:
    """Self-supervised stage; resumes from ``out/pretext.pt``. Returns the curve's rows."""
    heads = Pretext().to(device)
    parameters = [*model.net.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=6e-4, weight_decay=1e-4)
    curve: list[dict[str, float]] = []
    begin = 0
    kept = out / "pretext.pt"
    if kept.exists():
        saved = torch.load(kept, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        heads.load_state_dict(saved["heads"])
        optimiser.load_state_dict(saved["optimiser"])
        begin, curve = saved["step"], saved["curve"]
    faces, others = 48, 16
    for step in range(begin, steps):
        rng = np.random.default_rng([seed, 1, step])
        share = min(1.0, (step + 1) / 60)
        share *= 0.5 * (1 + np.cos(np.pi * step / steps)) * 0.98 + 0.02
        for group in optimiser.param_groups:
            group["lr"] = float(6e-4 * share)
        x, where = views(pictures, faces, others, rng)
        with torch.autocast(device, torch.bfloat16):
            features = model.net(model.scaling_layer(torch.from_numpy(x).to(device)))
        codes, places = heads(features)
        both = torch.cat([places[:faces], places[faces + others : 2 * faces + others]])
        place = functional.smooth_l1_loss(both, torch.from_numpy(where).to(device))
        same = contrast(codes)
        loss = same + 2.0 * place
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        if step % 10 == 0:
            curve.append({"step": step, "contrast": same.item(), "place": place.item()})
        if step % 100 == 0 or step + 1 == steps:
            print(
                f"pretext {step}: contrast {same.item():.3f} place {place.item():.4f}", flush=True
            )
            torch.save(
                {
                    "model": model.state_dict(),
                    "heads": heads.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step + 1,
                    "curve": curve,
                },
                kept,
            )
    return curve
