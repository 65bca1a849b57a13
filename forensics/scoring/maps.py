"""Scoring, maps: what was measured of one face, and its two maps as one picture.

Blue and orange of the Okabe-Ito palette, which people with colour vision deficiencies tell apart;
both start at black, so that the picture still reads by brightness alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from forensics.scoring.facts import P99
from forensics.scoring.measure import F32, TEMPLATE_PX, U8, Reading

INVENTED_RGB: Final = (0, 114, 178)
CONTRADICTION_RGB: Final = (230, 159, 0)
LEGEND_INVENTED: Final = "blue: fine detail that has no counterpart in the footage"
LEGEND_CONTRADICTION: Final = (
    "orange: shrunk back to the footage, the restored face disagrees with the original pixels more"
    " than accurate pictures do"
)
LEGEND_NEITHER: Final = "black: neither was found; this does not confirm the face"
_WITHOUT_REFERENCE: Final = (2.0, 10.0)  # noise units shown as black and as full colour
_FULL: Final = 2.0  # full orange at this multiple of what 99 of 100 accurate pictures score


@dataclass(frozen=True)
class Scored:
    """What was measured of one face.

    ``references`` holds, by measure, the median of accurate pictures at this input quality and,
    with the ending ``_p99``, their 99th percentile.  ``maps`` are (512, 512) float32 on the
    template: ``invented_detail`` 0..1, ``contradiction`` in noise units; a measure that abstains
    has none.  ``embedded``: the recogniser's unit vectors of restored face and crop, where it was
    asked.
    """

    measures: dict[str, float]
    not_measured: dict[str, str]
    references: dict[str, float]
    maps: dict[str, F32]
    embedded: tuple[F32, F32] | None = None
    plugin_measures: dict[str, float] = field(default_factory=dict)
    plugin_not_measured: dict[str, str] = field(default_factory=dict)

    def joined(
        self, readings: Iterable[Reading], references: Mapping[str, float] | None = None
    ) -> Scored:
        """With more readings and references; a value takes the place of the reason for its lack."""
        measures, reasons = dict(self.measures), dict(self.not_measured)
        for reading in readings:
            measures.update(reading.values)
            reasons.update(reading.reasons)
        return replace(
            self,
            measures=measures,
            not_measured={name: why for name, why in reasons.items() if name not in measures},
            references=self.references | dict(references or {}),
        )


def contradiction_shade(scored: Scored) -> F32:
    """The contradiction map on 0..1: 0 up to the median of accurate pictures, 1 at twice their p99.

    Without a reference fixed noise units serve.
    """
    found = scored.maps.get("contradiction")
    if found is None:
        return np.zeros((TEMPLATE_PX, TEMPLATE_PX), np.float32)
    low, high = _WITHOUT_REFERENCE
    if "contradiction" in scored.references and "contradiction" + P99 in scored.references:
        low = scored.references["contradiction"]
        high = _FULL * scored.references["contradiction" + P99]
    return np.asarray(np.clip((found - low) / max(high - low, 1e-6), 0, 1), np.float32)


def render_map(scored: Scored) -> U8:
    """Both maps as one picture (512, 512, 3) uint8 RGB; black where nothing was measured."""
    invented = scored.maps.get("invented_detail")
    picture = np.zeros((TEMPLATE_PX, TEMPLATE_PX, 3), np.float32)
    if invented is not None:
        picture += np.clip(invented, 0, 1)[..., None] * np.array(INVENTED_RGB, np.float32)
    shade = contradiction_shade(scored)[..., None]
    # Orange lies over blue: where the footage is contradicted, the invention matters less.
    picture = picture * (1 - shade) + shade * np.array(CONTRADICTION_RGB, np.float32)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
