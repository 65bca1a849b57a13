"""People: one block per person, with timeline, table of stretches and the figures of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from forensics.records import Band, FaceLine, Flag, FlagCode, Mode, Person, Severity
from forensics.report.cards import CARDS, SHARE, measured_words
from forensics.report.charts import timeline
from forensics.report.figures import DIGESTS, SIDE_PX, Album, Picture, beyond_words
from forensics.report.flag_texts import FLAGS
from forensics.report.language import _, joined_text
from forensics.report.language import number as said
from forensics.report.other_words import LOST_LANE, outcome_words
from forensics.report.retold import retold_flag, retold_person
from forensics.report.selection import Chosen, choose, share
from forensics.report.shots import across_words, shots_of
from forensics.report.stretches import Stretch, stretches_of
from forensics.report.view import View
from forensics.report.viewer import Projector, ViewerBlock
from forensics.report.words import (
    BAND_ORDER,
    BANDS,
    BASELINE_MEASURES,
    SEVERITIES,
    SEVERITY_SHAPES,
    BandWords,
    flag_title,
    number_words,
    others_words,
    person_name,
    range_words,
    reason_words,
)

_MOST_STRETCHES: Final = 40
_MOST_VALUES: Final = 8
_P99: Final = "_p99"  # ending of a reference that 99 of 100 accurate pictures stay below
_MISMATCH: Final = "mismatched_pair"
_ALONE: Final = ("blockiness", "qp", "hair_grid", "iris_delta", "jitter", "identity_dispersion")
"""What a face without an original can have."""
_LEADING: Final = (
    "interocular_px",
    "invented_detail",
    "contradiction",
    "interval_violation",
    "identity_drift",
    "landmark_shift",
)


@dataclass(frozen=True)
class ValueRow:
    """A measured value beside what accurate pictures of this quality score."""

    title: str
    unit: str
    value: str
    usual: str  # median of accurate pictures at this quality
    limit: str  # their 99th percentile
    spoke: bool  # it is among the reasons of the band
    starred: bool  # a baseline: its sentence stands below the table


@dataclass(frozen=True)
class FigureBlock:
    """One face: three pictures and what is said about them."""

    anchor: str
    frame: int
    heading: str
    key: bool
    band_code: Band
    band: BandWords
    outcome: str
    reason: str
    pictures: tuple[Picture, ...]
    bare: bool  # there is no picture at all
    values: tuple[ValueRow, ...]
    flags: tuple[tuple[str, str], ...]  # title, why it may be wrong
    digests: tuple[tuple[str, str], ...]
    turned: str
    beyond: str  # how much of it lies beyond the frame; empty where hardly anything does
    others: tuple[Picture, ...]  # other faces that fit the same pixels
    others_words: str  # how far apart they are and who drew them; empty without any

    @property
    def starred(self) -> bool:
        """A baseline is among the values."""
        return any(row.starred for row in self.values)


@dataclass(frozen=True)
class StretchRow:
    """A line of the table below the timeline."""

    frames: str
    time: str
    band_code: Band
    band: BandWords
    outcome: str
    flags: str
    eyes: str
    because: str


@dataclass(frozen=True)
class FlagRow:
    """A line of a table of flags."""

    code: FlagCode
    title: str
    person: str
    frames_words: str
    severity: str
    shape: str
    severity_code: Severity
    measured: str
    reference: str
    words: str
    may_be_wrong: str


@dataclass(frozen=True)
class PersonBlock:
    """Everything a report says about one person."""

    id: int
    name: str
    band_code: Band
    band: BandWords
    summary: str
    counts: tuple[tuple[Band, BandWords, int], ...]
    faces: int
    facts: tuple[tuple[str, str], ...]
    timeline: Markup
    stretches: tuple[StretchRow, ...]
    stretches_left_out: int
    figures: tuple[FigureBlock, ...]
    figures_note: str
    viewer: ViewerBlock | None


def person_blocks(view: View, album: Album, projector: Projector | None) -> tuple[PersonBlock, ...]:
    """A block for each person of the audit, in the order of their numbers."""
    return tuple(_block(view, person, album, projector) for person in view.audit.people)


def flag_rows(flags: Sequence[Flag], mode: Mode = "restore") -> tuple[FlagRow, ...]:
    """Flags as rows, the gravest first."""
    order: tuple[Severity, ...] = ("high", "caution", "note")
    ranked = sorted(flags, key=lambda flag: order.index(flag.severity))
    return tuple(_flag_row(flag, mode) for flag in ranked)


def _flag_row(flag: Flag, mode: Mode) -> FlagRow:
    unit = f" {_(flag.unit)}" if flag.unit else ""

    def shown(value: float | None) -> str:
        return "\u2013" if value is None else f"{number_words(value)}{unit}"

    return FlagRow(
        code=flag.code,
        title=flag_title(flag.code),
        person=person_name(flag.person),
        frames_words=_("frames {frames}").format(frames=range_words(flag.frames)),
        severity=SEVERITIES[flag.severity],
        shape=SEVERITY_SHAPES[flag.severity],
        severity_code=flag.severity,
        measured=shown(flag.measured),
        reference=shown(flag.reference),
        words=retold_flag(flag, mode),
        may_be_wrong=FLAGS[flag.code].may_be_wrong,
    )


def _block(view: View, person: Person, album: Album, projector: Projector | None) -> PersonBlock:
    faces = view.faces_of(person.id)
    flags = [flag for flag in view.audit.flags if flag.person == person.id]
    stretches = stretches_of(faces)
    chosen = choose(person, faces, flags, share(len(view.audit.people)))
    figures = tuple(_figure(item, album, view) for item in chosen)
    return PersonBlock(
        id=person.id,
        name=person_name(person.id),
        band_code=person.risk.band,
        band=BANDS[person.risk.band],
        summary=retold_person(person, view.audit),
        counts=tuple((band, BANDS[band], person.bands.get(band, 0)) for band in BAND_ORDER),
        faces=person.faces,
        facts=_facts(person, view.audit.mode, shots_of(view, person.id)),
        timeline=timeline(
            person,
            faces,
            flags,
            frames=view.audit.source.frames,
            pts_s=view.pts_s,
            lost_words=LOST_LANE[view.audit.mode],
        ),
        stretches=tuple(_stretch_row(view, part) for part in stretches[:_MOST_STRETCHES]),
        stretches_left_out=max(0, len(stretches) - _MOST_STRETCHES),
        figures=figures,
        figures_note=_figures_note(
            len(figures),
            len(faces),
            any(item.key for item in chosen),
            view.labelled,
            view.audit.mode,
        ),
        viewer=None if projector is None else projector.block(person, faces),
    )


def _facts(person: Person, mode: Mode, shots: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    low, high = person.interocular_px_range
    skipped = person.faces - person.faces_restored - person.faces_failed
    gaps = _("; not in {gaps}").format(gaps=range_words(person.gaps)) if person.gaps else ""
    done = outcome_words("restored", mode)
    return (
        (
            _("in view"),
            _("frames {first_frame:,} to {last_frame:,}{gaps}").format(
                first_frame=person.first_frame, last_frame=person.last_frame, gaps=gaps
            ),
        ),
        *([(_("shots"), across_words(shots))] if len(shots) > 1 else []),
        (
            _("faces"),
            _(
                "{faces:,}: {faces_restored:,} {done}, {skipped:,} skipped, {faces_failed:,} failed"
            ).format(
                faces=person.faces,
                faces_restored=person.faces_restored,
                done=done,
                skipped=skipped,
                faces_failed=person.faces_failed,
            ),
        ),
        (
            _("between the eyes"),
            (
                _("{low:.1f} to {high:.1f} px in the clip")
                if mode == "restored_only"
                else _("{low:.1f} to {high:.1f} px in the footage")
            ).format(low=low, high=high),
        ),
        _because(person, mode),
    )


def _because(person: Person, mode: Mode) -> tuple[str, str]:
    """What the band rests on; without a band, `because` names what was missing for one."""
    because = ", ".join(_named(name) for name in person.risk.because) or "\u2013"
    if person.risk.band != "not_calculable":
        return _("the band rests on"), because
    if _MISMATCH in person.risk.because:
        return _("not rated, because"), because
    return _("missing"), _("the original") if mode == "restored_only" else because


def _figures_note(shown: int, faces: int, keys: bool, labelled: bool, mode: Mode) -> str:
    if faces == 0:
        return _("No face of this person is in faces.jsonl.")
    order = _("key faces first, then flagged and failed ones") if keys else _("flagged ones first")
    which = (
        _("All faces are shown")
        if shown == faces
        else _("{shown} of {faces:,} faces are shown").format(shown=shown, faces=faces)
    )
    footage = _(", their footage in cropped_faces/")
    digests = _("those of footage and restored face")
    if mode == "restored_only":
        footage, digests = _(", as the clip shows them"), _("those of each face")
    return _(
        "{which} ({order}); all are in restored_faces/ of the bundle{footage}. "
        "The pictures here are copies shrunk to {side} pixels, {labelled} a label "
        "in a margin below; the files hold 512. Each caption gives the first 16 "
        "digits of the SHA-256 of the pixels of each file shown; faces.jsonl has "
        "{digests} in full."
    ).format(
        which=which,
        order=order,
        footage=footage,
        side=SIDE_PX,
        labelled=_("with") if labelled else _("without"),
        digests=digests,
    )


def _stretch_row(view: View, part: Stretch) -> StretchRow:
    times = [view.pts_s.get(part.first), view.pts_s.get(part.last)]
    time = "\u2013".join(said(value, ".2f") for value in dict.fromkeys(times) if value is not None)
    low, high = part.eyes_px
    outcome = outcome_words(part.outcome, view.audit.mode)
    if part.outcome != "restored" or part.reason:
        outcome = joined_text(": ", (outcome, reason_words(part.reason)))
    return StretchRow(
        frames=range_words([(part.first, part.last)]),
        time=f"{time} s" if time else _("no time stamp"),
        band_code=part.band,
        band=BANDS[part.band],
        outcome=outcome,
        flags=", ".join(flag_title(code) for code in part.flags) or _("none"),
        eyes=f"{low:.0f}" if round(low) == round(high) else f"{low:.0f}\u2013{high:.0f}",
        because=", ".join(_named(name) for name in part.because[:3]) or "\u2013",
    )


def _figure(chosen: Chosen, album: Album, view: View) -> FigureBlock:
    face, painter = chosen.face, view.other_painter
    pictures = album.pictures(face)
    others = album.others(face)
    time = _("no time stamp") if face.pts_s is None else f"{said(face.pts_s, '.3f')} s"
    yaw = (
        ""
        if face.yaw_deg is None
        else _("head turned about {yaw_deg:.0f} degrees").format(yaw_deg=abs(face.yaw_deg))
    )
    return FigureBlock(
        anchor=f"face-{face.frame:06d}-{face.person:02d}",
        frame=face.frame,
        heading=_("Frame {frame:,} \u00b7 {time}").format(frame=face.frame, time=time),
        key=chosen.key,
        band_code=face.risk.band,
        band=BANDS[face.risk.band],
        outcome=outcome_words(face.outcome, view.audit.mode),
        reason=reason_words(face.reason) if face.reason or face.outcome != "restored" else "",
        pictures=pictures,
        bare=not any(picture.state == "shown" for picture in pictures),
        values=_values(face),
        flags=tuple((flag_title(code), FLAGS[code].may_be_wrong) for code in face.flags),
        digests=tuple(
            (DIGESTS[picture.kind], f"{picture.digest[:16]}\u2026")
            for picture in pictures
            if picture.digest
        ),
        turned=yaw,
        beyond=beyond_words(face.beyond_frame),
        others=others,
        others_words=others_words(len(others), face.measures.get("alternatives_spread"), painter)
        if others
        else "",
    )


def _values(face: FaceLine) -> tuple[ValueRow, ...]:
    """The measures that spoke first, then the leading ones, then one baseline.

    None of a face that is not rated because the pictures do not belong together: its numbers would
    be read as if they spoke of the face.
    """
    if _MISMATCH in face.risk.because:
        return ()
    alone = () if face.crop_sha256 else _ALONE
    names = [*face.risk.because, *_LEADING, *BASELINE_MEASURES, *alone]
    found = [name for name in dict.fromkeys(names) if name in face.measures][:_MOST_VALUES]
    return tuple(_value_row(name, face) for name in [*found, *face.plugin_measures])


def _value_row(name: str, face: FaceLine) -> ValueRow:
    card = CARDS.get(name)
    unit = card.unit if card else ""

    def reference(key: str) -> str:
        return measured_words(face.references[key], unit) if key in face.references else "\u2013"

    return ValueRow(
        title=_named(name),
        unit="" if unit == SHARE else unit,
        value=measured_words({**face.plugin_measures, **face.measures}[name], unit),
        usual=reference(name),
        limit=reference(f"{name}{_P99}"),
        spoke=name in face.risk.because,
        starred=name in BASELINE_MEASURES,
    )


def _named(name: str) -> str:
    """A measure or flag code in words; what is unknown keeps its code."""
    if name in CARDS:
        return CARDS[name].title
    for code, text in FLAGS.items():
        if code == name:
            return text.title
    return _(name)
