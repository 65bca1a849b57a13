"""Capture, extraction: what yt-dlp finds at an address, and which of its formats is taken.

Loads yt_dlp through `handler`.  Promise: nothing is downloaded here; a list of clips is told from a
clip; the format taken is one that a site serves as one file, so that its bytes can be kept as they
are.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yt_dlp.utils import DownloadError, YoutubeDLError

from forensics.capture.handler import PAGE_BYTES, Asker
from forensics.capture.line import PATIENCE_S, Net
from forensics.capture.redaction import Redaction, plain
from forensics.errors import InputError
from forensics.record_capture import Choice, Playlist

log = logging.getLogger(__name__)

MAX_ENTRIES = 500
_DIRECT = frozenset(["http", "https"])
_ONE_CLIP = frozenset(["video"])
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_KEPT_FACTS = ("format", "format_note", "fps", "tbr", "vbr", "abr", "asr", "language", "filesize")


@dataclass(frozen=True)
class Entry:
    """One clip that was found: what the extractor says of it, and its place in a list."""

    info: Mapping[str, Any]
    playlist: Playlist | None = None

    @property
    def title(self) -> str:
        """A title for the file's name; any text."""
        return plain(str(self.info.get("title") or self.info.get("id") or "clip"))


@dataclass(frozen=True)
class Wanted:
    """A format to fetch."""

    url: str
    headers: dict[str, str]
    format_id: str
    ext: str


@dataclass(frozen=True)
class Taken:
    """The formats taken of an entry: its pictures, and its sound where a site serves it apart."""

    video: Wanted
    audio: Wanted | None
    choice: Choice


class _Log:
    """yt-dlp's messages, for ``-v`` and the log file."""

    def debug(self, message: str) -> None:
        log.debug("%s", message)

    info = warning = error = debug


class Extraction:
    """Asks yt-dlp on the lines of one capture."""

    def __init__(self, net: Net, playlist: bool) -> None:
        self._net, self._playlist = net, playlist
        self.asker = Asker(
            net,
            {
                "quiet": True,
                "no_warnings": True,
                "noprogress": True,
                "logger": _Log(),
                "color": "never",
                "cachedir": False,
                "noplaylist": not playlist,
                "extract_flat": "in_playlist",
                "playlistend": MAX_ENTRIES + 1,
                "proxy": "",
                "socket_timeout": PATIENCE_S,
                "retries": 0,
                "extractor_retries": 0,
                "ignore_no_formats_error": True,
                "allowed_extractors": ["default"],
            },
        )

    def entries(self, url: str) -> list[Entry]:
        """The clips at ``url``: one, or with ``playlist`` every entry of a list, not asked for yet.

        `InputError` for what cannot be read, and for a list that was not asked for.
        """
        found = self._ask(url)
        if found.get("_type", "video") in _ONE_CLIP:
            return [Entry(found)]
        listed = [entry for entry in found.get("entries") or () if entry]
        if not listed:
            raise InputError(f"no video was found at {url!r}", "Check the address in a browser.")
        if not self._playlist and (len(listed) > 1 or found.get("_type") == "playlist"):
            some = f"{len(listed)} clips" if len(listed) <= MAX_ENTRIES else "very many clips"
            raise InputError(
                f"{url!r} is a list of {some}, not one clip",
                "Give the address of one of them, or take all with --playlist.",
            )
        if len(listed) > MAX_ENTRIES:
            raise InputError(
                f"{url!r} is a list of more than {MAX_ENTRIES} clips", "Capture them one by one."
            )
        title = found.get("title")
        named = None if title is None else plain(str(title))
        count = len(listed)
        return [
            Entry(e, Playlist(title=named, index=i, entries=count)) for i, e in enumerate(listed, 1)
        ]

    def whole(self, entry: Entry) -> Entry:
        """The entry with its formats; one of a list is asked for now."""
        if entry.info.get("_type", "video") in _ONE_CLIP:
            return entry
        address = str(entry.info.get("url") or "")
        self._net.check(address)
        found = self._ask(address)
        if found.get("_type", "video") not in _ONE_CLIP:
            raise InputError(f"{address!r} is a list within a list", "Capture it by itself.")
        return Entry(found, entry.playlist)

    def _ask(self, url: str) -> Mapping[str, Any]:
        self._net.allow(PAGE_BYTES)
        try:
            found = self.asker.extract_info(url, download=False)
        except (YoutubeDLError, OSError, ValueError) as error:
            raise self._net.refusal or _not_read(url, error) from error
        if self._net.spent and self._net.refusal is not None:
            raise self._net.refusal
        if not isinstance(found, Mapping):
            raise self._net.refusal or InputError(f"no video was found at {url!r}")
        return found

    def info_json(self, entry: Entry) -> tuple[bytes, int]:
        """What the extractor found, without secrets, as JSON; and how many values were removed."""
        redaction = Redaction()
        plain = json.loads(json.dumps(self.asker.sanitize_info(dict(entry.info), True)))
        clean = redaction.document(plain)
        text = json.dumps(clean, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
        return (text + "\n").encode("utf-8", "backslashreplace"), redaction.removed


def _not_read(url: str, error: Exception) -> InputError:
    # yt-dlp asks its own users to report to its own project, after the first sentence.
    words = _COLOURS.sub("", str(error)).removeprefix("ERROR: ").split("; please report")[0]
    if isinstance(error, DownloadError) and "Unsupported URL" in words:
        return InputError(
            f"no video was found at {url!r}",
            "The page may need a browser or a login. Save the clip another way and audit the file.",
        )
    return InputError(
        f"{url!r} could not be read: {words[:400]}",
        "Nothing was kept. Check the address in a browser; a newer yt-dlp may know the site.",
    )


def choose(entry: Entry) -> Taken:
    """The format to keep: the best pictures a site serves as one file, as yt-dlp ranks them.

    `InputError` for a live stream and where every format comes in segments.
    """
    info = entry.info
    if info.get("is_live") or info.get("live_status") in {"is_live", "is_upcoming"}:
        raise InputError(
            f"{entry.title!r} is a live stream, which has no end to capture",
            "Capture the recording once the stream is over.",
        )
    formats = [f for f in info.get("formats") or [info] if f.get("url")]
    if info.get("has_drm") and not formats:
        raise InputError(f"{entry.title!r} is locked by the site (DRM)", "Audit a file instead.")
    pictures = [f for f in formats if f.get("vcodec") != "none"]
    if not pictures:
        raise InputError(
            f"{entry.title!r} has no pictures that could be captured", "Check the address."
        )
    whole = [f for f in pictures if _direct(f)]
    if not whole:
        kinds = ", ".join(sorted({str(f.get("protocol")) for f in pictures})) or "none"
        raise InputError(
            f"{entry.title!r} is served in no format that is one file (offered: {kinds})",
            "Segments would have to be joined here, and the joined file would be ours, not the "
            "site's. Save it with another tool and audit the file.",
        )
    best = whole[-1]  # yt-dlp sorts from worst to best
    why = f"the best of {len(whole)} format(s) with pictures that the site serves as one file"
    passed_over = len(pictures) - 1 - pictures.index(best)
    if passed_over:
        why += f"; {passed_over} ranked higher come in segments and were passed over"
    sound = None
    if best.get("acodec") == "none":
        apart = [f for f in formats if f.get("vcodec") == "none" and _sounds(f) and _direct(f)]
        sound = apart[-1] if apart else None
        why += "; it has no sound" + (
            ", the best sound is kept as its own file, not merged" if sound else ""
        )
    return Taken(
        video=_wanted(best),
        audio=None if sound is None else _wanted(sound),
        choice=_choice(best, why, len(formats)),
    )


def _direct(found: Mapping[str, Any]) -> bool:
    protocol = found.get("protocol") or str(found.get("url")).split(":", 1)[0].lower()
    return protocol in _DIRECT and not found.get("fragments") and not found.get("has_drm")


def _sounds(found: Mapping[str, Any]) -> bool:
    return found.get("acodec") not in {"none", None}


def _wanted(found: Mapping[str, Any]) -> Wanted:
    extension = re.sub("[^a-z0-9]", "", str(found.get("ext") or "").lower())[:8] or "bin"
    headers = {str(k): str(v) for k, v in (found.get("http_headers") or {}).items()}
    return Wanted(
        url=str(found["url"]),
        headers={k: v for k, v in headers.items() if "\n" not in v and "\r" not in v},
        format_id=plain(str(found.get("format_id") or "0")),
        ext=extension,
    )


def _choice(best: Mapping[str, Any], why: str, offered: int) -> Choice:
    def text(name: str) -> str | None:
        return None if best.get(name) is None else plain(str(best[name]))

    def size(name: str) -> int | None:
        value = best.get(name)
        return int(value) if isinstance(value, int | float) and 0 < value < 1e6 else None

    facts = Redaction().document({name: best[name] for name in _KEPT_FACTS if best.get(name)})
    return Choice(
        format_id=text("format_id") or "0",
        why=why,
        offered=offered,
        protocol=text("protocol") or str(best["url"]).split(":", 1)[0],
        ext=_wanted(best).ext,
        width=size("width"),
        height=size("height"),
        video_codec=text("vcodec"),
        audio_codec=text("acodec"),
        facts=facts if isinstance(facts, dict) else {},
    )
