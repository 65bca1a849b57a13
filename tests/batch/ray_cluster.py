"""Run as a program: one batch on a real Ray with several nodes, one of them killed on the way.

``python ray_cluster.py SOURCES OUT KILL``: every file of SOURCES is an item, bundles go to OUT;
with KILL ``kill`` a node is ended as soon as items run on two.  Prints one JSON document.  A
program of its own, because Ray asks the network for this machine's address, which tests forbid.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from forensics.batch.ray_fleet import RayFleet, Wish
from forensics.batch.ray_runner import RayRunner
from forensics.batch.runner import Finished, Order, Started, Task
from forensics.config import Settings
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchItem

SIGNER = "ab" * 32
ATTEMPTS = 5
STORE = {"object_store_memory": 100 * 2**20}


def main() -> None:
    """See the module."""
    sources, out, kill = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "kill"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    scratch = out.with_name("scratch")  # a killed node cannot clear up behind itself
    (scratch / "ray").mkdir(parents=True)  # where Ray notes the address of its cluster
    os.environ["TMPDIR"] = str(scratch)
    folder = tempfile.mkdtemp(prefix="fray-", dir="/tmp")  # sockets need short paths
    import ray

    try:
        cluster, nodes = _cluster(folder)
        try:
            ray.init(address=cluster.address, log_to_driver=False)
            said = _batch(sources, out, cluster if kill else None, nodes)
        finally:
            ray.shutdown()
            cluster.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    json.dump(said, sys.stdout)


def _cluster(folder: str) -> tuple[Any, list[Any]]:
    """A head that does no items and two nodes; a busy machine may need more than one attempt."""
    from ray.cluster_utils import Cluster

    for attempt in range(1, ATTEMPTS + 1):
        cluster = Cluster()
        try:
            cluster.add_node(num_cpus=0, temp_dir=folder, include_dashboard=False, **STORE)
            return cluster, [cluster.add_node(num_cpus=1, **STORE) for _ in range(2)]
        except Exception as error:
            cluster.shutdown()
            if attempt == ATTEMPTS:
                raise
            sys.stderr.write(f"once more: {error}\n")
    raise AssertionError("unreachable")


def _batch(sources: Path, out: Path, cluster: Any, nodes: list[Any]) -> dict[str, Any]:
    """Do the items; with ``cluster``, end a node of it as soon as items run on both."""
    told: list[tuple[str, int, str]] = []
    results = []
    killed = None
    items = [BatchItem(path.stem, path, None, path.name) for path in sorted(sources.iterdir())]
    tasks = [Task(item, out / item.id) for item in items]
    order = Order(Settings(format="html", device="cpu"), Signing(elsewhere=(SIGNER,)), threads=1)
    runner = RayRunner(lambda: RayFleet(Wish(None, None, 1, gpus=False)), None)
    for event in runner.run(tasks, order):
        if isinstance(event, Finished):
            results.append(event.result.model_dump(mode="json"))
        elif isinstance(event, Started):
            told.append((event.id, event.attempt, event.worker))
            if cluster and killed is None and len({worker for _, _, worker in told}) == 2:
                killed = event.id
                lost = event.worker.rsplit(" ", 1)[1]
                (gone,) = [node for node in nodes if node.node_id.startswith(lost)]
                cluster.remove_node(gone, allow_graceful=False)
    return {"results": results, "told": told, "killed": killed, "workers": runner.workers}


if __name__ == "__main__":
    main()
