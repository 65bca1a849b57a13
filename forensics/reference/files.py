"""Reference, files: hands verified weights to code that wants paths, and lets it download nothing.

Upstream takes a path or an address and fetches without comparing a digest.  Here each network's
tensors, whose bytes were hashed when they were loaded, are put into a folder that is removed as
soon as the networks are built.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from forensics.errors import EnvironmentLacks

# Every module of the official packages that holds its own reference to the downloader.
_DOWNLOADERS = ("facexlib.detection", "facexlib.parsing", "gfpgan.utils", "realesrgan.utils")
DETECTOR_FILE = "detection_Resnet50_Final.pth"
PARSER_FILE = "parsing_parsenet.pth"


@contextmanager
def weight_files(states: Mapping[str, dict[str, object]]) -> Iterator[dict[str, Path]]:
    """Write each state under its file name; yields the paths and removes them afterwards.

    While open, upstream's downloader answers with these files, and refuses every other name.
    """
    with tempfile.TemporaryDirectory(prefix="forensics-reference-") as folder:
        paths = {}
        for name, state in states.items():
            paths[name] = Path(folder) / name
            torch.save(state, paths[name])

        def local_file(
            url: str,
            model_dir: str | None = None,
            progress: bool = True,
            file_name: str | None = None,
            save_dir: str | None = None,
        ) -> str:
            name = file_name or url.rsplit("/", 1)[-1]
            if name not in paths:
                raise EnvironmentLacks(
                    f"the official code asked for {name}, which was not handed to it",
                    "Nothing is downloaded while an audit runs; see 'forensics models list'.",
                )
            return str(paths[name])

        modules = [importlib.import_module(name) for name in _DOWNLOADERS]
        before = [module.__dict__["load_file_from_url"] for module in modules]
        try:
            for module in modules:
                module.__dict__["load_file_from_url"] = local_file
            yield paths
        finally:
            for module, downloader in zip(modules, before, strict=True):
                module.__dict__["load_file_from_url"] = downloader
