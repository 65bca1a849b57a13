"""Face line: what is written about one face in one frame, from what was drawn and measured."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forensics.faces.rim import Rim
from forensics.media.reader import DecodedFrame
from forensics.passes.drawing import DrawnFace
from forensics.records import FaceLine, Outcome, Risk
from forensics.scoring.flags import face_flags
from forensics.scoring.maps import Scored
from forensics.scoring.measure import FaceInput
from forensics.scoring.risk import face_risk


def face_line(
    frame: int,
    pts_s: float | None,
    face: DrawnFace,
    scored: Scored | None,
    every: int,
    *,
    alone: bool = False,
    beyond_frame: float | None = None,
) -> FaceLine:
    """One line of faces.jsonl. ``scored`` is None for a face that was not measured, and then
    ``not_measured`` says why: it was not restored, or only one frame in ``every`` is scored.

    ``alone``: there is no original, so that no band is given, nothing is flagged but a failure,
    and the face is not shown beside a crop.  ``beyond_frame``: see `FaceLine`.
    """
    detection, aligned = face.followed.detection, face.aligned
    outcome, reason, error = _outcome(face)
    interocular_px = aligned.interocular_px if aligned else detection.interocular_px
    measures = dict(scored.measures) if scored else {}
    references = dict(scored.references) if scored else {}
    not_measured = dict(scored.not_measured) if scored else _unscored(outcome, every)
    flags = face_flags(
        outcome=outcome,
        interocular_px=interocular_px,
        yaw_deg=aligned.yaw_deg if aligned else None,
        measures=measures,
        references=references,
    )
    if alone:
        flags = tuple(code for code in flags if code == "failed")
    risk = Risk(band="not_calculable", because=())
    if scored and not alone:
        risk = face_risk(
            measures=measures, not_measured=not_measured, references=references, flags=flags
        )
    return FaceLine(
        frame=frame,
        pts_s=pts_s,
        person=face.followed.person,
        score=detection.score,
        box_px=detection.box_px,
        landmarks_px=tuple((x, y) for x, y in face.followed.landmarks_px.tolist()),
        landmarks_raw_px=detection.landmarks_px,
        affine=aligned.affine_rows() if aligned else None,
        scale=aligned.scale if aligned else None,
        interocular_px=interocular_px,
        yaw_deg=aligned.yaw_deg if aligned else None,
        beyond_frame=beyond_frame,
        outcome=outcome,
        reason=reason,
        error=error,
        seed=face.seed,
        crop_sha256=aligned.crop_sha256 if aligned and not alone else None,
        restored_sha256=None if face.restored_rgb_u8 is None else rgb_sha256(face.restored_rgb_u8),
        measures=measures,
        not_measured=not_measured,
        references=references,
        plugin_measures=dict(scored.plugin_measures) if scored else {},
        plugin_not_measured=dict(scored.plugin_not_measured) if scored else {},
        risk=risk,
        flags=flags,
    )


def face_input(decoded: DecodedFrame, face: DrawnFace) -> FaceInput:
    """What the measures take of a restored face. AssertionError for one that was not restored."""
    restored_rgb_u8 = face.measured_rgb_u8
    if face.aligned is None or restored_rgb_u8 is None:
        raise AssertionError("only restored faces are scored")
    box = face.followed.detection.box_px
    qp = decoded.qp_at(box)
    return FaceInput(
        crop_rgb_u8=face.aligned.crop_rgb_u8,
        restored_rgb_u8=restored_rgb_u8,
        native_rgb_u8=face.aligned.native_rgb_u8,
        region_rgb_u8=_region(decoded.rgb_u8, box),
        scale=face.aligned.scale,
        interocular_px=face.aligned.interocular_px,
        yaw_deg=face.aligned.yaw_deg,
        qp=qp,
        qp_reason=None if qp is not None else decoded.qp_reason,
    )


def rim_of(decoded: DecodedFrame, face: DrawnFace) -> Rim:
    """Where the frame ends on the face's template. AssertionError for one not aligned."""
    if face.aligned is None:
        raise AssertionError("only aligned faces have a place in the frame")
    height, width = decoded.rgb_u8.shape[:2]
    return Rim(face.aligned.affine, width, height)


def within_frame(given: FaceInput, rim: Rim) -> FaceInput:
    """The same for measuring: beyond the rim footage and restored face are their mirror images."""
    if rim.share() == 0:
        return given
    return replace(
        given,
        crop_rgb_u8=rim.mirrored(given.crop_rgb_u8),
        restored_rgb_u8=rim.mirrored(given.restored_rgb_u8),
        native_rgb_u8=rim.mirrored(given.native_rgb_u8),
    )


def blank_beyond(scored: Scored, rim: Rim) -> Scored:
    """Maps that show nothing beyond the rim."""
    if rim.share() == 0 or not scored.maps:
        return scored
    inside = ~rim.beyond()
    return replace(scored, maps={name: map_ * inside for name, map_ in scored.maps.items()})


def rgb_sha256(rgb_u8: NDArray[np.uint8]) -> str:
    """SHA-256 of the raw RGB bytes, row by row."""
    return hashlib.sha256(np.ascontiguousarray(rgb_u8).data).hexdigest()


def _outcome(face: DrawnFace) -> tuple[Outcome, str | None, str | None]:
    """Outcome, its reason (for a restored face: the lesser method that stepped in), the error."""
    if face.failure:
        return "failed", face.failure.reason, face.failure.error
    if face.restored_rgb_u8 is None:
        return "skipped", face.skipped, None
    return "restored", face.note, None


def _unscored(outcome: Outcome, every: int) -> dict[str, str]:
    if outcome != "restored":
        return {"all": "the face was not restored"}
    return {"all": f"only one frame in {every} is scored"}


def _region(
    rgb_u8: NDArray[np.uint8], box_px: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    """The source's own pixels in the face's box, unwarped, at least one pixel large."""
    height, width = rgb_u8.shape[:2]
    x0 = min(max(0, int(box_px[0])), width - 1)
    y0 = min(max(0, int(box_px[1])), height - 1)
    x1 = min(width, max(x0 + 1, int(np.ceil(box_px[2]))))
    y1 = min(height, max(y0 + 1, int(np.ceil(box_px[3]))))
    return rgb_u8[y0:y1, x0:x1]
