"""Configuration: every setting of an audit, where its value came from, and its digest.

Order: command-line flag, then ``FORENSICS_*`` environment variable, then ``forensics.toml`` in the
working folder, then the user's ``forensics/config.toml``, then the default.  An unknown key is an
error, never ignored: a setting that has no effect must not look as if it had one.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from forensics.errors import UsageError

BackgroundName = Literal[
    "auto", "lanczos", "realesrgan-x4plus", "realesrgan-x2plus", "realesr-general-x4v3"
]
LANGUAGES = ("en", "de")
"""Languages that reports can be written in; `forensics.report.locale` holds their texts."""
Origin = Literal["flag", "environment", "project file", "user file", "default"]
Value = str | int | float | bool | None
ENV_PREFIX = "FORENSICS_"
PROJECT_FILE = "forensics.toml"


class Settings(BaseModel):
    """What an audit honours. Frozen; an unknown name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # The names of profiles are known to `forensics.models.profiles`, which stands above this file.
    models: str = Field(default="embedded", pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")
    upscale: int = Field(default=2, ge=1, le=4)
    background: BackgroundName = "auto"
    engine: Literal["native", "reference"] = "native"
    precision: Literal["exact", "fast"] = "exact"
    noise: str = Field(default="stored", pattern=r"^(stored|zero|seed:\d{1,9})$")
    upstream_compat: bool = False
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    every: int = Field(default=1, ge=1)
    format: str = "html,pdf"
    save: str = ""
    original: bool = True
    label: bool = True
    zip: bool = False
    lang: str = "en"
    private: bool = False
    fail_on: Literal["none", "caution", "high"] = "none"
    calibration: str = "auto"
    measure: str = Field(default="", description="plugin measures, by name, with commas")
    case: str | None = None
    operator: str | None = None
    purpose: str | None = None

    @field_validator("format")
    @classmethod
    def _formats(cls, text: str) -> str:
        return _listed(text, ("html", "pdf"), "format")

    @field_validator("save")
    @classmethod
    def _saves(cls, text: str) -> str:
        return _listed(text, ("source", "frames"), "save")

    @field_validator("lang")
    @classmethod
    def _languages(cls, text: str) -> str:
        if text not in LANGUAGES:
            raise ValueError(f"no texts in this language; choose from {', '.join(LANGUAGES)}")
        return text

    @property
    def formats(self) -> tuple[str, ...]:
        """Report formats in the order html, pdf."""
        return tuple(f for f in self.format.split(",") if f)

    @property
    def saves(self) -> tuple[str, ...]:
        """Which full frames are kept: source, frames."""
        return tuple(s for s in self.save.split(",") if s)

    @field_validator("measure")
    @classmethod
    def _measures(cls, text: str) -> str:
        return ",".join(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))

    @property
    def plugin_measures(self) -> tuple[str, ...]:
        """Names of the plugin measures asked for, in order."""
        return tuple(name for name in self.measure.split(",") if name)

    def values(self) -> dict[str, Value]:
        """Plain values, for the record; of a calibration's path its name alone."""
        return dict(self.model_dump()) | {"calibration": Path(self.calibration).name}

    def digest(self) -> str:
        """SHA-256 of the settings in canonical JSON."""
        text = json.dumps(self.values(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Resolved:
    """Settings with the place each value came from."""

    settings: Settings
    origins: dict[str, Origin]


def user_file() -> Path:
    """The user's configuration file (XDG)."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "forensics" / "config.toml"


def models_dir() -> Path:
    """Where fetched models lie: ``FORENSICS_MODELS_DIR`` or the XDG cache."""
    explicit = os.environ.get("FORENSICS_MODELS_DIR")
    if explicit:
        return Path(explicit)
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "restoration-forensics" / "models"


def resolve(flags: Mapping[str, Value], folder: Path | None = None) -> Resolved:
    """Settle every setting.  ``flags`` holds only what the command line gave.

    Raises `UsageError` for an unknown name or a value out of range, naming where it stands.
    """
    layers: list[tuple[Origin, str, Mapping[str, Value]]] = [
        ("user file", str(user_file()), _read_toml(user_file())),
        ("project file", PROJECT_FILE, _read_toml((folder or Path.cwd()) / PROJECT_FILE)),
        ("environment", "environment", _environment()),
        ("flag", "command line", flags),
    ]
    values: dict[str, Value] = {}
    origins: dict[str, Origin] = dict.fromkeys(Settings.model_fields, "default")
    places: dict[str, str] = {}
    for origin, place, layer in layers:
        for name, value in layer.items():
            if name not in Settings.model_fields:
                raise UsageError(
                    f"unknown setting '{name}' in {place}",
                    f"Known settings: {', '.join(Settings.model_fields)}.",
                )
            values[name], origins[name], places[name] = value, origin, place
    try:
        return Resolved(Settings.model_validate(values), origins)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"--{name.replace('_', '-')}: {first['msg']} (got {values.get(name)!r} "
            f"from {places.get(name, 'default')})",
            "See 'forensics audit --help'.",
        ) from error


def _environment() -> dict[str, Value]:
    found = {name: os.environ.get(ENV_PREFIX + name.upper()) for name in Settings.model_fields}
    return {name: value for name, value in found.items() if value is not None}


def _read_toml(path: Path) -> dict[str, Value]:
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "Mend or remove the file.") from error
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", "Mend or remove the file.") from error


def _listed(text: str, allowed: tuple[str, ...], name: str) -> str:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in allowed]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: not a {name}; choose from {', '.join(allowed)}")
    if name == "format" and not wanted:
        raise ValueError("no format is left; choose from html, pdf")
    return ",".join(part for part in allowed if part in wanted)
