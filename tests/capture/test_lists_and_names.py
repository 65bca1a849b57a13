"""Lists of clips and hostile names: what is taken of a list, and what files may be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.capture.clip import Captured, Lost, capture
from forensics.errors import InputError, UsageError
from tests.capture.conftest import LOCAL, check_whole, left, take
from tests.capture.server import Site, file, page, redirect


def test_a_list_is_refused_unless_asked_for(site: Site, clip: bytes, tmp_path: Path) -> None:
    other = clip[:-1] + bytes([clip[-1] ^ 1])
    site.answers["/list"] = page(
        "<title>List</title><video src='/a.mp4'></video><video src='/b.mp4'></video>"
    )
    site.answers["/a.mp4"], site.answers["/b.mp4"] = file(clip), file(other)
    with pytest.raises(InputError, match="list of 2 clips"):
        take(site.url("/list"), tmp_path)
    assert left(tmp_path) == []
    assert site.asked["GET /a.mp4"] == 0
    taken = list(capture(site.url("/list"), lambda _: tmp_path, playlist=True, reach=LOCAL))
    whole = [one for one in taken if isinstance(one, Captured)]
    for one, body in zip(whole, (clip, other), strict=True):
        check_whole(one, body)
    places = [one.record.playlist for one in whole]
    assert [(p.index, p.entries) for p in places if p] == [(1, 2), (2, 2)]
    assert len(left(tmp_path)) == 6


def test_a_clip_of_a_list_that_fails_is_said_and_the_others_go_on(
    site: Site, clip: bytes, tmp_path: Path
) -> None:
    site.answers["/list"] = page(
        "<title>List</title><video src='/a.mp4'></video><video src='/b.mp4'></video>"
        "<video src='/c.mp4'></video>"
    )
    site.answers["/a.mp4"], site.answers["/c.mp4"] = file(clip), file(clip)
    site.answers["/b.mp4"] = redirect("http://10.0.0.1/b.mp4")
    one, two, three = capture(site.url("/list"), lambda _: tmp_path, playlist=True, reach=LOCAL)
    assert isinstance(one, Captured)
    assert isinstance(three, Captured)
    check_whole(one, clip)
    check_whole(three, clip)
    assert three.record.playlist is not None
    assert three.record.playlist.index == 3
    assert three.record.notes == ()
    assert isinstance(two, Lost)
    assert (two.index, two.exit_code) == (2, 3)
    assert "private" in two.reason
    assert len(left(tmp_path)) == 6


def test_what_is_there_is_not_replaced(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/clip.mp4"] = file(clip)
    (tmp_path / "clip.mp4").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is there already"):
        take(site.url("/clip.mp4"), tmp_path)
    assert (tmp_path / "clip.mp4").read_bytes() == b"mine"
    assert left(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize(
    "title",
    [
        "../../../etc/cron.d/x", "/etc/passwd", "a\\b\\c", "CON", "x" * 400, "\u202egpj.exe",
        "-rf --out", "$(touch hacked)", "a%2fb", ".hidden", "\U0001f3a5 caf\u00e9", "&#xd83c; half",
        "a:b|c?*", "tab&#9;new&#10;line", "..", "&#27;[31mred",
    ],
)  # fmt: skip
def test_hostile_titles_make_plain_names(
    site: Site, clip: bytes, tmp_path: Path, title: str
) -> None:
    inner = tmp_path / "in" / "ner"
    site.answers["/page"] = page(f"<title>{title}</title><video src='/clip.mp4'></video>")
    site.answers["/clip.mp4"] = file(clip)
    captured = take(site.url("/page"), inner)
    check_whole(captured, clip)
    assert captured.path.parent == inner
    assert left(tmp_path) == ["in"]
    assert len(left(inner)) == 3
    name = captured.path.name
    assert name.isprintable()
    assert not set('/\\:*?"<>|%') & set(name)
    assert not name.startswith(("-", "."))
    assert len(captured.record_path.name.encode()) <= 255


def test_hostile_file_names_of_a_direct_clip(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/..%2f..%2fclip.mp4"] = file(
        clip, Content_Disposition='attachment; filename="../../evil.sh"'
    )
    captured = take(site.url("/..%2f..%2fclip.mp4"), tmp_path)
    check_whole(captured, clip)
    assert captured.path.parent == tmp_path
    assert captured.path.suffix == ".mp4"
