"""Capture, targets: which addresses of the web may be asked, before and after names are resolved.

Promise: an address that is not public is refused in every spelling: by what a name resolves to, and
for IPv6 by the IPv4 address inside it.  A name is resolved once, and what was checked is what is
connected to, so that a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from forensics.errors import InputError, UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_HINT = (
    "Only public http and https addresses are captured: a clip must not be able to make this "
    "machine ask its own network. Fetch the file another way and audit the file."
)


@dataclass(frozen=True)
class Reach:
    """What a capture may reach beyond the public web; for tests alone, no command sets it."""

    loopback: bool = False
    trusted: Path | None = None
    """PEM file of a certificate authority to trust besides the usual ones."""


PUBLIC = Reach()


def is_url(text: str) -> bool:
    """Whether a command's SOURCE means an address and not a path."""
    return text.lower().startswith(("http://", "https://"))


def check_given(url: str) -> None:
    """Raise `UsageError` for what cannot be captured as it was typed."""
    if fault := _fault(url):
        raise UsageError(f"{url!r} is not captured: {fault}", _HINT)


def check_url(url: str) -> None:
    """Raise `InputError` for an address that a page or a redirect names and that is not asked."""
    if fault := _fault(url):
        raise InputError(f"the site leads to {url[:200]!r}, which is not captured: {fault}", _HINT)


def _fault(url: str) -> str | None:
    if any(ord(char) <= 32 or ord(char) == 127 for char in url) or "\\" in url:
        return "it holds a space, a backslash or a control character"
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme.lower() not in {"http", "https"}:
        return f"its scheme is {parts.scheme or 'missing'!r}, not http or https"
    if not parts.hostname:
        return "it names no host"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or a password, which the record would show"
    return "there is no port 0" if port == 0 else None


def resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """Every address that a name has now; OSError when there is none."""
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    return [(family, (str(at[0]), int(at[1]))) for family, _, _, _, at in found]


def admit(host: str, port: int, reach: Reach) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """The addresses of ``host`` that may be connected to.

    `InputError` when one of them is not public: a name that has both kinds is not to be trusted.
    """
    if (literal := _literal(host)) is not None:  # needs no resolver, which might write it otherwise
        check_address(host, str(literal), reach)
        family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
        return [(family, (str(literal), port))]
    found = resolve(host, port)
    for _, (address, _) in found:
        check_address(host, address, reach)
    return found


def _literal(host: str) -> Address | None:
    """The address that ``host`` writes out, also as 0x7f000001, 2130706433, 0177.1 or 127.1."""
    try:
        return ipaddress.ip_address(host.strip("[]").split("%", 1)[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None


def check_address(host: str, address: str, reach: Reach) -> None:
    """Raise `InputError` when ``address`` is not public."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if reach.loopback and parsed.is_loopback:
        return
    if fault := address_fault(parsed):
        named = "" if host == address else f" ({address})"
        raise InputError(f"the host {host!r}{named} is not captured from: {fault}", _HINT)


def address_fault(address: Address) -> str | None:
    """Why an address is not public, or None."""
    if isinstance(address, ipaddress.IPv6Address) and (inner := _inside(address)):
        return address_fault(inner)
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return "its address is site-local"
    for name in ("loopback", "link_local", "multicast", "unspecified", "private", "reserved"):
        if getattr(address, f"is_{name}"):
            return f"its address is {name.replace('_', '-')}"
    return None if address.is_global else "its address is not public"


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    low = int(address) & 0xFFFFFFFF
    # NAT64, and the form ::a.b.c.d that old software still reads; :: and ::1 are no such form.
    if address in _NAT64 or (int(address) >> 32 == 0 and low > 1):
        return ipaddress.IPv4Address(low)
    return None
