"""The README's picture: the first screen of a report, as chromium shows it.

``python -m benchmarks.picture BUNDLE --out docs/pictures/report.png`` opens the bundle's own
report.html and stores what a reader sees before scrolling, as a PNG of few colours.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

WIDTH_PX, HEIGHT_PX = 1200, 1000
COLOURS = 64  # text and rules; the file is a third of what full colour takes


def take(report: Path, target: Path) -> None:
    """Photograph ``report``. FileNotFoundError without chromium, CalledProcessError otherwise."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise FileNotFoundError("chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH_PX},{HEIGHT_PX}",
            f"--screenshot={shot}",
            report.resolve().as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(shot) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        target.parent.mkdir(parents=True, exist_ok=True)
        few.save(target, optimize=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of ``python -m benchmarks.picture``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    take(options.bundle / "data" / "report" / "report.html", options.out)
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
