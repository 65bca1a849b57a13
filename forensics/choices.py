"""Choices: what a run's settings ask for, checked before anything heavy is loaded.

Loads no torch.  Promise: a setting that would have no effect is refused, so that it never looks as
if it had one; what is not fetched is named at once, all of it, with the one command that helps.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from forensics.config import Settings, Value
from forensics.errors import EnvironmentLacks, UsageError
from forensics.models.load import read_card
from forensics.models.official import fetch_command, official, official_path
from forensics.models.plugins import MEASURES, find_plugin
from forensics.models.profiles import Profile, profile
from forensics.records import PLUGIN_PREFIX, Mode

# Embedded networks, used under every profile.
MEASURING = ("appearance", "perceptual", "identity", "evidence", "traces")


RESTORING: Final = frozenset(
    {
        "models",
        "upscale",
        "background",
        "engine",
        "precision",
        "noise",
        "upstream_compat",
        "calibration",
    }
)
"""Settings of what restores; without effect, and no part of the record, where nothing is."""


def recorded(settings: Settings, mode: Mode) -> dict[str, Value]:
    """The settings that had an effect, and the mode of a run that restored nothing."""
    values = settings.values()
    if mode == "restore":
        return values
    return {name: v for name, v in values.items() if name not in RESTORING} | {"mode": mode}


def differing(settings: Settings) -> frozenset[str]:
    """Names of settings that are not at their default."""
    default = Settings().model_dump()
    return frozenset(k for k, v in settings.model_dump().items() if v != default[k])


def check_measuring(settings: Settings, option: str, given: Collection[str]) -> None:
    """Check the settings of a run that restores nothing; ``option`` is what makes it one.

    ``given`` names the settings that somebody asked for.  Raises `UsageError` (2) for one that
    would have no effect.
    """
    idle = sorted(RESTORING & set(given))
    if idle:
        flags = ", ".join("--" + name.replace("_", "-") for name in idle)
        raise UsageError(
            f"{option} restores nothing: {flags} would have no effect", "Leave it out."
        )
    for name in settings.plugin_measures:
        find_plugin(MEASURES, name)
    if option != "--restored-only":
        return
    if settings.measure:
        raise UsageError(
            "--measure: a plugin's measure compares with the footage, and --restored-only has none",
            "Leave it out, or give the original: forensics audit ORIGINAL --restored CLIP.",
        )
    if settings.fail_on != "none":
        raise UsageError(
            f"--fail-on {settings.fail_on} can never be crossed with --restored-only: without the "
            "original no band is given",
            "Leave it out, or give the original: forensics audit ORIGINAL --restored CLIP.",
        )
    if "frames" in settings.saves:
        raise UsageError(
            "--save frames: with --restored-only the clip's own frames are all there is",
            "Use --save source.",
        )


def check_settings(settings: Settings) -> Profile:
    """The profile of these settings.

    Raises `UsageError` (2) for choices that contradict each other, `EnvironmentLacks` (5) when an
    official file they need is not in the models folder.
    """
    chosen = profile(settings.models)
    if settings.noise != "stored" and chosen.kind == "embedded":
        raise UsageError(
            f"--noise {settings.noise}: the embedded restorer draws without noise",
            "Leave it out.",
        )
    if chosen.kind == "plugin" and (settings.noise != "stored" or settings.precision != "exact"):
        raise UsageError(
            f"--noise and --precision have no effect on the plugin {chosen.name!r}",
            "Leave them out; what a plugin computes is its own.",
        )
    for name in settings.plugin_measures:
        find_plugin(MEASURES, name)
    if settings.engine == "reference":
        _check_reference(settings, chosen)
    absent = [name for name in fetched_names(settings, chosen) if not _is_here(name)]
    if absent:
        raise EnvironmentLacks(
            f"--models {settings.models}: not in the models folder: {', '.join(absent)}",
            f"Run '{fetch_command(absent)}', or put the files there by hand.",
        )
    return chosen


def fetched_names(settings: Settings, chosen: Profile) -> tuple[str, ...]:
    """Catalogue rows that these settings are sure to need; ``auto`` may need a background more."""
    compat = settings.upstream_compat or settings.engine == "reference"
    names = list(chosen.fetched(upstream_compat=compat))
    if settings.background not in {"auto", "lanczos"}:
        names.append(settings.background)
    return tuple(names)


def network_names(settings: Settings, chosen: Profile) -> tuple[str, ...]:
    """What would draw and measure, for a plan."""
    own: tuple[str, ...] = (chosen.detector,) if chosen.own_detector else ()
    own += (chosen.restorer,) if chosen.kind == "embedded" else ()
    cards = [read_card(role) for role in (*own, *MEASURING)]
    added: tuple[str, ...] = (chosen.restorer,) if chosen.kind in {"third-party", "plugin"} else ()
    added += tuple(f"{PLUGIN_PREFIX}{name}" for name in settings.plugin_measures)
    fetched = fetched_names(settings, chosen)
    return (*fetched, *added, *(f"{card['name']} {card['version']}" for card in cards))


def measuring_names(*, probing: bool) -> tuple[str, ...]:
    """What would find and measure where nothing is restored; ``probing`` draws other faces."""
    roles = ["detector", *MEASURING, *(("directions", "restorer") if probing else ())]
    cards = [read_card(role) for role in roles]
    return tuple(f"{card['name']} {card['version']}" for card in cards)


def _check_reference(settings: Settings, chosen: Profile) -> None:
    if chosen.kind != "official":
        raise UsageError(
            f"--engine reference runs the official code; it has no restorer {chosen.name!r}",
            "Use --models gfpgan-1.3, gfpgan-1.4 or restoreformer.",
        )
    if settings.precision != "exact" or settings.upstream_compat or settings.noise != "stored":
        raise UsageError(
            "--engine reference runs the official code as it is: --precision, "
            "--upstream-compat and --noise have no effect on it",
            "Leave them out.",
        )


def _is_here(name: str) -> bool:
    return official_path(official(name)).is_file()
