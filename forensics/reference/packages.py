"""Reference, packages: the official classes, or the advice how to get them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from forensics.errors import EnvironmentLacks
from forensics.reference.aliases import supply_missing_modules

DISTRIBUTIONS = ("gfpgan", "realesrgan", "basicsr", "facexlib")
INSTALL = 'pip install "restoration-forensics[reference]"'


@dataclass(frozen=True)
class OfficialClasses:
    """Upstream's own classes; ``versions`` by distribution."""

    gfpganer: Any
    real_esrganer: Any
    rrdbnet: Any
    srvgg: Any
    versions: dict[str, str]


def official_classes() -> OfficialClasses:
    """Import the official packages.

    Raises `EnvironmentLacks` (5) with the command that installs them, or, from Python 3.13 on,
    with the reason why no command can.
    """
    try:
        supply_missing_modules()
        from basicsr.archs.rrdbnet_arch import RRDBNet
        from gfpgan import GFPGANer
        from realesrgan import RealESRGANer
        from realesrgan.archs.srvgg_arch import SRVGGNetCompact
    except ImportError as error:
        raise EnvironmentLacks(
            f"--engine reference needs the official packages gfpgan and realesrgan: {error}",
            _advice(sys.version_info[:2]),
        ) from error
    return OfficialClasses(
        gfpganer=GFPGANer,
        real_esrganer=RealESRGANer,
        rrdbnet=RRDBNet,
        srvgg=SRVGGNetCompact,
        versions={name: version(name) for name in DISTRIBUTIONS},
    )


def _advice(python: tuple[int, int]) -> str:
    if python >= (3, 13):
        return (
            f"basicsr cannot be built on Python {python[0]}.{python[1]}. Use Python 3.11 or 3.12 "
            f"with {INSTALL}, or --engine native."
        )
    return f"Run: {INSTALL}"
