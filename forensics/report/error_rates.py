"""Error rates: how often faces erred in the test, by their size and by the word they were given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, TypeVar

from forensics.records import LEAST_PEOPLE, Band, Counted, CountedSize, FaceLine, JudgedTarget
from forensics.report.calibration import ABOUT
from forensics.report.language import N_, _
from forensics.report.language import number as said
from forensics.report.view import View
from forensics.report.words import BAND_ORDER, BANDS, counted

SIZES_NOTE: Final = N_(
    "Counted over all tested faces; intervals are exact ones for as many trials as people."
)
WORDS_NOTE: Final = N_(
    "The word is the one that the rules of this report give a single picture, as counted in the "
    "test; what only a moving face shows took no part. A face without a sign can err as well."
)


_Key = TypeVar("_Key")


@dataclass(frozen=True)
class RateRow:
    """One kind of faces: how many of them are here, how many were tested, how many erred."""

    name: str
    here: int
    tested: str
    rates: tuple[str, ...]


@dataclass(frozen=True)
class RateTable:
    """A table of error rates. ``targets`` head its last columns; ``note`` stands below."""

    caption: str
    head: str
    targets: tuple[str, ...]
    rows: tuple[RateRow, ...]
    note: str


def rate_tables(tested: Mapping[str, JudgedTarget], view: View) -> tuple[RateTable, ...]:
    """By size and by word; a table that the test did not count is left out."""
    eyes, bands = _eyes_px(view), _sizes(tested)
    sizes = _table(
        tested,
        lambda target: {(one.from_px, one.to_px): one for one in target.by_size},
        _size_name,
        lambda key: sum(map(bands[key].holds, eyes)),
        (_("How often restored faces erred in the test, by their size in the footage"),
         _("pixels between the eyes"), f"{_(SIZES_NOTE)}{_outside(bands.values(), eyes)}"),
    )  # fmt: skip
    given = [face.risk.band for face in view.faces if _restored(face)]
    words = _table(
        tested,
        lambda target: {b: target.by_word[b] for b in BAND_ORDER if b in target.by_word},
        _band_name,
        given.count,
        (_("How often restored faces erred in the test, by the word they were given"),
         _("word"), _(WORDS_NOTE)),
    )  # fmt: skip
    return tuple(table for table in (sizes, words) if table is not None)


def tested_on(people: int, faces: int) -> str:
    """Who a figure was tested on: ``51 people, 177 faces``."""
    return ", ".join((counted(people, "person", "people"), counted(faces, "face", "faces")))


def rate_here(tested: Mapping[str, JudgedTarget], view: View) -> str:
    """One line for the first screen: how often faces as small, usual and large as these erred.

    A size that the test did not count, or on too few people, is said to be unknown.  Empty where
    nothing was counted or nobody is here.
    """
    eyes = _eyes_px(view)
    name, target = next(iter(tested.items()), (None, None))
    if not eyes or target is None or not target.by_size:
        return ""
    named: dict[CountedSize | None, list[str]] = {}
    for px, which in (
        (min(eyes), _("the smallest here")),
        (median(eyes), _("the median here")),
        (max(eyes), _("the largest here")),
    ):
        named.setdefault(_band_of(px, target.by_size), []).append(which)
    if len(named) == 1:
        named = {one: [_("all faces here")] for one in named}
    parts = [
        _("not known for {which}").format(which=_(" and ").join(which))
        if one is None
        else _("{share} of those with {size} pixels between the eyes ({which})").format(
            share=_share(one),
            size=_size_name((one.from_px, one.to_px)),
            which=_(" and ").join(which),
        )
        for one, which in named.items()
    ]
    return _(
        "in the test, restored faces came out wrong as often as this: {parts}; {about}"
    ).format(parts=", ".join(parts), about=ABOUT.get(name or "", name or ""))


def _band_of(eyes_px: float, sizes: Sequence[CountedSize]) -> CountedSize | None:
    """The band of a size, if it was tested on people enough."""
    for one in sizes:
        if one.holds(eyes_px) and one.people >= LEAST_PEOPLE:
            return one
    return None


def _table(
    tested: Mapping[str, JudgedTarget],
    of: Callable[[JudgedTarget], Mapping[_Key, Counted]],
    named: Callable[[_Key], str],
    here: Callable[[_Key], int],
    words: tuple[str, str, str],
) -> RateTable | None:
    columns = {name: found for name, target in tested.items() if (found := of(target))}
    if not columns:
        return None
    keys = list(dict.fromkeys(key for found in columns.values() for key in found))
    rows = []
    for key in keys:
        each = [found.get(key) for found in columns.values()]
        one = next(counted for counted in each if counted is not None)
        who = tested_on(one.people, one.faces)
        rows.append(RateRow(named(key), here(key), who, tuple(map(_told, each))))
    caption, head, note = words
    return RateTable(caption, head, tuple(ABOUT.get(n, n) for n in columns), tuple(rows), note)


def _told(one: Counted | None) -> str:
    if one is None:
        return _("not counted")
    if one.people < LEAST_PEOPLE:
        return _("too few to tell (n = {people})").format(people=one.people)
    return _share(one)


def _share(one: Counted) -> str:
    value, low, high = (said(part, ".0%") for part in one.share)
    return _("{value} ({low} to {high})").format(value=value, low=low, high=high)


def _size_name(size: tuple[float, float]) -> str:
    low, high = (said(edge, ".0f") for edge in size)
    return _("{least} to {most}").format(least=low, most=high)


def _band_name(band: Band) -> str:
    return f"{BANDS[band].shape} {BANDS[band].word}"


def _restored(face: FaceLine) -> bool:
    return face.outcome == "restored"


def _eyes_px(view: View) -> Sequence[float]:
    return [face.interocular_px for face in view.faces if _restored(face)]


def _sizes(tested: Mapping[str, JudgedTarget]) -> Mapping[tuple[float, float], CountedSize]:
    """Every band of sizes that some target was counted in."""
    return {(one.from_px, one.to_px): one for t in tested.values() for one in t.by_size}


def _outside(bands: Iterable[CountedSize], eyes: Sequence[float]) -> str:
    """A sentence for faces of sizes that no test counted."""
    known = tuple(bands)
    beyond = sum(not any(one.holds(x) for one in known) for x in eyes)
    if not beyond:
        return ""
    return " " + _(
        "{beyond:,} of {faces:,} faces here are of a size that was not tested; no error rate is "
        "known for them."
    ).format(beyond=beyond, faces=len(eyes))
