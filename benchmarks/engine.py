"""Benchmark: the native engine against unmodified upstream, same clip, same machine, in turn.

``python -m benchmarks.engine`` (``make bench``) prints what it will do and how long that takes,
runs, prints the table and writes ``benchmarks/latest.json``; `benchmarks.speed.document` makes the
page in docs/ of it.  ``--cases faces x2 length ...`` runs parts, which are put into the JSON that
is there when machine and versions are the same.  Weights are random at official size: the time of
a network does not depend on their values.  Both sides run their own detector, and then use the
same forced faces.  ``--smoke`` tries the machinery on tiny pictures and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import document, gpu, memory, roofline, scaling
from benchmarks.speed.cases import Group, Rounds, groups, run_group
from benchmarks.speed.clip import SIZES
from benchmarks.speed.machine import machine, peak_tflops, spread
from benchmarks.speed.weights import Weights, make_weights

USUAL = ("faces", "x2", "length", "faces-a-frame", "size", "gpu")
SLOW = ("memory",)  # half an hour; asked for by name
DTYPES = {"exact": "float32", "fast": "bfloat16"}
AXES = {"length": "length", "faces-a-frame": "faces", "size": "size"}
LOADING_S = 25


def main() -> int:
    """Plan, run, print, write."""
    options = _options()
    cases = tuple(options.cases or USUAL)
    print(_plan(cases, options.smoke), flush=True)
    if options.plan:
        return 0
    deadline = time.monotonic() + 60 * options.minutes
    device = torch.device(options.device)
    part: document.Json = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "device": str(device),
        "cases": {},
        "scaling": {},
    }
    if cases != SLOW:
        part["peak_tflops"] = {
            name: peak_tflops(device, getattr(torch, name)) for name in DTYPES.values()
        }
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = options.weights or Path(scratch) / "weights"
        weights = Weights(folder) if cases == SLOW else make_weights(folder.resolve())
        _run(cases, options.smoke, deadline, weights, device, Path(scratch), part)
        if "memory" in cases:
            usual = memory.SMOKE_LENGTHS_S if options.smoke else memory.LENGTHS_S
            lengths = tuple(options.clip_seconds or usual)
            size = "tiny" if options.smoke else "360p"
            part["memory"] = memory.measure(Path(scratch), lengths, size, _say)
    _print(part)
    if not options.smoke:
        document.write(document.merge(document.read(options.json), part), options.json)
        print(f"written: {options.json}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=USUAL + SLOW, help="parts to run")
    parser.add_argument("--minutes", type=float, default=60.0, help="no round begins after this")
    parser.add_argument("--smoke", action="store_true", help="tiny pictures, nothing is written")
    parser.add_argument("--plan", action="store_true", help="print the expected time and stop")
    parser.add_argument(
        "--clip-seconds", type=int, nargs="+", help="lengths of the clips of `memory`"
    )
    parser.add_argument("--weights", type=Path, help="keep the made weights here for further runs")
    parser.add_argument("--json", type=Path, default=document.LATEST)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def _plan(cases: tuple[str, ...], smoke: bool) -> str:
    """What will run and the seconds to expect on two cores with AMX."""
    expected = {g.name: g.expected_s(smoke) for g in groups(smoke)}
    growth = {g.name: g.expected_s for g in scaling.growths(smoke)}
    expected |= {name: 20 if smoke else growth[axis] for name, axis in AXES.items()}
    expected |= {"gpu": 60 if torch.cuda.is_available() else 0, "memory": 60 if smoke else 1800}
    chosen = {name: expected[name] for name in cases}
    total = sum(chosen.values()) + LOADING_S
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in chosen.items())
    return f"Expected on two cores with AMX: {total / 60:.0f} minutes ({parts}, loading)."


def _run(
    cases: tuple[str, ...],
    smoke: bool,
    deadline: float,
    weights: Weights,
    device: torch.device,
    scratch: Path,
    part: document.Json,
) -> None:
    def load(name: str, with_background: bool) -> Any:
        return contestant(name, weights, with_background, device)

    for group in groups(smoke):
        if group.name in cases:
            _say(f"{group.words}, {group.size}, {_faces(group.faces)}:")
            rounds = run_group(group, load, scratch, deadline, _say)
            part["cases"] |= _cases_of(group, rounds, part["peak_tflops"])
    axes = [g for g in scaling.growths(smoke) if _case_of(g.name) in cases]
    if axes:
        runner = load("ours-fast", False)
        for growth in axes:
            if time.monotonic() + growth.expected_s > deadline:
                _say(f"  {growth.name}: left out, the time allowed is up")
                continue
            part["scaling"][growth.name] = scaling.measure(growth, runner, scratch, _say)
    if "gpu" in cases:
        part["gpu"] = gpu.measure(weights, _restorer, _say)


def _say(line: str) -> None:
    print(line, flush=True)


def contestant(name: str, weights: Weights, with_background: bool, device: torch.device) -> Any:
    """One column of the table, loaded."""
    if name.startswith("ours"):
        from benchmarks.speed.ours import Ours

        return Ours.load(
            weights, with_background, "exact" if name == "ours-exact" else "fast", device
        )
    from benchmarks.speed.upstream import Upstream

    return Upstream.load(
        weights, with_background, "one-line" if name == "one-line" else "shipped", device
    )


def _restorer(model: Any, device: torch.device, precision: str) -> Any:
    from forensics.restore.choose import load_restorer

    return load_restorer(
        model, device, precision="exact" if precision == "exact" else "fast", noise="stored"
    )


def _case_of(axis: str) -> str:
    return next(case for case, name in AXES.items() if name == axis)


def _cases_of(group: Group, rounds: Rounds, peaks: dict[str, float]) -> document.Json:
    """Two cases of a group: ours exact and ours fast, against the same runs of upstream."""
    out: document.Json = {}
    for precision in ("exact", "fast"):
        ours = f"ours-{precision}"
        if not rounds.times(ours):
            continue
        size = SIZES[group.size]
        upstream = roofline.gflop(size, group.faces, group.with_background, roofline.PARSENET_FACE)
        own = roofline.gflop(size, group.faces, group.with_background, roofline.BISENET_FACE)
        stages = {
            "upstream": rounds.stage_medians("upstream"),
            "one_line": rounds.stage_medians("one-line"),
            "ours": rounds.stage_medians(ours),
        }
        out[f"{group.name}-{precision}"] = {
            "words": f"{group.size}, {_faces(group.faces)}, {group.words}, `{precision}`",
            "upstream_s": spread(rounds.times("upstream")),
            "one_line_s": spread(rounds.times("one-line")),
            "ours_s": spread(rounds.times(ours)),
            "ratio": spread(rounds.ratios("upstream", ours)),
            "ratio_one_line": spread(rounds.ratios("one-line", ours)),
            "stages": stages,
            "roofline": {
                "upstream": _share(upstream, stages["upstream"], peaks["float32"]),
                "one_line": _share(upstream, stages["one_line"], peaks["bfloat16"]),
                "ours": _share(own, stages["ours"], peaks[DTYPES[precision]]),
            },
            "stopped": rounds.stopped,
        }
    return out


def _faces(count: int) -> str:
    return f"{count} face{'' if count == 1 else 's'}"


def _share(work: dict[str, float], stages: dict[str, float], peak: float) -> float | None:
    """Of the peak, while the networks ran."""
    seconds = sum(stages.get(name, 0.0) for name in work)
    return roofline.share(sum(work.values()), seconds, peak) if seconds else None


def _print(part: document.Json) -> None:
    print()
    print(document.table(part))
    print()
    print(json.dumps({k: v for k, v in part.items() if k in ("peak_tflops", "date")}))


if __name__ == "__main__":
    sys.exit(main())
