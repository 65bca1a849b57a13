"""Make the traces network: ``python -m training.traces --data DIR --out RUN``.

Films the samples, trains, measures on `fit`, on `val` and on the official GFPGAN's pictures, and
writes weights, card, curve and contact sheet.  What lies in RUN already is not made again, and a
stopped training goes on.  About an hour and a half on two cores.  The limit stands in
``forensics/scoring/tables/thresholds.json``; a test holds card and table together.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import torch

from training.traces import config
from training.traces.export import export
from training.traces.samples import Sample, film, film_test, keep, kept, real, recorded
from training.traces.train import train

TRAIN_SEED, VAL_SEED, FIT_SEED, CLIP_SEED, FIT_TEST_SEED = 1, 2, 3, 5, 4
SHARES = 2  # parts of the training people, which two processes may film at the same time


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.traces", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True, help="samples, checkpoint and log")
    parser.add_argument("--film", choices=sorted(_sets(Path())), help="film one set and stop")
    parser.add_argument("--hours", type=float, default=3.0, help="stop the training after so long")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    sets = _sets(args.data)
    for name in [args.film] if args.film else sets:
        if not (args.out / f"{name}.u8").exists():
            keep(args.out / f"{name}.u8", sets[name]())
    if args.film:
        return
    given = {name: kept(args.out / f"{name}.u8") for name in sets}
    trained = [one for name in given if name.startswith(("train", "clips")) for one in given[name]]
    train(trained, args.out, args.hours)
    fit = [*given["fit"], *given["fit_test"]]
    print(
        json.dumps(export(args.data, args.out, trained, fit, given["val"], given["real"]), indent=1)
    )


def _sets(data: Path) -> dict[str, Callable[[], Iterator[Sample]]]:
    """Each set by name, not yet filmed."""
    made: dict[str, Callable[[], Iterator[Sample]]] = {}
    for k in range(SHARES):
        made[f"train{k}"] = lambda k=k: film(  # type: ignore[misc]
            data, ("train",), TRAIN_SEED, config.SCENES, (k, SHARES)
        )
    return made | {
        "clips": lambda: recorded(data, CLIP_SEED),
        "fit": lambda: film(data, ("fit",), FIT_SEED, 2),
        "fit_test": lambda: film_test(data, ("fit",), FIT_TEST_SEED),
        "val": lambda: film_test(data, ("val",), VAL_SEED),
        "real": lambda: real(data),
    }


if __name__ == "__main__":
    main()
