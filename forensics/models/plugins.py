"""Models, plugins: restorers and measures of other packages, found by their entry points.

Groups ``forensics.restorers`` and ``forensics.measures``.  Promise: listing imports nothing of a
plugin; what is loaded is what its distribution installed, file by file, and its digest is recorded.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackagePath, entry_points
from pathlib import Path
from typing import Any, Final, Literal

from forensics.errors import EnvironmentLacks, IntegrityError, UsageError

Group = Literal["forensics.restorers", "forensics.measures"]
RESTORERS: Final = "forensics.restorers"
MEASURES: Final = "forensics.measures"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,63}")
# What an installer writes about the act of installing; it differs between equal installations.
_OF_THE_INSTALLER: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})


@dataclass(frozen=True)
class Plugin:
    """One entry point, with what its distribution states. Nothing of it is imported yet."""

    group: Group
    name: str
    value: str  # "package.module:function"
    distribution: str
    version: str
    licence: str
    entry: EntryPoint

    def card(self, sha256: str) -> dict[str, Any]:
        """What a record says of it; ``sha256`` is the digest of its files."""
        return {
            "name": self.name,
            "title": f"{self.name} (plugin)",
            "version": self.version,
            "role": "restorer",
            "kind": "plugin",
            "file": self.value,
            "source": f"plugin: {self.distribution} {self.version}",
            "sha256": sha256,
            "state_sha256": None,
            "licence": self.licence,
        }


def plugins(group: Group) -> list[Plugin]:
    """Every plugin of a group, in order of name; imports none of them."""
    found = []
    for entry in entry_points(group=group):
        about = entry.dist
        found.append(
            Plugin(
                group=group,
                name=entry.name,
                value=entry.value,
                distribution="unknown" if about is None else about.name,
                version="unknown" if about is None else about.version,
                licence="not stated" if about is None else _licence(about),
                entry=entry,
            )
        )
    return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))


def plugin_names(group: Group) -> list[str]:
    """Names that can be asked for."""
    return sorted({p.name for p in plugins(group) if NAME.fullmatch(p.name)})


def find_plugin(group: Group, name: str) -> Plugin:
    """The plugin of this name.

    Raises `UsageError` (2) when no distribution offers it, or more than one does.
    """
    named = [plugin for plugin in plugins(group) if plugin.name == name]
    if not named:
        there = ", ".join(plugin_names(group)) or "none"
        raise UsageError(
            f"no installed package offers {name!r} in {group}",
            f"Installed: {there}. See 'forensics doctor'.",
        )
    if len(named) > 1:
        homes = ", ".join(f"{p.distribution} {p.version}" for p in named)
        raise UsageError(
            f"{name!r} is offered by more than one package: {homes}",
            "Uninstall all but one; a record must say which one was used.",
        )
    return named[0]


def files_sha256(plugin: Plugin) -> str:
    """SHA-256 over the digests and paths of everything the plugin's distribution installed.

    Raises `IntegrityError` (4) when a file is missing or is not what the installer recorded, and
    `EnvironmentLacks` (5) when the distribution keeps no list of its files.
    """
    lines = [f"{digest}  {path}\n" for path, digest in sorted(_digests(plugin).items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def load_plugin(plugin: Plugin) -> tuple[Callable[..., object], str]:
    """Import the plugin and return what its entry point names, with `files_sha256`.

    Raises as `files_sha256` does; `EnvironmentLacks` (5) also when it cannot be imported, when what
    it names cannot be called, or when its code lies outside the files that were hashed.
    """
    digests = _digests(plugin)
    label = f"the plugin {plugin.name!r} ({plugin.distribution} {plugin.version})"
    try:
        found = plugin.entry.load()
    except Exception as error:  # a plugin's import may raise anything; it becomes one message
        raise EnvironmentLacks(
            f"{label} cannot be loaded: {type(error).__name__}: {error}",
            "See 'forensics doctor'; install the package again, or leave the plugin out.",
        ) from error
    if not callable(found):
        raise EnvironmentLacks(
            f"{label}: {plugin.value} is not callable",
            "Its maker must mend it; see docs/plugins.md.",
        )
    module = sys.modules[plugin.entry.module]
    code = Path(str(getattr(module, "__file__", ""))).resolve()
    if plugin.entry.dist is None or code not in _hashed(plugin.entry.dist):
        raise EnvironmentLacks(
            f"{label}: its code, {code.name or 'unknown'}, is not among the files it installed, so "
            "no digest can say what ran",
            "Install it as a package, not as an editable checkout.",
        )
    lines = [f"{digest}  {path}\n" for path, digest in sorted(digests.items())]
    return found, hashlib.sha256("".join(lines).encode()).hexdigest()


def _licence(about: Distribution) -> str:
    facts = about.metadata
    for key in ("License-Expression", "License"):
        if key in facts and (stated := str(facts[key]).strip()):
            return stated.splitlines()[0][:120]
    kinds = [c for c in facts.get_all("Classifier") or [] if str(c).startswith("License ::")]
    return str(kinds[0]).rpartition(" :: ")[2] if kinds else "not stated"


def _listed(about: Distribution) -> list[PackagePath]:
    return [
        path
        for path in about.files or []
        if path.name not in _OF_THE_INSTALLER and path.suffix != ".pyc"
    ]


def _hashed(about: Distribution) -> set[Path]:
    return {Path(str(path.locate())).resolve() for path in _listed(about)}


def _digests(plugin: Plugin) -> dict[str, str]:
    """SHA-256 of each file by its path in the distribution."""
    about = plugin.entry.dist
    listed = [] if about is None else _listed(about)
    if not listed:
        raise EnvironmentLacks(
            f"the package of the plugin {plugin.name!r} keeps no list of its files",
            "Install it again with pip or uv.",
        )
    found: dict[str, str] = {}
    for path in listed:
        try:
            raw = Path(str(path.locate())).read_bytes()
        except OSError as error:
            raise IntegrityError(
                f"the plugin {plugin.name!r} lacks its file {path}: {error.strerror}",
                f"Install {plugin.distribution} again.",
            ) from error
        digest = hashlib.sha256(raw)
        recorded = path.hash
        if recorded is not None and recorded.mode == "sha256":
            here = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            if here != recorded.value:
                raise IntegrityError(
                    f"the plugin {plugin.name!r} was changed after it was installed: {path}",
                    f"Install {plugin.distribution} again.",
                )
        found[path.as_posix()] = digest.hexdigest()
    return found
