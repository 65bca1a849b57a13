"""The restoration stage alone on a GPU: faces a second by number format and batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.speed.machine import now, peak_tflops, spread
from benchmarks.speed.roofline import GFPGAN_FACE, share
from benchmarks.speed.weights import GFPGAN, Weights
from forensics.models.load import LoadedModel

BATCHES = (1, 2, 4, 8, 16)
FACES, RUNS = 64, 5
NOT_RUN = "GPU: not run"
Load = Callable[[LoadedModel, torch.device, str], Any]


def measure(weights: Weights, load: Load, say: Callable[[str], None]) -> dict[str, Any]:
    """fp32, TF32 and bf16; says that nothing ran where there is no CUDA device."""
    if not torch.cuda.is_available():
        say(f"  {NOT_RUN}")
        return {"ran": False, "words": NOT_RUN}
    device = torch.device("cuda")
    crops = list(np.random.default_rng(0).integers(0, 255, (FACES, 512, 512, 3), np.uint8))
    rows = []
    model = weights.load(GFPGAN)
    for name, precision, tf32, dtype in (
        ("fp32", "exact", False, torch.float32),
        ("TF32", "exact", True, torch.float32),
        ("bf16", "fast", False, torch.bfloat16),
    ):
        restorer = load(model, device, precision)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
        peak = peak_tflops(device, dtype, side=8192)
        batch = int(restorer.facts.batch_size)
        seconds = []
        for _ in range(RUNS + 1):
            start = now(device)
            restorer.restore(crops)
            seconds.append(now(device) - start)
        timing = spread([FACES / s for s in seconds[1:]])
        rows.append(
            {
                "precision": name,
                "batch": batch,
                "faces_per_s": timing["median"],
                "spread": timing,
                "roofline": share(GFPGAN_FACE * FACES, FACES / timing["median"], peak),
            }
        )
        say(f"  {name}, batch {batch}: {timing['median']:.1f} faces a second")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return {
        "ran": True,
        "name": torch.cuda.get_device_name(0),
        "cuda": torch.version.cuda,
        "restore": rows,
    }
