"""``forensics audit``: restore, score and report one source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forensics.cli.output import Output

Text = str | None
Number = int | None


def audit(
    source: Annotated[Path, typer.Argument(help="A video, a picture, or a folder of pictures.")],
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
    models: Annotated[
        Text,
        typer.Option(
            "-m", "--models", help="Model profile, see 'forensics models list'. [default: embedded]"
        ),
    ] = None,
    upscale: Annotated[
        Number, typer.Option("-s", "--upscale", help="Size of the result, 1 to 4. [default: 2]")
    ] = None,
    background: Annotated[
        Text,
        typer.Option(
            help="Outside the faces: auto, lanczos, realesrgan-x2plus, realesrgan-x4plus or "
            "realesr-general-x4v3. [default: auto]"
        ),
    ] = None,
    engine: Annotated[
        Text,
        typer.Option(
            help="native, or reference: the official packages as they run. [default: native]"
        ),
    ] = None,
    precision: Annotated[
        Text, typer.Option(help="exact (fp32, repeatable) or fast (bf16). [default: exact]")
    ] = None,
    noise: Annotated[
        Text,
        typer.Option(help="Noise of the restorer: stored, zero or seed:N. [default: stored]"),
    ] = None,
    upstream_compat: Annotated[
        bool,
        typer.Option(
            "--upstream-compat", help="Align and paste as the official code does, half a pixel off."
        ),
    ] = False,
    device: Annotated[Text, typer.Option(help="auto, cpu or cuda[:N]. [default: auto]")] = None,
    every: Annotated[
        Number, typer.Option(help="Score each Nth frame; all are restored. [default: 1]")
    ] = None,
    formats: Annotated[
        Text, typer.Option("--format", help="Reports: html,pdf. [default: html,pdf]")
    ] = None,
    save: Annotated[Text, typer.Option(help="Also keep full frames: source,frames.")] = None,
    no_original: Annotated[
        bool, typer.Option("--no-original", help="Keep only the hash of the source.")
    ] = False,
    no_label: Annotated[
        bool,
        typer.Option("--no-label", help="Burn no 'AI-restored' into comparisons and figures."),
    ] = False,
    as_zip: Annotated[
        bool, typer.Option("--zip", help="Also write the bundle as one ZIP beside its folder.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Keep host, user and paths out of the record.")
    ] = False,
    case: Annotated[Text, typer.Option(help="Case id, for the record.")] = None,
    operator: Annotated[Text, typer.Option(help="Who runs this, for the record.")] = None,
    purpose: Annotated[Text, typer.Option(help="Why, for the record.")] = None,
    sign: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="<path>", help="Sign the bundle with this key (.key.pem). Repeatable."
        ),
    ] = None,
    passphrase_file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="<path>",
            help="File with the passphrase: one for all keys or one each. [asked for]",
        ),
    ] = None,
    timestamp: Annotated[
        Text, typer.Option(help="Address of an RFC 3161 authority: time-stamp the signature.")
    ] = None,
    calibration: Annotated[
        Text,
        typer.Option(
            metavar="<path>",
            help="Calibration of the restorer: auto, none or a file of 'forensics calibrate'. "
            "[default: auto]",
        ),
    ] = None,
    fail_on: Annotated[
        Text, typer.Option("--fail-on", help="Exit 1 when a person's band is high or caution.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; restore nothing.")
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option("--log-file", metavar="<path>", help="Append what is logged, as JSON lines."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="audit.json on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only results and errors.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> None:
    """Restore the faces of SOURCE, score each against its footage, and write a bundle.

    With --restored nothing is restored: somebody else's restoration is held against SOURCE. With
    --restored-only SOURCE is a restored clip without an original: most cannot be measured then.

    Exit 0 complete (also when no face was found), 1 --fail-on was crossed, 2 wrong use,
    3 bad input or part failed, 4 a digest differs, 5 something is missing here,
    130 interrupted: --resume continues it.
    """
    from forensics.config import resolve

    given: dict[str, str | int | float | bool | None] = {
        "models": models,
        "upscale": upscale,
        "background": background,
        "engine": engine,
        "precision": precision,
        "noise": noise,
        "upstream_compat": True if upstream_compat else None,
        "device": device,
        "every": every,
        "format": formats,
        "save": save,
        "original": False if no_original else None,
        "label": False if no_label else None,
        "zip": True if as_zip else None,
        "private": True if private else None,
        "case": case,
        "operator": operator,
        "purpose": purpose,
        "fail_on": fail_on,
        "calibration": calibration,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    settings = resolve(flags).settings
    from forensics.api import plan, run_audit
    from forensics.undertaking import Undertaking

    undertaking = Undertaking.of(restored, restored_only, flags)
    output = Output(as_json, quiet)
    if dry_run:
        planned = plan(source, settings, undertaking)
        output.result(planned.document(), planned.lines())
        return
    from forensics.cli.log_file import SAID, logged
    from forensics.cli.passphrase import signing_from
    from forensics.cli.signals import terminable
    from forensics.progress import choose

    signing = signing_from(sign or (), passphrase_file or (), timestamp)

    def say(words: str) -> None:
        SAID.info("%s", words)
        output.say(words)

    with logged(log_file), terminable():
        done = run_audit(
            source,
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
