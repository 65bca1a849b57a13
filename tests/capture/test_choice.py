"""Choice: which of a site's formats is kept, and what is refused rather than joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics.capture.extraction import Entry, choose
from forensics.capture.redaction import REMOVED, Redaction
from forensics.capture.targets import Reach
from forensics.errors import InputError
from tests.capture.conftest import take
from tests.capture.server import Site, file, page


def one(format_id: str, protocol: str, video: str | None, audio: str | None) -> dict[str, Any]:
    return {
        "format_id": format_id,
        "protocol": protocol,
        "url": f"https://example.org/{format_id}",
        "ext": "mp4",
        "vcodec": video,
        "acodec": audio,
    }


# From worst to best, as yt-dlp sorts them.
SOUND = one("sound", "https", "none", "mp4a")
SMALL = one("small", "https", "avc1", "mp4a")
LARGE = one("large", "https", "avc1", "none")
SEGMENTS = one("hls", "m3u8_native", "avc1", "mp4a")
DASH = {**one("dash", "https", "avc1", "none"), "fragments": [{"url": "https://example.org/1"}]}
LOCKED = {**one("locked", "https", "avc1", "mp4a"), "has_drm": True}


def entry(*formats: dict[str, Any], **facts: object) -> Entry:
    return Entry({"title": "T", "id": "1", "formats": list(formats), **facts})


def test_the_best_pictures_are_taken_and_their_sound_is_kept_apart() -> None:
    taken = choose(entry(SOUND, SMALL, LARGE))
    assert taken.video.format_id == "large"
    assert taken.audio is not None
    assert taken.audio.format_id == "sound"
    assert "kept as its own file, not merged" in taken.choice.why
    assert taken.choice.offered == 3


def test_one_file_with_sound_needs_no_second() -> None:
    taken = choose(entry(SOUND, SMALL))
    assert (taken.video.format_id, taken.audio) == ("small", None)


def test_segments_are_passed_over_and_that_is_said() -> None:
    taken = choose(entry(SMALL, SEGMENTS, DASH))
    assert taken.video.format_id == "small"
    assert "2 ranked higher come in segments and were passed over" in taken.choice.why


@pytest.mark.parametrize(
    ("formats", "facts", "words"),
    [
        ((SEGMENTS,), {}, "no format that is one file .*m3u8_native"),
        ((DASH,), {}, "no format that is one file"),
        ((LOCKED,), {}, "no format that is one file"),
        ((SOUND,), {}, "no pictures"),
        ((), {"has_drm": True}, "DRM"),
        ((SMALL,), {"is_live": True}, "live stream"),
        ((SMALL,), {"live_status": "is_upcoming"}, "live stream"),
    ],
)
def test_what_would_have_to_be_joined_or_has_no_end_is_refused(
    formats: tuple[dict[str, Any], ...], facts: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        choose(entry(*formats, **facts))


def test_a_header_with_a_line_break_is_left_out() -> None:
    bad = {**SMALL, "http_headers": {"X": "a\r\nHost: 10.0.0.1", "Referer": "https://a.org"}}
    assert choose(entry(bad)).video.headers == {"Referer": "https://a.org"}


def test_a_page_whose_video_comes_in_segments(site: Site, tmp_path: Path) -> None:
    listing = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"
    site.answers["/page"] = page("<title>T</title><video src='/v.m3u8'></video>")
    site.answers["/v.m3u8"] = file(listing, "application/vnd.apple.mpegurl")
    with pytest.raises(InputError, match="no format that is one file"):
        take(site.url("/page"), tmp_path)
    assert site.asked["GET /a.ts"] == 0


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://a.org/v?sig=abc&w=1", f"https://a.org/v?sig={REMOVED}&w=1"),
        ("https://a.org/v?Policy=p&Key-Pair-Id=k", f"https://a.org/v?Policy={REMOVED}"
         f"&Key-Pair-Id={REMOVED}"),
        ("https://a.org/v?accessToken=t&X-Amz-Signature=s", f"https://a.org/v?accessToken={REMOVED}"
         f"&X-Amz-Signature={REMOVED}"),
        ("https://a.org/v?ip=1.1.1.1&designer=x&monkey=y#t", f"https://a.org/v?ip={REMOVED}"
         "&designer=x&monkey=y"),
        ("https://a.org/v", "https://a.org/v"),
    ],
)  # fmt: skip
def test_secrets_of_addresses_are_removed_and_nothing_else(url: str, clean: str) -> None:
    assert Redaction().url(url) == clean


def test_secrets_of_a_document_are_removed_and_counted() -> None:
    redaction = Redaction()
    document = {
        "cookies": "a=b",
        "extractor_key": "Generic",
        "formats": [
            {"url": "https://a.org/?token=t", "http_headers": {"Cookie": "a", "Accept": "*"}}
        ],
        "duration": float("nan"),
        "session": None,
    }
    assert redaction.document(document) == {
        "cookies": REMOVED,
        "extractor_key": "Generic",
        "formats": [
            {
                "url": f"https://a.org/?token={REMOVED}",
                "http_headers": {"Cookie": REMOVED, "Accept": "*"},
            }
        ],
        "duration": None,
        "session": None,
    }
    assert redaction.removed == 3


def test_the_reach_of_a_command_is_the_public_web() -> None:
    assert Reach() == Reach(loopback=False, trusted=None)
