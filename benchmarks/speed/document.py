"""benchmarks/latest.json: written case by case, and the table in docs/benchmarks.md made of it.

``python -m benchmarks.speed.document --write docs/benchmarks.md`` fills the part of the page
between its two marks; ``--check`` fails when the page is not what the JSON gives.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

SCHEMA = "restoration-forensics/benchmark/1"
LATEST = Path(__file__).resolve().parents[1] / "latest.json"
PAGE = Path(__file__).resolve().parents[2] / "docs/benchmarks.md"
BEGIN, END = "<!-- table: made from benchmarks/latest.json -->", "<!-- end of table -->"
Json = dict[str, Any]


def read(path: Path = LATEST) -> Json:
    """The document, or an empty one."""
    if not path.is_file():
        return {"schema": SCHEMA}
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def merge(before: Json, part: Json) -> Json:
    """Put a part in.  Figures of another machine or other versions do not stay beside it."""
    if before.get("machine") != part["machine"]:
        before = {"schema": SCHEMA}
    out = {**before, **part}
    for key in ("cases", "scaling"):
        out[key] = {**before.get(key, {}), **part.get(key, {})}
    return out


def write(document: Json, path: Path = LATEST) -> None:
    """Sorted and indented, so that a change reads as one."""
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


# ---------------------------------------------------------------- the table


def table(document: Json) -> str:
    """Markdown of everything in the document."""
    parts = [_machine(document), _cases(document), _stages(document), _scaling(document)]
    parts += [_memory(document), _gpu(document)]
    return "\n\n".join(p for p in parts if p)


def _machine(document: Json) -> str:
    machine = document.get("machine")
    if machine is None:
        return "Nothing has been measured yet: `make bench`."
    flags = ", ".join(machine["cpu_flags"]) or "none of those looked for"
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    lines = [
        f"Measured on {document['date']}: {machine['cpu']}, {machine['cores']} cores "
        f"({machine['threads']} threads), {machine['memory_gib']} GiB; instruction sets: {flags}; "
        f"Python {machine['python']}, {versions}."
    ]
    if peak := document.get("peak_tflops"):
        said = ", ".join(f"{v:.2f} TFLOP/s in {k}" for k, v in sorted(peak.items()))
        lines.append(f"Best measured matrix product: {said}.")
    return " ".join(lines)


def _span(s: Json, digits: int = 2) -> str:
    """Median, and between brackets minimum and maximum."""
    if s["n"] == 1:
        return f"{s['median']:.{digits}f} (one run)"
    return f"{s['median']:.{digits}f} ({s['min']:.{digits}f}–{s['max']:.{digits}f})"


def _cases(document: Json) -> str:
    cases = document.get("cases", {})
    if not cases:
        return ""
    lines = [
        "| case | upstream, s a frame | upstream with one-line settings | ours | "
        "ratio to upstream | ratio to one-line |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(cases):
        case = cases[name]
        ratio = f"**{case['ratio']['median']:.1f}×**"
        if case["ratio"]["n"] > 1:
            ratio += f" ({case['ratio']['min']:.1f}–{case['ratio']['max']:.1f})"
        lines.append(
            f"| {case['words']} | {_span(case['upstream_s'])} | {_span(case['one_line_s'])} | "
            f"{_span(case['ours_s'])} | {ratio} | {case['ratio_one_line']['median']:.1f}× |"
        )
    rounds = ", ".join(f"{cases[n]['ratio']['n']} for `{n}`" for n in sorted(cases))
    lines += ["", f"Median (minimum–maximum) over alternating rounds: {rounds}."]
    lines += [f"`{n}`: {cases[n]['stopped']}." for n in sorted(cases) if cases[n].get("stopped")]
    return "\n".join(lines)


def _stages(document: Json) -> str:
    cases = document.get("cases", {})
    if not cases:
        return ""
    names = ["detect", "restore", "mask", "background", "rest"]
    lines = [
        "| seconds a frame | " + " | ".join(names) + " | networks' share of the roofline |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for case_name in sorted(cases):
        case = cases[case_name]
        for who in ("upstream", "one_line", "ours"):
            stage = case["stages"][who]
            cells = [f"{stage[n]:.2f}" if n in stage else "–" for n in names]
            share = case["roofline"].get(who)
            told = "–" if share is None else f"{100 * share:.0f} %"
            title = who.replace("_", "-")
            lines.append(f"| {case_name}, {title} | " + " | ".join(cells) + f" | {told} |")
    lines += [
        "",
        "`rest` is reading, aligning, pasting, encoding and writing; where ours overlaps them with "
        "the networks, it holds only what was waited for.",
    ]
    return "\n".join(lines)


def _scaling(document: Json) -> str:
    scaling = document.get("scaling", {})
    if not scaling:
        return ""
    lines = [
        "| ours, fast | seconds | linear fit | largest distance from it |",
        "|---|---|---|---|",
    ]
    for name in sorted(scaling):
        one = scaling[name]
        points = ", ".join(f"{p['label']}: {p['seconds']:.2f}" for p in one["points"])
        fit = one["fit"]
        lines.append(
            f"| {one['words']} | {points} | {fit['offset_s']:.2f} s + {fit['slope_s']:.3g} s × "
            f"{one['unit']} | {100 * fit['worst']:.0f} % |"
        )
    return "\n".join(lines)


def _memory(document: Json) -> str:
    memory = document.get("memory")
    if memory is None:
        return ""
    points = ", ".join(f"{p['seconds']:.0f} s: {p['peak_mib']:.0f} MiB" for p in memory["points"])
    return (
        f"Peak memory of a whole audit with `embedded`, {memory['words']}: {points}; the longest "
        f"takes {100 * memory['growth']:+.1f} % against the shortest."
    )


def _gpu(document: Json) -> str:
    gpu = document.get("gpu")
    if gpu is None or not gpu["ran"]:
        return "GPU: not run"
    lines = [
        f"GPU: {gpu['name']}, CUDA {gpu['cuda']}.",
        "",
        "| restoration stage | batch | faces a second | share of the roofline |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['precision']} | {row['batch']} | {row['faces_per_s']:.0f} | "
        f"{100 * row['roofline']:.0f} % |"
        for row in gpu["restore"]
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------- the page


def filled(page: str, document: Json) -> str:
    """The page with its table as the document gives it. Raises ``ValueError`` without the marks."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"the page must hold {BEGIN!r} and {END!r} once each")
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n\n{table(document)}\n\n{END}{tail}"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--write", type=Path)
    way.add_argument("--check", type=Path)
    chosen = parser.parse_args()
    path: Path = chosen.write or chosen.check
    page = path.read_text("utf-8")
    due = filled(page, read())
    if chosen.write:
        path.write_text(due, "utf-8")
        return 0
    if due != page:
        print(f"{path} is not what benchmarks/latest.json gives; run 'make docs'")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
