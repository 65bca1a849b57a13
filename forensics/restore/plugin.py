"""Restore, plugin: a face restorer of another package, held to what a restorer owes.

The entry point is called once with the device's name and gives an object with
``restore(crop_rgb_u8)``.  Promise: one call a face, each crop a copy of its own; what comes back is
a picture of the right kind or a `Failure` of that face alone, whatever the plugin does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch

from forensics.errors import EnvironmentLacks, UsageError
from forensics.models.load import LoadedModel
from forensics.models.plugins import RESTORERS, find_plugin, load_plugin
from forensics.records import Failure
from forensics.restore.restorer import (
    TEMPLATE_PX,
    U8,
    Crops,
    RestorerFacts,
    Result,
    check_crops,
)

KIND = "plugin"


@runtime_checkable
class FacePlugin(Protocol):
    """What an entry point of ``forensics.restorers`` gives when it is called with a device."""

    def restore(self, crop_rgb_u8: U8) -> Any:
        """A face (512, 512, 3) uint8 RGB drawn anew: the same in uint8, or in floats of [0, 1]."""
        ...


class WrongFace(ValueError):
    """What a plugin returned is no picture of a face."""


def plugin_model(name: str) -> LoadedModel:
    """The plugin as a model of a run: its digest and card, no weights.

    Raises as `forensics.models.plugins.load_plugin` does.
    """
    plugin = find_plugin(RESTORERS, name)
    _, sha256 = load_plugin(plugin)
    return LoadedModel("restorer", {}, sha256, plugin.card(sha256))


class PluginRestorer:
    """A `Restorer` whose faces another package draws, one at a time."""

    def __init__(self, drawer: FacePlugin, facts: RestorerFacts) -> None:
        self._drawer, self._facts = drawer, facts

    @property
    def facts(self) -> RestorerFacts:
        """See `Restorer.facts`; ``deterministic`` was tried twice on one crop, not promised."""
        return self._facts

    def restore(self, crops_rgb_u8: Crops, seeds: Sequence[int] = ()) -> list[Result]:
        """See `Restorer.restore`."""
        if seeds:
            raise ValueError("a plugin takes no seeds")
        check_crops(crops_rgb_u8)
        return [_drawn(self._drawer, crop) for crop in crops_rgb_u8]


def load_plugin_restorer(model: LoadedModel, device: torch.device) -> PluginRestorer:
    """Make the restorer of a plugin on ``device``.

    Raises `EnvironmentLacks` (5) when its entry point fails or gives something without ``restore``,
    `UsageError` (2) when it is not installed.
    """
    card = model.card
    make, _ = load_plugin(find_plugin(RESTORERS, card["name"]))
    drawer = _made(make, str(card["name"]), str(device))
    crop = np.random.default_rng(0).integers(0, 256, (TEMPLATE_PX, TEMPLATE_PX, 3), np.uint8)
    facts = RestorerFacts(
        name=card["name"],
        version=card["version"],
        sha256=model.sha256,
        licence=card["licence"],
        deterministic=_same(_drawn(drawer, crop), _drawn(drawer, crop)),
        dtype="as the plugin chooses",
        batch_size=1,
        noise_mode="none",
    )
    return PluginRestorer(drawer, facts)


def _made(make: Callable[..., object], name: str, device: str) -> FacePlugin:
    try:
        drawer = make(device)
    except Exception as error:  # the plugin's own code may raise anything; it becomes one message
        raise EnvironmentLacks(
            f"the plugin {name!r} could not be started on {device}: "
            f"{type(error).__name__}: {error}",
            "Ask its maker, or use another profile: 'forensics models list'.",
        ) from error
    if not isinstance(drawer, FacePlugin):
        raise UsageError(
            f"the plugin {name!r} gave a {type(drawer).__name__} without restore()",
            "Its maker must mend it; see docs/plugins.md.",
        )
    return drawer


def _drawn(drawer: FacePlugin, crop_rgb_u8: U8) -> Result:
    """One face by the plugin, or why not: the boundary behind which its errors are records."""
    try:
        return checked(drawer.restore(crop_rgb_u8.copy()))
    except WrongFace as error:
        return Failure("restore", "the plugin returned no picture of a face", str(error))
    except Exception as error:  # whatever a plugin raises costs this face and no other
        return Failure.of("restore", "the plugin failed on this face", error)


def checked(found: object) -> U8:
    """(512, 512, 3) uint8, rounded from floats of [0, 1]. Raises `WrongFace` for anything else."""
    if not isinstance(found, np.ndarray):
        raise WrongFace(f"a numpy array is asked for, not {type(found).__name__}")
    if found.shape != (TEMPLATE_PX, TEMPLATE_PX, 3):
        raise WrongFace(f"the shape must be (512, 512, 3), is {found.shape}")
    if found.dtype == np.uint8:
        return np.ascontiguousarray(found).copy()
    if found.dtype.kind != "f":
        raise WrongFace(f"the type must be uint8 or a float, is {found.dtype}")
    if not np.isfinite(found).all():
        raise WrongFace("numbers that are not finite")
    low, high = float(found.min()), float(found.max())
    if low < 0 or high > 1:
        raise WrongFace(f"floats must lie in [0, 1], lie in [{low:g}, {high:g}]")
    return np.rint(found.astype(np.float64) * 255).astype(np.uint8)


def _same(one: Result, other: Result) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other))
    return one == other if isinstance(one, Failure) and isinstance(other, Failure) else False
