"""Identity: what must be equal for items of an earlier run of a batch to be items of this one."""

from __future__ import annotations

from forensics.config import Settings
from forensics.evidence.environment import pixel_versions
from forensics.evidence.signing import Signing

Value = str | int | float | bool | None


def identity(settings: Settings, signing: Signing) -> dict[str, Value]:
    """Every setting, those who sign, and versions of what decides pixels, by name."""
    return {
        **settings.values(),
        "sign": " ".join(signing.fingerprints) or None,
        "timestamp": signing.timestamp_url is not None,
        **{f"version of {name}": value for name, value in pixel_versions().items()},
    }
