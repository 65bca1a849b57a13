"""Node: does items on a machine that may not see the driver's disk, and sends their bundles back.

Runs inside an engine's worker process, which keeps its networks loaded.  Promise: an input is read
in place only when its digest is the one the driver took; bundles are made in a scratch folder of
the node and go back piece by piece, so that a worker that is thought dead and is not can write
nothing into OUT.  Knows no engine; `forensics.batch.ray_fleet` makes an actor of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from forensics.batch.execute import execute_item
from forensics.batch.fleet import Beyond, Done, Missing, News, Part, SourceFacts
from forensics.batch.memory import resident_bytes
from forensics.batch.runner import Order, Task
from forensics.errors import ForensicsError, Interrupted
from forensics.record_batch import BatchItem, ItemResult

PART_BYTES = 8 * 2**20
_TICK_S = 0.25
SHIPPED = "shipped"


def source_facts(path: Path) -> SourceFacts:
    """Digest and size of a file, or of all files below a folder by name; OSError without."""
    from forensics.media.container import digest_file

    if not path.is_dir():
        found = digest_file(path)
        return SourceFacts(found.sha256, found.bytes)
    digest, size = hashlib.sha256(), 0
    for file in files_below(path):
        one = digest_file(file)
        name = file.relative_to(path).as_posix().encode("utf-8", "surrogateescape")
        digest.update(one.sha256.encode() + b"  " + name + b"\n")
        size += one.bytes
    return SourceFacts(digest.hexdigest(), size)


def files_below(folder: Path) -> list[Path]:
    """Every file below a folder, in order; another tool's output has folders in it."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def inputs_of(item: BatchItem) -> tuple[Path, ...]:
    """The item's inputs: its source, and the restoration of a pair."""
    return (item.source,) if item.restored is None else (item.source, item.restored)


class Node:
    """One worker. ``argv`` is the driver's command line, which bundles record."""

    def __init__(self, argv: Sequence[str], threads: int, scratch: Path | None = None) -> None:
        sys.argv = list(argv)
        self._threads = threads
        self._scratch = Path(tempfile.mkdtemp(prefix="forensics-node-", dir=scratch))

    def hello(self) -> dict[str, str | None]:
        """Versions of what decides pixels here; the driver compares them with its own."""
        import torch

        from forensics.evidence.environment import pixel_versions

        torch.set_num_threads(self._threads)
        return pixel_versions()

    def take(self, name: str, data: bytes, first: bool) -> None:
        """A piece of an input that is not seen here; ``name`` is a path below one folder."""
        path = self._scratch / SHIPPED / name
        if first:
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb" if first else "ab") as stream:
            stream.write(data)

    def do(
        self, task: Task, order: Order, attempt: int, facts: Sequence[SourceFacts]
    ) -> Iterator[News]:
        """Do an item: `Missing`, or the parts of its bundle and `Done`, or `Beyond`."""
        here = self._here(task.item, facts)
        if here is None:
            yield Missing()
            return
        out = self._scratch / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        try:
            box: list[ItemResult] = []
            own = Task(here, out / task.out.name)
            work = threading.Thread(target=_work, args=(own, order, attempt, box), daemon=True)
            started = time.monotonic()
            work.start()
            while work.is_alive():
                work.join(_TICK_S)
                if (reason := _beyond(order, time.monotonic() - started)) is not None:
                    yield Beyond(reason)
                    return
            (result,) = box
            if result.bundle is not None:
                yield from _parts(out)
            yield Done(_as_given(result, here, task.item))
        finally:
            shutil.rmtree(out, ignore_errors=True)
            shutil.rmtree(self._scratch / SHIPPED, ignore_errors=True)

    def end(self) -> None:
        """Leave nothing behind on this machine."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _here(self, item: BatchItem, facts: Sequence[SourceFacts]) -> BatchItem | None:
        """The item with inputs as they lie here, None when one is not seen.

        Without facts (the driver could not read an input) the path is tried as it is: the audit
        then says what is wrong with it.
        """
        found = []
        for number, (path, expected) in enumerate(zip(inputs_of(item), facts, strict=False)):
            shipped = self._scratch / SHIPPED / str(number) / path.name
            place = next((p for p in (path, shipped) if _is(p, expected)), None)
            if place is None:
                return None
            found.append(place)
        if not found:
            return item
        return replace(item, source=found[0], restored=found[1] if len(found) > 1 else None)


def _is(path: Path, expected: SourceFacts) -> bool:
    try:
        return source_facts(path) == expected
    except (OSError, ForensicsError):
        return False


def _work(task: Task, order: Order, attempt: int, box: list[ItemResult]) -> None:
    try:
        box.append(execute_item(task, order, attempt=attempt))
    except Interrupted:  # the process is being ended; nobody waits for the result
        return


def _beyond(order: Order, seconds: float) -> str | None:
    """Which limit the item under way has crossed."""
    if order.timeout_s is not None and seconds > order.timeout_s:
        return f"it took longer than the {order.timeout_s:g} s that one item may take"
    if order.memory_bytes is not None:
        used = resident_bytes(os.getpid())
        if used is not None and used > order.memory_bytes:
            limit = order.memory_bytes / 2**20
            return f"it needed {used / 2**20:.0f} MiB of memory, more than the {limit:.0f} MiB"
    return None


def _parts(out: Path) -> Iterator[News]:
    """Every file below ``out`` in order; an empty file is one empty part."""
    for path in files_below(out):
        name = path.relative_to(out).as_posix()
        with path.open("rb") as stream:
            data = stream.read(PART_BYTES)
            yield Part(name, data)
            while data := stream.read(PART_BYTES):
                yield Part(name, data)


def _as_given(result: ItemResult, here: BatchItem, given: BatchItem) -> ItemResult:
    """The result in the words of the driver's paths; a reader does not know the node's."""
    pairs = [(str(h), str(g)) for h, g in zip(inputs_of(here), inputs_of(given), strict=True)]

    def words(text: str | None) -> str | None:
        for local, theirs in pairs:
            text = None if text is None else text.replace(local, theirs)
        return text

    return result.model_copy(
        update={n: words(getattr(result, n)) for n in ("reason", "hint", "error")}
    )
