"""The pipeline, as a story: detect > follow > align > restore > paste > encode > measure.

`forensics.media` has probed the source before this begins; `forensics.api` seals and renders
what comes out.  The clip is read twice: people must be numbered before anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from forensics.config import Settings
from forensics.faces.detector import Detector
from forensics.faces.embed import Embedder, decision_of
from forensics.faces.tracklets import Decision
from forensics.media.probe import Media
from forensics.media.writer import Writer
from forensics.models.catalogue import ALEXNET, official_path, sha256_of
from forensics.models.load import LoadedModel, load_embedded
from forensics.passes.follow import Following, follow
from forensics.passes.redraw import Redraw
from forensics.passes.sink import Sink
from forensics.progress import Progress
from forensics.records import Model
from forensics.restore.embedded import EmbeddedRestorer
from forensics.restore.restorer import Restorer
from forensics.runtime import make_repeatable, resolve_device
from forensics.scoring.scorer import Scorer


@dataclass(frozen=True)
class Engines:
    """The networks of a run, loaded and verified."""

    detector: Detector
    embedder: Embedder
    decision: Decision
    restorer: Restorer
    scorer: Scorer
    models: tuple[Model, ...]


def load_engines(settings: Settings) -> Engines:
    """Load every network from bytes whose digest matched, for the resolved device."""
    make_repeatable()
    device = resolve_device(settings.device)
    roles = ("detector", "appearance", "restorer", "perceptual", "identity")
    loaded = {role: load_embedded(role) for role in roles}
    official = official_path(ALEXNET)
    models = [_record(loaded[role]) for role in roles]
    if official.is_file():
        models.append(_official_record(sha256_of(official)))
    return Engines(
        detector=Detector.load(loaded["detector"].state, device),
        embedder=Embedder(loaded["appearance"].state, str(device)),
        decision=decision_of(loaded["appearance"].card),
        restorer=EmbeddedRestorer.load(loaded["restorer"], device),
        scorer=Scorer.load(
            loaded["perceptual"],
            loaded["identity"],
            official if official.is_file() else None,
            device,
        ),
        models=tuple(models),
    )


def follow_people(media: Media, engines: Engines, sink: Sink, progress: Progress) -> Following:
    """First pass: who is where."""
    return follow(media, engines.detector, engines.embedder, engines.decision, sink, progress)


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
    redraw = Redraw(media, following, engines.restorer, engines.scorer, settings, writer, sink)
    redraw.run(progress)


def _record(model: LoadedModel) -> Model:
    card = model.card
    return Model(
        role=model.role,
        name=str(card["name"]),
        version=str(card["version"]),
        file=f"{model.role}.safetensors",
        sha256=model.sha256,
        licence=str(card["licence"]),
        source="embedded",
        deterministic=True,
        card=f"{model.role}.json",
    )


def _official_record(digest: str) -> Model:
    return Model(
        role="lpips backbone",
        name=ALEXNET.name,
        version="official",
        file=ALEXNET.file,
        sha256=digest,
        licence=ALEXNET.licence,
        source=ALEXNET.url,
        deterministic=True,
    )
