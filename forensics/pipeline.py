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
from forensics.media.written import Unwritten, Written
from forensics.passes.alone import AloneDrawer, AloneOverTime
from forensics.passes.follow import Finder, Following, follow
from forensics.passes.key_faces import KeyFaces, key_frames
from forensics.passes.paired import PairedDrawer
from forensics.passes.probe import Probing
from forensics.passes.redraw import Redraw
from forensics.passes.sink import Sink
from forensics.passes.traces import SourceTraces
from forensics.progress import Progress
from forensics.scoring.alone import AloneScorer


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
    redraw = Redraw(
        media,
        following,
        drawer,
        engines.scorer,
        SourceTraces(engines.traces),
        settings,
        writer,
        sink,
        _probing(media, following, engines),
        engines.background,
    )
    redraw.run(progress)


def look_alone(
    media: Media,
    following: Following,
    engines: Engines,
    settings: Settings,
    sink: Sink,
    progress: Progress,
) -> Written:
    """Second pass over a restored clip without an original: every face is looked at as it lies."""
    writer = Unwritten(media.source)
    redraw = Redraw(
        media,
        following,
        AloneDrawer(media.unsupported_signal is not None),
        AloneScorer(engines.scorer),
        SourceTraces(engines.traces),
        settings,
        writer,
        sink,
        watching=AloneOverTime(),
        alone=True,
    )
    redraw.run(progress)
    return writer.close()


def hold_against_source(
    media: Media,
    following: Following,
    engines: Engines,
    settings: Settings,
    drawer: PairedDrawer,
    sink: Sink,
    progress: Progress,
) -> Written:
    """Second pass over a pair: every face is held against what the other shows of it."""
    writer = Unwritten(media.source)
    redraw = Redraw(
        media,
        following,
        drawer,
        engines.scorer,
        SourceTraces(engines.traces),
        settings,
        writer,
        sink,
        _probing(media, following, engines),
        paired=True,
    )
    redraw.run(progress)
    return writer.close()


def _probing(media: Media, following: Following, engines: Engines) -> Probing | None:
    """Who examines key faces further; nobody where the engines have nothing for it."""
    if engines.prober is None:
        return None
    return Probing(engines.prober, KeyFaces(key_frames(following, media.source.duration_s)))
