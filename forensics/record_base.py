"""Records, base: what every record that a bundle stores has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PLUGIN_PREFIX = "plugin:"
"""Names of numbers that plugins measure begin with this; they are none of `records.MEASURES`."""


class Record(BaseModel):
    """Base of what a bundle stores: frozen, no unknown field, no NaN, no infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )
