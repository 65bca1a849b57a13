"""Write ``docs/measures.md`` from the cards, the thresholds and the reference table.

``python -m training.references.document`` writes it; a test compares.
"""

from __future__ import annotations

import json
from pathlib import Path

from forensics.records import MEASURES
from forensics.scoring.cards import cards
from forensics.scoring.facts import SEVERITY
from forensics.scoring.measure import Card
from forensics.scoring.references import TABLES
from forensics.scoring.support import LEAST_MEASURED, REACH, REACH_S, STRONG
from forensics.scoring.thresholds import Rule, ThresholdTable, shipped_thresholds

PAGE = Path(__file__).parents[2] / "docs" / "measures.md"

HEAD = """# Measures, flags and bands

What each number of `faces.jsonl` means, and how it can mislead. This page is written from the cards
and tables in `forensics/scoring/` by `python -m training.references.document`.

One question stands behind all of them: which parts of a restored face does the footage support,
which does it contradict, and which cannot be known? None of them says who somebody is. A low value
never confirms a face. Numbers are finite or absent, and an absent one has its reason in
`not_measured`.

Distance to the crop rewards doing nothing: the crop is the damaged picture, so the true face is far
from it. So each judging measure is read against *references*: what accurate pictures (true faces of
people no network was trained on, filmed and coded at known quality) score at the same input
quality. `references` holds the median by measure and, with the ending `_p99`, what one accurate
picture in a hundred exceeds.
"""


def _card(card: Card) -> str:
    low, high = card.span
    span = f"{'open' if low is None else f'{low:g}'} to {'open' if high is None else f'{high:g}'}"
    lines = [
        f"## `{card.name}` (version {card.version})",
        f"*{card.asks}*",
        "",
        f"- Unit: {card.unit}; range: {span}; direction: {card.direction.replace('_', ' ')}.",
        f"- Method: {card.method}",
        f"- Needs: {'; '.join(card.needs)}. Gate: {card.gate}.",
        f"- Stands on: {card.grounds}.",
        f"- Cost: about {card.cost_ms:g} ms a face on one CPU core."
        + (" Gives a map." if card.has_map else ""),
        "- Can mislead:",
        *(f"  - {text.rstrip('.')}." for text in card.blind),
    ]
    return "\n".join(lines)


def _rule(rule: Rule, table: ThresholdTable) -> str:
    if rule.flag is not None:
        return f"| {rule.name} | {rule.band} | flag `{rule.flag}` |"
    number = table.numbers[rule.threshold or ""]
    return (
        f"| {rule.name} | {rule.band} | `{rule.measure}` {rule.side} {number.value:g}"
        f" {number.unit} (`{rule.threshold}`) |"
    )


def page() -> str:
    """The whole page."""
    table = shipped_thresholds()
    references = json.loads((TABLES / "references.json").read_text("utf-8"))
    known = cards()
    later = [m for m in MEASURES if m not in known and not m.startswith("contradiction_")]
    data = references["data"]
    rows = [
        f"| `{name}` | {n.value:g} {n.unit} | {n.reason} | {n.source} |"
        for name, n in table.numbers.items()
    ]
    entries = [
        f"| `{name}` | {e['with_qp']['n']} | {e['with_qp']['explained']:.2f} |"
        f" {e['without_qp']['n']} | {e['without_qp']['explained']:.2f} |"
        for name, e in references["measures"].items()
    ]
    parts = [
        HEAD,
        *(_card(card) for card in known.values()),
        "## Not part of this version\n" + ", ".join(f"`{name}`" for name in later) + ".",
        "## Flags\n| flag | severity |\n|---|---|\n"
        + "\n".join(f"| `{code}` | {severity} |" for code, severity in SEVERITY.items()),
        "A measure flags a face above what 99 of 100 accurate pictures of the same quality score: "
        "one accurate face in a hundred is flagged by design. A person carries the flag where most "
        f"of the measured faces around do ({REACH_S:g} s before and after, at least {REACH} of "
        f"them each way, within the shot), or where a face passes its limit {STRONG:g} times over; "
        "other faces keep it in faces.jsonl, as a fact about that picture, and do not count for "
        f"the person's band. A shot with fewer than {LEAST_MEASURED} measured faces has nothing to "
        "be supported by: there one face flags its person.",
        f"## Bands (rules, version {table.version})\n"
        "`high` and `caution` as soon as one of their rules holds; otherwise `not_calculable` "
        "while `contradiction` or `identity_drift` or its reference is absent; otherwise "
        "`no_sign`. No probability is given. A person's band is that of the 90th percentile of "
        "faces, not of the worst frame.\n\n| rule | band | holds when |\n|---|---|---|\n"
        + "\n".join(_rule(rule, table) for rule in table.rules),
        "## Thresholds\n| name | value | why | from |\n|---|---|---|---|\n" + "\n".join(rows),
        f"## References (version {references['version']})\n"
        f"{data['faces']} faces made from {data['photos']} portraits of {data['people']} people of "
        f"the `{data['list']}` list, {data['faces_with_qp']} of them coded by H.264 at a known QP."
        " Explained: share of the variance that input quality explains.\n\n"
        "| measure | n with QP | explained | n without | explained |\n|---|---|---|---|---|\n"
        + "\n".join(entries),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
