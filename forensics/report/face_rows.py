"""Face rows: every face of an audit as one line of a table that can be sorted and filtered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from forensics.records import Band, FaceLine, Mode
from forensics.report.language import number as said
from forensics.report.other_words import outcome_words
from forensics.report.view import View
from forensics.report.words import BANDS, BandWords, flag_title

MOST_FACES: Final = 5_000
"""Of one table; a row takes about half a kilobyte."""


@dataclass(frozen=True)
class FaceRow:
    """One face in one frame."""

    person: int
    frame: int
    time_s: str
    eyes_px: str
    band_code: Band
    band: BandWords
    band_order: int  # the gravest is 0
    outcome: str
    flags: str
    in_viewer: bool


@dataclass(frozen=True)
class FaceRows:
    """The faces of an audit by person and frame, and how many of them found no place."""

    rows: tuple[FaceRow, ...] = ()
    left_out: int = 0


def face_rows(view: View, viewers: Collection[int]) -> FaceRows:
    """Rows of all faces, or of the first `MOST_FACES`.

    ``viewers``: people whose clip the page holds, to which a row then leads.
    """
    mode = view.audit.mode
    rows = tuple(_row(face, mode, face.person in viewers) for face in view.faces[:MOST_FACES])
    return FaceRows(rows, max(0, len(view.faces) - MOST_FACES))


def _row(face: FaceLine, mode: Mode, in_viewer: bool) -> FaceRow:
    return FaceRow(
        person=face.person,
        frame=face.frame,
        time_s="\u2013" if face.pts_s is None else said(face.pts_s, ".3f"),
        eyes_px=said(face.interocular_px, ".1f"),
        band_code=face.risk.band,
        band=BANDS[face.risk.band],
        band_order=list(BANDS).index(face.risk.band),
        outcome=outcome_words(face.outcome, mode),
        flags=", ".join(flag_title(code) for code in face.flags),
        in_viewer=in_viewer,
    )
