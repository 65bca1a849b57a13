"""Run as a program: one batch on a real Ray with several nodes, one of them killed on the way.

``python ray_cluster.py SOURCES OUT KILL``: every file of SOURCES is an item, bundles go to OUT;
with KILL ``kill`` a node is ended as soon as items run on two.  Prints one JSON document.  A
program of its own, because Ray asks the network for this machine's address, which tests forbid.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from forensics.batch.ray_fleet import RayFleet, Wish
from forensics.batch.ray_runner import RayRunner
from forensics.batch.runner import Finished, Order, Started, Task
from forensics.config import Settings
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchItem

SIGNER = "ab" * 32


def main() -> None:
    """See the module."""
    sources, out, kill = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "kill"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    began = time.monotonic()
    scratch = out.with_name("scratch")  # a killed node cannot clear up behind itself
    (scratch / "ray").mkdir(parents=True)  # where Ray notes the address of its cluster
    os.environ["TMPDIR"] = str(scratch)
    folder = tempfile.mkdtemp(prefix="fray-", dir="/tmp")
    node = {"object_store_memory": 100 * 2**20, "include_dashboard": False}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "temp_dir": folder, **node}
    )
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False)
    told: list[tuple[str, int, str]] = []
    results = []
    killed = None
    up = time.monotonic()
    try:
        items = [BatchItem(path.stem, path, None, path.name) for path in sorted(sources.iterdir())]
        tasks = [Task(item, out / item.id) for item in items]
        order = Order(
            Settings(format="html", device="cpu"), Signing(elsewhere=(SIGNER,)), threads=1
        )
        runner = RayRunner(lambda: RayFleet(Wish(None, None, 1, gpus=False)), None)
        for event in runner.run(tasks, order):
            if isinstance(event, Started):
                told.append((event.id, event.attempt, event.worker))
                if kill and killed is None and len({worker for _, _, worker in told}) == 2:
                    killed = event.id
                    lost = event.worker.rsplit(" ", 1)[1]
                    (gone,) = [n for n in nodes if n.node_id.startswith(lost)]
                    cluster.remove_node(gone, allow_graceful=False)
            elif isinstance(event, Finished):
                results.append(event.result.model_dump(mode="json"))
        workers = runner.workers
    finally:
        ray.shutdown()
        cluster.shutdown()
    json.dump(
        {
            "results": results,
            "told": told,
            "killed": killed,
            "workers": workers,
            "up_s": round(up - began, 1),
            "work_s": round(time.monotonic() - up, 1),
            "folder": folder,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
