"""The sharp stage: perceptual distance by our own backbone, and a small patch critic with R1."""

from __future__ import annotations

import torch

from training.restorer.config import Stage

CRITIC_RATE = 2e-4
CRITIC_EVERY = 2
R1_EVERY = 16
R1_WEIGHT = 1.0


class Sharpener:
    """Holds the frozen perceptual net, the critic and the critic's optimiser."""

    def __init__(self, stage: Stage, device: torch.device) -> None:
        raise NotImplementedError
