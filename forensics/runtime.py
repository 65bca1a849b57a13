"""Runtime: the device as a resolved value, and the switches that make a run repeatable."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.errors import EnvironmentLacks

if TYPE_CHECKING:
    import torch


def resolve_device(wanted: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N`` as a device that exists.

    Raises `EnvironmentLacks` (5) when a GPU was asked for and is absent.
    """
    import torch

    if wanted == "cpu":
        return torch.device("cpu")
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        raise EnvironmentLacks(
            f"--device {wanted}: no GPU that torch can use was found", "Use --device cpu."
        )
    device = torch.device(wanted)
    if device.index is not None and device.index >= torch.cuda.device_count():
        raise EnvironmentLacks(
            f"--device {wanted}: this machine has {torch.cuda.device_count()} GPU(s)",
            "GPUs are counted from 0.",
        )
    return device


def make_repeatable() -> None:
    """fp32, deterministic algorithms, both TF32 switches off (cudnn's is on by default)."""
    # cuBLAS reads this when its first handle is made.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.use_deterministic_algorithms(True)
    # It would fill every fresh tensor with NaN first: a tenth of the time of a large network, and
    # no network here reads what it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # set up late
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def numeric_facts() -> dict[str, str | int | bool | None]:
    """Switches and devices that decide bits, for the environment record.

    Empty while torch has not been imported, so that asking never loads it.
    """
    if "torch" not in sys.modules:
        return {}
    import torch

    has_gpu = torch.cuda.is_available()
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "cudnn_allow_tf32": torch.backends.cudnn.allow_tf32,
        "matmul_allow_tf32": torch.backends.cuda.matmul.allow_tf32,
        "cublas_workspace_config": os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        "cuda": torch.version.cuda,
        "gpu": torch.cuda.get_device_name(0) if has_gpu else None,
        "gpus": torch.cuda.device_count() if has_gpu else 0,
        "gpu_capability": ".".join(map(str, torch.cuda.get_device_capability(0)))
        if has_gpu
        else None,
        "gpu_driver": _gpu_driver(),
        "cudnn": _cudnn_version() if has_gpu else None,
        "mkldnn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call] # torch's
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
    }


def _cudnn_version() -> int | None:
    """The version of cuDNN that torch has loaded, like 91200."""
    import torch

    found = torch.backends.cudnn.version()  # type: ignore[no-untyped-call] # torch's
    return None if found is None else int(found)


def _gpu_driver() -> str | None:
    """The NVIDIA driver's own line of its version; None without one."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text("utf-8", "replace")
    except OSError:
        return None
    return text.splitlines()[0].removeprefix("NVRM version: ").strip() if text else None
