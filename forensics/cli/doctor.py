"""``forensics doctor``: what this machine has, and where each setting comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from forensics.cli.output import Output


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Leave host, user and paths out.")
    ] = False,
) -> None:
    """Show versions, processor, GPU, PDF support, models, plugins, settings with their origin."""
    from forensics.config import resolve
    from forensics.evidence.environment import environment_record
    from forensics.models.catalogue import entries
    from forensics.report.pdf import pdf_available

    # Asking for the GPU needs torch; a broken torch is a finding, not a crash.
    gpu = _gpu()
    resolved = resolve({})
    missing_pdf = pdf_available()
    values = resolved.settings.values()
    document = {
        "environment": environment_record(private=private, numeric=gpu),
        "pdf": {"available": missing_pdf is None, "reason": missing_pdf},
        "models": {e.name: e.state for e in entries(check=True)},
        "plugins": _plugins(),
        "settings": {
            name: {"value": values[name], "origin": origin}
            for name, origin in resolved.origins.items()
        },
    }
    Output(as_json).result(document, _lines(document))


def _gpu() -> dict[str, str | int | bool | None]:
    from forensics.runtime import numeric_facts

    try:
        import torch  # noqa: F401 # numeric_facts speaks only once torch is loaded
    except (ImportError, OSError) as error:
        return {"torch": f"cannot be loaded: {error}"}
    return numeric_facts()


def _plugins() -> dict[str, dict[str, str | None]]:
    """Every plugin by group and name; each is loaded, which nothing but this command does unasked.

    A plugin that cannot be loaded is a finding, not a crash.
    """
    from forensics.errors import ForensicsError
    from forensics.models.plugins import MEASURES, RESTORERS, load_plugin, plugins

    found: dict[str, dict[str, str | None]] = {}
    for plugin in [*plugins(RESTORERS), *plugins(MEASURES)]:
        sha256, state = None, "loads"
        try:
            _, sha256 = load_plugin(plugin)
        except ForensicsError as error:
            state = error.message
        found[f"{plugin.group}: {plugin.name} ({plugin.distribution})"] = {
            "state": state,
            "entry point": plugin.value,
            "package": f"{plugin.distribution} {plugin.version}",
            "licence": plugin.licence,
            "sha256": sha256,
        }
    return found


def _lines(document: dict[str, object]) -> list[str]:
    lines: list[str] = []
    for title, section in document.items():
        lines.append(f"{title}:")
        lines += _indented(section, 1)
    return lines


def _indented(value: object, depth: int) -> list[str]:
    pad = "  " * depth
    if not isinstance(value, dict):
        return [f"{pad}{value}"]
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(f"{pad}{key}:")
            lines += _indented(item, depth + 1)
        else:
            lines.append(f"{pad}{key}: {item}")
    return lines
