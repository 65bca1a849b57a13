"""Restore, choice: the restorer that a loaded model is, by what its weights are.

Promise: the name, version and digest in `Restorer.facts` are those of the weights in use; nothing
is cached between calls, so a change of profile in one process changes what draws.
"""

from __future__ import annotations

import torch

from forensics.errors import UsageError
from forensics.models.load import LoadedModel, read_card
from forensics.restore import embedded, official, plugin, third_party
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.noise import parse_noise
from forensics.restore.restorer import Precision, Restorer


def load_restorer(
    model: LoadedModel,
    device: torch.device,
    *,
    precision: Precision = "exact",
    noise: str = "stored",
) -> Restorer:
    """The restorer on ``device`` for an embedded, official or third-party model, or a plugin.

    ``precision``: exact (float32) or fast (bfloat16). ``noise``: stored, zero or seed:N; a network
    without noise takes stored and zero, which are the same there, and refuses seed:N.

    Raises `UsageError` for a noise mode or precision that the network does not have, and
    `IntegrityError` for weights that do not fit their network.
    """
    if model.card.get("kind") == plugin.KIND:
        return plugin.load_plugin_restorer(model, device)
    kind = parse_noise(noise)
    if model.sha256 == read_card(embedded.ROLE)["sha256"]:
        if kind.mode == "seed":
            raise UsageError(
                f"--noise {noise}: the embedded restorer has no noise, so a seed changes nothing",
                "Leave --noise out.",
            )
        return EmbeddedRestorer.load(model, device, precision=precision)
    found = third_party.architecture_of(model.state)
    if found == "GFPGAN":
        return official.load_gfpgan(model, device, precision, kind)
    if found == "RestoreFormer":
        return official.load_restoreformer(model, device, precision, kind)
    return third_party.load_third_party(model, device, precision, kind)
