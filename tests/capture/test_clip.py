"""Clips from a site on this machine: what is kept is what was served, or nothing is kept."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from forensics.capture.clip import Limits, check_captured
from forensics.capture.targets import Reach
from forensics.errors import InputError, IntegrityError
from tests.capture.conftest import SCHEMA, check_whole, left, take
from tests.capture.server import Handler, Site, drip, file, page, redirect, serve


def test_a_direct_clip(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/clip.mp4"] = file(clip, ETag='"a"', Set_Cookie="session=topsecret")
    captured = take(site.url("/clip.mp4?token=topsecret&part=1"), tmp_path)
    check_whole(captured, clip)
    record = captured.record
    assert left(tmp_path) == ["clip.mp4", "clip.mp4.capture.json", "clip.mp4.info.json"]
    assert (captured.exit_code, record.doubts, record.notes) == (0, (), ())
    assert record.url == site.url("/clip.mp4?token=topsecret&part=1")
    assert record.url_final == site.url("/clip.mp4?token=REMOVED&part=1")
    (answer,) = record.files[0].chain
    assert (answer.status, answer.address) == (200, f"127.0.0.1:{site.port}")
    assert answer.certificate is None
    assert ("Content-Length", str(len(clip))) in answer.headers
    assert ("Set-Cookie", "REMOVED") in answer.headers
    assert record.started_utc <= record.files[0].started_utc <= record.ended_utc
    info = captured.path.with_name(record.info_file).read_text("utf-8")
    assert "topsecret" not in info
    assert record.removed >= 2


def test_a_page_with_a_video_element(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/page"] = page("<title>Market square</title><video src='/v/clip.mp4'></video>")
    site.answers["/v/clip.mp4"] = file(clip)
    captured = take(site.url("/page"), tmp_path)
    check_whole(captured, clip)
    assert captured.record.url_final == site.url("/v/clip.mp4")
    assert captured.record.page_url == site.url("/page")
    assert captured.path.name.startswith("Market square")
    assert site.asked["GET /v/clip.mp4"] == 1


def test_redirects_are_followed_and_written_down(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/page"] = page("<title>T</title><video src='/a.mp4'></video>")
    site.answers["/a.mp4"] = redirect("/b.mp4", 301)
    site.answers["/b.mp4"] = redirect("/c.mp4", 307)
    site.answers["/c.mp4"] = file(clip)
    captured = take(site.url("/page"), tmp_path)
    check_whole(captured, clip)
    chain = captured.record.files[0].chain
    assert [hop.status for hop in chain] == [301, 307, 200]
    assert [hop.url for hop in chain] == [site.url(f"/{name}.mp4") for name in "abc"]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("file:///etc/passwd", "scheme is 'file'"),
        ("ftp://127.0.0.1/clip.mp4", "scheme is 'ftp'"),
        ("data:video/mp4;base64,AAAA", "scheme is 'data'"),
        ("http://10.0.0.1/clip.mp4", "private"),
        ("http://169.254.169.254/latest/meta-data", "link-local"),
        ("http://[::ffff:10.0.0.1]/clip.mp4", "private"),
        ("http://[fe80::1]/clip.mp4", "link-local"),
        ("http://167772161/clip.mp4", "private"),
        ("//192.168.0.1/clip.mp4", "private"),
        ("http://u:p@127.0.0.1/clip.mp4", "password"),
    ],
)
@pytest.mark.parametrize("where", ["page", "file"])
def test_a_redirect_to_what_is_not_public_ends_it(
    site: Site, tmp_path: Path, to: str, words: str, where: str
) -> None:
    site.answers["/page"] = page("<title>T</title><video src='/clip.mp4'></video>")
    site.answers["/clip.mp4"] = redirect(to)
    with pytest.raises(InputError, match=words) as caught:
        take(site.url("/page" if where == "file" else "/clip.mp4"), tmp_path)
    assert caught.value.exit_code == 3
    assert left(tmp_path) == []


def test_a_loop_of_redirects_ends(site: Site, tmp_path: Path) -> None:
    site.answers["/a"], site.answers["/b"] = redirect("/b"), redirect("/a")
    with pytest.raises(InputError, match="redirect loop"):
        take(site.url("/a"), tmp_path)
    assert sum(site.asked.values()) <= 30


def test_without_the_parameter_of_tests_this_machine_is_refused(
    site: Site, clip: bytes, tmp_path: Path
) -> None:
    site.answers["/clip.mp4"] = file(clip)
    for host in ("127.0.0.1", "localhost", "2130706433"):
        with pytest.raises(InputError, match="loopback"):
            take(f"http://{host}:{site.port}/clip.mp4", tmp_path, reach=Reach())
    assert not site.asked


def test_a_cut_connection_leaves_nothing(site: Site, clip: bytes, tmp_path: Path) -> None:
    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(clip)))
        handler.end_headers()
        handler.wfile.write(clip[: len(clip) // 2])

    site.answers["/clip.mp4"] = cut
    with pytest.raises(InputError, match=f"{len(clip) // 2} of {len(clip)} bytes came"):
        take(site.url("/clip.mp4"), tmp_path)
    assert left(tmp_path) == []


def test_a_connection_that_is_reset_leaves_nothing(site: Site, clip: bytes, tmp_path: Path) -> None:
    def reset(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(clip)))
        handler.end_headers()
        handler.wfile.write(clip[:100_000])
        handler.wfile.flush()
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()

    site.answers["/clip.mp4"] = reset
    with pytest.raises(InputError, match="cut"):
        take(site.url("/clip.mp4"), tmp_path)
    assert left(tmp_path) == []


def test_a_chunked_answer_that_is_cut_leaves_nothing(site: Site, tmp_path: Path) -> None:
    def chunks(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"10000\r\n" + bytes(70))
        handler.close_connection = True

    site.answers["/clip.mp4"] = chunks
    with pytest.raises(InputError):
        take(site.url("/clip.mp4"), tmp_path)
    assert left(tmp_path) == []


def test_more_than_the_stated_length_is_in_doubt(site: Site, clip: bytes, tmp_path: Path) -> None:
    def lie(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.send_header("Content-Length", str(len(clip) - 1000))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(clip)

    site.answers["/clip.mp4"] = lie
    captured = take(site.url("/clip.mp4"), tmp_path)
    check_whole(captured, clip[:-1000])
    (doubt,) = captured.record.doubts
    assert "more than" in doubt
    assert captured.exit_code == 3


def test_no_stated_length_is_noted(site: Site, clip: bytes, tmp_path: Path) -> None:
    def close(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(clip)

    site.answers["/clip.mp4"] = close
    captured = take(site.url("/clip.mp4"), tmp_path)
    check_whole(captured, clip)
    assert captured.record.files[0].bytes_stated is None
    assert any("stated no length" in note for note in captured.record.notes)
    assert captured.exit_code == 0


def test_a_file_that_changes_while_it_is_served(site: Site, clip: bytes, tmp_path: Path) -> None:
    asked = []

    def changing(handler: Handler) -> None:
        asked.append(handler.command)
        handler.reply(200, clip, "video/mp4", ETag=f'"version {len(asked)}"')

    site.answers["/clip.mp4"] = changing
    captured = take(site.url("/clip.mp4"), tmp_path)
    check_whole(captured, clip)
    (doubt,) = captured.record.doubts
    assert "changed at its address" in doubt
    assert 'etag "version 2" became "version 3"' in doubt
    assert captured.exit_code == 3


def test_a_file_that_changes_on_the_disk(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/clip.mp4"] = file(clip)
    captured = take(site.url("/clip.mp4"), tmp_path)
    with captured.path.open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\xff" if clip[1000:1001] != b"\xff" else b"\x00")
    with pytest.raises(IntegrityError, match="not what was received"):
        check_captured(captured)


@pytest.mark.parametrize("stated", [True, False])
def test_too_big(site: Site, clip: bytes, tmp_path: Path, stated: bool) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(65536))

    site.answers["/clip.mp4"] = file(clip) if stated else endless
    with pytest.raises(InputError, match="100000"):
        take(site.url("/clip.mp4"), tmp_path, Limits(max_bytes=100_000))
    assert left(tmp_path) == []


@pytest.mark.parametrize("what", ["file", "page", "silence"])
def test_too_slow(site: Site, clip: bytes, tmp_path: Path, what: str) -> None:
    """One byte at a time, a page at that pace, a server that says nothing: all end by the clock."""
    stop = threading.Event()
    site.answers["/page"] = page("<title>T</title><video src='/clip.mp4'></video>")
    site.answers["/clip.mp4"] = drip(clip, 0.02)
    if what == "page":
        site.answers["/page"] = drip(b"<video>" * 10_000, 0.02)
    if what == "silence":
        site.answers["/clip.mp4"] = lambda handler: stop.wait(20) and None
    started = time.monotonic()
    with pytest.raises(InputError, match="longer than 2 s"):
        take(site.url("/page"), tmp_path, Limits(max_seconds=2))
    stop.set()
    assert time.monotonic() - started < 6
    assert left(tmp_path) == []


def test_an_endless_page_ends(site: Site, tmp_path: Path) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        while True:
            handler.wfile.write(b"<p>" * 20_000)

    site.answers["/page"] = endless
    with pytest.raises(InputError, match="allowed"):
        take(site.url("/page"), tmp_path, Limits(max_seconds=60))


def test_a_packed_page_that_unpacks_to_very_much(site: Site, tmp_path: Path) -> None:
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    body = b"".join([packer.compress(bytes(2**20)) for _ in range(64)] + [packer.flush()])
    site.answers["/page"] = file(body, "text/html", Content_Encoding="gzip")
    with pytest.raises(InputError, match="unpacks to more"):
        take(site.url("/page"), tmp_path)


def test_a_page_without_a_video(site: Site, tmp_path: Path) -> None:
    site.answers["/page"] = page("<p>Nothing here.</p>")
    with pytest.raises(InputError, match="no video was found"):
        take(site.url("/page"), tmp_path)
    with pytest.raises(InputError, match="404"):
        take(site.url("/absent"), tmp_path)


def test_an_answer_that_is_packed_is_refused(site: Site, clip: bytes, tmp_path: Path) -> None:
    site.answers["/page"] = page("<title>T</title><video src='/clip.mp4'></video>")
    site.answers["/clip.mp4"] = file(clip, Content_Encoding="br")
    with pytest.raises(InputError, match="packed as 'br'"):
        take(site.url("/page"), tmp_path)
    assert left(tmp_path) == []


def test_a_certificate_is_kept_and_an_unknown_one_refused(
    clip: bytes, tmp_path: Path, certificate: Path
) -> None:
    with serve(certificate) as site:
        site.answers["/clip.mp4"] = file(clip)
        with pytest.raises(InputError, match=r"(?i)certificate"):
            take(site.url("/clip.mp4"), tmp_path)
        assert left(tmp_path) == []
        captured = take(
            site.url("/clip.mp4"), tmp_path, reach=Reach(loopback=True, trusted=certificate)
        )
    check_whole(captured, clip)
    shown = captured.record.files[0].chain[0].certificate
    assert shown is not None
    assert shown.subject == shown.issuer == "CN=127.0.0.1"
    assert shown.tls in {"TLSv1.2", "TLSv1.3"}
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    own = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert shown.sha256 == own.fingerprint(SHA256()).hex()
    assert shown.not_after_utc.startswith(str(own.not_valid_after_utc.date()))


def test_proxies_of_the_environment_are_not_used(
    site: Site, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a proxy the address could not be checked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.answers["/clip.mp4"] = file(clip)
    check_whole(take(site.url("/clip.mp4"), tmp_path), clip)


def test_plugins_and_settings_of_yt_dlp_are_not_read(
    site: Site, clip: bytes, tmp_path: Path
) -> None:
    """Code and settings that lie about for yt-dlp take no part, though its command reads them."""
    plugin = tmp_path / "path" / "yt_dlp_plugins" / "extractor"
    plugin.mkdir(parents=True)
    marker = tmp_path / "loaded"
    plugin.joinpath("evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n", "utf-8")
    settings = tmp_path / "home" / ".config" / "yt-dlp"
    settings.mkdir(parents=True)
    settings.joinpath("config").write_text("--proxy http://127.0.0.1:9\n", "utf-8")
    site.answers["/clip.mp4"] = file(clip)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from forensics.capture.clip import one\nfrom forensics.capture.targets import Reach\n"
        "one(sys.argv[1], lambda stem: Path(sys.argv[2]), reach=Reach(loopback=True))\n"
    )
    path = os.pathsep.join([str(tmp_path / "path"), str(SCHEMA.parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", program, site.url("/clip.mp4"), str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path, "HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kept" / "clip.mp4").read_bytes() == clip
    assert not marker.exists()
