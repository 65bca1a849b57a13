"""Export of the detector: EMA weights into the package, and the model card beside them.

``python -m training.detector.card --run OUT --packs PACKS [--figures FILE --every-frame FILE]``;
figures are what ``python -m benchmarks.detection --out FILE`` measured, without and with
``--every-frame``. The curve goes to ``training/detector/``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import torch

from forensics.models.load import EMBEDDED
from training.detector.backgrounds import PICTURES
from training.detector.config import Config
from training.portraits import LISTS

CURVE = Path(__file__).parent / "curve.csv"
PACKS = ("train_256.json", "points_train.json", "meshes_train.npz", "hands_train.npz")
LIMITS = (
    "Trained on about 500 people in official portraits, pasted and turned by rendering, and on "
    "three signers. The turned heads are pictures of a shape fitted to a portrait: hair and the "
    "back of the head are made up, and the points of a hidden eye follow from the geometry.",
    "On every frame of the held-out clips, not a share of them, it is below its bar: in the dark "
    "one a sixth of the faces are missed, most of them dark and out of focus, cut off by the rim "
    "or behind another head; upside down, below 10 px between the eyes or heavily covered, faces "
    "are often missed. That nothing is found does not mean that nobody is there.",
    "Distilled from the official RetinaFace mobile0.25: it inherits the blind spots of that net "
    "and of YuNet, which judges it. A head that this teacher cannot see was not taught as a face.",
    "The score, a mean over two views of the frame, is no probability; its threshold was chosen on "
    "footage outside the tests, the views among several when the tests' figures were known.",
    "The three signers of the training clips may also appear in the held-out signer clips.",
)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def card(run: Path, packs: Path, weights: Path, figures: dict[str, object]) -> dict[str, object]:
    """Everything about the weights, as plain values."""
    scenes = json.loads((run / "scenes" / "scenes.json").read_text("utf-8"))
    step = int(torch.load(run / "last.pt", map_location="cpu", weights_only=True)["step"])
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    lists = ("fit.txt", "cal.txt", "clips_train.txt", "clips_test.txt")
    return {
        "name": "embedded-detector",
        "version": "0.2.0",
        "role": "detector",
        "licence": "Apache-2.0",
        "sha256": sha256_of(weights),
        "architecture": {
            "class": "facexlib.detection.retinaface.RetinaFace",
            "arguments": {"network_name": "mobile0.25"},
            "parameters": 426608,
            "input": "BGR minus (104, 117, 123), float32",
            "weights": "float32, moving mean of the run",
        },
        "data": {
            "people": scenes["people"],
            "photos": scenes["photos"],
            "sets": [
                {
                    "name": "us_congress_118, us_congress_2015_225x275 (train people)",
                    "licence": "public domain (US Government Printing Office)",
                },
                {
                    "name": "london_neutral, london_smiling (train people)",
                    "licence": "CC BY 4.0, DeBruine and Jones 2017, "
                    "doi 10.6084/m9.figshare.5047666",
                },
                {"name": "cc0_* (train people)", "licence": "CC0"},
                {
                    "name": "intel/asl_gestures, clips of clips_train.txt",
                    "licence": "CC BY 4.0, Intel",
                },
                {
                    "name": "scikit-image data: " + ", ".join(PICTURES),
                    "licence": "as stated in scikit-image's data folder; faces in none",
                },
            ],
            "lists_sha256": {name: sha256_of(LISTS / name) for name in lists},
            "pack_sha256": {name: sha256_of(packs / name) for name in PACKS},
            "scenes_sha256": scenes["shards"],
            "teachers": [
                "YuNet n and s (BSD-3-Clause): boxes and points",
                "official RetinaFace mobile0.25 (MIT, facexlib release): dense classes, boxes and "
                "feature maps; its weights were not used as initialisation",
                "MediaPipe 0.10.21 (Apache-2.0): face mesh and person mask that give the turned "
                "heads their shape, hands cut out of the training clips; it labels nothing",
            ],
        },
        "recipe": {
            "command": "python -m training.detector --data ../shared/data --packs PACKS --out OUT",
            "config": Config().as_dict(),
            "seed": Config.seed,
            "steps_done": step,
            "commit": commit,
            "torch": torch.__version__,
            "device": "CPU, one thread",
            "curve": "training/detector/curve.csv",
            "as_run": "The third cycle was planned for 8,000, 12,000, then 10,000 steps while it "
            "ran, so its rate did not fall by one cosine: a rerun gives a net of the same kind, "
            "not the same bits. The fourth ran in one piece from the end of the third. The fifth "
            "began from the fourth's exported weights and was planned for 10,000 steps in its "
            "first 1,500. Its scenes were painted anew on another machine, where the same code and "
            "packs gave other bytes for shards 3 to 5 than the fourth had drawn from (these "
            "digests are in version 0.1.0 of this card).",
            "contact_sheet": "training/detector/contact_sheet.jpg",
        },
        "figures": figures,
        "limits": list(LIMITS),
    }


def export(run: Path, packs: Path, figures: dict[str, object], into: Path = EMBEDDED) -> Path:
    """Copy weights and curve, write the card; the files are swapped in together."""
    into.mkdir(parents=True, exist_ok=True)
    weights = into / "detector.part"
    shutil.copyfile(run / "detector.safetensors", weights)
    text = json.dumps(card(run, packs, weights, figures), indent=1) + "\n"
    draft = into / "detector.json.part"
    draft.write_text(text, "utf-8")
    weights.replace(into / "detector.safetensors")
    draft.replace(into / "detector.json")
    shutil.copyfile(run / "curve.csv", CURVE)
    return into / "detector.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--packs", type=Path, required=True)
    parser.add_argument("--figures", type=Path, help="JSON of benchmarks.detection")
    parser.add_argument("--every-frame", type=Path, help="the same with --every-frame")
    args = parser.parse_args()
    figures = json.loads(args.figures.read_text("utf-8")) if args.figures else {}
    if args.every_frame:
        figures["every_frame"] = json.loads(args.every_frame.read_text("utf-8"))["clips"]
    print(export(args.run, args.packs, figures or {"state": "interim weights, not measured"}))


if __name__ == "__main__":
    main()
