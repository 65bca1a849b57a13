"""Small synthetic bundles: valid and complete, with drawn gradients in place of faces.

`make_bundle` goes through the same writers as an audit, so whatever reads bundles can be tested
on it in a fraction of a second.  Two people, six frames; by default one face failed, one frame
failed and one face was skipped, and several kinds of flags are set.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from forensics.evidence.bag import write_bag
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.events import EventLog
from forensics.evidence.lines import face_writer, frame_writer, write_audit
from forensics.evidence.names import readable_name, safe_name
from forensics.evidence.signing import UNSIGNED, Signing
from forensics.evidence.table import FaceTable
from forensics.records import Audit, FaceLine, FlagCode, FrameLine, Rejected, Risk
from tests.bundle_audit import FRAMES, HOSTILE_TEXT, START, drawn_audit
from tests.bundle_records import write_run_records

RUN_ID = "6f2c2f6e-5d0b-4a55-9d0e-0a4c4b6f7a11"
FAILED_FRAME = 4
HOSTILE_NAME = "\u202egnp.<script>alert(1)</script>\x1b[31m{{7*7}}'\"onerror=x &amp; \udcff.mp4"


def make_bundle(
    root: Path,
    *,
    hostile: bool = False,
    no_faces: bool = False,
    failed: bool = True,
    side: int = 512,
    run_id: str = RUN_ID,
    signing: Signing = UNSIGNED,
    start: datetime = START,
    restored_bytes: bytes | None = None,
    others: int = 0,
) -> Path:
    """A sealed bundle in a new folder under ``root``; returns the folder.

    ``hostile`` puts file names and texts into it that attack whatever shows them; ``no_faces``
    makes a clip without a face; ``failed=False`` leaves out the failed frame and face; ``side``
    is the size of the pictures in px (a smaller one is quicker); ``signing`` seals it with keys
    and a time stamp; ``start`` is when the run claims to have begun (a time stamp needs now);
    ``restored_bytes`` is a real file in place of the drawn restored clip; ``others`` is how many
    other faces that fit the first restored face has.
    """
    writer = BundleWriter.create(root / "two_people-audit", force=False)
    raw_name = HOSTILE_NAME if hostile else "two_people.mp4"
    name = safe_name(raw_name)
    original = writer.path("original", name)
    original.write_bytes(b"drawn stand-in for a clip; no decoder reads it\n" * 40)
    restored = writer.path("restored", name)
    restored.write_bytes(restored_bytes or b"drawn stand-in for a restored clip\n" * 60)
    _write_framehashes(writer)

    faces = [] if no_faces else _faces(failed, hostile)
    faces = [_with_pictures(writer, face, side) for face in faces]
    if others:
        first = next(k for k, face in enumerate(faces) if face.outcome == "restored")
        faces[first] = _with_others(writer, faces[first], side, others)
    frames = _frames(faces, failed)
    with frame_writer(writer.data) as lines:
        for frame in frames:
            lines.write(frame)
    table = FaceTable(writer.data)
    with face_writer(writer.data) as face_lines:
        for face in faces:
            face_lines.write(face)
            table.write(face)
    table.close()

    audit = drawn_audit(
        faces, frames, original, restored, readable_name(raw_name), hostile, run_id, signing, start
    )
    write_audit(writer.data, audit)
    report = writer.path("report", "report.html")
    report.write_text("<!doctype html><title>drawn</title>\n", encoding="utf-8")
    argv = ["forensics", "audit", raw_name, "--out", "two_people-audit"]
    write_run_records(writer, audit, argv)
    _write_events(writer, audit, start)
    info = {"External-Identifier": run_id, "Bagging-Date": start.date().isoformat()}
    writer.seal(info, signing)
    return writer.out


def rebag(bundle: Path) -> None:
    """Seal a changed bundle again, as anyone can who holds an unsigned one."""
    lines = (bundle / "bag-info.txt").read_text(encoding="utf-8").splitlines()
    info = dict(line.split(": ", 1) for line in lines)
    write_bag(bundle, info)


def _write_framehashes(writer: BundleWriter) -> None:
    for kind in ("original", "restored"):
        lines = ["#format: frame checksums", "#version: 2", "#hash: SHA256"]
        for index in range(FRAMES):
            digest = hashlib.sha256(f"{kind} {index}".encode()).hexdigest()
            lines.append(f"0, {index}, {index}, 1, 115200, {digest}")
        text = "\n".join(lines) + "\n"
        writer.path("frames", f"{kind}.framehash").write_text(text, encoding="utf-8")


def _write_events(writer: BundleWriter, audit: Audit, start: datetime) -> None:
    ticks = iter(range(1000))
    log = EventLog(
        writer.path("log", "events.jsonl"),
        clock=lambda: start + timedelta(seconds=42 + next(ticks)),
        monotonic_s=lambda: 0.0,
    )
    log.add("start", {"source": audit.source.file, "sha256": audit.source.sha256})
    for model in audit.models:
        log.add("model", {"name": model.name, "sha256": model.sha256})
    log.add("measure", {"faces": audit.totals.faces})
    log.seal(audit.totals.model_dump())


# ---------------------------------------------------------------- faces and frames


def _faces(failed: bool, hostile: bool) -> list[FaceLine]:
    present = {0: (1, 2, 3, 4, 5, 6), 1: (1, 2, 5, 6)}
    faces = []
    for frame in range(1, FRAMES + 1):
        if failed and frame == FAILED_FRAME:
            continue
        for person, frames in present.items():
            if frame in frames:
                faces.append(_face(frame, person, failed, hostile))
    return faces


def _face(frame: int, person: int, failed: bool, hostile: bool) -> FaceLine:
    eyes_px = (44.0 + 2 * frame) if person == 0 else (22.0 - 2 * frame)
    flags: list[FlagCode] = []
    if (frame, person) in {(2, 0), (3, 0)}:
        flags.append("contradicts_footage")
    if (frame, person) == (1, 1):
        flags.append("profile")
    if (frame, person) == (5, 0):
        flags.append("pop")
    if eyes_px < 16:
        flags.append("too_small")
    face_failed = failed and (frame, person) == (3, 0)
    skipped = (frame, person) == (6, 1)
    if face_failed:
        flags = ["failed"]
    outcome = "failed" if face_failed else "skipped" if skipped else "restored"
    reason = {
        "failed": "the network gave numbers that are not finite",
        "skipped": "below_eye_px",
        "restored": None,
    }[outcome]
    left, top = 40.0 + 120 * person + frame, 30.0 + frame
    width = eyes_px * 2.2
    eye_y, mouth_y = top + width * 0.45, top + width * 0.95
    points = (
        (left + width / 2 - eyes_px / 2, eye_y),
        (left + width / 2 + eyes_px / 2, eye_y),
        (left + width / 2, top + width * 0.7),
        (left + width / 2 - eyes_px * 0.4, mouth_y),
        (left + width / 2 + eyes_px * 0.4, mouth_y),
    )
    scale = 186.0 / eyes_px
    crop_measures = {
        "interocular_px": eyes_px,
        "blur": round(0.2 + 0.05 * frame + 0.2 * person, 4),
        "noise": 1.25,
        "blockiness": round(0.4 + 0.1 * person, 4),
        "qp": 28.0 + frame,
    }
    drawn_measures = {
        "lpips_embedded_crop": round(0.21 + 0.03 * frame + 0.1 * person, 4),
        "ssim_crop": round(0.83 - 0.02 * frame - 0.1 * person, 4),
        "invented_detail": round(0.12 + 0.05 * person + 0.02 * frame, 4),
        "contradiction": 2.75 if "contradicts_footage" in flags else 0.6,
        "contradiction_eyes": 3.1 if "contradicts_footage" in flags else 0.5,
        "contradiction_mouth": 0.7,
        "identity_drift": round(0.3 + 0.05 * person, 4),
    }
    not_measured = {"lpips_crop": "official AlexNet backbone not fetched"}
    if outcome == "restored":
        measures = {**crop_measures, **drawn_measures}
        risk = _risk(person, flags)
    else:
        measures = crop_measures
        not_measured |= dict.fromkeys(drawn_measures, "nothing was restored")
        risk = Risk(band="not_calculable", because=(outcome,))
    if hostile:
        not_measured["glasses"] = HOSTILE_TEXT
        reason = HOSTILE_TEXT if reason else None
    return FaceLine(
        frame=frame,
        pts_s=round((frame - 1) / 25, 6),
        person=person,
        score=0.93 - 0.05 * person,
        box_px=(left, top, left + width, top + width * 1.3),
        landmarks_px=points,
        landmarks_raw_px=points,
        affine=((scale, 0.0, -left * scale), (0.0, scale, -top * scale)),
        scale=scale,
        interocular_px=eyes_px,
        yaw_deg=-38.0 if "profile" in flags else 4.0,
        outcome=outcome,
        reason=reason,
        error="FloatingPointError: not finite" if face_failed else None,
        seed=None,
        measures=measures,
        not_measured=not_measured,
        references={
            "blur": 0.35,
            "contradiction": 1.0,
            "contradiction_p99": 2.0,
            "lpips_embedded_crop": 0.3,
        },
        risk=risk,
        flags=tuple(flags),
    )


def _risk(person: int, flags: list[FlagCode]) -> Risk:
    if "contradicts_footage" in flags:
        return Risk(band="high", because=("contradicts_footage", "contradiction_eyes"))
    if person == 1:
        return Risk(band="caution", because=("interocular_px", "qp"))
    return Risk(band="no_sign")


def _with_pictures(writer: BundleWriter, face: FaceLine, side: int) -> FaceLine:
    """Draw the face's pictures and give its line their digests."""
    name = f"{face.frame:06d}_{face.person:02d}.png"
    if face.outcome == "skipped":
        return face
    crop = _gradient(side, face.frame, face.person)
    _save(writer.path("cropped_faces", name), crop)
    digests = {"crop_sha256": hashlib.sha256(crop.tobytes()).hexdigest()}
    if face.outcome == "restored":
        drawn = 255 - crop
        _save(writer.path("restored_faces", name), drawn)
        _save(writer.path("cmp", name), np.concatenate([crop, drawn], axis=1))
        _save(writer.path("maps", name), np.ascontiguousarray(crop[..., ::-1]))
        digests["restored_sha256"] = hashlib.sha256(drawn.tobytes()).hexdigest()
    return face.model_copy(update=digests)


def _with_others(writer: BundleWriter, face: FaceLine, side: int, count: int) -> FaceLine:
    """Draw other faces that fit, and give the line their digests and their spread."""
    digests = []
    for letter, step in zip("abcd"[:count], range(count), strict=True):
        picture = np.roll(_gradient(side, face.frame, face.person), 7 * (step + 1), axis=1)
        name = f"{face.frame:06d}_{face.person:02d}_{letter}.png"
        _save(writer.path("alternatives", name), picture)
        digests.append(hashlib.sha256(picture.tobytes()).hexdigest())
    measures = face.measures | {"alternatives_spread": 0.0625}
    not_measured = {k: v for k, v in face.not_measured.items() if k != "alternatives_spread"}
    return face.model_copy(
        update={
            "alternatives": tuple(digests), "measures": measures, "not_measured": not_measured
        }
    )  # fmt: skip


def _gradient(side: int, frame: int, person: int) -> np.ndarray:
    """An RGB gradient (side, side, 3) uint8, different for every frame and person."""
    ramp = np.arange(side) * 200 // side
    picture = np.empty((side, side, 3), np.uint8)
    picture[..., 0] = ramp[None, :] + 5 * frame
    picture[..., 1] = ramp[:, None] + 40 * person
    picture[..., 2] = 60 + 90 * person
    return picture


def _save(path: Path, picture_rgb_u8: np.ndarray) -> None:
    Image.fromarray(picture_rgb_u8).save(path, format="PNG")


def _frames(faces: list[FaceLine], failed: bool) -> list[FrameLine]:
    lines = []
    for frame in range(1, FRAMES + 1):
        here = [face for face in faces if face.frame == frame]
        broken = failed and frame == FAILED_FRAME
        codes = {code for face in here for code in face.flags}
        if broken:
            codes.add("failed")
        digest = hashlib.sha256(f"frame {frame}".encode()).hexdigest()
        rejected = Rejected(box_px=(5.0, 5.0, 25.0, 30.0), score=0.41, reason="track_rejected")
        lines.append(
            FrameLine(
                frame=frame,
                pts=(frame - 1) * 512,
                pts_s=round((frame - 1) / 25, 6),
                duration=512,
                outcome="failed" if broken else "restored",
                reason="the frame could not be decoded" if broken else None,
                error="InvalidDataError: invalid data" if broken else None,
                faces=len(here),
                rejected=(rejected,) if frame == 2 and faces else (),
                source_rgb_sha256=None if broken else digest,
                restored_rgb_sha256=None if broken else digest[::-1],
                flags=tuple(sorted(codes)),
            )
        )
    return lines
