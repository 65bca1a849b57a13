"""The machine and what it can do at most: versions, instruction sets, measured matrix products."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch

PACKAGES = ("torch", "torchvision", "gfpgan", "realesrgan", "basicsr", "facexlib", "spandrel")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")
PEAK_SIDE, PEAK_RUNS = 2048, 5


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    cpu = _cpuinfo()
    gpu = torch.cuda.is_available()
    return {
        "cpu": cpu.get("model name", platform.processor()),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "cpu_flags": [f for f in FLAGS if f in cpu.get("flags", "").split()],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "gpu": torch.cuda.get_device_name(0) if gpu else None,
        "cuda": torch.version.cuda if gpu else None,
        "versions": _versions(),
    }


def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {k.strip(): v.strip() for k, v in pairs}


def _versions() -> dict[str, str]:
    out = {"cv2": cv2.__version__, "numpy": np.__version__, "av": av.__version__}
    for name in PACKAGES:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "absent"
    return dict(sorted(out.items()))


def peak_tflops(device: torch.device, dtype: torch.dtype, side: int = PEAK_SIDE) -> float:
    """Best of several square matrix products: what the roofline shares are taken of.

    A measured roof, not a vendor's: a share above 100 % would mean that convolutions found a
    faster way than this product.
    """
    a = torch.randn((side, side), device=device, dtype=dtype)
    b = torch.randn((side, side), device=device, dtype=dtype)
    seconds = []
    for _ in range(PEAK_RUNS + 1):
        start = now(device)
        _ = a @ b
        seconds.append(now(device) - start)
    return 2 * side**3 / min(seconds[1:]) / 1e12


def now(device: torch.device) -> float:
    """Seconds; on a GPU after everything queued so far is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def spread(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {
        "min": min(values),
        "median": statistics.median(values),
        "max": max(values),
        "n": len(values),
    }
