"""Deep checks: the steps that decode and render again, for `forensics.evidence.verify`.

That module knows no decoder; it gets this object from whoever calls it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from forensics.deep.frames import Outcome, compare_pictures, compare_video
from forensics.deep.local import Local, local_data, local_files
from forensics.deep.process import Caps, ChildRefused, ChildStopped, child_lines
from forensics.evidence.lines import FRAMES, parse_lines
from forensics.evidence.tree import Tree
from forensics.evidence.verification import Step, judged, passed
from forensics.records import Artefact, Audit, FrameLine
from forensics.report.renderer import difference, renderer_versions

ORIGINAL: Final = "data/original/"
_BLOCK: Final = 2**20
_SECONDS_PER_FRAME: Final = 2.0


@dataclass(frozen=True)
class DeepChecks:
    """Decodes and renders again; ``original`` is the file of a bundle that was made without it."""

    original: Path | None = None
    caps: Caps = field(default_factory=Caps)

    def frame_hashes(self, step: str, tree: Tree, audit: Audit) -> Step:
        """Step 8: original and restored medium, frame by frame."""
        pair = audit.pair
        frames = audit.source.frames + (0 if pair is None else pair.frames)
        caps = Caps(
            self.caps.seconds + _SECONDS_PER_FRAME * frames,
            self.caps.memory_bytes,
            self.caps.file_bytes,
        )
        outcomes: list[Outcome] = []
        absent: list[str] = []
        with local_files(tree) as local:
            self._source(tree, audit, local, caps, outcomes, absent)
            self._restored(tree, audit, local, caps, outcomes, absent)
        return _step(step, outcomes, absent)

    def _source(
        self,
        tree: Tree,
        audit: Audit,
        local: Local,
        caps: Caps,
        outcomes: list[Outcome],
        absent: list[str],
    ) -> None:
        kind = audit.source.kind
        if kind == "frames":
            absent.append("a folder of pictures (their files' digests cover them)")
            return
        original = self._original(tree, local)
        if original is None:
            absent.append("the original (not in this bundle; give it with --original)")
        elif kind == "video":
            decoder = audit.restored.encoder.get("libavcodec") if audit.restored else None
            outcomes.append(
                compare_video(tree, "original", original, audit.source.codec, decoder, caps)
            )
        else:
            digests = (line.source_rgb_sha256 for line in _frames(tree))
            outcomes.append(compare_pictures("original", original, digests, caps))

    def _restored(
        self,
        tree: Tree,
        audit: Audit,
        local: Local,
        caps: Caps,
        outcomes: list[Outcome],
        absent: list[str],
    ) -> None:
        restored, pair = audit.restored, audit.pair
        kind = audit.source.kind if pair is None else pair.kind
        if restored is None:
            if pair is not None:
                absent.append("the restoration (not in this bundle)")
            return
        if kind == "frames":
            if pair is not None:
                absent.append("the restoration's pictures (their files' digests cover them)")
            return
        path = local(f"data/{restored.file}")
        if kind == "video":
            decoder = restored.encoder.get("libavcodec")
            outcomes.append(compare_video(tree, "restored", path, restored.codec, decoder, caps))
        elif audit.source.frames == 1:
            digests = (line.restored_rgb_sha256 for line in _frames(tree))
            outcomes.append(compare_pictures("restored", path, digests, caps))

    def _original(self, tree: Tree, local: Local) -> Path | None:
        if self.original is not None:
            return self.original
        files = tree.under(ORIGINAL)
        return local(files[0]) if len(files) == 1 else None

    def rendering(self, step: str, tree: Tree, audit: Audit) -> Step:
        """Step 9: both reports drawn again and compared byte by byte."""
        due: list[Artefact] = []
        unlike: list[str] = []
        for item in audit.reports:
            kind = item.file.rpartition(".")[2]
            if item.outcome != "written" or kind not in ("html", "pdf"):
                continue
            if words := _other_renderer(item, "html" if kind == "html" else "pdf"):
                unlike.append(f"{item.file}: renderer {words}")
            else:
                due.append(item)
        if not due:
            reason = "; ".join(unlike) or "no report was written"
            return Step(step, "not_checked" if unlike else "not_included", reason)
        faults: list[str] = []
        try:
            faults = _compare_reports(tree, due, self.caps)
        except ChildRefused as error:
            faults = [f"the reports cannot be drawn from this bundle: {error}"]
        except ChildStopped as error:
            return Step(step, "not_checked", f"drawing the reports again: {error}", 5)
        same = " and ".join(item.file for item in due)
        note = f"; not drawn again: {'; '.join(unlike)}" if unlike else ""
        return judged(step, faults, f"{same}: drawn again with the same bytes{note}")


def _other_renderer(item: Artefact, kind: Literal["html", "pdf"]) -> str:
    if not item.renderer:
        return "versions are not recorded in this bundle"
    return difference(renderer_versions(kind), dict(item.renderer))


def _compare_reports(tree: Tree, due: list[Artefact], caps: Caps) -> list[str]:
    faults = []
    with ExitStack() as stack:
        data = stack.enter_context(local_data(tree))
        out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="forensics-")))
        kinds = [item.file.rpartition(".")[2] for item in due]
        job = {"do": "render", "data": str(data), "out": str(out), "kinds": kinds}
        for _ in child_lines(job, caps):
            pass
        for item in due:
            drawn = out / item.file.rpartition("/")[2]
            if not _same_bytes(tree, f"data/{item.file}", drawn):
                faults.append(f"{item.file!r} is not what this bundle's data give when drawn again")
    return faults


def _same_bytes(tree: Tree, path: str, drawn: Path) -> bool:
    if tree.files.get(path) != drawn.stat().st_size:
        return False
    with tree.open(path) as one, drawn.open("rb") as other:
        while block := one.read(_BLOCK):
            if block != other.read(_BLOCK):
                return False
    return True


def _frames(tree: Tree) -> Iterator[FrameLine]:
    with tree.open(FRAMES) as stream:
        yield from parse_lines(stream, FrameLine, "frames.jsonl")


def _step(step: str, outcomes: list[Outcome], absent: list[str]) -> Step:
    """One step of several media: a difference outranks what could not be decided."""
    note = f"; not decoded: {', '.join(absent)}" if absent else ""
    if different := [o.words for o in outcomes if o.state == "differs"]:
        return judged(step, different, "")
    if open_ := [o.words for o in outcomes if o.state in {"stopped", "unsure"}]:
        return Step(step, "not_checked", "; ".join(open_) + note, 5)
    if not outcomes:
        return Step(step, "not_checked", f"nothing to decode{note}")
    return passed(step, "; ".join(o.words for o in outcomes) + note)
