"""``forensics batch``: many audits, resumable, with one roll-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from forensics.cli import options
from forensics.cli.output import Output
from forensics.errors import EnvironmentLacks, UsageError

if TYPE_CHECKING:
    from forensics.batch.driver import Job
    from forensics.batch.journal import Journal
    from forensics.batch.plan import BatchPlan
    from forensics.config import Settings

Count = TypeVar("Count", int | None, float | None)


def batch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCES...",
            help="Clips, pictures, folders of them, patterns, and CSV or JSONL files with the "
            "columns id,source,restored.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for bundles and roll-up. [default: STEM-batch/]"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the batch in OUT; what is done stays.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: try failed items once more.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be done, how long, how much disk; stop."),
    ] = False,
    runner: Annotated[
        str, typer.Option(metavar="NAME", help="Who does the items: local, or ray.")
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address",
            metavar="HOST:PORT",
            help="Ray cluster to join. [default: a Ray on this machine]",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Items at a time. [default: one a GPU, else one a core]"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(metavar="N", help="Threads of each worker. [default: 1 on a CPU]")
    ] = None,
    item_timeout: Annotated[
        float | None,
        typer.Option("--item-timeout", metavar="SECONDS", help="Longest time one item may take."),
    ] = None,
    item_memory: Annotated[
        int | None,
        typer.Option("--item-memory", metavar="MIB", help="Most memory one item may need."),
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option("--max-failures", metavar="N", help="Stop after N failed items; exit 3."),
    ] = None,
    pictures: Annotated[
        str,
        typer.Option(help="A folder of pictures is: frames of a clip, single pictures, or auto."),
    ] = "auto",
    models: options.Models = None,
    upscale: options.Upscale = None,
    background: options.Background = None,
    engine: options.Engine = None,
    precision: options.Precision = None,
    noise: options.Noise = None,
    upstream_compat: options.UpstreamCompat = False,
    device: options.Device = None,
    every: options.Every = None,
    formats: options.Formats = None,
    lang: options.Lang = None,
    save: options.Save = None,
    no_original: options.NoOriginal = False,
    no_label: options.NoLabel = False,
    private: options.Private = False,
    case: options.Case = None,
    operator: options.Operator = None,
    purpose: options.Purpose = None,
    sign: options.Sign = None,
    passphrase_file: options.PassphraseFile = None,
    timestamp: options.Timestamp = None,
    calibration: options.Calibration = None,
    measure: options.Measure = None,
    fail_on: options.FailOn = None,
    log_file: options.LogFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="batch.json on stdout.")] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Audit many sources: one bundle each, one roll-up, and --resume after any stop.

    Exit 0 all complete, 1 --fail-on was crossed, 2 wrong use, 3 an item failed, is incomplete or is
    left to do, 4 a bundle that was done differs, 5 something is missing here, 130 interrupted:
    --resume continues it.
    """
    flags = options.given(locals())
    output = Output(as_json, quiet)
    settings = _settings(flags, output)
    folder = (out or _default_out(sources or [])).resolve()
    from forensics.batch.choose import choose_runner

    chosen = choose_runner(runner, workers, threads, settings.device, ray_address)
    if dry_run:
        _dry_run(sources or [], folder, settings, pictures, chosen.runner.workers, output)
        return
    from forensics.batch.driver import Job
    from forensics.cli.passphrase import signing_from

    job = Job(
        out=folder,
        settings=settings,
        signing=signing_from(sign or (), passphrase_file or (), timestamp),
        runner=chosen.runner,
        timeout_s=_positive("--item-timeout", item_timeout),
        memory_bytes=_memory(item_memory),
        threads=chosen.threads,
        max_failures=_positive("--max-failures", max_failures),
        retry_failed=retry_failed,
    )
    _run(sources or [], job, resume, pictures, log_file, output)


def _run(
    sources: list[str],
    job: Job,
    resume: bool,
    pictures: str,
    log_file: Path | None,
    output: Output,
) -> None:
    from forensics.batch.driver import run_batch
    from forensics.cli.log_file import aloud, logged
    from forensics.cli.signals import terminable
    from forensics.progress import choose

    with logged(log_file), terminable():
        journal = _journal(sources, job, resume, pictures, output)
        progress = choose(output.quiet or output.as_json)
        summary = run_batch(journal, job, progress, aloud(output))
    from forensics.batch.said import end_lines

    output.result(summary.model_dump(mode="json", by_alias=True), end_lines(job.out, summary))
    raise typer.Exit(summary.run.exit_code)


def _settings(flags: dict[str, options.Value], output: Output) -> Settings:
    from forensics.config import resolve

    settings = resolve(flags).settings
    change: dict[str, object] = {}
    if settings.zip:
        output.say("A batch writes folders; the setting 'zip' is not used.")
        change["zip"] = False
    if settings.calibration not in {"auto", "none"}:  # workers may stand in another folder
        change["calibration"] = str(Path(settings.calibration).absolute())
    return settings.model_copy(update=change)


def _default_out(sources: list[str]) -> Path:
    from forensics.evidence.names import safe_name

    first = Path(sources[0]) if len(sources) == 1 else Path()
    stem = safe_name(first.resolve().stem) if first.exists() and sources else ""
    return Path.cwd() / (f"{stem}-batch" if stem else "batch")


def _journal(sources: list[str], job: Job, resume: bool, pictures: str, output: Output) -> Journal:
    """A new batch planned and begun, or the one in OUT taken up."""
    from forensics.batch.driver import begin, check_environment, check_out, take_up

    check_environment(job.settings)
    if resume:
        return take_up(job)
    if job.retry_failed:
        raise UsageError("--retry-failed goes with --resume")
    check_out(job.out)
    plan = _plan(sources, job.out, pictures, job.settings)
    for line in plan.lines():
        output.say(line)
    from forensics.batch.estimate import disk_warning

    if (warning := disk_warning(plan, job.out, job.settings)) is not None:
        output.say(warning)
    return begin(plan, job)


def _plan(sources: list[str], out: Path, pictures: str, settings: Settings) -> BatchPlan:
    from forensics.batch.plan import make_plan
    from forensics.batch.sources import pictures_choice

    if not sources:
        raise UsageError("no source was named", "See 'forensics batch --help'.")
    return make_plan(sources, out, pictures=pictures_choice(pictures), private=settings.private)


def _dry_run(
    sources: list[str],
    out: Path,
    settings: Settings,
    pictures: str,
    workers: int,
    output: Output,
) -> None:
    from forensics.batch.driver import check_environment
    from forensics.batch.estimate import estimate
    from forensics.progress import choose

    check_environment(settings)
    plan = _plan(sources, out, pictures, settings)
    found = estimate(plan, out, settings, workers, choose(output.quiet or output.as_json))
    output.result(found.document(), [*plan.lines(), *found.lines()])


def _positive(option: str, value: Count) -> Count:
    if value is not None and not value > 0:
        raise UsageError(f"{option} {value}: it must be above 0")
    return value


def _memory(mib: int | None) -> int | None:
    from forensics.batch.memory import measurable

    if _positive("--item-memory", mib) is None or mib is None:
        return None
    if not measurable():
        raise EnvironmentLacks(
            "--item-memory: this system does not tell how much memory a process holds",
            "Leave it out, and give fewer --workers.",
        )
    return mib * 2**20
