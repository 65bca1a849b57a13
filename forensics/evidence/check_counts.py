"""Checks that audit.json says what the lines say: totals, people, flags and the seal event."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.evidence.survey import PersonSurvey, Survey
from forensics.records import FACE_FLAGS, Audit, Person


def count_faults(audit: Audit, found: Survey, run_label: str | None) -> list[str]:
    """Where audit.json and the lines differ; ``run_label`` is bag-info's External-Identifier."""
    faults = list(found.faults)
    claimed = audit.totals.model_dump()
    for name, value in found.totals().items():
        if claimed[name] != value:
            faults.append(f"totals.{name} is {claimed[name]}, the lines give {value}")
    stretch = any(audit.settings.get(name) for name in ("start", "end"))
    if not stretch and audit.source.frames != found.frames:
        faults.append(f"the source has {audit.source.frames} frames, frames.jsonl {found.frames}")
    faults += _restored_faults(audit, found)
    if run_label != audit.run.id:
        faults.append(f"bag-info.txt names the run {run_label!r}, audit.json {audit.run.id!r}")
    if audit.run.complete and (claimed["frames_failed"] or claimed["faces_failed"]):
        faults.append("the run calls itself complete, yet frames or faces failed")
    return faults + _people_faults(audit, found) + _flag_faults(audit, found)


def seal_faults(audit: Audit, counts: Mapping[str, object] | None) -> list[str]:
    """Where the event log's seal and audit.json count differently."""
    if counts is None:
        return []  # the chain check says so
    # Bundles of older versions had no frames that a restoration lacks, and did not count them.
    known = {"frames_skipped": 0, **counts}
    return [
        f"the seal event counts {known.get(name)!r:.40} {name}, audit.json {value}"
        for name, value in audit.totals.model_dump().items()
        if known.get(name) != value or isinstance(known.get(name), bool)
    ]


def _restored_faults(audit: Audit, found: Survey) -> list[str]:
    """Where the restored file cannot hold the frames that the lines call restored."""
    pair, restored = audit.pair, audit.restored
    if (audit.mode == "pair") != (pair is not None):
        return [f"the mode is {audit.mode!r}, and audit.json names another's restoration or not"]
    if audit.mode == "restored_only" and restored is not None:
        return ["nothing was restored in this run, yet audit.json names a restored file"]
    if pair is not None:
        faults = []
        if restored is not None and (restored.sha256, restored.frames) != (
            pair.sha256,
            pair.frames,
        ):
            faults.append("the restored file is not the restoration that was held against it")
        if found.other_frame > pair.frames:
            faults.append(f"a frame is shown by frame {found.other_frame} of {pair.frames}")
        return faults
    if found.frame_outcomes["skipped"]:
        return ["frames were skipped although this run restored"]
    if restored is not None and not (
        found.frame_outcomes["restored"] <= restored.frames <= found.frames
    ):
        return [f"the restored file has {restored.frames} frames of {found.frames}"]
    return []


def _people_faults(audit: Audit, found: Survey) -> list[str]:
    claimed = [person.id for person in audit.people]
    if sorted(claimed) != list(range(len(found.people))) or set(claimed) != set(found.people):
        return [f"audit.json names the people {claimed}, faces.jsonl {sorted(found.people)}"]
    faults = []
    for person in audit.people:
        wrong = _person_faults(person, found.people[person.id])
        faults += [f"person {person.id}: {fault}" for fault in wrong]
    return faults


def _person_faults(person: Person, found: PersonSurvey) -> list[str]:
    facts: list[tuple[str, object, object]] = [
        ("first_frame", person.first_frame, found.first_frame),
        ("last_frame", person.last_frame, found.last_frame),
        ("faces", person.faces, found.outcomes.total()),
        ("faces_restored", person.faces_restored, found.outcomes["restored"]),
        ("faces_failed", person.faces_failed, found.outcomes["failed"]),
        ("bands", {k: v for k, v in person.bands.items() if v}, dict(found.bands)),
        ("gaps", list(person.gaps), found.gaps),
    ]
    faults = [f"{name} is {a}, the lines give {b}" for name, a, b in facts if a != b]
    # A person does not carry what a measure says in one face alone.
    if missing := found.flags - set(person.flags) - FACE_FLAGS:
        faults.append(f"its flags leave out {', '.join(sorted(missing))}")
    # A summary may round; a reader's figure must still be this person's.
    if any(
        abs(a - b) > 0.051
        for a, b in zip(person.interocular_px_range, found.interocular_px_range, strict=True)
    ):
        faults.append(
            f"interocular_px_range is {person.interocular_px_range}, "
            f"the lines give {found.interocular_px_range}"
        )
    return faults


def _flag_faults(audit: Audit, found: Survey) -> list[str]:
    faults = []
    covered: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for flag in audit.flags:
        if flag.person is not None and flag.person not in found.people:
            faults.append(f"the flag {flag.code} names person {flag.person}, who is not there")
        for first, last in flag.frames:
            if not 1 <= first <= last <= max(found.frames, 1):
                faults.append(f"the flag {flag.code} names the frames {first} to {last}")
            elif flag.person is not None:
                covered.setdefault((flag.code, flag.person), []).append((first, last))
    for (code, person), frames in found.places.items():
        left = _uncovered(sorted(frames), sorted(covered.get((code, person), [])))
        if left is not None:
            faults.append(
                f"person {person} has {code} in frame {left}, but flags[] does not say so"
            )
    return faults


def _uncovered(frames: list[int], ranges: list[tuple[int, int]]) -> int | None:
    """The first of sorted frames in none of the sorted inclusive ranges.

    One sweep: a hostile audit.json may hold a million ranges over a million frames.
    """
    position, reach = 0, 0
    for frame in frames:
        while position < len(ranges) and ranges[position][0] <= frame:
            reach = max(reach, ranges[position][1])
            position += 1
        if frame > reach:
            return frame
    return None
