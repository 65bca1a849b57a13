"""Method: what was examined, by what and how, as rows of facts for both reports."""

from __future__ import annotations

from typing import Final

from forensics.report.captured import capture_facts
from forensics.report.view import View
from forensics.report.words import SIGNED_SENTENCE, UNSIGNED_SENTENCE

Fact = tuple[str, str]
_KINDS: Final = {"video": "video", "image": "picture", "frames": "folder of frames"}


def subject(view: View) -> str:
    """One line below the title: size, length and what restored it."""
    source = view.audit.source
    parts = [f"{source.display_width} \u00d7 {source.display_height}"]
    parts.append("1 picture" if source.frames == 1 else f"{source.frames:,} frames")
    if source.duration_s is not None:
        parts.append(f"{source.duration_s:.2f} s")
    names = [model.name for model in view.audit.models if model.role == "restorer"]
    if view.audit.pair is not None:
        parts.append(f"held against {view.audit.pair.file}")
    elif view.audit.mode == "restored_only":
        parts.append("given as restored, without an original")
    else:
        parts.append(f"restored by {', '.join(names)}" if names else "nothing was restored")
    return " \u00b7 ".join(parts)


def examined(view: View) -> tuple[Fact, ...]:
    source = view.audit.source
    picture = f"{source.width} \u00d7 {source.height} as coded"
    shown = (source.display_width, source.display_height)
    if shown != (source.width, source.height):
        picture += f", shown as {shown[0]} \u00d7 {shown[1]} (pixel shape {source.sar}"
        picture += f", turned by {source.rotation} degrees)" if source.rotation else ")"
    length = f"{source.frames:,} frames" if source.frames != 1 else "1 frame"
    if source.duration_s is not None:
        length += f", {source.duration_s:.3f} s"
    if source.kind == "video":
        length += ", uneven frame times" if source.vfr else ", even frame times"
    streams = "; ".join(
        f"{item.kind} ({item.codec}): {item.outcome}" + (f", {item.reason}" if item.reason else "")
        for item in (*source.audio, *source.other_streams)
    )
    coded = [part for part in (source.container, source.codec, source.pix_fmt) if part]
    facts = [
        ("file", source.file),
        ("what its maker says", source.note or ""),
        ("SHA-256", source.sha256),
        ("size", f"{source.bytes:,} bytes"),
        ("kind", _KINDS[source.kind]),
        ("picture", picture),
        ("length", length),
        ("coded as", ", ".join(coded)),
        ("sound and other streams", streams or "none"),
        ("assumed, the file does not say", "; ".join(source.assumptions)),
        *capture_facts(source),
    ]
    return tuple((label, value) for label, value in facts if value)


def performed(view: View) -> tuple[Fact, ...]:
    run, restored = view.audit.run, view.audit.restored
    restorers = [
        f"{model.name} {model.version}, sha256 {model.sha256[:16]}\u2026"
        for model in view.audit.models
        if model.role == "restorer"
    ]
    facts = [
        ("restored by", _restored_by(view) or "; ".join(restorers) or "nothing was restored"),
        ("how", _how(view)),
        ("audited by", f"{run.tool} {run.version}"),
        ("run", run.id),
        ("case", run.case or ""),
        ("operator", run.operator or ""),
        ("purpose", run.purpose or ""),
        (
            "time (this machine's clock, not attested)",
            f"{run.started_utc} to {run.ended_utc} ({run.seconds:,.0f} s)",
        ),
        ("signature", _signature(view)),
        (
            "restored file",
            f"{restored.file}, {restored.width} \u00d7 {restored.height}, {restored.frames:,}"
            f" frames, sha256 {restored.sha256[:16]}\u2026"
            if restored
            else "none was written",
        ),
    ]
    if view.audit.mode != "restore":
        facts = [fact for fact in facts if fact[0] != "restored file"]
    return tuple((label, value) for label, value in facts if value)


def _restored_by(view: View) -> str:
    """Who restored, where it was not this run."""
    if view.audit.pair is not None:
        return f"somebody else, with means that are not known here ({view.audit.pair.file})"
    if view.audit.mode == "restored_only":
        return "somebody else, with means that are not known here, if at all"
    return ""


def _signature(view: View) -> str:
    """What was meant to seal this; the report is written before the seal and cannot show it."""
    run = view.audit.run
    if not run.signers:
        return "none: anyone could have made or changed this bundle"
    keys = ", ".join(run.signers)
    stamp = "; a time stamp was asked for, verify tells whether it is there"
    return (
        f"to be signed with the key {keys}: not proved by this page, but by 'forensics verify' "
        f"with --key{stamp if run.timestamp_requested else ''}"
    )


def sealed(view: View) -> str:
    """What the first screen says of the seal: meant, not proved."""
    keys = ", ".join(view.audit.run.signers)
    return SIGNED_SENTENCE.format(keys=keys) if keys else UNSIGNED_SENTENCE


def _how(view: View) -> str:
    """Engine, precision, noise; empty for bundles made before these could be chosen."""
    settings = view.audit.settings
    if "engine" not in settings:
        return ""
    if settings["engine"] == "reference":
        return "reference engine: the official packages as they run, with their own noise"
    compat = ", aligned and pasted the official way" if settings.get("upstream_compat") else ""
    return (
        f"{settings['engine']} engine, precision {settings.get('precision')},"
        f" noise {settings.get('noise')}{compat}"
    )


def method(view: View) -> tuple[Fact, ...]:
    """What a court asks of a method first, answered as far as it can be."""
    cards = ", ".join(model.card for model in view.audit.models if model.card)
    eyes = [person.interocular_px_range for person in view.audit.people]
    least, most = (f"{f(v for pair in eyes for v in pair):.0f}" if eyes else "" for f in (min, max))
    held = (
        f"{least if least == most else f'{least} to {most}'} pixels between the eyes; what is finer"
        " than that was drawn"
        if eyes
        else "no face was found"
    )
    if view.audit.mode != "restore":
        return _method_of_others(view, held)
    return (
        ("generative", "yes: a network draws detail that the footage does not hold"),
        ("trained on", _trained_on(view, cards)),
        (
            "known error rates",
            "see The method before a court" if _tested(view) else "none for this restorer",
        ),
        ("what the footage holds", held),
    )


def _method_of_others(view: View, held: str) -> tuple[Fact, ...]:
    facts = [
        ("generative", "not known: how this was restored is not recorded in what was given"),
        ("known error rates", "none: no test applies to a restorer that is not known"),
    ]
    if view.audit.mode == "pair":
        facts.append(("what the footage holds", held))
    return tuple(facts)


def _tested(view: View) -> bool:
    note = view.audit.calibration
    return note is not None and bool(note.tested)


def _trained_on(view: View, cards: str) -> str:
    foreign = [m for m in view.audit.models if m.role == "restorer" and not m.card]
    if foreign:
        names = ", ".join(f"{m.name} ({m.source})" for m in foreign)
        return f"other people, by the makers of {names}; what exactly is not recorded here"
    return f"other people; see the model cards ({cards})" if cards else "not recorded"


def calibrated(view: View) -> bool:
    """Some face carries a probability, because the calibration of its restorer passed."""
    return any(face.risk.calibrated for face in view.faces)
