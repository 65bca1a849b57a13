"""The public functions: audit a source, load a bundle, verify a bundle, render its reports.

Joins the stages: probe, the pipeline's two passes, assembly, evidence and report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.config import Settings
from forensics.errors import (
    EnvironmentLacks,
    IncompleteError,
    IntegrityError,
    Interrupted,
    UsageError,
)
from forensics.plan import Plan, plan
from forensics.progress import Progress, Silent
from forensics.records import Audit
from forensics.undertaking import RESTORE, Undertaking

if TYPE_CHECKING:
    from forensics.done import Done
    from forensics.evidence.bundle import BundleWriter
    from forensics.evidence.journal import Identity
    from forensics.evidence.signing import Signing
    from forensics.evidence.trust import Trust
    from forensics.evidence.verify import Verification
    from forensics.media.probe import Media
    from forensics.replay.outcome import Replay
    from forensics.run import Keep

Say = Callable[[str], None]
NOTHING_LEFT = "Nothing that looks complete was left; run it again."

__all__ = [
    "Plan",
    "audit",
    "check_bundle",
    "load",
    "plan",
    "render_reports",
    "replay_bundle",
    "run_audit",
    "verify",
]


def audit(
    source: Path,
    out: Path | None = None,
    settings: Settings | None = None,
    *,
    signing: Signing | None = None,
    restored: Path | None = None,
    restored_only: bool = False,
) -> Audit:
    """Audit one source and write its bundle; returns the record.

    ``restored``: somebody else's restoration (video, picture, folder or output folder of a tool) is
    held against ``source`` and nothing is restored.  ``restored_only``: ``source`` is a restored
    clip whose original does not exist.
    ``signing`` holds opened keys (`forensics.evidence.keys.load_signer`) and, when a time stamp is
    wanted, the authority's address; nothing of it but the fingerprints is recorded.  Raises
    `forensics.errors.ForensicsError`, `IncompleteError` also when the bundle stands but its time
    stamp could not be had; ``run.exit_code`` tells of partial failure.
    """
    from forensics.choices import differing

    chosen = settings or Settings()
    done = run_audit(
        source,
        out,
        chosen,
        force=False,
        progress=Silent(),
        say=lambda _: None,
        signing=signing,
        undertaking=Undertaking.of(restored, restored_only, differing(chosen)),
    )
    if done.timestamp_failure is not None:
        raise IncompleteError(
            f"the bundle {str(done.bundle)!r} is complete and signed, without a time stamp: "
            f"{done.timestamp_failure}"
        )
    return done.audit


def load(bundle: Path) -> Audit:
    """The record of a bundle. Raises `InputError`, `IntegrityError` or `EnvironmentLacks`."""
    from forensics.evidence.lines import load_audit

    return load_audit(bundle)


def verify(
    bundle: Path,
    key: Path | Sequence[Path] = (),
    *,
    threshold: int = 1,
    tsa_root: Path | Sequence[Path] = (),
) -> Verification:
    """Check a bundle; loads no network and needs no network.

    ``key``: public keys of which ``threshold`` must have signed it; without one, an intact bundle
    may be anyone's.  ``tsa_root``: certificates of time-stamp authorities.  `UsageError` when these
    files are not what they should be; whatever the bundle holds is in the result.
    """
    from forensics.evidence.trust import load_trust
    from forensics.evidence.verify import verify as check

    keys = (key,) if isinstance(key, Path) else key
    roots = (tsa_root,) if isinstance(tsa_root, Path) else tsa_root
    return check(bundle, load_trust(keys, threshold, roots))


def check_bundle(
    bundle: Path, trust: Trust | None = None, *, deep: bool, original: Path | None
) -> Verification:
    """`verify` with what the command adds: decoding and drawing again, and a source from outside.

    Raises `UsageError` when ``original`` is no file.
    """
    from forensics.evidence.trust import NOBODY
    from forensics.evidence.verify import verify as check

    pinned = NOBODY if trust is None else trust
    if original is not None and not original.is_file():
        raise UsageError(f"--original: there is no file {str(original)!r}", "Check the path.")
    if not deep:
        return check(bundle, pinned, original=original)
    from forensics.deep.checks import DeepChecks

    return check(bundle, pinned, original=original, deep=DeepChecks(original))


def run_audit(
    source: Path,
    out: Path | None,
    settings: Settings,
    *,
    force: bool,
    progress: Progress,
    say: Say,
    signing: Signing | None = None,
    resume: bool = False,
    undertaking: Undertaking = RESTORE,
    keep_engines: Keep | None = None,
) -> Done:
    """Audit one source; the command's work.  Nothing half-written is left looking complete.

    ``undertaking``: whether to restore, or to look at what somebody else restored; see `audit`.
    ``resume`` takes up what an interrupted run of the same audit left.  A run that stops on the way
    leaves its restored faces for that; `Interrupted` when it was stopped from outside,
    `IncompleteError` when the system refused to write.
    ``keep_engines`` gives the networks where they are loaded already.
    """
    from forensics.media.quick import quick_check

    quick_check(source)
    undertaking.check(settings, resume=resume)
    _check_pdf(settings)
    from forensics.evidence.archive import check_target
    from forensics.evidence.bundle import BundleWriter
    from forensics.evidence.names import safe_name

    stem = source.resolve().stem or "source"
    target = out or Path.cwd() / f"{safe_name(stem)}-audit"
    _keep_apart(source, target)
    if undertaking.restored is not None:
        _keep_apart(undertaking.restored, target)
    if settings.zip:
        check_target(target.resolve(), force)
    from av import FFmpegError

    from forensics.media.probe import probe

    media = probe(source)
    media, captured = _with_capture(media, say)
    other = undertaking.open()
    identity = _identity(media, settings) if undertaking.resumable else None
    if resume and identity is not None:
        bundle = BundleWriter.resume(target, identity, force)
    else:
        bundle = BundleWriter.create(target, force, identity)
    keep = False
    try:
        from forensics.evidence.signing import Signing

        if captured is not None:
            bundle.path("run", "capture.json").write_bytes(captured)
        run = undertaking.run(other)
        sign = signing or Signing()
        done = run(media, settings, bundle, progress, say, sign, keep_engines).run()
    except KeyboardInterrupt:
        keep = undertaking.resumable
        if not keep:
            raise Interrupted("interrupted", NOTHING_LEFT) from None
        raise Interrupted("interrupted", _continue(bundle)) from None
    except IntegrityError:
        keep = resume  # what an earlier run restored is not this run's to delete
        raise
    except BaseException as error:
        keep = resume or bundle.resumable
        if isinstance(error, OSError | FFmpegError):  # a full disk, an encoder that gives up
            raise _stopped(bundle, error, keep) from error
        raise
    finally:
        bundle.abort(keep=keep)
    return _zipped(done) if settings.zip else done


def _with_capture(media: Media, say: Say) -> tuple[Media, bytes | None]:
    """The source with where it was captured from, and that record, where one lies beside it."""
    from forensics.evidence.captured import record_beside

    found = record_beside(media.path, media.source.sha256)
    if found is None:
        return media, None
    note, record = found
    say(f"Captured from {note.url_final} at {note.captured_utc}; the record goes into the bundle.")
    for doubt in note.doubts:
        say(f"In doubt: {doubt}")
    source = media.source.model_copy(update={"capture": note})
    return replace(media, source=source), record


def _continue(bundle: BundleWriter) -> str:
    return (
        f"The unfinished work is in {bundle.root}, marked incomplete. "
        "Run the same command with --resume to continue it."
    )


def _identity(media: Media, settings: Settings) -> Identity:
    """What a run must share with an interrupted one to resume it."""
    from forensics.evidence.environment import pixel_versions
    from forensics.evidence.journal import Identity

    source = media.source
    facts = {"kind": source.kind, "sha256": source.sha256, "sha512": source.sha512}
    return Identity(facts, settings.values(), pixel_versions())


def _stopped(bundle: BundleWriter, error: Exception, kept: bool) -> IncompleteError:
    """The system or the encoder refused something on the way."""
    name = getattr(error, "filename", None)
    where = f" {name!r}" if name else ""
    return IncompleteError(
        f"the audit stopped: reading or writing{where} failed: "
        f"{getattr(error, 'strerror', None) or error}",
        "Look at free space and rights. " + (_continue(bundle) if kept else NOTHING_LEFT),
    )


def replay_bundle(
    bundle: Path,
    *,
    faces: int | None,
    original: Path | None,
    device: str | None,
    progress: Progress,
    say: Say,
) -> Replay:
    """Restore again from a bundle's source; see `forensics.replay.run.replay`."""
    from forensics.replay.run import replay

    return replay(bundle, faces=faces, original=original, device=device, progress=progress, say=say)


def _zipped(done: Done) -> Done:
    """Pack the sealed bundle; one that could not be packed still stands and is said to."""
    from forensics.evidence.archive import write_archive

    try:
        archive = write_archive(done.bundle)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted while the ZIP was written",
            f"The bundle {str(done.bundle)!r} is complete; only its ZIP is missing.",
        ) from None
    except OSError as error:
        raise IncompleteError(
            f"the bundle {str(done.bundle)!r} is complete, but its ZIP could not be written "
            f"({error.strerror or error})",
            "Make room and run the same command again with --force.",
        ) from error
    return replace(done, notes=(*done.notes, f"As one file: {archive}"))


def render_reports(
    bundle: Path,
    out: Path | None,
    formats: tuple[str, ...],
    *,
    assets: bool = False,
    language: str | None = None,
) -> list[Path]:
    """Render the reports of a bundle again, beside it or into ``out``, never into it.

    ``formats``: html, pdf, json (one document), csv (the table of faces), md.  ``assets``: pictures
    and clips of the HTML go into a folder beside it.  ``language``: en, de; None is that of the
    bundle's own reports.  Raises `UsageError` for a language that there is not.
    """
    from forensics.evidence.lines import load_audit
    from forensics.report.pdf import pdf_available
    from forensics.report.view import load_view

    root = bundle.resolve()
    load_audit(root)
    folder = (out or root.with_name(f"{root.name}-report")).resolve()
    if folder == root or root in folder.parents:
        raise UsageError(
            "the reports would be written into the bundle and break its seal",
            "Choose another folder with --out.",
        )
    if "pdf" in formats and (reason := pdf_available()):
        raise EnvironmentLacks(f"no PDF can be made here: {reason}", "Use --format html.")
    from forensics.export import write_formats
    from forensics.report.language import check_language

    if language is not None:
        check_language(language)

    return write_formats(
        load_view(root / "data"), folder, formats, assets=assets, language=language
    )


def _check_pdf(settings: Settings) -> None:
    if "pdf" not in settings.formats:
        return
    from forensics.report.pdf import pdf_available

    if reason := pdf_available():
        raise EnvironmentLacks(
            f"no PDF can be made here: {reason}",
            "Install Pango (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
            "libharfbuzz-subset0), or use --format html for a complete HTML audit.",
        )


def _keep_apart(source: Path, target: Path) -> None:
    inside, outside = target.resolve(), source.resolve()
    if inside == outside or outside in inside.parents:
        raise UsageError(
            "the bundle would be written into the source", "Choose another folder with --out."
        )
    if inside in outside.parents and inside.is_dir():
        raise UsageError(
            "the bundle would replace the folder that holds the source",
            "Choose another folder with --out.",
        )
