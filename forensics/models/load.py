"""Models: load weights from the very bytes that were hashed, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.errors import EnvironmentLacks, IntegrityError

if TYPE_CHECKING:
    import torch

EMBEDDED = Path(__file__).parent / "embedded"
ROLES = ("detector", "restorer", "perceptual", "appearance", "identity")


@dataclass(frozen=True)
class LoadedModel:
    """A verified state dict with its digest and card."""

    role: str
    state: dict[str, torch.Tensor]
    sha256: str
    card: dict[str, Any]


def read_card(role: str) -> dict[str, Any]:
    """The model card of an embedded network (no torch needed).

    Raises `EnvironmentLacks` when the installation lacks it.
    """
    path = EMBEDDED / f"{role}.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise EnvironmentLacks(
            f"the embedded model '{role}' is not part of this installation",
            "Install the wheel again, or check out the repository whole.",
        ) from error
    return card


def load_embedded(role: str) -> LoadedModel:
    """Load an embedded network's weights as float32, after comparing their digest to the card.

    Raises `EnvironmentLacks` (5) when absent and `IntegrityError` (4) when altered.
    """
    import safetensors
    import safetensors.torch

    card = read_card(role)
    path = EMBEDDED / f"{role}.safetensors"
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise EnvironmentLacks(
            f"the weights of the embedded model '{role}' are missing",
            "Install the wheel again, or check out the repository whole.",
        ) from error
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card["sha256"]:
        raise IntegrityError(
            f"the weights of the embedded model '{role}' have SHA-256 {digest}, "
            f"its card says {card['sha256']}",
            "Install the wheel again; do not use this copy.",
        )
    try:
        state = safetensors.torch.load(raw)
    except safetensors.SafetensorError as error:
        raise IntegrityError(
            f"the weights of the embedded model '{role}' are no safetensors file: {error}",
            "Install the wheel again; do not use this copy.",
        ) from error
    floats = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    return LoadedModel(role, floats, digest, card)
