"""Calibration, document: a calibration's own report, as Markdown, from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from forensics.calibration.rows import GROUPS
from forensics.records import LEAST_PEOPLE, Band

QUESTIONS = {
    "any": "Any of the below",
    "identity": "Identity: the judge no longer takes the restored and the true face for one person",
    "feature": "Feature: eyes, nose or mouth differ more than H.264 at QP 30 alone explains in a "
    "face of 32 px between the eyes",
    "attribute": "Attribute: glasses, facial hair or iris colour changed",
}


def report(document: Mapping[str, Any]) -> str:
    """The whole page; equal records, equal pages."""
    restorer, data = document["restorer"], document["data"]
    shown = [name for name, target in document["targets"].items() if target["passed"]]
    lines = [
        f"# Calibration of {restorer['name']} {restorer['version']}",
        "",
        f"Made {document['made_utc']} by {document['made_by']}. Restorer SHA-256 "
        f"`{restorer['sha256']}`. It holds for these weights and for no others.",
        "",
        "**A probability is shown for: " + ", ".join(shown) + ".**"
        if shown
        else "**No probability is shown: no target passed its bar.** An audit with this restorer "
        "gives facts and flags.",
        "",
        "## People",
        "",
        "| group | used for | people | faces |",
        "|---|---|---|---|",
    ]
    used = {
        "fit": "fitting the logistic",
        "cal": "making probabilities of scores",
        "test": "the figures below",
    }
    for group in GROUPS:
        count = data["groups"][group]
        lines.append(f"| {group} | {used[group]} | {count['people']} | {count['faces']} |")
    judges = document["judges"]
    lines += [
        "",
        "People are in one group only. The true faces were filmed small, blurred, made noisy, "
        "coded by JPEG and H.264, restored, and held against the portrait.",
        "",
        f"Judge of identity: {judges['identity']['name']}. Judge of features: "
        f"{judges['feature']['name']}; its distance is not LPIPS.",
        "",
        "## Targets",
    ]
    for name, target in document["targets"].items():
        lines += ["", f"### {name}", "", QUESTIONS[name] + ".", "", *_target(target)]
    lines += [
        "",
        "## What it can mislead about",
        "",
        "- It speaks of footage made from portraits, lit and posed like them; other footage "
        "differs.",
        "- It speaks of people like those in the folder. Groups that are few in it were not "
        "tested.",
        "- The judges are small networks with weaknesses of their own.",
        "- A low probability does not confirm a face.",
        "",
    ]
    return "\n".join(lines)


def _target(target: Mapping[str, Any]) -> list[str]:
    verdict = "Passed" if target["passed"] else "Not shown"
    lines = [f"**{verdict}.** {target['reason']}"]
    figures = target["figures"]
    if figures is None:
        return lines
    lines += [
        "",
        f"Test: {figures['people']} people, {figures['faces']} faces in range, "
        f"{figures['prevalence']:.0%} of them erred. Intervals are 95 % over resampled people.",
        "",
        "| | AUROC | AUPRC | gain in AUROC |",
        "|---|---|---|---|",
        f"| risk | {interval(figures['auroc'])} | {interval(figures['auprc'])} | |",
    ]
    for name, other in figures["baselines"].items():
        lines.append(
            f"| {name} | {interval(other['auroc'])} | {interval(other['auprc'])} | "
            f"{interval(other['gain'])} |"
        )
    lines += [
        "",
        f"Brier {interval(figures['brier'])}; calibration error {interval(figures['ece'])} "
        f"(de-biased; plain {figures['ece_plain']:.3f}); Cllr {interval(figures['cllr'])}, "
        f"least possible {figures['cllr_min']:.3f}.",
        "",
        "| probability said | share that erred | faces |",
        "|---|---|---|",
        *(f"| {said:.2f} | {erred:.2f} | {n} |" for said, erred, n in figures["reliability"]),
        "",
        *error_rates(figures),
    ]
    return lines


def error_rates(figures: Mapping[str, Any]) -> list[str]:
    """Tables of how often tested faces erred, by size and by word; empty where not counted."""
    if "by_size" not in figures:
        return []
    head = "people | faces | erred | share that erred |"
    sizes = [
        f"| {c['from_px']:.0f} to {c['to_px']:.0f} px | {_counted(c)}" for c in figures["by_size"]
    ]
    words = [
        f"| {word.replace('_', ' ')} | {_counted(figures['by_word'][word])}"
        for word in get_args(Band)
        if word in figures["by_word"]
    ]
    return [
        "All tested faces, by the pixels between their eyes (intervals: exact, 95 %, as many "
        "trials as people):",
        "",
        f"| between the eyes | {head}",
        "|---|---|---|---|---|",
        *sizes,
        "",
        "The same faces by the word that the rules of an audit give the picture alone:",
        "",
        f"| word | {head}",
        "|---|---|---|---|---|",
        *words,
    ]


def _counted(one: Mapping[str, Any]) -> str:
    told = (
        "{:.2f} ({:.2f} to {:.2f})".format(*one["share"])
        if one["people"] >= LEAST_PEOPLE
        else f"too few to tell (n = {one['people']})"
    )
    return f"{one['people']} | {one['faces']} | {one['erred']} | {told} |"


def interval(figure: Mapping[str, float]) -> str:
    """A figure with its interval: 0.812 (0.760 to 0.861)."""
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
