"""Method: what was examined, by what and how, as rows of facts for both reports."""

from __future__ import annotations

from typing import Final

from forensics.record_media import Stream
from forensics.report.captured import capture_facts
from forensics.report.error_rates import rate_here
from forensics.report.known import known
from forensics.report.language import N_, Table, _, joined_text, when
from forensics.report.language import number as said
from forensics.report.view import View
from forensics.report.words import SIGNED_SENTENCE, UNSIGNED_SENTENCE, counted

Fact = tuple[str, str]
ERROR_RATES: Final = N_("known error rates")
_KINDS: Final = Table(
    {"video": N_("video"), "image": N_("picture"), "frames": N_("folder of frames")}
)


def subject(view: View) -> str:
    """One line below the title: size, length and what restored it."""
    source = view.audit.source
    parts = [f"{source.display_width} \u00d7 {source.display_height}"]
    parts.append(
        _("1 picture") if source.frames == 1 else counted(source.frames, "frame", "frames")
    )
    if source.duration_s is not None:
        parts.append(f"{said(source.duration_s, '.2f')} s")
    names = [model.name for model in view.audit.models if model.role == "restorer"]
    if view.audit.pair is not None:
        parts.append(_("held against {file}").format(file=view.audit.pair.file))
    elif view.audit.mode == "restored_only":
        parts.append(_("given as restored, without an original"))
    else:
        parts.append(
            _("restored by {names}").format(names=", ".join(names))
            if names
            else _("nothing was restored")
        )
    return " \u00b7 ".join(parts)


def examined(view: View) -> tuple[Fact, ...]:
    source = view.audit.source
    picture = _("{width} \u00d7 {height} as coded").format(width=source.width, height=source.height)
    shown = (source.display_width, source.display_height)
    if shown != (source.width, source.height):
        picture += _(", shown as {width} \u00d7 {height} (pixel shape {sar}").format(
            width=shown[0], height=shown[1], sar=source.sar
        )
        picture += (
            _(", turned by {rotation} degrees)").format(rotation=source.rotation)
            if source.rotation
            else ")"
        )
    length = counted(source.frames, "frame", "frames")
    if source.duration_s is not None:
        length += f", {said(source.duration_s, '.3f')} s"
    if source.kind == "video":
        length += _(", uneven frame times") if source.vfr else _(", even frame times")
    streams = joined_text("; ", map(_stream, (*source.audio, *source.other_streams)))
    coded = [part for part in (source.container, source.codec, source.pix_fmt) if part]
    facts = [
        (_("file"), source.file),
        (_("what its maker says"), source.note or ""),
        (_("what it says of an earlier restoration"), source.declared or ""),
        (_("SHA-256"), source.sha256),
        (_("size"), _("{bytes:,} bytes").format(bytes=source.bytes)),
        (_("kind"), _KINDS[source.kind]),
        (_("picture"), picture),
        (_("length"), length),
        (_("coded as"), ", ".join(coded)),
        (_("sound and other streams"), streams or _("none")),
        (_("assumed, the file does not say"), joined_text("; ", map(known, source.assumptions))),
        *capture_facts(source),
    ]
    return tuple((label, value) for label, value in facts if value)


def _stream(item: Stream) -> str:
    head = f"{known(item.kind)} ({item.codec}): {known(item.outcome)}"
    return joined_text(", ", (head, known(item.reason)) if item.reason else (head,))


def performed(view: View) -> tuple[Fact, ...]:
    run, restored = view.audit.run, view.audit.restored
    restorers = [
        _("{name} {version}, sha256 {sha256}\u2026").format(
            name=model.name, version=model.version, sha256=model.sha256[:16]
        )
        for model in view.audit.models
        if model.role == "restorer"
    ]
    facts = [
        (_("restored by"), _restored_by(view) or "; ".join(restorers) or _("nothing was restored")),
        (_("how"), _how(view)),
        (_("audited by"), f"{run.tool} {run.version}"),
        (_("run"), run.id),
        (_("case"), run.case or ""),
        (_("operator"), run.operator or ""),
        (_("purpose"), run.purpose or ""),
        (
            _("time (this machine's clock, not attested)"),
            _("{started_utc} to {ended_utc} ({seconds:,.0f} s)").format(
                started_utc=when(run.started_utc),
                ended_utc=when(run.ended_utc),
                seconds=run.seconds,
            ),
        ),
        (_("signature"), _signature(view)),
        (
            _("restored file"),
            _("{file}, {width} \u00d7 {height}, {frames}, sha256 {sha256}\u2026").format(
                file=restored.file,
                width=restored.width,
                height=restored.height,
                frames=counted(restored.frames, "frame", "frames"),
                sha256=restored.sha256[:16],
            )
            if restored
            else _("none was written"),
        ),
    ]
    if view.audit.mode != "restore":
        facts = [fact for fact in facts if fact[0] != _("restored file")]
    return tuple((label, value) for label, value in facts if value)


def _restored_by(view: View) -> str:
    """Who restored, where it was not this run."""
    if view.audit.pair is not None:
        return _("somebody else, with means that are not known here ({file})").format(
            file=view.audit.pair.file
        )
    if view.audit.mode == "restored_only":
        return _("somebody else, with means that are not known here, if at all")
    return ""


def _signature(view: View) -> str:
    """What was meant to seal this; the report is written before the seal and cannot show it."""
    run = view.audit.run
    if not run.signers:
        return _("none: anyone could have made or changed this bundle")
    keys = ", ".join(run.signers)
    stamp = _("; a time stamp was asked for, verify tells whether it is there")
    return _(
        "to be signed with the key {keys}: not proved by this page, but by "
        "'forensics verify' with --key{stamp}"
    ).format(keys=keys, stamp=stamp if run.timestamp_requested else "")


def sealed(view: View) -> str:
    """What the first screen says of the seal: meant, not proved."""
    keys = ", ".join(view.audit.run.signers)
    return _(SIGNED_SENTENCE).format(keys=keys) if keys else _(UNSIGNED_SENTENCE)


def _how(view: View) -> str:
    """Engine, precision, noise; empty for bundles made before these could be chosen."""
    settings = view.audit.settings
    if "engine" not in settings:
        return ""
    if settings["engine"] == "reference":
        return _("reference engine: the official packages as they run, with their own noise")
    compat = _(", aligned and pasted the official way") if settings.get("upstream_compat") else ""
    return _("{engine} engine, precision {precision}, noise {noise}{compat}").format(
        engine=settings["engine"],
        precision=settings.get("precision"),
        noise=settings.get("noise"),
        compat=compat,
    )


def method(view: View) -> tuple[Fact, ...]:
    """What a court asks of a method first, answered as far as it can be."""
    cards = ", ".join(model.card for model in view.audit.models if model.card)
    eyes = [person.interocular_px_range for person in view.audit.people]
    least, most = (f"{f(v for pair in eyes for v in pair):.0f}" if eyes else "" for f in (min, max))
    held = (
        _("{eyes} pixels between the eyes; what is finer than that was drawn").format(
            eyes=least if least == most else _("{least} to {most}").format(least=least, most=most)
        )
        if eyes
        else _("no face was found")
    )
    if view.audit.mode != "restore":
        return _method_of_others(view, held)
    return (
        (_("generative"), _("yes: a network draws detail that the footage does not hold")),
        (_("trained on"), _trained_on(view, cards)),
        (
            _(ERROR_RATES),
            _error_rates(view),
        ),
        (_("what the footage holds"), held),
    )


def _method_of_others(view: View, held: str) -> tuple[Fact, ...]:
    facts = [
        (_("generative"), _("not known: how this was restored is not recorded in what was given")),
        (_(ERROR_RATES), _("none: no test applies to a restorer that is not known")),
    ]
    if view.audit.mode == "pair":
        facts.append((_("what the footage holds"), held))
    return tuple(facts)


def _error_rates(view: View) -> str:
    note = view.audit.calibration
    if note is None or not note.tested:
        return _("none for this restorer")
    see, here = _("see The method before a court"), rate_here(note.tested, view)
    return joined_text("; ", (here, see) if here else (see,))


def _trained_on(view: View, cards: str) -> str:
    foreign = [m for m in view.audit.models if m.role == "restorer" and not m.card]
    if foreign:
        names = ", ".join(f"{m.name} ({m.source})" for m in foreign)
        return _(
            "other people, by the makers of {names}; what exactly is not recorded here"
        ).format(names=names)
    return (
        _("other people; see the model cards ({cards})").format(cards=cards)
        if cards
        else _("not recorded")
    )


def calibrated(view: View) -> bool:
    """Some face carries a probability, because the calibration of its restorer passed."""
    return any(face.risk.calibrated for face in view.faces)
