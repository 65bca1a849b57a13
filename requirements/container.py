"""Lists for the container image: the core list, with PyTorch's CUDA parts or without them.

Standard library alone.  ``python requirements/container.py cuda`` prints the core list as it is.
``cpu`` prints it without PyTorch and without what only PyTorch's CUDA build asks for; ``cpu-torch``
prints the two packages that are then installed from PyTorch's own builds for processors, in the
versions of the list.  Those two are not pinned by hash: their files are not the ones listed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from bootstrap import LOCKS, lock_blocks

TORCH = ("torch", "torchvision")
CUDA = re.compile(r"(nvidia|cuda)-[\w.-]+|triton")


def without_cuda(lock: str) -> str:
    """The list without PyTorch and the packages of its CUDA build."""
    blocks = [(name, text) for name, text, _ in lock_blocks(lock) if name not in TORCH]
    kept = [text for name, text in blocks if not CUDA.fullmatch(name)]
    return "\n".join(kept) + "\n"


def torch_versions(lock: str) -> list[str]:
    """``torch==X`` and ``torchvision==Y`` as the list has them."""
    return [text.split(" ")[0] for name, text, _ in lock_blocks(lock) if name in TORCH]


def main(argv: Sequence[str]) -> int:
    """Command line: one word, cpu, cpu-torch or cuda."""
    lock = (LOCKS / "core.txt").read_text(encoding="utf-8")
    made = {
        "cuda": lambda: lock,
        "cpu": lambda: without_cuda(lock),
        "cpu-torch": lambda: "\n".join(torch_versions(lock)) + "\n",
    }
    if len(argv) != 1 or argv[0] not in made:
        sys.stderr.write("one word: cpu, cpu-torch or cuda\n")
        return 2
    sys.stdout.write(made[argv[0]]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
