"""The audit.json half of the synthetic bundles: counts, people and flags from drawn lines."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from forensics.evidence.bag import digest_file
from forensics.evidence.signing import UNSIGNED, Signing
from forensics.records import (
    Artefact,
    Audit,
    Background,
    FaceLine,
    Flag,
    FlagCode,
    FrameLine,
    Model,
    Person,
    Restored,
    Risk,
    Run,
    Source,
    Stream,
    Totals,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FRAMES = 6
HOSTILE_TEXT = "=cmd|'/c calc'!A1 <img src=x onerror=alert(1)> {% raw %} javascript:alert(1) \u2028"
DEMONSTRATION = (
    "Restored with the built-in demonstration model, not with GFPGAN. It shows how the audit "
    "works; other tools would draw other faces."
)


def drawn_audit(
    faces: list[FaceLine],
    frames: list[FrameLine],
    original: Path,
    restored: Path,
    raw_name: str,
    hostile: bool,
    run_id: str,
    signing: Signing = UNSIGNED,
    start: datetime = START,
) -> Audit:
    """The record of a drawn bundle; it names those who will sign it."""
    totals = _totals(faces, frames)
    failures = totals.faces_failed + totals.frames_failed
    text = HOSTILE_TEXT if hostile else None
    return Audit(
        run=Run(
            id=run_id,
            version="0.1.0",
            started_utc=start.isoformat().replace("+00:00", "Z"),
            ended_utc=(start + timedelta(seconds=42)).isoformat().replace("+00:00", "Z"),
            seconds=42.0,
            complete=not failures,
            exit_code=3 if failures else 0,
            case=text or "2026-001",
            operator=text or "A. Operator",
            purpose=text or "a drawn example",
            failures=(f"{failures} frames or faces gave no result",) if failures else (),
            signers=signing.fingerprints,
            timestamp_requested=signing.timestamp_url is not None,
        ),
        source=_source(original, raw_name, text),
        restored=Restored(
            file=f"restored/{restored.name}",
            sha256=digest_file(restored).sha256,
            bytes=restored.stat().st_size,
            width=640,
            height=480,
            frames=FRAMES,
            codec="h264",
            encoder={"preset": "medium", "crf": "18"},
        ),
        models=(
            _model("detector", "retinaface-mobile-embedded", text),
            _model("restorer", "gfpgan-clean-small-embedded", text),
        ),
        settings={"models": "embedded", "upscale": 2, "background": "lanczos", "label": True},
        totals=totals,
        people=tuple(_person(number, faces) for number in sorted({f.person for f in faces})),
        flags=tuple(_flags(faces, frames, text)),
        background=Background(method="lanczos", requested="auto", outcome="restored"),
        reproduce={
            "audit": "forensics audit two_people.mp4 --out two_people-audit",
            "verify": "forensics verify two_people-audit",
        },
        limits=(DEMONSTRATION, "Probabilities come with calibration; there are none here."),
        reports=(
            Artefact(file="report/report.html", outcome="written"),
            Artefact(file="report/report.pdf", outcome="skipped", reason="--format html"),
        ),
    )


def _source(original: Path, raw_name: str, text: str | None) -> Source:
    digests = digest_file(original)
    return Source(
        file=raw_name,
        sha256=digests.sha256,
        sha512=digests.sha512,
        bytes=digests.size,
        kind="video",
        width=240,
        height=240,
        sar="4:3",
        rotation=0,
        display_width=320,
        display_height=240,
        frames=FRAMES,
        duration_s=0.24,
        time_base="1/12800",
        vfr=False,
        audio=(Stream(index=1, kind="audio", codec="aac", packets=12, outcome="copied"),),
        container="mov,mp4,m4a,3gp,3g2,mj2",
        codec="h264",
        pix_fmt="yuv420p",
        colour={"matrix": "bt709", "range": "tv"},
        assumptions=("the file names no colour matrix; BT.601 was assumed",),
        note=text or "drawn for tests; shows nobody",
    )


def _model(role: str, name: str, text: str | None) -> Model:
    return Model(
        role=role,
        name=name,
        version="0",
        file=f"{name}.safetensors",
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        licence="Apache-2.0",
        source=text or "trained by training/" + role,
        deterministic=True,
        card=f"{name}.md",
    )


def _totals(faces: list[FaceLine], frames: list[FrameLine]) -> Totals:
    outcomes = Counter(face.outcome for face in faces)
    return Totals(
        frames=len(frames),
        frames_restored=sum(frame.outcome == "restored" for frame in frames),
        frames_failed=sum(frame.outcome == "failed" for frame in frames),
        faces=len(faces),
        faces_restored=outcomes["restored"],
        faces_skipped=outcomes["skipped"],
        faces_failed=outcomes["failed"],
        rejected_detections=sum(len(frame.rejected) for frame in frames),
        people=len({face.person for face in faces}),
        flagged_faces=sum(bool(face.flags) for face in faces),
        flagged_frames=sum(bool(frame.flags) for frame in frames),
    )


def _person(number: int, faces: list[FaceLine]) -> Person:
    mine = [face for face in faces if face.person == number]
    numbers = [face.frame for face in mine]
    bands = Counter(face.risk.band for face in mine)
    codes = sorted({code for face in mine for code in face.flags})
    worst = next(b for b in ("high", "caution", "no_sign", "not_calculable") if bands[b])
    eyes = [face.interocular_px for face in mine]
    sentence = {
        "high": "parts of the restored face contradict the footage",
        "caution": "parts of this face cannot be known from this footage",
    }.get(worst, "no sign of invention found; this does not confirm the face")
    return Person(
        id=number,
        first_frame=numbers[0],
        last_frame=numbers[-1],
        faces=len(mine),
        faces_restored=sum(face.outcome == "restored" for face in mine),
        faces_failed=sum(face.outcome == "failed" for face in mine),
        risk=Risk(band=worst, because=("contradiction_eyes",) if worst == "high" else ("qp",)),
        bands=dict(bands),
        flags=tuple(codes),
        interocular_px_range=(min(eyes), max(eyes)),
        gaps=tuple(gaps(numbers)),
        key_frames=tuple(numbers[:2]),
        summary=f"Person {number:02d}: {sentence}.",
    )


def gaps(numbers: list[int]) -> list[tuple[int, int]]:
    """Inclusive ranges of frames that are missing between the first and the last."""
    return [(a + 1, b - 1) for a, b in pairwise(numbers) if b > a + 1]


def ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Sorted frame numbers as inclusive [first, last] ranges."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def _flags(faces: list[FaceLine], frames: list[FrameLine], text: str | None) -> list[Flag]:
    places: dict[tuple[FlagCode, int | None], list[int]] = {}
    for face in faces:
        for code in face.flags:
            places.setdefault((code, face.person), []).append(face.frame)
    for frame in frames:
        if frame.outcome == "failed":
            places.setdefault(("failed", None), []).append(frame.frame)
    facts = {
        "contradicts_footage": ("high", 3.1, 1.0, "x", "The eyes contradict the footage."),
        "too_small": ("note", 10.0, 16.0, "px", "Below 16 px between the eyes."),
        "profile": ("note", 38.0, 30.0, "deg", "The head is turned away."),
        "pop": ("caution", None, None, None, "The drawn face jumps between two frames."),
        "failed": ("high", None, None, None, "This face or frame gave no result."),
    }
    flags = []
    for (code, person), numbers in places.items():
        severity, measured, reference, unit, words = facts[code]
        flags.append(
            Flag(
                code=code,
                person=person,
                frames=ranges(numbers),
                severity=severity,
                measured=measured,
                reference=reference,
                unit=unit,
                words=text or words,
            )
        )
    return flags
