"""Deep checks, child process: decodes or renders one thing under limits and prints lines.

Started by `process` as ``python -m forensics.deep.child JOB`` with the job as JSON.  Limits are set
before anything that parses strangers' bytes is loaded; no socket is opened and no process started.
The last line is ``#end`` when all went well; ``#refused`` names what cannot be read.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forensics.children import cap, deny

END = "#end"
REFUSED = "#refused"
LIBRARY = "#library"


def confine(memory_bytes: int, file_bytes: int, cpu_s: int) -> None:
    """Cap this process and forbid it network and processes; caps are Unix's alone."""
    cap(memory_bytes, file_bytes, cpu_s)
    deny("a deep check")


def framehash(path: Path) -> Iterator[str]:
    """The framehash lines of a video."""
    import av

    from forensics.media.framehash import framehash_lines

    versions = ".".join(str(n) for n in av.library_versions["libavcodec"])
    yield f"{LIBRARY} libavcodec {versions}, pyav {av.__version__}\n"
    yield from framehash_lines(path)


def pixels(path: Path) -> Iterator[str]:
    """``FRAME SHA256`` of the RGB bytes of every picture of a source, ``FRAME -`` where lost."""
    import PIL

    from forensics.media.decode import DecodedFrame, decode
    from forensics.media.limits import Limits
    from forensics.media.probe import probe_here

    yield f"{LIBRARY} Pillow {PIL.__version__}\n"
    # A restored picture may be as large as a writer may write.
    media = probe_here(path, Limits(side_px=4 * 16_384, frame_px=Limits().output_px))
    for item in decode(media.footage()):
        if isinstance(item, DecodedFrame):
            yield f"{item.frame} {hashlib.sha256(item.rgb_u8.tobytes()).hexdigest()}\n"
        else:
            yield f"{item.frame} -\n"


def render(data: Path, out: Path, kinds: list[str]) -> Iterator[str]:
    """Write the reports of a data folder into ``out``; prints each file's name."""
    from forensics.report.html import render_html
    from forensics.report.pdf import render_pdf
    from forensics.report.view import load_view

    view = load_view(data)
    for kind in kinds:
        name = f"report.{kind}"
        content = render_html(view).encode("utf-8") if kind == "html" else render_pdf(view)
        (out / name).write_bytes(content)
        yield f"{name}\n"


def lines_of(job: dict[str, Any]) -> Iterator[str]:
    """The lines of one job."""
    if job["do"] == "framehash":
        return framehash(Path(job["path"]))
    if job["do"] == "pixels":
        return pixels(Path(job["path"]))
    return render(Path(job["data"]), Path(job["out"]), job["kinds"])


def main(argument: str) -> int:
    """Do one job; 0 done, 3 refused with words."""
    job = json.loads(argument)
    confine(job["memory_bytes"], job["file_bytes"], job["cpu_s"])
    # Imported under the limits, so that even this cannot outgrow them.
    from forensics.errors import ForensicsError

    try:
        for line in lines_of(job):
            sys.stdout.write(line)
    except ForensicsError as error:
        sys.stdout.write(f"{REFUSED} {json.dumps(error.message)}\n")
        return 3
    except MemoryError:
        sys.stdout.write(f"{REFUSED} {json.dumps('the memory allowed for it ran out')}\n")
        return 5
    sys.stdout.write(f"{END}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
