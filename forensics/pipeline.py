"""The pipeline, as a story: detect > follow > align > restore > paste > encode > measure.

`forensics.media` has probed the source before this begins and `forensics.engines` has loaded the
networks; `forensics.api` seals and renders what comes out.  The clip is read twice: people must be
numbered before anything is drawn.
"""

from __future__ import annotations

from forensics.config import Settings
from forensics.engines import Engines
from forensics.media.probe import Media
from forensics.media.writer import Writer
from forensics.passes.follow import Finder, Following, follow
from forensics.passes.key_faces import KeyFaces, key_frames
from forensics.passes.probe import Probing
from forensics.passes.redraw import Redraw
from forensics.passes.sink import Sink
from forensics.progress import Progress


def follow_people(media: Media, engines: Engines, sink: Sink, progress: Progress) -> Following:
    """First pass: who is where."""
    finder = Finder(engines.detector, engines.embedder, engines.decision, engines.least_eye_px)
    return follow(media, finder, sink, progress)


def restore_and_measure(
    media: Media,
    following: Following,
    engines: Engines,
    settings: Settings,
    writer: Writer,
    sink: Sink,
    progress: Progress,
) -> None:
    """Second pass: every frame is written, every face has an outcome."""
    drawer = engines.drawer(media, settings, sink.kept)
    probing = None
    if engines.prober is not None:
        keys = KeyFaces(key_frames(following, media.source.duration_s))
        probing = Probing(engines.prober, keys)
    redraw = Redraw(
        media,
        following,
        drawer,
        engines.scorer,
        settings,
        writer,
        sink,
        probing,
        engines.background,
    )
    redraw.run(progress)
