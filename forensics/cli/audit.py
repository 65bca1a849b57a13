"""``forensics audit``: restore, score and report one source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli import options
from forensics.cli.output import Output


def audit(
    source: Annotated[
        str,
        typer.Argument(help="A video, a picture, a folder of pictures, or a clip's http address."),
    ],
    restored: Annotated[
        Path | None,
        typer.Option(
            "--restored",
            metavar="<path>",
            help="Restore nothing: hold this restoration of SOURCE against it. A video, a picture, "
            "a folder, or the output folder of GFPGAN, CodeFormer or Real-ESRGAN.",
        ),
    ] = None,
    restored_only: Annotated[
        bool,
        typer.Option(
            "--restored-only",
            help="SOURCE is already restored and no original exists: measure what needs none.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for the bundle. [default: STEM-audit/]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT once the new bundle is complete.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue an interrupted audit; its restored faces stay."),
    ] = False,
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
    as_zip: Annotated[
        bool, typer.Option("--zip", help="Also write the bundle as one ZIP beside its folder.")
    ] = False,
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
    offline: Annotated[
        bool, typer.Option("--offline", help="Open no connection; refuses an address as SOURCE.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; restore nothing.")
    ] = False,
    log_file: options.LogFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="audit.json on stdout.")] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Restore the faces of SOURCE, score each against its footage, and write a bundle.

    With --restored nothing is restored: somebody else's restoration is held against SOURCE. With
    --restored-only SOURCE is a restored clip without an original: most cannot be measured then.

    Exit 0 complete (also when no face was found), 1 --fail-on was crossed, 2 wrong use,
    3 bad input or part failed, 4 a digest differs, 5 something is missing here,
    130 interrupted: --resume continues it.
    """
    flags = options.given(locals())
    from forensics.config import resolve

    settings = resolve(flags).settings
    from forensics.api import plan, run_audit
    from forensics.undertaking import Undertaking

    undertaking = Undertaking.of(restored, restored_only, flags)
    output = Output(as_json, quiet)
    from forensics.cli.web_source import check_offline, web_source

    check_offline(source, timestamp, offline)
    if dry_run:
        path = web_source(source, out, output.say, refuse="--dry-run")
        planned = plan(path, settings, undertaking)
        output.result(planned.document(), planned.lines())
        return
    from forensics.cli.log_file import aloud, logged
    from forensics.cli.passphrase import signing_from
    from forensics.cli.signals import terminable
    from forensics.progress import choose

    signing = signing_from(sign or (), passphrase_file or (), timestamp)

    say = aloud(output)
    with logged(log_file), terminable():
        done = run_audit(
            web_source(source, out, say, refuse="--resume" if resume else None),
            out,
            settings,
            force=force,
            progress=choose(quiet or as_json),
            say=say,
            signing=signing,
            resume=resume,
            undertaking=undertaking,
        )
    output.result(done.audit.model_dump(mode="json", by_alias=True), done.lines())
    if as_json and done.timestamp_failure is not None:
        # The document was sealed before the authority was asked, so it cannot say this.
        Output().say(f"forensics: signed but NOT time-stamped: {done.timestamp_failure}")
    raise typer.Exit(done.exit_code)
