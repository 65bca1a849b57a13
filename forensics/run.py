"""One run: from a probed source to a sealed bundle with its reports.

Order of sealing, each step only digesting earlier ones: pictures and restored clip, lines,
audit.json, reports, last event, manifests.
"""

from __future__ import annotations

import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from forensics import __version__
from forensics.assembly import (
    Gathered,
    closed_by,
    describe_people,
    find_flags,
    flag_records,
    flags_by_face,
)
from forensics.bundle_sink import BundleSink
from forensics.choices import recorded
from forensics.comparisons import write_comparisons
from forensics.config import Settings
from forensics.done import Done
from forensics.engines import Engines, load_engines
from forensics.errors import IntegrityError
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.names import safe_name, safe_names
from forensics.evidence.signing import UNSIGNED, Signing, verify_command
from forensics.media.container import Digests
from forensics.media.framehash import framehash_text
from forensics.media.probe import Media
from forensics.media.writer import Written, open_writer
from forensics.media.written import NOTHING_ENCODED
from forensics.passes.follow import Following
from forensics.pipeline import follow_people, restore_and_measure
from forensics.progress import Progress
from forensics.provenance import Provenance
from forensics.records import (
    Audit,
    Background,
    Comparison,
    Mode,
    Model,
    Pair,
    Person,
    Run,
)
from forensics.report.calibration import calibration_limits, calibration_sentence
from forensics.report.credentials import source_notes
from forensics.report.other_words import TWICE
from forensics.report.plugin_words import plugin_limits
from forensics.report.words import limits
from forensics.reporting import planned_reports, write_reports
from forensics.scoring.facts import FlagFinding
from forensics.scoring.found_calibration import find_calibration
from forensics.scoring.rating import Rating

Say = Callable[[str], None]
Keep = Callable[[Mode, Callable[[], Engines]], Engines]
"""Gives the networks of a kind of run; whoever runs many audits keeps what it loaded once."""


def _loaded_anew(mode: Mode, load: Callable[[], Engines]) -> Engines:
    return load()


class AuditRun:
    """One audit; `run` does it once.

    What differs where somebody else restored (`forensics.run_alone`, `forensics.run_pair`) is
    overridden there.
    """

    mode: ClassVar[Mode] = "restore"
    verb: ClassVar[str] = "restored"

    def __init__(
        self,
        media: Media,
        settings: Settings,
        bundle: BundleWriter,
        progress: Progress,
        say: Say,
        signing: Signing = UNSIGNED,
        keep: Keep | None = None,
    ) -> None:
        self._media, self._settings, self._bundle = media, settings, bundle
        self._progress, self._say, self._signing = progress, say, signing
        self._keep = keep or _loaded_anew
        self._id = str(uuid.uuid4())
        self._other_after: Digests | None = None
        self._tested = False  # the restorer, by the calibration that was found
        self._started, self._clock = datetime.now(UTC), time.monotonic()

    def run(self) -> Done:
        """Follow, restore, measure, assemble, render, seal."""
        for note in self._bundle.notes:
            self._say(note)
        self._say(self._opening())
        sink = BundleSink(
            self._bundle, self._label, self._settings.plugin_measures, given=self.mode != "restore"
        )
        try:
            sink.event("start", {"run": self._id, "source_sha256": self._media.source.sha256})
            self._provenance = Provenance(
                self._id,
                self._media,
                self._settings,
                self._bundle,
                sink,
                self._signing,
                self._other_media(),
            )
            for credentials in source_notes(self._provenance.credentials):
                self._say(credentials.text)
            self._prepare(sink)
            engines = self._keep(self.mode, self._load)
            sink.event("models", {m.role: m.sha256 for m in engines.models})
            self._calibrate(engines, sink)
            following = follow_people(self._media, engines, sink, self._progress)
            self._say(f"People followed: {following.people}; {self._due(following)}.")
            written = self._second_pass(engines, following, sink)
            after = self._check_source_unchanged(sink)
            return self._conclude(sink, engines, written, after)
        finally:
            sink.close()

    # ------------------------------------------------------------ what differs by mode

    def _opening(self) -> str:
        source, settings = self._media.source, self._settings
        return (
            f"Auditing {source.file}: {source.kind}, {source.frames} frame(s), "
            f"{source.display_width}x{source.display_height}, restored at {settings.upscale}x "
            f"with the profile '{settings.models}'."
        )

    def _twice(self, found: Sequence[FlagFinding]) -> tuple[str, ...]:
        """What stands near the top where the source itself was restored before."""
        return (TWICE,) if any(one.code == "restored_twice" for one in found) else ()

    def _other_media(self) -> Media | None:
        """Somebody else's restoration, where one is held against the source."""
        return None

    def _prepare(self, sink: BundleSink) -> None:
        """What must be known before networks are loaded: nothing where this run restores."""

    def _load(self) -> Engines:
        return load_engines(self._settings)

    def _due(self, following: Following) -> str:
        return f"faces to restore: {following.count}"

    def _calibrate(self, engines: Engines, sink: BundleSink) -> None:
        """Find the calibration of this restorer, and say whether there will be probabilities."""
        (restorer,) = [m.sha256 for m in engines.models if m.role == "restorer"]
        found = find_calibration(self._settings, restorer, engines.scorer.digests)
        rating = sink.gathered.rating = Rating(found.calibration)
        if rating.note is not None:
            sink.event("calibration", {"sha256": rating.note.sha256})
            self._tested = bool(rating.note.tested)
        self._say(calibration_sentence(rating.note, self._settings.models, found.reason))

    def _second_pass(self, engines: Engines, following: Following, sink: BundleSink) -> Written:
        source, settings = self._media.source, self._settings
        writer = open_writer(
            self._media,
            self._bundle.data,
            source.display_width * settings.upscale,
            source.display_height * settings.upscale,
        )
        try:
            restore_and_measure(
                self._media, following, engines, settings, writer, sink, self._progress
            )
            written = writer.close()
        except BaseException:
            writer.abort()
            raise
        if written.restored is not None:
            sink.event("restored", {"sha256": written.restored.sha256})
        return written

    def _credit(
        self, written: Written, models: tuple[Model, ...], gathered: Gathered
    ) -> tuple[Written, tuple[str, ...]]:
        return self._provenance.credit(written, models, gathered.facts)

    def _pair(self) -> Pair | None:
        """What was held against the source, where somebody else restored."""
        return None

    def _background(self, engines: Engines, gathered: Gathered) -> Background:
        return gathered.background(engines.background, self._settings.background)

    def _check_source_unchanged(self, sink: BundleSink) -> Digests:
        """Hash the source again: what was read must be what was hashed."""
        after = self._media.digests()
        if after.sha256 != self._media.source.sha256:
            raise IntegrityError(
                f"{self._media.source.file} changed while it was read",
                "Copy it to a place where nothing writes to it, and run again.",
            )
        sink.event("source unchanged", {"sha256": after.sha256})
        return after

    def _conclude(
        self,
        sink: BundleSink,
        engines: Engines,
        written: Written,
        after: Digests,
    ) -> Done:
        gathered, models = sink.gathered, self._provenance.models(engines.models)
        source = self._media.source
        size = (source.display_width, source.display_height)
        found = find_flags(gathered.facts, size, self.mode) + self._provenance.declared()
        closed = closed_by(found, self.mode)
        found = [one for one in found if closed.finding(one)]
        facts = [closed.fact(one) for one in gathered.facts]
        sink.finish(flags_by_face(found, facts), closed)
        people = describe_people(facts, found, gathered.rating, closed)
        totals = gathered.totals(len(people))
        comparisons = self._compare(people)
        written, uncredited = self._credit(written, models, gathered)
        failures = self._failures(gathered, written, comparisons) + uncredited
        self._write_records(written)
        code = self._exit_code(failures, people)
        now = datetime.now(UTC)
        audit = Audit(
            mode=self.mode,
            pair=self._pair(),
            run=Run(
                id=self._id,
                version=__version__,
                started_utc=_utc(self._started),
                ended_utc=_utc(now),
                seconds=round(time.monotonic() - self._clock, 3),
                complete=not failures,
                exit_code=code,
                case=self._settings.case,
                operator=self._settings.operator,
                purpose=self._settings.purpose,
                failures=failures,
                signers=self._signing.fingerprints,
                timestamp_requested=self._signing.timestamp_url is not None,
            ),
            source=source.model_copy(
                update={
                    **written.source_streams(),
                    "credentials": self._provenance.credentials,
                }
            ),
            restored=written.restored,
            models=models,
            settings=recorded(self._settings, self.mode),
            totals=totals,
            people=people,
            flags=flag_records([*found, *gathered.redrawn.flags()], self.mode),
            background=self._background(engines, gathered),
            reproduce=self._reproduce(),
            limits=(
                *_second(self._limits(people, models, not failures), self._twice(found)),
                *calibration_limits(gathered.rating.note),
                *plugin_limits(models),
            ),
            reports=planned_reports(self._settings.formats),
            comparisons=comparisons,
            calibration=gathered.rating.note,
        )
        self._provenance.write(audit, engines, after, self._other_after)
        audit = write_reports(self._bundle, audit, self._settings.formats, sink.event)
        sink.event("reports", {a.file: a.outcome for a in audit.reports})
        sink.events.seal(audit.totals.model_dump())
        self._bundle.seal({"External-Identifier": self._id}, self._signing)
        failure = self._bundle.timestamp_failure
        code = audit.run.exit_code if failure is None else 3
        return Done(audit, self._bundle.root, code, self._bundle.notes, failure)

    @property
    def _label(self) -> str | None:
        """What names this bundle in the margins of pictures; None with --no-label."""
        return self._id if self._settings.label else None

    def _compare(self, people: tuple[Person, ...]) -> tuple[Comparison, ...]:
        """One side-by-side clip per person; a single picture needs none beside ``cmp/``."""
        if self._media.source.kind == "image":
            return ()
        rate = self._media.frame_rate_hint
        numbers = [person.id for person in people]
        return write_comparisons(self._bundle.root, numbers, rate, self._label, mode=self.mode)

    def _write_records(self, written: Written) -> None:
        bundle, media = self._bundle, self._media
        if media.source.kind == "video":
            bundle.path("frames", "original.framehash").write_text(
                framehash_text(media.path), "utf-8"
            )
        if (clip := self._restored_clip(written)) is not None:
            bundle.path("frames", "restored.framehash").write_text(framehash_text(clip), "utf-8")
        if self._settings.original:
            files = media.files()
            # Two raw names may become one when cleaned; `safe_names` keeps them apart.
            for path, name in zip(files, safe_names([f.name for f in files]), strict=True):
                shutil.copyfile(path, bundle.path("original", name))

    def _restored_clip(self, written: Written) -> Path | None:
        """The restored clip whose frames are hashed, where it is one."""
        if self._media.source.kind != "video" or written.restored is None:
            return None
        return self._bundle.data / written.restored.file

    def _failures(
        self, gathered: Gathered, written: Written, comparisons: tuple[Comparison, ...]
    ) -> tuple[str, ...]:
        out = []
        if count := gathered.outcomes["failed"]:
            out.append(f"{count} face(s) were not {self.verb}; faces.jsonl says why.")
        if count := gathered.frames["failed"]:
            out.append(f"{count} frame(s) could not be read or written; frames.jsonl says why.")
        for why, count in gathered.lesser.most_common():
            out.append(f"{count} face(s) were restored by a lesser method: {why}.")
        if count := gathered.fallen_back.total():
            out.append(
                f"In {count} frame(s) Lanczos stands outside the faces instead of the background "
                "that was asked for; frames.jsonl says why."
            )
        out += gathered.plugin_sentences()
        out += [f"{c.file} was not made: {c.reason}" for c in comparisons if c.outcome == "failed"]
        out += [
            f"{s.kind} stream {s.index} ({s.codec}) was not copied: {s.reason}"
            for s in written.streams
            # Data streams of cameras are named in the record; people see and hear the others.
            if s.outcome == "dropped"
            and s.kind in {"audio", "subtitle"}
            and s.reason != NOTHING_ENCODED
        ]
        if (captured := self._media.source.capture) is not None:
            out += captured.doubts
        return tuple(out)

    def _exit_code(self, failures: tuple[str, ...], people: tuple[Person, ...]) -> int:
        if failures:
            return 3
        bands = {person.risk.band for person in people}
        gates = {"none": set(), "high": {"high"}, "caution": {"high", "caution"}}
        return 1 if bands & gates[self._settings.fail_on] else 0

    def _limits(
        self, people: tuple[Person, ...], models: tuple[Model, ...], complete: bool
    ) -> tuple[str, ...]:
        return limits(
            demonstration=self._settings.models == "embedded",
            calibrated=any(person.risk.calibrated for person in people),
            people=len(people),
            lpips_official=any(m.role == "lpips backbone" for m in models),
            complete=complete,
            every=self._settings.every,
            made_source=(self._media.source.note or "").lower().startswith("made clip"),
            fast=self._settings.precision == "fast",
            upstream_compat=self._settings.upstream_compat,
            reference=self._settings.engine == "reference",
            tested=self._tested,
        )

    def _reproduce(self) -> dict[str, str]:
        s = self._settings
        name = safe_name(self._media.path.name)
        words = ["forensics", "audit", name, "--models", s.models, "--upscale", str(s.upscale)]
        words += ["--every", str(s.every), "--background", s.background, "--format", s.format]
        words += ["--engine", s.engine, "--precision", s.precision, "--noise", s.noise]
        words += ["--upstream-compat"] if s.upstream_compat else []
        words += [] if s.lang == "en" else ["--lang", s.lang]
        words += [] if s.label else ["--no-label"]
        words += [f"--measure={s.measure}"] if s.measure else []
        return {
            "audit": shlex.join(words),
            "verify": verify_command(self._bundle.out.name, self._signing.fingerprints),
        }


def _second(sentences: tuple[str, ...], added: tuple[str, ...]) -> tuple[str, ...]:
    """What is added behind the first sentence, which stays the first."""
    return (*sentences[:1], *added, *sentences[1:])


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
