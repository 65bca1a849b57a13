"""The viewer's data: exact, inert, bounded; and what stands there when no clip can be shown."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.media.label import CODE_CELLS, frame_code
from forensics.records import Comparison
from forensics.report import viewer
from forensics.report.html import render_html
from forensics.report.pdf import render_pdf
from forensics.report.templating import screen_policy, script
from forensics.report.view import View, load_view
from forensics.report.viewer import Projector, script_safe
from tests.report.pages import Page
from tests.viewer_clips import with_clips


@pytest.fixture(scope="module")
def moving(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> View:
    """The plain bundle with clips of both people (drawn, 64 px pictures enlarged)."""
    return load_view(with_clips(bundle, tmp_path_factory.mktemp("moving")) / "data")


def test_the_data_of_each_viewer_are_its_persons_faces_in_order(moving: View) -> None:
    page = Page(render_html(moving))
    assert [v.attributes["aria-label"] for v in page.all("video")] == [
        "Person 00, frame by frame",
        "Person 01, frame by frame",
    ]
    found = re.findall(r'<script type="application/json">(.*?)</script>', render_html(moving), re.S)
    for person, text in enumerate(found):
        document = json.loads(text)
        assert document["person"] == person
        assert [frame[0] for frame in document["frames"]] == [
            face.frame for face in moving.faces_of(person)
        ]
        assert [frame[3] for frame in document["frames"]] == [
            face.risk.band for face in moving.faces_of(person)
        ]


def test_the_clip_in_the_page_is_the_clip_of_the_bundle(moving: View) -> None:
    sources = [v.attributes["src"] for v in Page(render_html(moving)).all("video")]
    for person, source in enumerate(sources):
        kept = (moving.data_dir / "viewer" / f"{person:02d}.mp4").read_bytes()
        assert base64.b64decode(source.removeprefix("data:video/mp4;base64,")) == kept


def test_the_policy_names_the_one_script_and_clips_in_the_page_alone() -> None:
    digest = hashlib.sha256(script("report.js").encode()).digest()
    policy = screen_policy()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "media-src data:" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline'; script" not in policy


def test_our_script_asks_for_nothing_and_writes_no_markup() -> None:
    text = script("report.js")
    for word in (
        "fetch(",
        "XMLHttp",
        "WebSocket",
        "import",
        "innerHTML",
        "outerHTML",
        "eval(",
        "insertAdjacentHTML",
        "document.write",
        "Function(",
        "http:",
        "https:",
    ):
        assert word not in text, word


@given(st.recursive(st.text() | st.none() | st.integers(), st.lists, max_leaves=8))
def test_data_never_leave_their_element(value: object) -> None:
    text = script_safe({"x": value})
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(text)
    assert json.loads(text) == {"x": value}


def test_clips_beyond_the_budget_stay_outside_and_the_page_says_so(
    moving: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (moving.data_dir / "viewer" / "00.mp4").stat().st_size
    monkeypatch.setattr(viewer, "CLIP_BYTES", first)
    page = Page(render_html(moving))
    assert len(page.all("video")) == 1
    assert viewer.LEFT_OUT in page.words
    assert "viewer/01.mp4" in page.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "failed", "reason": "full disk", "viewer": None}, "was made: full disk."),
        ({"viewer": "viewer/77.mp4"}, viewer.GONE),
    ],
    ids=["failed", "gone"],
)
def test_a_viewer_without_a_clip_says_why(
    moving: View, change: dict[str, object], words: str
) -> None:
    made = tuple(c.model_copy(update=change) for c in moving.audit.comparisons)
    audit = moving.audit.model_copy(update={"comparisons": made})
    other = View(moving.data_dir, audit, b"{}", moving.frames, moving.faces, {})
    page = Page(render_html(other))
    assert page.all("video") == []
    assert page.words.count(words) == 2


def test_a_link_in_place_of_a_clip_is_not_followed(moving: View, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "viewer").mkdir(parents=True)
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"not of this bundle")
    (data / "viewer" / "00.mp4").symlink_to(secret)
    view = View(data, moving.audit, b"{}", moving.frames, moving.faces, {})
    block = Projector(view).block(moving.audit.people[0], moving.faces_of(0))
    assert block is not None
    assert (block.clip, block.reason) == (None, viewer.GONE)


def test_older_bundles_and_paper_have_no_viewer(view: View, moving: View) -> None:
    assert Page(render_html(view)).all("video") == []
    old = Comparison(file="cmp_00.mp4", person=0, frames=5, outcome="written")
    audit = moving.audit.model_copy(update={"comparisons": (old,)})
    other = View(moving.data_dir, audit, b"{}", moving.frames, moving.faces, {})
    assert Projector(other).block(other.audit.people[0], other.faces_of(0)) is None
    assert b"video/mp4" not in render_pdf(moving)


@given(st.integers(0, 2**20 - 1))
def test_a_frame_code_is_read_back_and_a_wrong_cell_is_known(frame: int) -> None:
    strip = frame_code(frame, 768)
    places = [(2 * cell + 1) * 768 // (2 * CODE_CELLS) for cell in range(CODE_CELLS)]
    bits = [int(strip[4, x, 0] > 127) for x in places]
    word = int("".join(map(str, bits)), 2)
    number, check = word >> 4, word & 15
    assert number == frame
    assert check == sum(number >> s & 15 for s in range(0, 20, 4)) % 16
    for bad in range(CODE_CELLS):  # one cell misread never reads as another frame
        wrong = word ^ (1 << bad)
        number, check = wrong >> 4, wrong & 15
        assert check != sum(number >> s & 15 for s in range(0, 20, 4)) % 16
