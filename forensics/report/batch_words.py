"""Batch words: the sentences of a roll-up, for the terminal, batch.html and batch.pdf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from forensics.record_batch import BatchCounts, ItemOutcome, ItemResult
from forensics.records import Band
from forensics.report.language import N_, Table, _
from forensics.report.words import BAND_ORDER, BANDS, DEMONSTRATION_SENTENCE, counted

OUTCOMES: Final[Mapping[ItemOutcome, str]] = Table(
    {
        "done": N_("audited"),
        "unscorable": N_("could not be judged"),
        "failed": N_("failed"),
        "duplicate": N_("same as another"),
    }
)
NOT_RUN: Final = N_("not run")
PAIRS_SENTENCE: Final = N_(
    "Items with a restoration beside their source: nothing was restored here; "
    "somebody else's restoration was held against the source."
)
LIMITS: Final[tuple[str, ...]] = (
    N_(
        "This page counts what the bundles say. Each bundle's own report holds "
        "the findings, the pictures and the limits; read it before you rely on "
        "one of them."
    ),
    N_(
        "A restored face is a drawing by a network that was trained on other "
        "people. It must not be used to say who somebody is."
    ),
    N_(
        "People are followed within one item only: the same person in two items "
        "is counted twice, and nothing here says that two people are the same."
    ),
    N_(
        "An item in which no face was found is a complete result; this does not "
        "mean that nobody is there."
    ),
    N_("The thresholds of bands and flags are stated rules, not measured error rates."),
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
            counted(len(result.people), "person", "people") if result.people else _("no face found")
        )
        if (band := worst_band(result)) is not None:
            parts.append(_("worst band {word}").format(word=BANDS[band].word))
        if not result.complete:
            parts.append(
                _("incomplete: {part}").format(
                    part="; ".join(result.failures) or _("see its bundle")
                )
            )
        if result.timestamp_failure is not None:
            parts.append(
                _("signed but NOT time-stamped: {timestamp_failure}").format(
                    timestamp_failure=result.timestamp_failure
                )
            )
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
        (counts.not_run, _(NOT_RUN)),
    ):
        if number:
            parts.append(f"{number} {words}")
    items = counted(counts.items, "item", "items")
    text = f"{items}: {', '.join(parts)}"
    if counts.incomplete:
        text += _("; {incomplete} of those with a bundle incomplete").format(
            incomplete=counts.incomplete
        )
    return text + "."


def bands_sentence(bands: Mapping[Band, int]) -> str:
    """People by band."""
    people = sum(bands.values())
    if not people:
        return _("Nobody was followed in any item.")
    parts = [
        _("{word} for {bands}").format(word=BANDS[band].word, bands=bands[band])
        for band in BAND_ORDER
        if bands.get(band)
    ]
    return _("{people} followed, by worst band: {parts}.").format(
        people=counted(people, "person", "people"), parts=", ".join(parts)
    )


def limits(*, demonstration: bool, pairs: bool, complete: bool) -> tuple[str, ...]:
    """What a roll-up cannot say, most important first.

    ``demonstration``: items were restored with the embedded model; ``pairs``: of items with
    somebody else's restoration nothing was restored here.
    """
    first = [DEMONSTRATION_SENTENCE] if demonstration else []
    if pairs:
        first.append(PAIRS_SENTENCE)
    if not complete:
        first.append(
            _("Part of the work failed, is incomplete or was not done; the table says what.")
        )
    return (*first, *LIMITS)
