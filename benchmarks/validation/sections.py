"""Validation, sections: the words and tables of ``docs/validation.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forensics.calibration.document import QUESTIONS, error_rates, interval
from forensics.records import LEAST_PEOPLE

Found = Mapping[str, Any]
TOO_FEW = "too few to tell"


def sections(found: Found, drawn: frozenset[str]) -> str:
    """The whole page; ``drawn`` names the figures that exist."""
    parts = [
        _head(found),
        _data(found),
        *(_target(name, target, drawn) for name, target in found["embedded"].items()),
        _all(found, drawn),
        _left_out(found, "restorer left out", "Restorers left out in turn", _RESTORERS),
        _left_out(found, "family left out", "Degradation families left out in turn", _FAMILIES),
        _groups(found),
        _missing(found),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _head(found: Found) -> str:
    shown = [name for name, target in found["embedded"].items() if target["passed"]]
    verdict = (
        f"**Shown for the embedded restorer: {', '.join(shown)}.**"
        if shown
        else "**No target passed its bar for the embedded restorer, so no probability is shown.** "
        "Audits give facts, flags and bands by stated rules."
    )
    return f"""# Validation of the risk

Written by `python -m benchmarks.validation.page --write` from
[validation/figures.json](validation/figures.json); a test holds the page to the code. `make
validate` makes the figures anew from the data folder.

{verdict}

A probability is shown where, on people that nothing was fitted or chosen on, the risk ranks faces
better than the best baseline by at least 0.03 AUROC (0.05 is the bar of the release, 0.10 the
goal), the 95 % interval of that difference lies above 0, and the calibration error is at most 0.05.
The hardest baseline is the *input alone*: how many pixels, how blurred, how coded, without looking
at the restored face at all."""


def _data(found: Found) -> str:
    groups, labels = found["record"]["data"]["groups"], found["labels"]
    rows = [
        f"| {group} | {count['people']} | {count['faces']} |" for group, count in groups.items()
    ]
    counts = [
        f"| {name} | {n['fit']} | {n['cal']} | {n['test']} |" for name, n in found["faces"].items()
    ]
    limits = ", ".join(f"{k} {v:.3f}" for k, v in labels["feature_distance"].items())
    judges = found["record"]["judges"]
    limit = labels["attribute_change"]
    attributes = (
        f"the cue of glasses differs by more than {limit['glasses']:.2f}, moustache, chin or jaw "
        f"by more than {limit['facial_hair']:.1f} L*, or an iris by more than "
        f"{limit['eye_colour']:.1f} (CIEDE2000)"
    )
    return f"""## People, faces and labels

People are in one group only: `fit` (the logistic), `cal` (probabilities), `val` (tested on, here
`test`). Only people with a portrait of at least 100 px between the eyes can take part: a softer one
is no truth for a 512 px face. No network was trained on any of them.

| group | people | faces of the embedded restorer |
|---|---|---|
{chr(10).join(rows)}

| restorer | fit | cal | test |
|---|---|---|---|
{chr(10).join(counts)}

Each face: a portrait filmed at 6 to 110 px between the eyes, blurred, moved, made noisy, coded by
JPEG or H.264 (QP 20 to 46, some twice), aligned with landmarks that miss a little, and restored.
`evidence mean` is the mean of the evidence model, enlarged: too smooth, and nothing invented.
`sharpened` is an unsharp mask on the enlarged crop, `over-sharpened` far too much of it,
`other faces` and `eigenfaces` have a wrong prior: the first draws the fine detail of the most alike
of 40 other people, the second was trained on those 40 and draws mixtures of them.

- Identity: 1 − cos of {judges["identity"]["name"]} between the true and the restored face is above
  {labels["identity_distance"]:.3f}, which one in a thousand of {labels["identity_pairs"]} pairs of
  different people stays below. This judge is no part of the tool and no teacher of
  `identity_drift`.
- Feature: perceptual distance of eyes, nose or mouth ({judges["feature"]["name"]}; not LPIPS, and
  the network behind `lpips_embedded_crop` as well) above {limits}: what 95 of 100 true faces stay
  below after H.264 at QP 30 alone, filmed with 32 px between the eyes. Taken at the portrait's own
  size, the limit made 95 % of fit and cal faces "erred"; the size was set on those before any test
  person was looked at.
- Attribute: {attributes}, read from the true and the restored face at their own sharpness: the
  least that an audit's flags call visible, or what 95 of 100 true faces stay below after the same
  codec, whichever is more. The rulers are those of `glasses`, `facial_hair` and `iris_delta`;
  therefore the model of this label may use none of the three, and that of any may. Looked at: most
  of what the embedded restorer changes is an eye that it left blurred and dark, or frames that it
  lost; the label says that an attribute differs, not that one was invented.
- Any: identity, feature or attribute, fitted as a label of its own.

Measures that took part: {", ".join(f"`{name}`" for name in found["measures"])}."""


def _target(name: str, target: Found, drawn: frozenset[str]) -> str:
    lines = [
        f"## Embedded restorer: {name}",
        "",
        QUESTIONS[name] + ".",
        "",
        f"**{'Passed' if target['passed'] else 'Not shown'}.** {target['reason']}",
    ]
    figures = target["figures"]
    if figures is None:
        return "\n".join(lines)
    lines += [
        "",
        f"{figures['people']} people, {figures['faces']} faces in range, prevalence "
        f"{figures['prevalence']:.3f}. Intervals: 95 %, 2,000 resamples of people, differences "
        "paired.",
        "",
        "| | AUROC | AUPRC | the risk's gain in AUROC |",
        "|---|---|---|---|",
        f"| risk | {interval(figures['auroc'])} | {interval(figures['auprc'])} | |",
        *(
            f"| {k} | {interval(b['auroc'])} | {interval(b['auprc'])} | {interval(b['gain'])} |"
            for k, b in figures["baselines"].items()
        ),
        f"| constant prevalence | 0.500 | {figures['prevalence']:.3f} | |",
        "",
        f"Brier {interval(figures['brier'])}. Calibration error {interval(figures['ece'])}, "
        f"de-biased; plain {figures['ece_plain']:.3f}. Cllr {interval(figures['cllr'])}, least "
        f"possible {figures['cllr_min']:.3f}. Area under the risk-coverage curve "
        f"{figures['aurc']:.3f}.",
        "",
        *error_rates(figures),
        "",
        "Terms of the logistic: "
        + ", ".join(
            f"`{t['name']}` {t['coefficient']:.2f}"
            + (f" (absent {t['absent']:+.2f})" if t["absent"] else "")
            for t in target["terms"]
        )
        + ".",
        "",
        *(
            f"![{file}](validation/{file})"
            for file in (f"reliability_{name}.svg", f"coverage_{name}.svg", f"auroc_{name}.svg")
            if file in drawn
        ),
    ]
    return "\n".join(lines)


def _all(found: Found, drawn: frozenset[str]) -> str:
    total = sum(count["test"] for count in found["faces"].values())
    lines = [
        "## All restorers together",
        "",
        "Where restorers of different honesty are mixed, the footage alone cannot tell them apart, "
        "so this is where the measures should help most. One model for all of them, fitted on "
        "`fit`, ranked on `val`; it is not calibrated and gives no probability. "
        f"{found['faces']['embedded']['test']} of the {total} faces are the embedded restorer's.",
        "",
        *_compared(found["all restorers"]),
        "",
        "Without `identity_drift`:",
        "",
        *_compared(found["without identity_drift"]),
        "",
        *(f"![{k}](validation/all_{k}.svg)" for k in found["all restorers"]
          if f"all_{k}.svg" in drawn),
    ]  # fmt: skip
    return "\n".join(lines)


def _compared(of: Found) -> list[str]:
    lines = [
        "| label | people | faces | erred | AUROC | best baseline | its AUROC | gain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return lines + [_row(name, one) for name, one in of.items()]


def _told(one: Found) -> bool:
    """Whether a fold holds people enough, and faces of both kinds, to say anything."""
    return one["auroc"] is not None and one["people"] >= LEAST_PEOPLE


def _row(name: str, one: Found) -> str:
    start = f"| {name} | {one['people']} | {one['faces']} | {one['erred']} |"
    if not _told(one):
        return f"{start} {TOO_FEW} (n = {one['people']}) | | | |"
    best, figures = max(one["baselines"].items(), key=lambda item: item[1]["auroc"]["value"])
    return (
        f"{start} {interval(one['auroc'])} | {best} | {interval(figures['auroc'])} | "
        f"{interval(figures['gain'])} |"
    )


_RESTORERS = (
    "The model is fitted on the other restorers' `fit` faces and asked about this one's `val` "
    "faces."
)
_FAMILIES = (
    "Embedded restorer; the model never saw this kind of footage. Under 30 people nothing is told."
)


def _left_out(found: Found, key: str, title: str, words: str) -> str:
    lines = [
        f"## {title}",
        "",
        f"{words} A fold fails where the interval of the gain lies below 0. One that could not be "
        "told did not pass.",
    ]
    failed, folds, told = [], 0, 0
    for name, targets in found[key].items():
        lines += ["", f"### {name}", "", *_compared(targets)]
        for target, one in targets.items():
            folds += 1
            if not _told(one):
                continue
            told += 1
            best = max(one["baselines"].values(), key=lambda b: b["auroc"]["value"])
            if best["gain"]["high"] < 0:
                failed.append(f"{name} ({target})")
    verdict = "none of them failed" if not failed else f"failed: {', '.join(failed)}"
    lines += [
        "",
        f"**{told} of {folds} folds could be told; {verdict}.** The others were not tested.",
    ]
    return "\n".join(lines)


def _groups(found: Found) -> str:
    lines = [
        "## Groups",
        "",
        "Gender and ethnicity are self-reported and known for few people; skin tone is the cheek's "
        "ITA in the portrait, which light decides as much as skin. Under 30 people nothing is "
        "told.",
        "",
        "| | group | people | AUROC of any |",
        "|---|---|---|---|",
    ]
    for kind, groups in found["groups"].items():
        for group, one in groups.items():
            told = (
                f"{TOO_FEW} (n = {one['people']})"
                if one["auroc"] is None
                else interval(one["auroc"])
            )
            lines.append(f"| {kind} | {group} | {one['people']} | {told} |")
    return "\n".join(lines)


def _missing(found: Found) -> str:
    return """## What is not here

- A restorer with official weights: none was at hand. `forensics calibrate --models gfpgan-1.4
  --portraits DIR` makes its calibration where they are.
- Real footage with known truth: everything here is portraits filmed by code.
- Enough faces of the wrong restorers and of most families: a planned run holds 8, 6 and 14 faces a
  portrait of the embedded restorer and two of each other; the table above says how many there are.
- Tracks: a person's probability in an audit is the face model's on pooled features; it was tested
  on single faces only.
- NIQE itself: `niqe_like` follows its paper on our own portraits."""
