"""Plugin words: what a reader is told where packages of others drew faces or measured them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from forensics.records import Model
from forensics.report.cards import MeasureCard
from forensics.report.language import N_, _

PLUGIN_MEASURE: Final = N_(
    "A number of the package {made}, which this project neither made nor "
    "tested. It enters no flag and no band."
)


def plugin_limits(models: Sequence[Model]) -> tuple[str, ...]:
    """What is to be said where other packages drew the faces or measured them."""
    homes = [
        (m, m.source.removeprefix("plugin: ")) for m in models if m.source.startswith("plugin")
    ]
    drawn = [(model.name, home) for model, home in homes if model.role == "restorer"]
    measured = sorted({home for model, home in homes if model.role != "restorer"})
    out = [
        _(
            "The faces were drawn by {name}, a plugin of the package {home}, which "
            "this project neither made nor tested."
        ).format(name=name, home=home)
        for name, home in drawn
    ]
    if measured:
        out.append(
            _(
                "Numbers under plugin: come from {measured}; this project neither made "
                "nor tested them, and no flag or band rests on them."
            ).format(measured=", ".join(measured))
        )
    return tuple(out)


def strange_card(name: str, models: Sequence[Model]) -> MeasureCard:
    """What is said of a measure that is none of ours: whose it is, and that it decides nothing."""
    for model in models:
        if model.role == f"measure {name}":
            made = model.source.removeprefix("plugin: ")
            return MeasureCard(name, "", _(PLUGIN_MEASURE).format(made=made), "", "")
    return MeasureCard(name, "", _("not described here"), "", "")
