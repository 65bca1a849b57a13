"""Views and a roll-up drawn for the tests of languages: every kind of run, with real sentences."""

from __future__ import annotations

from dataclasses import replace

from forensics.record_batch import (
    BatchCounts,
    BatchFile,
    BatchRun,
    BatchSummary,
    BatchTotals,
    ItemPerson,
    ItemResult,
)
from forensics.record_credentials import CredentialFailure, Credentials
from forensics.record_pair import ColourChange, FrameMap, Geometry, Pair
from forensics.records import (
    Audit,
    CalibrationNote,
    Counted,
    CountedSize,
    JudgedTarget,
    Mode,
    Person,
)
from forensics.report.batch_words import limits as batch_limits
from forensics.report.other_words import OTHER_FINDINGS, alone_limits, alone_summary, pair_limits
from forensics.report.view import View
from forensics.report.words import flag_words, limits, person_summary

BIG = 12_345
DETAIL = "3 places, largest step 12.5 grey levels"
TARGET = JudgedTarget(
    passed=False,
    verdict="the gain is under 0.03",
    people=1051,
    faces=2177,
    share_erred=0.3785,
    auroc=(0.9455, 0.9141, 0.9721),
    baseline="input alone",
    gain=(0.0027, -0.0109, 0.018),
    calibration_error=(0.0, 0.0, 0.0505),
    reliability=((0.0056, 0.0, 32), (0.4148, 0.6429, 14)),
    by_size=(
        CountedSize(
            from_px=6, to_px=30, people=1000, faces=1200, erred=400, share=(0.3333, 0.3, 0.36)
        ),
        CountedSize(from_px=30, to_px=64, people=12, faces=14, erred=4, share=(0.2857, 0.1, 0.6)),
    ),
    by_word={"high": Counted(people=900, faces=950, erred=800, share=(0.8421, 0.8, 0.88))},
)


def said(view: View, mode: Mode = "restore") -> View:
    """The view with the sentences that an audit writes in place of those of the drawn bundle."""
    audit = view.audit
    lines = limits(
        demonstration=True,
        calibrated=False,
        people=len(audit.people),
        lpips_official=False,
        complete=audit.run.complete,
        every=3,
        stretch="from 3 s to 9 s",
    )
    flags = tuple(
        flag.model_copy(
            update={
                "words": flag_words(
                    flag.code,
                    measured=flag.measured,
                    reference=flag.reference,
                    unit=flag.unit,
                    finding=OTHER_FINDINGS[mode].get(flag.code),
                    detail="3 places, largest step 12.5 grey levels"
                    if flag.code == "pop"
                    else None,
                )
            }
        )
        for flag in audit.flags
    )
    people = tuple(_said(person) for person in audit.people)
    return _with(view, limits=lines, people=people, flags=flags)


def _said(person: Person) -> Person:
    summary = person_summary(
        person=person.id,
        band=person.risk.band,
        faces=person.faces,
        faces_restored=person.faces_restored,
        faces_failed=person.faces_failed,
        bands=person.bands,
        flags=person.flags,
        interocular_px_range=person.interocular_px_range,
    )
    return person.model_copy(update={"summary": summary})


def tested(view: View) -> View:
    """The same with the figures of a test."""
    note = CalibrationNote(
        sha256="ab" * 32,
        made_utc="2026-11-23T02:59:00Z",
        shown=(),
        verdicts={"any": "missed"},
        tested={"any": TARGET},
        people={"fit": 61, "cal": 60, "test": 51},
    )
    return _with(said(view), calibration=note)


def paired(view: View) -> View:
    """The same as if somebody else had restored, with everything that can be said of a pair."""
    pair = Pair(
        file="given.mp4",
        sha256="cd" * 32,
        sha512="ef" * 64,
        bytes=BIG,
        layout="gfpgan",
        kind="video",
        frames=6,
        width=640,
        height=480,
        folder="restored_imgs",
        geometry=Geometry(
            scale_x=2.0,
            scale_y=2.5,
            shift_x_px=0.5,
            shift_y_px=0.5,
            crop_px=(1.0, 2.0, 300.0, 200.0),
            bars_px=(1, 2, 3, 4),
            half_pixel_paste=True,
            residual_px=0.25,
            sure="likely",
        ),
        frame_map=FrameMap(
            mapped=5,
            unmapped=1,
            other_frames=BIG,
            other_unused=2,
            repeated=1,
            rate_source=25.0,
            rate_other=24.5,
            offset_s=1.25,
            time_shift_s=0.125,
            sure="certain",
        ),
        colour=ColourChange(
            gain_rgb=(1.0, 1.125, 0.9),
            offset_rgb=(0.5, -1.5, 2.0),
            residual_grey=3.5,
            sure="unsure",
        ),
        credentials=credentials(),
        notes=("a note that no catalogue holds",),
    )
    told = said(view, "pair")
    lines = pair_limits(people=2, complete=False, every=2, made_source=True, lpips_official=False)
    return _with(told, mode="pair", pair=pair, limits=lines)


def alone(view: View) -> View:
    """The same as if no original existed."""
    lines = alone_limits(people=2, complete=True, every=2, made_source=False)
    people = tuple(
        person.model_copy(
            update={
                "summary": alone_summary(
                    person.id,
                    person.faces,
                    person.faces_failed,
                    person.flags,
                    person.interocular_px_range,
                )
            }
        )
        for person in view.audit.people
    )
    source = view.audit.source.model_copy(update={"credentials": credentials()})
    told = said(view, "restored_only")
    return _with(told, mode="restored_only", limits=lines, people=people, source=source)


def credentials() -> Credentials:
    """Broken ones, which are said at length."""
    return Credentials(
        outcome="found",
        state="Invalid",
        signer="A. Signer",
        source_types=("trainedAlgorithmicMedia",),
        failures=(CredentialFailure(code="assertion.dataHash.mismatch", place="active manifest"),),
        files=BIG,
        files_with=2,
    )


def batch(audit: Audit, **settings: str) -> BatchSummary:
    """A roll-up of three items: done, failed, left out."""
    people = tuple(
        ItemPerson(
            id=person.id,
            faces=person.faces,
            faces_restored=person.faces_restored,
            faces_failed=person.faces_failed,
            band=person.risk.band,
            bands=person.bands,
            flags=person.flags,
            interocular_px_range=person.interocular_px_range,
            summary=person.summary,
        )
        for person in audit.people
    )
    items = (
        ItemResult(
            id="first",
            source="first.mp4",
            outcome="done",
            exit_code=3,
            seconds=1234.5,
            bundle="first",
            complete=False,
            failures=("the PDF was not made: no Pango",),
            totals=audit.totals,
            people=people,
            flags=("too_small",),
        ),
        ItemResult(
            id="second",
            source="second.mp4",
            outcome="failed",
            exit_code=3,
            reason="a reason that no catalogue holds",
            hint="do something",
            seconds=2.0,
            complete=False,
        ),
    )
    totals = audit.totals
    return BatchSummary(
        run=BatchRun(
            id="6f2c2f6e-5d0b-4a55-9d0e-0a4c4b6f7a11",
            version="0",
            started_utc="2026-11-29T17:05:00Z",
            ended_utc="2026-11-29T18:05:00Z",
            seconds=3600.0,
            starts=1,
            runner="local",
            workers=2,
            complete=False,
            exit_code=3,
        ),
        settings={"models": "embedded", **settings},
        counts=BatchCounts(
            items=3, done=1, unscorable=0, failed=1, duplicate=0, not_run=1, incomplete=1
        ),
        totals=BatchTotals(
            frames=BIG,
            faces=totals.faces,
            faces_restored=totals.faces_restored,
            faces_skipped=totals.faces_skipped,
            faces_failed=totals.faces_failed,
            people=2,
            seconds=1236.5,
        ),
        bands={"high": 1, "caution": 1},
        flags={"too_small": 1},
        items=items,
        not_run=("third",),
        notes=("2 entries are no footage, left out",),
        limits=batch_limits(demonstration=True, pairs=True, complete=False),
        files=(BatchFile(file="batch.csv", outcome="written", rows=BIG),),
    )


def _with(view: View, **changes: object) -> View:
    return replace(view, audit=view.audit.model_copy(update=changes))
