"""Capture, handler: yt-dlp's requests, all of them, over the lines of one capture.

Loads yt_dlp.  Promise: no other way out exists in the `Asker` made here: no proxy, no ftp, data or
file address, no browser imitation, no web socket, no plugin, no cookie of the user, no cache.
"""

from __future__ import annotations

import io
import ssl
import urllib.request
import zlib
from functools import partial
from http.client import HTTPMessage
from typing import Any
from urllib.parse import urljoin
from urllib.response import addinfourl

from yt_dlp import YoutubeDL
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking._urllib import HTTPHandler, RedirectHandler, UrllibRH

from forensics.capture.line import Connection, Net, Plain, Secure, exchange
from forensics.errors import InputError

PAGE_BYTES = 32 * 2**20
"""Largest page, manifest or other document, after decompression."""


class _Handler(HTTPHandler):  # type: ignore[misc]  # yt-dlp ships no annotations
    """Opens connections on checked lines and writes every answer down."""

    def __init__(self, net: Net, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._net, self._tls = net, context

    def http_open(self, req: urllib.request.Request) -> Any:
        return self._ask(req, partial(Plain, net=self._net))

    def https_open(self, req: urllib.request.Request) -> Any:
        return self._ask(req, partial(Secure, net=self._net, context=self._tls))

    def _ask(self, req: urllib.request.Request, make: Any) -> Any:
        self._net.check(req.full_url)
        self._net.seconds_left()
        made: list[Connection] = []

        def connection(host: str, *, timeout: float | None = None) -> Connection:
            made.append(make(host, timeout=timeout))
            return made[-1]

        answer = self.do_open(connection, req)
        exchange(self._net, req.full_url, req.get_method(), answer.status, made[-1], answer.headers)
        return answer

    def http_response(self, req: urllib.request.Request, resp: Any) -> Any:
        """Unpack pages, to a limit; a compressed answer must not fill the memory."""
        packed = (resp.headers.get("Content-Encoding") or "").strip().lower()
        if packed in {"", "identity"}:
            return resp
        if packed not in {"gzip", "deflate"}:
            raise self._net.refuse(
                InputError(f"the site sends its answer packed as {packed!r:.40}, unasked")
            )
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32 if packed == "gzip" else zlib.MAX_WBITS)
        body = unpacker.decompress(resp.read(), PAGE_BYTES)
        if unpacker.unconsumed_tail:
            raise self._net.refuse(
                InputError(f"a packed page of the site unpacks to more than {PAGE_BYTES} bytes")
            )
        plain = addinfourl(io.BytesIO(body), resp.headers, resp.url, resp.status)
        plain.msg = resp.msg  # type: ignore[attr-defined]  # urllib reads it
        return plain

    https_response = http_response


class _Redirects(RedirectHandler):  # type: ignore[misc]  # yt-dlp ships no annotations
    """Follows redirects to addresses that may be asked; the others end the capture."""

    def __init__(self, net: Net) -> None:
        self._net = net

    def http_error_302(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        if location := headers.get("Location") or headers.get("URI"):
            self._net.check(urljoin(req.full_url, location))
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class CheckedRH(UrllibRH):  # type: ignore[misc]  # yt-dlp ships no annotations
    """yt-dlp's own handler with other sockets."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")

    def __init__(self, *, net: Net, **settings: Any) -> None:  # as yt-dlp's director calls it
        super().__init__(**settings)
        self._net = net

    def _create_instance(
        self, proxies: Any, cookiejar: Any, legacy_ssl_support: bool | None = None
    ) -> urllib.request.OpenerDirector:
        context = self._make_sslcontext(legacy_ssl_support=False)
        if self._net.reach.trusted is not None:
            context.load_verify_locations(self._net.reach.trusted)
        opener = urllib.request.OpenerDirector()
        for handler in (
            _Handler(self._net, context),
            urllib.request.HTTPCookieProcessor(cookiejar),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Redirects(self._net),
        ):
            opener.add_handler(handler)
        opener.addheaders = []
        return opener

    def _prepare_headers(self, _: Any, headers: Any) -> None:
        headers["Accept-Encoding"] = "identity"


class Asker(YoutubeDL):  # type: ignore[misc]  # yt-dlp ships no annotations
    """yt-dlp on the lines of one capture."""

    def __init__(self, net: Net, settings: dict[str, Any]) -> None:
        plugin_dirs.value = []  # code of others that lies about in folders is not loaded
        self._net = net
        super().__init__(settings, auto_init="no_verbose_header")

    def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
        return super().build_request_director([partial(CheckedRH, net=self._net)])
