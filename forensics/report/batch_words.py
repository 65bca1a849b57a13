"""Batch words: the sentences of a roll-up, for the terminal, batch.html and batch.pdf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forensics.record_batch import BatchCounts, ItemOutcome, ItemResult
from forensics.records import Band
from forensics.report.words import BAND_ORDER, BANDS, DEMONSTRATION_SENTENCE, counted

OUTCOMES: Final[Mapping[ItemOutcome, str]] = {
    "done": "audited",
    "unscorable": "could not be judged",
    "failed": "failed",
    "duplicate": "same as another",
}
NOT_RUN: Final = "not run"
PAIRS_SENTENCE: Final = (
    "Items with a restoration beside their source: nothing was restored here; somebody else's "
    "restoration was held against the source."
)
LIMITS: Final[tuple[str, ...]] = (
    "This page counts what the bundles say. Each bundle's own report holds the findings, the "
    "pictures and the limits; read it before you rely on one of them.",
    "A restored face is a drawing by a network that was trained on other people. It must not be "
    "used to say who somebody is.",
    "People are followed within one item only: the same person in two items is counted twice, and "
    "nothing here says that two people are the same.",
    "An item in which no face was found is a complete result; this does not mean that nobody is "
    "there.",
    "The thresholds of bands and flags are stated rules, not measured error rates.",
)


def worst_band(result: ItemResult) -> Band | None:
    """The worst band of an item's people; None where nobody was followed."""
    bands = {person.band for person in result.people}
    return next((band for band in BAND_ORDER if band in bands), None)


def item_line(result: ItemResult) -> str:
    """One line about a finished item."""
    parts = [OUTCOMES[result.outcome]]
    if result.bundle is not None:
        parts.append(
            counted(len(result.people), "person", "people") if result.people else "no face found"
        )
        if (band := worst_band(result)) is not None:
            parts.append(f"worst band {BANDS[band].word}")
        if not result.complete:
            parts.append(f"incomplete: {'; '.join(result.failures) or 'see its bundle'}")
        if result.timestamp_failure is not None:
            parts.append(f"signed but NOT time-stamped: {result.timestamp_failure}")
    elif result.reason is not None:
        parts.append(result.reason)
    return f"{result.id}: {', '.join(parts)} ({result.seconds:.0f} s)"


def counts_sentence(counts: BatchCounts) -> str:
    """All items by outcome."""
    parts = [f"{counts.done} {OUTCOMES['done']}"]
    for number, words in (
        (counts.unscorable, OUTCOMES["unscorable"]),
        (counts.failed, OUTCOMES["failed"]),
        (counts.duplicate, OUTCOMES["duplicate"]),
        (counts.not_run, NOT_RUN),
    ):
        if number:
            parts.append(f"{number} {words}")
    text = f"{counted(counts.items, 'item')}: {', '.join(parts)}"
    if counts.incomplete:
        text += f"; {counts.incomplete} of those with a bundle incomplete"
    return text + "."


def bands_sentence(bands: Mapping[Band, int]) -> str:
    """People by band."""
    people = sum(bands.values())
    if not people:
        return "Nobody was followed in any item."
    parts = [f"{BANDS[band].word} for {bands[band]}" for band in BAND_ORDER if bands.get(band)]
    return f"{counted(people, 'person', 'people')} followed, by worst band: {', '.join(parts)}."


def limits(*, demonstration: bool, pairs: bool, complete: bool) -> tuple[str, ...]:
    """What a roll-up cannot say, most important first.

    ``demonstration``: items were restored with the embedded model; ``pairs``: of items with
    somebody else's restoration nothing was restored here.
    """
    first = [DEMONSTRATION_SENTENCE] if demonstration else []
    if pairs:
        first.append(PAIRS_SENTENCE)
    if not complete:
        first.append("Part of the work failed, is incomplete or was not done; the table says what.")
    return (*first, *LIMITS)
