"""Run, pair: somebody else's restoration held against its source. Nothing is restored.

The other is laid on the source before anything is measured; where that cannot be done the run ends
with the reason and leaves nothing.  Promise: the bundle holds the other's own bytes, hashed before
and after, and says what was found out about scale, place, time and colour, and how surely.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from statistics import median
from typing import ClassVar, Final

from forensics.assembly import Gathered
from forensics.bundle_sink import BundleSink
from forensics.config import Settings
from forensics.engines import Engines, load_measuring
from forensics.errors import IntegrityError
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.names import safe_name, safe_names
from forensics.evidence.signing import Signing, verify_command
from forensics.media.container import Digests
from forensics.media.probe import Media
from forensics.media.written import Written
from forensics.pairs.align import align_pair
from forensics.pairs.alignment import Alignment
from forensics.pairs.other import Other
from forensics.pairs.reading import read_other
from forensics.passes.follow import Following
from forensics.passes.paired import UPSTREAM_NOISE_GREY, PairedDrawer
from forensics.pipeline import hold_against_source
from forensics.progress import Progress
from forensics.records import Background, Mode, Model, Pair, Person, Restored
from forensics.report.credentials import OTHER, source_notes
from forensics.report.other_words import NO_PROBABILITY, NOTHING_RESTORED, pair_limits
from forensics.run import AuditRun, Keep, Say

NO_WHOLE: Final = (
    "Whole restored frames were to be kept (--save frames), but single faces were given: there are"
    " none."
)


class PairRun(AuditRun):
    """``forensics audit SOURCE --restored OTHER``."""

    mode: ClassVar[Mode] = "pair"
    verb: ClassVar[str] = "compared"

    def __init__(
        self,
        media: Media,
        settings: Settings,
        bundle: BundleWriter,
        progress: Progress,
        say: Say,
        signing: Signing,
        keep: Keep | None = None,
        *,
        other: Other,
    ) -> None:
        super().__init__(media, settings, bundle, progress, say, signing, keep)
        self._held = other
        self._alignment: Alignment | None = None
        self._drawer: PairedDrawer | None = None

    def _opening(self) -> str:
        source, other = self._media.source, self._held.media.source
        return (
            f"{NOTHING_RESTORED} {other.file} ({self._held.layout}, {other.frames} frame(s), "
            f"{other.display_width}x{other.display_height}) is held against {source.file} "
            f"({source.kind}, {source.frames} frame(s), "
            f"{source.display_width}x{source.display_height})."
        )

    def _other_media(self) -> Media:
        return self._held.media

    def _prepare(self, sink: BundleSink) -> None:
        found = self._provenance.other_credentials
        for note in () if found is None else source_notes(found, OTHER):
            self._say(note.text)
        self._alignment = align_pair(self._media, self._held, self._progress)
        record = self._alignment.record
        sink.event("aligned", record.model_dump(mode="json", exclude={"credentials"}))
        for sentence in record.notes:
            self._say(sentence[0].upper() + sentence[1:].rstrip(".") + ".")

    def _load(self) -> Engines:
        settings = self._settings
        return load_measuring(settings.device, probing=True, measures=settings.plugin_measures)

    def _due(self, following: Following) -> str:
        return f"faces to hold against it: {following.count}"

    def _calibrate(self, engines: Engines, sink: BundleSink) -> None:
        self._say(NO_PROBABILITY[self.mode])

    def _second_pass(self, engines: Engines, following: Following, sink: BundleSink) -> Written:
        alignment = self._aligned
        self._drawer = PairedDrawer(
            alignment,
            read_other(self._held, alignment),
            self._media.unsupported_signal is not None,
        )
        written = hold_against_source(
            self._media, following, engines, self._settings, self._drawer, sink, self._progress
        )
        self._other_after = self._check_other_unchanged(sink)
        if not self._settings.original:
            return written
        restored, pictures = keep_other(self._held, self._aligned.record, self._bundle)
        return Written(restored, written.streams, pictures)

    @property
    def _aligned(self) -> Alignment:
        if self._alignment is None:
            raise AssertionError("a pair is aligned before it is measured")
        return self._alignment

    def _check_other_unchanged(self, sink: BundleSink) -> Digests:
        """Hash the other again: what was read must be what was hashed."""
        after, before = self._held.media.digests(), self._held.media.source
        if (after.sha256, after.bytes) != (before.sha256, before.bytes):
            raise IntegrityError(
                f"{before.file} changed while it was read",
                "Copy it to a place where nothing writes to it, and run again.",
            )
        sink.event("restoration unchanged", {"sha256": after.sha256})
        return after

    def _credit(
        self, written: Written, models: tuple[Model, ...], gathered: Gathered
    ) -> tuple[Written, tuple[str, ...]]:
        """Nothing was drawn here; the other's bytes are not ours to sign into."""
        return written, ()

    def _restored_clip(self, written: Written) -> Path | None:
        media = self._held.media
        return media.path if media.source.kind == "video" else None

    def _pair(self) -> Pair:
        record, drawer = self._aligned.record, self._drawer
        if drawer is None:
            raise AssertionError("a pair is measured before it is recorded")
        pasted = drawer.pasted_off
        geometry = record.geometry
        if geometry is not None:
            geometry = geometry.model_copy(update={"half_pixel_paste": pasted})
        notes = (*record.notes, *_found(pasted, drawer))
        if self._aligned.faces and "frames" in self._settings.saves:
            notes = (*notes, NO_WHOLE)
        return record.model_copy(
            update={
                "geometry": geometry,
                "notes": notes,
                "credentials": self._provenance.other_credentials,
            }
        )

    def _background(self, engines: Engines, gathered: Gathered) -> Background:
        return Background(
            method="as given",
            requested="none",
            outcome="skipped",
            reason="nothing was restored in this run",
        )

    def _limits(
        self, people: tuple[Person, ...], models: tuple[Model, ...], complete: bool
    ) -> tuple[str, ...]:
        note = self._media.source.note
        return pair_limits(
            people=len(people),
            complete=complete,
            every=self._settings.every,
            made_source=note is not None and note.lower().startswith("made clip"),
            lpips_official=any(m.role == "lpips backbone" for m in models),
        )

    def _reproduce(self) -> dict[str, str]:
        s = self._settings
        words = ["forensics", "audit", safe_name(self._media.path.name)]
        words += ["--restored", safe_name(self._held.path.name)]
        words += ["--every", str(s.every), "--format", s.format]
        words += [] if s.lang == "en" else ["--lang", s.lang]
        words += [] if s.label else ["--no-label"]
        words += [f"--measure={s.measure}"] if s.measure else []
        return {
            "audit": shlex.join(words),
            "verify": verify_command(self._bundle.out.name, self._signing.fingerprints),
        }


def keep_other(
    other: Other, record: Pair, bundle: BundleWriter
) -> tuple[Restored, tuple[tuple[str, int], ...]]:
    """Copy the other's own bytes into ``data/restored``; its record, and names of a folder's files.

    Raises OSError where the system refuses.
    """
    files = other.media.files()
    names = safe_names([path.name for path in files])
    for path, name in zip(files, names, strict=True):
        shutil.copyfile(path, bundle.path("restored", name))
    folder = record.kind == "frames"
    restored = Restored(
        file="restored" if folder else f"restored/{names[0]}",
        sha256=record.sha256,
        bytes=record.bytes,
        width=record.width,
        height=record.height,
        frames=record.frames,
        codec=other.media.source.codec,
    )
    numbered = tuple((name, number) for number, name in enumerate(names, 1))
    return restored, numbered if folder else ()


def _found(pasted: bool | None, drawer: PairedDrawer) -> tuple[str, ...]:
    """What the second pass adds to the notes: habits of upstream's code, not defects of a face."""
    notes = []
    if pasted:
        notes.append(
            "Faces lie half an output pixel right and below their surroundings, as upstream GFPGAN"
            " pastes them; that is a habit of its code and no finding about a face."
        )
    if drawer.changed_grey:
        low, high = UPSTREAM_NOISE_GREY
        usual = median(drawer.changed_grey)
        notes.append(
            f"The faces differ from their source by {usual:.1f} of 255 grey levels (root mean"
            f" square, median of {len(drawer.changed_grey)}). Two runs of official GFPGAN on one"
            f" crop differ by {low} to {high}, because it draws new noise at every call"
            + (
                ": these faces differ from their source by less than that, so hardly anything was"
                " restored in them."
                if usual < high
                else "; differences of that size between two restorations mean nothing."
            )
        )
    return tuple(notes)
