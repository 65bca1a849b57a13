"""``forensics models``: which networks there are, fetching, checking and adding them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.cli.output import Output

if TYPE_CHECKING:
    from forensics.models.catalogue import Entry
    from forensics.models.fetch import Result, Wanted

models_app = typer.Typer(
    help="The networks: list, fetch, verify and add them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NO_CALIBRATION = (
    "No calibration for {names} exists here: its faces get measures, flags and reasons, but no "
    "probability. 'forensics calibrate --models {first} --portraits DIR' makes one from sharp "
    "portraits of at least 90 people."
)
NOT_INCLUDED = (
    "Fetched by their own names, when wanted: realesrgan-x2plus (the background on a GPU) and "
    "parsenet (non-commercial; for --upstream-compat and --engine reference)."
)
CAME = {
    "fetched now": "fetched; its digest matches",
    "fetched before": "was here already; its digest matches",
    "placed by hand": "was placed by hand and is accepted: its digest matches",
}


@models_app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List every network: name, role, licence, state, and the profiles it belongs to.

    Restorers of other packages are named after them and not imported.
    """
    from forensics.config import models_dir
    from forensics.models.catalogue import entries
    from forensics.models.plugins import RESTORERS, plugins

    found = entries()
    lines = [line for entry in found for line in _lines(entry)]
    offered = plugins(RESTORERS)
    lines += [
        f"{p.name}: restorer of the package {p.distribution} {p.version} (plugin), {p.licence}"
        for p in offered
    ]
    lines.append(f"Models folder: {models_dir()}. See 'forensics models fetch --help'.")
    document = {
        "models": [_document(entry) for entry in found],
        "plugins": {p.name: f"{p.distribution} {p.version}" for p in offered},
    }
    Output(as_json).result(document, lines)


@models_app.command("verify")
def verify_models(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Also open official files again and compare their copies."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Hash every network that is here. Exit 4 when one differs from its recorded digest."""
    from forensics.models.catalogue import entries

    found = entries(check=True, deep=deep)
    here = [entry for entry in found if entry.state not in ("not fetched", "partly fetched")]
    altered = [entry for entry in here if entry.state == "altered"]
    lines = [
        f"{e.name}: {'ALTERED: ' + str(e.problem) if e.problem else 'matches'}, "
        f"expected SHA-256 {e.sha256}"
        for e in here
    ]
    lines.append(
        f"{len(here)} checked, {len(altered)} altered, {len(found) - len(here)} not fetched."
    )
    Output(as_json).result({"models": [_document(entry) for entry in found]}, lines)
    if altered:
        raise typer.Exit(4)


@models_app.command("fetch")
def fetch_models(
    names: Annotated[
        list[str],
        typer.Argument(metavar="PROFILE|NAME...", help="Profiles or models, see 'models list'."),
    ],
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="FORENSICS_MIRROR",
            help="Fetch from below this address instead; files lie there under their own names.",
        ),
    ] = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", envvar="FORENSICS_OFFLINE", help="Open no connection."),
    ] = False,
    accept_licence: Annotated[
        bool,
        typer.Option(
            "--accept-licence", help="Agree to the licences shown, non-commercial parts included."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Fetch official weights; a file is used only when its SHA-256 is the recorded one.

    Exit 0 all are here, 2 wrong use or a licence was not agreed to, 3 a fetch was cut off (run it
    again, it goes on), 4 a file differs from its digest, 5 not to be had from here.
    """
    from forensics.errors import Interrupted
    from forensics.models.fetch import fetch, look, rows_of, settle_licences, worst
    from forensics.progress import choose

    output = Output(quiet=quiet)
    rows = rows_of(names)
    if not rows:
        output.result({}, [f"{', '.join(names)}: nothing to fetch; it comes with this tool."])
        return
    wanted = look(rows)
    _first_screen(output, wanted, mirror)
    if not offline:
        settle_licences(wanted, accept_licence)
    try:
        result = fetch(wanted, choose(quiet), mirror=mirror or None, offline=offline)
    except KeyboardInterrupt as error:
        raise Interrupted(
            "stopped; what came is kept", "Run it again and it goes on from there."
        ) from error
    _outcome(output, wanted, result)
    if result.failed:
        raise worst(list(result.failed.values()))


@models_app.command("add")
def add_model(
    name: Annotated[str, typer.Argument(help="What to call it: a-z, 0-9, '.', '_', '-'.")],
    file: Annotated[Path, typer.Argument(help="A state dict (.pth, .safetensors) of a restorer.")],
    licence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its licence, for the record.")
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Add a face restorer of another maker, as third-party: use it with --models NAME.

    Taken is what spandrel core recognises as a face restorer at 512 px. Exit 2 wrong use,
    3 the file is something else.
    """
    from forensics.models.admit import add
    from forensics.models.official import official as row_of
    from forensics.models.official import official_path
    from forensics.models.profiles import profile

    added = add(name, file, licence)
    lines = [
        f"{name}: {added.file}, recognised as {added.architecture} by {added.recognised_by}.",
        f"  SHA-256 of the file {added.conversion.file_sha256}",
        f"  SHA-256 of its tensors {added.conversion.state_sha256}",
        f"  Licence: {added.licence}. It is recorded as third-party in every report.",
        NO_CALIBRATION.format(names=name, first=name),
    ]
    needed = [n for n in profile(name).fetched() if not official_path(row_of(n)).is_file()]
    if needed:
        lines.append(
            f"It needs {' and '.join(needed)} too: run "
            f"'forensics models fetch {name} --accept-licence'."
        )
    Output().result({}, lines)


def _lines(e: Entry) -> list[str]:
    """Two lines for a person: what it is and where it stands; its terms."""
    state = f"{e.state} ({e.origin})" if e.origin and e.state == "present" else e.state
    profiles = f"  profiles: {', '.join(e.profiles)}" if e.profiles else ""
    digest = f"sha256 {e.sha256[:16]}..." if e.sha256 else "no digest"
    return [
        f"{e.name}  [{e.role}]  {state}  {e.bytes / 1e6:.1f} MB  {digest}{profiles}",
        f"    {e.kind}, {e.version or 'unknown version'}; licence: {e.licence or 'unknown'}"
        + (f"; ALTERED: {e.problem}" if e.problem else ""),
    ]


def _document(e: Entry) -> dict[str, object]:
    return {
        "name": e.name,
        "kind": e.kind,
        "role": e.role,
        "version": e.version,
        "file": e.path.name,
        "sha256": e.sha256,
        "state_sha256": e.state_sha256,
        "bytes": e.bytes,
        "licence": e.licence,
        "commercial_use": e.commercial_use,
        "licence_agreed_utc": e.agreed_utc,
        "profiles": list(e.profiles),
        "state": e.state,
        "origin": e.origin or None,
        "source": e.source or None,
        "agreeing_sources": e.agreeing or None,
        "problem": e.problem,
    }


def _first_screen(output: Output, wanted: tuple[Wanted, ...], mirror: str | None) -> None:
    """What is to be fetched, from where, under which terms; with --quiet the terms all the same."""
    from forensics.config import models_dir

    missing = [w for w in wanted if w.missing]
    output.say(
        f"Models folder: {models_dir()}. To fetch: {len(missing)} of {len(wanted)} files, "
        f"{sum(w.row.bytes - w.part_bytes for w in missing) / 1e6:.1f} MB."
    )
    for w in missing:
        row = w.row
        where = row.url if mirror is None else "the mirror"
        lines = [
            f"{row.name} ({row.role}): {row.file}, {row.bytes / 1e6:.1f} MB, from {where}",
            f"  SHA-256 {row.sha256}; public sources that agree: {row.agreeing}",
            f"  Licence: {row.notice}",
        ]
        if row.non_commercial:
            lines.append(f"  Non-commercial parts: {'; '.join(row.non_commercial)}.")
        if w.part_bytes:
            lines.append(f"  {w.part_bytes / 1e6:.1f} MB of it are here; it goes on from there.")
        Output().result({}, lines)
    restorers = [w.row.name for w in wanted if w.row.role == "restorer"]
    if restorers:
        output.say(NO_CALIBRATION.format(names=" and ".join(restorers), first=restorers[0]))
        output.say(NOT_INCLUDED)


def _outcome(output: Output, wanted: tuple[Wanted, ...], result: Result) -> None:
    """What became of each file; the failure that decides the exit code is told as the error."""
    from forensics.models.fetch import worst

    told = worst(list(result.failed.values())) if result.failed else None
    lines = []
    for w in wanted:
        row, failure = w.row, result.failed.get(w.row.name)
        if failure is None:
            lines.append(f"{row.file}: {CAME[result.here[row.name]]} (SHA-256 {row.sha256}).")
            if result.here[row.name] == "placed by hand":
                lines.append(f"  Licence: {row.notice}")
        elif failure is not told:
            lines.append(f"{row.file}: NOT HERE: {failure.message}. {failure.hint}")
    output.result({}, lines)
