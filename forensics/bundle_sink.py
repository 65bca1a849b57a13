"""Bundle sink: puts what the passes find into a bundle that is being written.

Lines of faces are spooled, because flags such as a swap are known only when the clip has ended;
`finish_faces` writes them with their final flags.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from forensics.assembly import NOBODY_CLOSED, Closed, FlagsByFace, Gathered
from forensics.errors import ForensicsError
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.events import EventLog
from forensics.evidence.lines import face_writer, frame_writer
from forensics.evidence.table import FaceTable
from forensics.kept_faces import KeptFaces
from forensics.media.label import labelled_pair
from forensics.passes.kept import NOTHING_KEPT, Kept
from forensics.passes.sink import Folder
from forensics.records import FaceLine, FlagCode, FrameLine
from forensics.runtime import numeric_facts
from forensics.scoring.facts import FaceFact
from forensics.scoring.plugin_measures import FAILED

# Level 1 is four times faster than the default and about 5 % larger.
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


class BundleSink:
    """A `forensics.passes.sink.Sink` that writes into ``BundleWriter.data``."""

    def __init__(
        self,
        bundle: BundleWriter,
        label: str | None = None,
        plugins: tuple[str, ...] = (),
        *,
        given: bool = False,
    ) -> None:
        """``label``: the run id that the margins of ``cmp/`` carry; None for no margin.

        ``plugins``: names of the plugin measures, which get their columns in faces.csv.
        ``given``: somebody else restored, and the margins say so.
        """
        self._given = given
        self._plugins = plugins
        self._label = label
        self.gathered = Gathered()
        self.events = EventLog(bundle.path("log", "events.jsonl"))
        self._bundle = bundle
        self._journal = bundle.journal
        resumed = self._journal is not None and bool(self._journal.kept)
        self.kept: Kept = NOTHING_KEPT
        if self._journal is not None and resumed:
            self.kept = KeptFaces(bundle, self._journal)
        self._frames = _spool()
        self._faces = _spool()

    def picture(self, folder: Folder, name: str, rgb_u8: NDArray[np.uint8]) -> None:
        """Write one PNG; a pair for people to look at gets its label in a margin."""
        if folder == "cmp" and self._label is not None:
            rgb_u8 = labelled_pair(rgb_u8, self._label, given=self._given)
        done, coded = cv2.imencode(".png", cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2BGR), _PNG)
        if not done:
            raise ForensicsError(f"the picture {folder}/{name} could not be encoded")
        self._bundle.path(folder, name).write_bytes(coded.tobytes())

    def frame(self, line: FrameLine) -> None:
        """Spool a frame's line."""
        self._frames.write(line.model_dump_json() + "\n")
        self.gathered.frame(line)

    def face(self, line: FaceLine, fact: FaceFact) -> None:
        """Spool a face's line, with the probability that a calibration gives it."""
        line, fact = self.gathered.rating.face(line, fact)
        self._faces.write(line.model_dump_json() + "\n")
        self.gathered.face(fact, line.reason)
        self.gathered.plugin_failures.update(
            name for name, why in line.plugin_not_measured.items() if why.startswith(FAILED)
        )
        # A face with a reason was restored in an unusual way; that would be lost if it were kept.
        drawn = line.outcome == "restored" and line.reason is None
        if self._journal is not None and drawn and line.crop_sha256 and line.restored_sha256:
            self._journal.face(line.frame, line.person, line.crop_sha256, line.restored_sha256)

    def event(self, step: str, data: Mapping[str, object]) -> None:
        """Log what was done; which weights compute is also what a resumed run must share."""
        self.events.add(step, data)
        if self._journal is None:
            return
        if step == "start" and self._journal.kept:
            self.events.add("resumed", {"faces_in_journal": len(self._journal.kept)})
        elif step == "models":
            digests = {role: str(digest) for role, digest in data.items()}
            self._journal.engines(digests, numeric_facts())

    def finish(self, flags: FlagsByFace, closed: Closed = NOBODY_CLOSED) -> None:
        """Write faces.jsonl, faces.csv and frames.jsonl with their final flags.

        ``closed`` people lose what could be read as a score of them.
        """
        by_frame: dict[int, set[FlagCode]] = {}
        self._faces.seek(0)
        table = FaceTable(self._bundle.data, self._plugins)
        with face_writer(self._bundle.data) as lines:
            for text in self._faces:
                face = closed.line(FaceLine.model_validate_json(text))
                merged = (*face.flags, *flags.get((face.frame, face.person), ()))
                final = face.model_copy(update={"flags": tuple(dict.fromkeys(merged))})
                lines.write(final)
                table.write(final)
                by_frame.setdefault(final.frame, set()).update(final.flags)
                self.gathered.flagged_faces += bool(final.flags)
        table.close()
        self._frames.seek(0)
        with frame_writer(self._bundle.data) as lines_of_frames:
            for text in self._frames:
                frame = FrameLine.model_validate_json(text)
                # Faces decide what a frame with faces carries: closing may have taken flags away.
                kept = frame.flags if frame.frame not in by_frame else ()
                codes = tuple(sorted(by_frame.get(frame.frame, set()) | set(kept)))
                lines_of_frames.write(frame.model_copy(update={"flags": codes}))
                self.gathered.flagged_frames += bool(codes)

    def close(self) -> None:
        """Close the files; safe to call twice."""
        self._frames.close()
        self._faces.close()
        self.events.close()


def _spool() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")
