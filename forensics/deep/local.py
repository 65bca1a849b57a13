"""Deep checks, local files: paths that a decoder can open, for a folder and for a ZIP alike.

A folder's files are used where they lie.  From a ZIP, whose names were checked before, single files
are copied under names of our own into a private temporary folder that is removed afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from forensics.evidence.archive_tree import ArchiveTree
from forensics.evidence.tree import Tree

Local = Callable[[str], Path]
_RENDERED = (
    "data/audit.json",
    "data/frames.jsonl",
    "data/faces.jsonl",
    "data/run/environment.json",
)
_FIGURES = (
    "data/cropped_faces/",
    "data/restored_faces/",
    "data/maps/",
    "data/alternatives/",
    "data/viewer/",
)


@contextmanager
def local_files(tree: Tree) -> Iterator[Local]:
    """A function from a tree's path to a path on disk, good inside the ``with`` block."""
    if not isinstance(tree, ArchiveTree):
        yield lambda path: tree.root / path
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forensics-")))

        def copied(path: str) -> Path:
            target = folder / f"file{len(list(folder.iterdir()))}{PurePosixPath(path).suffix}"
            copy_file(tree, path, target)
            return target

        yield copied


@contextmanager
def local_data(tree: Tree) -> Iterator[Path]:
    """The data folder with all that a report is drawn from."""
    if not isinstance(tree, ArchiveTree):
        yield tree.root / "data"
        return
    with tempfile.TemporaryDirectory(prefix="forensics-") as name:
        root = Path(name)
        for path in sorted(tree.files):
            if path in _RENDERED or path.startswith(_FIGURES):
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                copy_file(tree, path, target)
        yield root / "data"


def copy_file(tree: Tree, path: str, target: Path) -> None:
    """One file of a tree, streamed to a new file."""
    with tree.open(path) as source, target.open("xb") as sink:
        shutil.copyfileobj(source, sink, 2**20)
