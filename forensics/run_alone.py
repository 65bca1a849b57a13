"""Run, alone: one look at a restored clip that has no original. Nothing is restored.

Promise: no number that would need the original, no band, no probability; the first sentence of
every output says why.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from forensics.assembly import Gathered
from forensics.bundle_sink import BundleSink
from forensics.engines import Engines, load_measuring
from forensics.evidence.names import safe_name
from forensics.evidence.signing import verify_command
from forensics.media.written import Written
from forensics.passes.follow import Following
from forensics.pipeline import look_alone
from forensics.records import Background, Comparison, Mode, Model, Person
from forensics.report.other_words import NO_PROBABILITY, WITHOUT_ORIGINAL, alone_limits
from forensics.run import AuditRun
from forensics.scoring.facts import FlagFinding


class AloneRun(AuditRun):
    """``forensics audit CLIP --restored-only``."""

    mode: ClassVar[Mode] = "restored_only"
    verb: ClassVar[str] = "measured"

    def _opening(self) -> str:
        source = self._media.source
        return (
            f"{WITHOUT_ORIGINAL} Looking at {source.file}: {source.kind}, {source.frames} "
            f"frame(s), {source.display_width}x{source.display_height}; nothing is restored."
        )

    def _load(self) -> Engines:
        return load_measuring(self._settings.device, probing=False)

    def _due(self, following: Following) -> str:
        return f"faces to look at: {following.count}"

    def _calibrate(self, engines: Engines, sink: BundleSink) -> None:
        self._say(NO_PROBABILITY[self.mode])

    def _second_pass(self, engines: Engines, following: Following, sink: BundleSink) -> Written:
        return look_alone(self._media, following, engines, self._settings, sink, self._progress)

    def _credit(
        self, written: Written, models: tuple[Model, ...], gathered: Gathered
    ) -> tuple[Written, tuple[str, ...]]:
        """Nothing was drawn that credentials could speak of; the clip is left as it is."""
        return written, ()

    def _twice(self, found: Sequence[FlagFinding]) -> tuple[str, ...]:
        """Nothing: the clip was given as restored, so that its traces surprise nobody."""
        return ()

    def _background(self, engines: Engines, gathered: Gathered) -> Background:
        return Background(
            method="none",
            requested="none",
            outcome="skipped",
            reason="nothing was restored in this run",
        )

    def _compare(self, people: tuple[Person, ...]) -> tuple[Comparison, ...]:
        """There is nothing to stand beside these faces."""
        return ()

    def _limits(
        self, people: tuple[Person, ...], models: tuple[Model, ...], complete: bool
    ) -> tuple[str, ...]:
        note = self._media.source.note
        return alone_limits(
            people=len(people),
            complete=complete,
            every=self._settings.every,
            made_source=note is not None and note.lower().startswith("made clip"),
        )

    def _reproduce(self) -> dict[str, str]:
        s = self._settings
        words = ["forensics", "audit", safe_name(self._media.path.name), "--restored-only"]
        words += ["--every", str(s.every), "--format", s.format]
        words += [] if s.lang == "en" else ["--lang", s.lang]
        words += [] if s.label else ["--no-label"]
        return {
            "audit": shlex.join(words),
            "verify": verify_command(self._bundle.out.name, self._signing.fingerprints),
        }
