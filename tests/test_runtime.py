"""Devices are resolved, not hoped for; the switches of a repeatable run are on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from forensics.errors import EnvironmentLacks
from forensics.runtime import make_repeatable, numeric_facts, resolve_device


def test_cpu_is_cpu() -> None:
    assert resolve_device("cpu").type == "cpu"


def test_auto_is_what_torch_can_use() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_an_absent_gpu_is_exit_5_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EnvironmentLacks, match="no GPU") as lacks:
        resolve_device("cuda:0")
    assert lacks.value.exit_code == 5
    assert "--device cpu" in lacks.value.hint


def test_gpu_number_out_of_range_is_exit_5(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(EnvironmentLacks, match="1 GPU"):
        resolve_device("cuda:3")
    assert resolve_device("cuda:0").index == 0


def test_switches_are_on_and_recorded() -> None:
    make_repeatable()
    facts = numeric_facts()
    assert facts["deterministic_algorithms"] is True
    assert facts["cudnn_allow_tf32"] is False
    assert facts["matmul_allow_tf32"] is False
    assert facts["torch"] == torch.__version__


def test_the_command_line_lets_waiting_threads_sleep() -> None:
    """Set before torch is loaded, and never over what the user set."""
    ask = "import forensics.cli, os, sys; "
    ask += "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    usual = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    for given, expected in (({}, "PASSIVE False"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE False")):
        done = subprocess.run(
            [sys.executable, "-c", ask],
            env={**usual, **given},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected
