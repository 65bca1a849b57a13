"""Languages: a German report leaves nothing English but what is marked; English stays as it is."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from string import Formatter

import pytest

from forensics.config import LANGUAGES, Settings
from forensics.errors import UsageError
from forensics.report import language, messages
from forensics.report.batch_html import render_batch_html
from forensics.report.html import render_html
from forensics.report.known import known
from forensics.report.language import Language, Spoken, _, number, speaking, when
from forensics.report.markdown import render_markdown
from forensics.report.people import flag_rows
from forensics.report.resources import templates_dir
from forensics.report.retold import retold_flag, retold_person
from forensics.report.script_words import script_words
from forensics.report.view import View, load_view
from forensics.report.words import person_summary
from tests.bundles import make_bundle
from tests.report import drawn_views
from tests.report.pages import Page
from tests.viewer_clips import with_clips

_VOID = {"meta", "img", "br", "link", "input", "base", "hr"}
_SAID = ("alt", "aria-label", "placeholder", "title")


class Heard(HTMLParser):
    """What a reader of another language gets: texts, alt texts and labels outside English parts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.english: list[str] = []
        self.codes: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.texts += [text for name in _SAID if (text := held.get(name))]
        if tag not in _VOID:
            names = (held.get("class") or "").split()
            self._open.append(
                ("code" if "code" in names else tag, tag != "html" and held.get("lang") == "en")
            )

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] not in {tag, "code"}:
            pass

    def handle_data(self, data: str) -> None:
        if any(tag in {"style", "script", "pre"} for tag, _english in self._open):
            return
        if any(english for _tag, english in self._open):
            self.english.append(data)
        elif any(tag == "code" for tag, _english in self._open):
            self.codes.append(data)
        elif data.strip():
            self.texts.append(data)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, View]:
    bundle = make_bundle(tmp_path_factory.mktemp("drawn"), side=32, others=2)
    moving = load_view(with_clips(bundle, tmp_path_factory.mktemp("clips")) / "data")
    hostile = make_bundle(tmp_path_factory.mktemp("hostile"), side=32, hostile=True)
    empty = make_bundle(tmp_path_factory.mktemp("empty"), side=32, no_faces=True, failed=False)
    return {
        "said": drawn_views.said(moving),
        "tested": drawn_views.tested(moving),
        "paired": drawn_views.paired(moving),
        "alone": drawn_views.alone(moving),
        "drawn": moving,
        "hostile": load_view(hostile / "data"),
        "empty": drawn_views.said(load_view(empty / "data")),
    }


@contextmanager
def spoken(monkeypatch: pytest.MonkeyPatch, made: Language) -> Iterator[None]:
    """Whoever asks for German gets a language made for a test."""
    with monkeypatch.context() as patch:
        patch.setattr(language, "_language", lambda _name: made)
        yield


class _Made(gettext.NullTranslations):
    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__()
        self._say = say

    def gettext(self, message: str) -> str:
        return self._say(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._say(msgid1 if n == 1 else msgid2)


# ---------------------------------------------------------------- nothing is left in English


def _needles() -> list[str]:
    """The longest piece without fields of every message of more than two words."""
    found = []
    for message in messages.collected():
        for text in message.id if isinstance(message.id, tuple) else (message.id,):
            pieces = [literal for literal, *_rest in Formatter().parse(text)]
            piece = max(pieces, key=len, default="").strip(" .,:;()'")
            if len(re.findall("[A-Za-z]{2,}", piece)) > 2:
                found.append(piece)
    return found


def _left(page: str, needles: list[str]) -> list[str]:
    heard = Heard(page)
    text = "\n".join(" ".join(part.split()) for part in (*heard.texts, *heard.codes))
    return [needle for needle in needles if needle in text]


def test_no_english_sentence_is_left_in_a_german_report(views: dict[str, View]) -> None:
    needles = _needles()
    assert len(needles) > 300
    for name, view in views.items():
        page = render_html(view, language="de")
        assert '<html lang="de">' in page
        assert _left(page, needles) == [], name
        in_english = render_html(view)
        assert len(_left(in_english, needles)) > 60, "the needles find nothing"
        if name != "drawn":  # its sentences were made up, so that no catalogue knows them
            assert _left(render_markdown(view, "de"), needles) == [], name


def test_no_english_sentence_is_left_in_a_german_roll_up(views: dict[str, View]) -> None:
    page = render_batch_html(drawn_views.batch(views["said"].audit, lang="de"))
    assert '<html lang="de">' in page
    assert _left(page, _needles()) == []
    heard = Heard(page)
    assert "a reason that no catalogue holds" in heard.english
    assert "12.345" in page
    assert "29. November 2026, 17:05:00 UTC" in page


def _pseudo() -> Language:
    """Every message in brackets, its fields as they are."""

    def say(message: str) -> str:
        space = len(message) - len(message.lstrip()), len(message.rstrip())
        head, body, tail = message[: space[0]], message[space[0] : space[1]], message[space[1] :]
        return f"{head}\u27e6{body}\u27e7{tail}"

    return Language("de", _Made(say), ",", ".", "\u00a0%")


def _unbracketed(text: str) -> str:
    while True:
        shorter = re.sub("\u27e6[^\u27e6\u27e7]*\u27e7", " ", text)
        if shorter == text:
            return text
        text = shorter


DATA = re.compile(
    r"[a-z-]+-embedded|embedded|restoration-forensics|sha256|SHA-256|two_people|given\.mp4|\w+\.(mp4|json|jsonl|csv|"
    r"parquet|png|md|html|pdf|safetensors)|drawn for tests; shows nobody|a drawn example|A\. "
    r"Operator|gfpgan|retinaface|mov,mp4|h264|yuv420p|aac|Apache-2\.0|lanczos|auto|UTC|Januar|"
    r"November|numpy|python|torch|[a-z]+(_[a-z0-9]+)+|dE2000|A\. Signer|trainedAlgorithmicMedia|"
    r"assertion\.dataHash\.mismatch|active manifest|trained by training/\w+|restored_imgs|"
    r"batch\.\w+|"
    r"local|first|second|third|models|upscale|background|label|lang|[0-9a-f]{8,}|"
    r"FloatingPointError: not finite|InvalidDataError: invalid data|cycles|px"
)


def test_no_text_bypasses_the_catalogue(
    views: dict[str, View], monkeypatch: pytest.MonkeyPatch
) -> None:
    with spoken(monkeypatch, _pseudo()):
        pages = {
            name: render_html(replace(view, environment={}), language="de")
            for name, view in views.items()
            if name not in {"hostile", "drawn"}
        }
        pages["batch"] = render_batch_html(drawn_views.batch(views["said"].audit), language="de")
    found = {}
    for name, page in pages.items():
        # A message may hold elements, so its brackets are looked for over all texts.
        rest = DATA.sub(" ", _unbracketed("\n".join(Heard(page).texts)))
        if words := set(re.findall("[A-Za-z]{3,}", rest)):
            found[name] = words
    assert found == {}


# ---------------------------------------------------------------- English stays what it is


def test_a_language_that_says_the_same_gives_the_same_page(
    views: dict[str, View], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking up and filling in another way must not change a byte of what is said."""
    same = Language("en", _Made(lambda message: message), ".", ",", "%")
    monkeypatch.setattr("forensics.report.templating.ENGLISH", "en")
    for view in views.values():
        plain = render_html(view)
        with spoken(monkeypatch, same):
            again = render_html(view, language="de")
        again = re.sub('<span lang="en">(.*?)</span>', r"\1", again)
        dates = r"[0-9]{1,2}\. \w+ 2026|\w+ [0-9]{1,2}, 2026"
        assert _letters(again, dates) == _letters(plain, dates)


def _letters(page: str, dates: str) -> str:
    """The page without times and without the two ways to write an apostrophe."""
    clock = rf"(({dates}), [0-9:]{{8}} UTC|2026-[0-9T:.-]+Z|2026-11-23|{dates})"
    return re.sub(clock, "T", page).replace("&#39;", "'")


def test_a_german_report_leaves_the_next_one_english(views: dict[str, View]) -> None:
    before = render_html(views["said"])
    render_html(views["said"], language="de")
    assert render_html(views["said"]) == before
    assert language.current() == "en"


# ---------------------------------------------------------------- what the record holds


def test_sentences_of_the_record_are_made_again_from_its_fields(view: View) -> None:
    told = drawn_views.said(view)
    person = told.audit.people[0]
    with speaking("de"):
        text = retold_person(person, told.audit)
        assert not isinstance(text, Spoken)
        assert text == person_summary(
            person=person.id,
            band=person.risk.band,
            faces=person.faces,
            faces_restored=person.faces_restored,
            faces_failed=person.faces_failed,
            bands=person.bands,
            flags=person.flags,
            interocular_px_range=person.interocular_px_range,
        )
        assert text.startswith("Person 00: keine Merkmale nach dem restaurierten Gesicht")
        pop = next(flag for flag in told.audit.flags if flag.code == "pop")
        assert "3 Stellen, größter Sprung 12,5 Graustufen" in retold_flag(pop)


def test_a_sentence_that_the_fields_do_not_give_stays_english_and_says_so(view: View) -> None:
    told = drawn_views.said(view)
    changed = told.audit.people[0].model_copy(update={"faces": 7})
    flag = told.audit.flags[0].model_copy(update={"words": "Somebody wrote this."})
    with speaking("de"):
        for text in (retold_person(changed, told.audit), retold_flag(flag)):
            assert isinstance(text, Spoken)
            assert all(english for _text, english in text.pieces)
        (row,) = flag_rows([flag])
    assert row.words == "Somebody wrote this."
    page = render_html(
        replace(told, audit=told.audit.model_copy(update={"flags": (flag,)})), language="de"
    )
    assert '<span lang="en">Somebody wrote this.</span>' in page


def test_limits_with_numbers_are_known() -> None:
    with speaking("de"):
        assert known("Only one frame in 3 was scored.").startswith("Nur eines von je 3 Einzelb")
        assert isinstance(known("Only one frame in 3 was sold."), Spoken)
        assert known("written") == "geschrieben"
        assert known("the irises are 2.8 px in radius: too small to show a colour") == (
            "die Iriden haben einen Radius von 2,8 px: zu klein, um eine Farbe zu zeigen"
        )
        assert isinstance(known("2.5 places"), Spoken)  # not as it is written: left alone
    assert known("written") == "written"


def test_hostile_text_stays_text_in_german(views: dict[str, View]) -> None:
    page = Page(render_html(views["hostile"], language="de"))
    assert page.unclosed == []
    assert [e.attributes.get("type") for e in page.all("script")] == ["application/json", None]
    assert all("onerror" not in e.attributes for e in page.elements)
    assert "\u202e" not in page.source
    assert "\\u202e" in page.words
    spans = [e for e in page.all("span") if e.attributes.get("lang")]
    assert spans
    assert {e.attributes["lang"] for e in spans} == {"en"}


# ---------------------------------------------------------------- numbers and dates


@pytest.mark.parametrize(
    ("value", "spec", "english", "german"),
    [
        (1234567, ",", "1,234,567", "1.234.567"),
        (1234.5, ",.1f", "1,234.5", "1.234,5"),
        (0.125, ".3g", "0.125", "0,125"),
        (0.1234, ".0%", "12%", "12\u00a0%"),
        (-0.5, "+.3f", "-0.500", "-0,500"),
        ("1.5", "", "1.5", "1.5"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(
    value: object, spec: str, english: str, german: str
) -> None:
    assert number(value, spec) == english
    with speaking("de"):
        assert number(value, spec) == german
        assert number(value, spec) == _("{part}").format(part=german)


def test_times_of_the_record_become_dates() -> None:
    assert when("2026-11-29T17:05:00Z") == "2026-11-29T17:05:00Z"
    with speaking("de"):
        assert when("2026-11-29T17:05:00Z") == "29. November 2026, 17:05:00 UTC"
        assert when("2026-11-29T18:05:09+01:00") == "29. November 2026, 17:05:09 UTC"
        assert when("2026-11-23") == "23. November 2026"
        assert when("no time") == "no time"


def test_codes_and_digests_are_not_touched(views: dict[str, View]) -> None:
    view = views["said"]
    german = render_html(view, language="de")
    audit = view.audit
    for text in (audit.source.sha256, audit.run.id, *audit.reproduce.values()):
        assert text in german
    assert "restoration-forensics 0" in german


# ---------------------------------------------------------------- choosing one


def test_a_report_is_in_the_language_its_run_asked_for(view: View) -> None:
    settings = {**view.audit.settings, "lang": "de"}
    asked = replace(view, audit=view.audit.model_copy(update={"settings": settings}))
    assert render_html(asked) == render_html(asked, language="de")
    assert '<html lang="en">' in render_html(asked, language="en")


def test_a_language_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError) as raised, speaking("xx"):
        pass
    assert raised.value.exit_code == 2
    assert "en, de" in raised.value.hint
    with pytest.raises(ValueError, match="choose from en, de"):
        Settings(lang="xx")
    assert Settings(lang="de").values()["lang"] == "de"
    assert Settings().lang == "en"


def test_the_script_holds_no_sentence_and_is_one_for_all_languages(
    views: dict[str, View],
) -> None:
    text = (templates_dir() / "report.js").read_text("utf-8")
    asked = set(re.findall(r"WORDS\.(\w+)", text))
    given = set(re.findall(r'"(\w+)":', str(script_words())))
    assert asked == given
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    strings = re.findall(r'"([^"\n]*)"', code)
    assert [s for s in strings if re.search("[a-z]{2,} [a-z]{2,}", s) and "." not in s] == [
        "use strict"
    ]
    policies = {
        re.search('script-src[^;"]*', render_html(views["said"], language=name))[0]  # type: ignore[index]
        for name in LANGUAGES
    }
    assert len(policies) == 1
