"""Scoring, plugins: numbers that other packages measure of a face, beside ours and apart from them.

An entry point of ``forensics.measures`` is called as ``measure(crop_rgb_u8, restored_rgb_u8)`` for
each restored face that is scored.  Promise: its number stands under ``plugin:NAME``, enters no
flag, band or probability, and where there is none the reason does.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from forensics.models.plugins import MEASURES, find_plugin, load_plugin
from forensics.records import PLUGIN_PREFIX
from forensics.scoring.measure import FaceInput

FAILED: Final = "failed: "
"""How the reason begins where a plugin broke; such a run is incomplete."""


@dataclass(frozen=True)
class PluginMeasure:
    """A measure of another package. ``card`` has its distribution, version, licence and digest."""

    name: str
    sha256: str
    card: dict[str, Any]
    function: Callable[..., object]

    @property
    def key(self) -> str:
        """The name under which its numbers stand."""
        return PLUGIN_PREFIX + self.name

    def read(self, face: FaceInput) -> float | str:
        """The number of one face, or the reason why there is none."""
        crop, restored = face.crop_rgb_u8.copy(), face.restored_rgb_u8.copy()
        try:
            found = self.function(crop, restored)
        except Exception as error:  # whatever a plugin raises is a reason and stops nothing
            return f"{FAILED}{type(error).__name__}: {error}"
        if found is None:
            return "the plugin gave no number for this face"
        if isinstance(found, bool) or not isinstance(found, numbers.Real):
            return f"{FAILED}a number is asked for, not {type(found).__name__}"
        value = float(found)
        return value if math.isfinite(value) else f"{FAILED}the number is not finite"


def load_plugin_measures(names: Sequence[str]) -> tuple[PluginMeasure, ...]:
    """The measures of these names, imported and hashed.

    Raises as `forensics.models.plugins.load_plugin` does.
    """
    found = []
    for name in names:
        plugin = find_plugin(MEASURES, name)
        function, sha256 = load_plugin(plugin)
        found.append(PluginMeasure(name, sha256, plugin.card(sha256), function))
    return tuple(found)


def read_all(
    plugins: Sequence[PluginMeasure], face: FaceInput
) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and reasons of every plugin for one face, by ``plugin:NAME``."""
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for plugin in plugins:
        found = plugin.read(face)
        if isinstance(found, str):
            reasons[plugin.key] = found
        else:
            values[plugin.key] = found
    return values, reasons
