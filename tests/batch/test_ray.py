"""Ray, the real one: nodes on this machine, one killed on the way; the local runner's results.

Slow and heavy: Ray takes about 1.5 GB and each worker with its networks 1 GB.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from forensics import verify
from forensics.batch.local import LocalRunner
from forensics.batch.runner import Finished, Order, Task
from forensics.config import Settings
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchItem
from tests.batch.ray_cluster import SIGNER
from tests.bundle_checks import same_result, validate_bundle

PROGRAM = Path(__file__).with_name("ray_cluster.py")


@dataclass(frozen=True)
class Ran:
    """What came of the program: its document, and where the bundles are."""

    said: dict[str, Any]
    out: Path
    results: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def sources(two_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four small pictures, two of them with faces, and a broken one."""
    import av

    folder = tmp_path_factory.mktemp("ray") / "sources"
    folder.mkdir()
    with av.open(str(two_people)) as container:
        frame = next(container.decode(video=0)).to_image()
    half = frame.width // 2
    frame.crop((0, 0, half, frame.height)).save(folder / "left.png")
    frame.crop((half, 0, frame.width, frame.height)).save(folder / "right.png")
    noise = np.random.default_rng(3).integers(0, 255, (2, 60, 80, 3), dtype=np.uint8)
    Image.fromarray(noise[0]).save(folder / "noise_a.png")
    Image.fromarray(noise[1]).save(folder / "noise_b.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    return folder


@pytest.fixture(scope="session")
def killed(sources: Path) -> Ran:
    """The batch on Ray, with a node killed while an item runs on it."""
    pytest.importorskip("ray", reason="extra 'cluster' is not installed")
    out = sources.with_name("OUT")
    out.mkdir()
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(sources), str(out), "kill"],
        capture_output=True,
        text=True,
        timeout=540,
        cwd=PROGRAM.parents[2],
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    said = json.loads(done.stdout.splitlines()[-1])
    return Ran(said, out, {result["id"]: result for result in said["results"]})


@pytest.fixture(scope="session")
def local(sources: Path) -> Ran:
    """The same batch by the local runner."""
    out = sources.with_name("LOCAL")
    out.mkdir()
    tasks = [
        Task(BatchItem(path.stem, path, None, path.name), out / path.stem)
        for path in sorted(sources.iterdir())
    ]
    order = Order(Settings(format="html", device="cpu"), Signing(elsewhere=(SIGNER,)), threads=1)
    events = LocalRunner(1).run(tasks, order)
    found = [e.result.model_dump(mode="json") for e in events if isinstance(e, Finished)]
    return Ran({}, out, {result["id"]: result for result in found})


@pytest.mark.slow
def test_a_killed_node_loses_no_item(killed: Ran, sources: Path) -> None:
    names = {path.stem for path in sources.iterdir()}
    assert Counter(r["id"] for r in killed.said["results"]) == Counter(names)
    assert killed.said["workers"] == 2
    lost = killed.said["killed"]
    assert lost is not None, "no node was killed"
    assert killed.results[lost]["attempts"] >= 2
    assert len({attempt for item, attempt, _ in killed.said["told"] if item == lost}) >= 2
    for name in names - {"broken"}:
        assert killed.results[name]["outcome"] == "done", killed.results[name]["reason"]
        assert validate_bundle(killed.out / name) == []
    assert killed.results["broken"]["outcome"] == "failed"
    assert sorted(p.name for p in killed.out.iterdir()) == sorted(names - {"broken"})


@pytest.mark.slow
def test_results_and_bundles_are_the_local_runners(killed: Ran, local: Ran) -> None:
    assert set(killed.results) == set(local.results)
    for name, result in local.results.items():
        clocks = ("seconds", "attempts", "run", "bundle_sha256", "audit_sha256")
        mine, theirs = killed.results[name], result
        assert {k: v for k, v in mine.items() if k not in clocks} == {
            k: v for k, v in theirs.items() if k not in clocks
        }
        if result["bundle"] is not None:
            assert same_result(killed.out / name, local.out / name) == []


@pytest.mark.slow
def test_bundles_name_the_signer_and_the_driver_signs_them(killed: Ran) -> None:
    """No worker had a key: a bundle without signatures says whose it misses."""
    for name, result in killed.results.items():
        if result["bundle"] is None:
            continue
        audit = json.loads((killed.out / name / "data/audit.json").read_bytes())
        assert audit["run"]["signers"] == [SIGNER]
        assert not (killed.out / name / "signatures").exists()
        assert verify(killed.out / name).exit_code == 4


@pytest.mark.slow
def test_the_command_starts_a_ray_of_its_own_and_leaves_nothing(
    sources: Path, tmp_path: Path
) -> None:
    """One picture: the roll-up says ray, OUT holds no log of Ray, no process and folder stay."""
    pytest.importorskip("ray", reason="extra 'cluster' is not installed")
    temporary = Path(tempfile.mkdtemp(prefix="fr-", dir="/tmp"))
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
    environment |= {"TMPDIR": str(temporary), "HOME": str(home)}
    argv = ["batch", str(sources / "noise_a.png"), "-o", str(tmp_path / "OUT"), "--runner", "ray"]
    argv += ["--workers", "1", "--format", "html", "--device", "cpu", "--json", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "forensics", *argv],
        capture_output=True,
        text=True,
        timeout=400,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    rolled = json.loads(done.stdout)
    assert (rolled["run"]["runner"], rolled["run"]["workers"]) == ("ray", 1)
    assert rolled["counts"]["done"] == 1
    assert verify(tmp_path / "OUT" / "noise_a").exit_code == 0
    assert not [p for p in (tmp_path / "OUT").rglob("*") if "ray" in p.name.lower()]
    assert not list(temporary.glob("fray-*")), "the folder of Ray's logs was left"
    assert not list(temporary.glob("forensics-node-*")), "a node's scratch folder was left"
    assert not list(home.rglob("*ray*")), "Ray wrote into the home folder"
    assert _using(temporary) == []
    shutil.rmtree(temporary)


def _using(folder: Path) -> list[str]:
    """Processes whose command line or environment names ``folder`` (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if str(folder).encode() in text:
            found.append(text[:200].decode(errors="replace"))
    return found
