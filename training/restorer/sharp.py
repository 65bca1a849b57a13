"""The sharp stage: perceptual distance by our own backbone, and a small patch critic with R1."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from forensics.models.load import load_embedded
from forensics.models.nets.perceptual import build_perceptual
from training import losses
from training.restorer.config import Stage

CRITIC_RATE = 2e-4
CRITIC_EVERY = 4
R1_EVERY = 16
R1_WEIGHT = 2.0


class Sharpener:
    """Holds the frozen perceptual net, the critic and the critic's optimiser."""

    def __init__(self, device: torch.device) -> None:
        # The restorer trains against the very distance it is later measured with: the card says so.
        self.distance = build_perceptual(load_embedded("perceptual").state).to(device)
        self.critic = losses.PatchDiscriminator().to(device)
        self.optimizer = torch.optim.Adam(
            self.critic.parameters(), lr=CRITIC_RATE, betas=(0.0, 0.99), foreach=True
        )

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of the critic."""
        return {"critic": self.critic.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])

    def generator_parts(
        self, stage: Stage, restored: torch.Tensor, truth: torch.Tensor, step: int
    ) -> dict[str, torch.Tensor]:
        """Perceptual and adversarial parts of the loss, weighted."""
        seen, meant = _closer(restored, truth) if step % 2 else (restored, truth)
        with torch.autocast(restored.device.type, torch.bfloat16):
            distance = self.distance(seen, meant)
        parts = {"perceptual": stage.perceptual * distance.float().mean()}
        if stage.adversarial:
            with torch.autocast(restored.device.type, torch.bfloat16):
                logits = self.critic.requires_grad_(False)(restored)
            parts["adversarial"] = stage.adversarial * losses.generator_loss(logits)
        return parts

    def train_critic(
        self, stage: Stage, restored: torch.Tensor, truth: torch.Tensor, step: int
    ) -> None:
        """Every fourth step one step of the critic; R1 now and then, weighted up for the rest."""
        if not stage.adversarial or step % CRITIC_EVERY:
            return
        self.critic.requires_grad_(True)
        with torch.autocast(restored.device.type, torch.bfloat16):
            real, fake = self.critic(truth), self.critic(restored)
        total = losses.critic_loss(real, fake)
        if step % R1_EVERY == 0:
            weight = R1_WEIGHT * R1_EVERY / CRITIC_EVERY / 2
            total = total + weight * losses.r1_penalty(self.critic, truth)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()


def _closer(restored: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A random half-size window of the face's middle at twice the size, as a 512 crop shows it."""
    side = restored.shape[-1] // 2
    low, high = side // 4, side - side // 4 + 1
    x = int(torch.randint(low, high, ()))
    y = int(torch.randint(low, high, ()))

    def window(picture: torch.Tensor) -> torch.Tensor:
        part = picture[..., y : y + side, x : x + side]
        return F.interpolate(part, scale_factor=2, mode="bicubic", align_corners=False)

    return window(restored), window(truth)
