"""Targets: an address that is not public is refused in every spelling, unconnected."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import pytest

from forensics.capture import targets
from forensics.capture.line import Net
from forensics.capture.targets import PUBLIC, Reach, address_fault, admit, check_given
from forensics.errors import InputError, UsageError

NOT_PUBLIC = [
    "127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
    "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "::7f00:1",
    "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "fec0::1",
]  # fmt: skip
SPELLINGS = [
    "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0177.0.0.1", "10.1",
    "167772161", "[::1]", "[::ffff:7f00:1]", "[fe80::1%25eth0]", "0", "169.254.43518",
]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert address_fault(ipaddress.ip_address(address)) is not None
    with pytest.raises(InputError, match="is not captured from"):
        admit(address, 80, PUBLIC)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"]
)
def test_a_public_address_is_admitted_without_a_resolver(address: str) -> None:
    # The tests' guard raises where a name would be looked up.
    ((_, (found, port)),) = admit(address, 443, PUBLIC)
    assert (ipaddress.ip_address(found), port) == (ipaddress.ip_address(address), 443)


@pytest.mark.parametrize("host", SPELLINGS)
def test_other_spellings_of_an_address_are_understood(host: str) -> None:
    with pytest.raises(InputError, match="is not captured from"):
        admit(host, 80, PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/a", "data:video/mp4;base64,AAAA", "http:///a",
        "https://user:secret@example.org/", "http://a b/", "http://example.org\\@10.0.0.1/",
        "http://example.org:0/", "http://example.org:99999/", "http://[::1", "javascript:1",
        "http://example.org/\r\nHost: x", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_clip_is_wrong_use(url: str) -> None:
    with pytest.raises(UsageError, match="is not captured"):
        check_given(url)


def _answers(*addresses: str) -> object:
    return lambda host, port: [
        (socket.AF_INET6 if ":" in a else socket.AF_INET, (a, port)) for a in addresses
    ]


@pytest.mark.parametrize("answers", [("10.0.0.1",), ("1.1.1.1", "127.0.0.1"), ("fd00::1",)])
def test_a_name_that_resolves_to_a_private_address_is_refused(
    answers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "resolve", _answers(*answers))
    net = Net(PUBLIC, 5)
    with pytest.raises(InputError, match="innocent"):
        net.dial("innocent.example", 80)
    assert net.refusal is not None


def test_a_name_is_resolved_once_and_that_answer_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers publicly first and privately later (rebinding) gains nothing."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> object:
        asked.append(host)
        return [(socket.AF_INET, ("1.1.1.1" if len(asked) == 1 else "127.0.0.1", port))]

    connected: list[tuple[str, int]] = []

    def connect(self: socket.socket, at: tuple[str, int]) -> None:
        connected.append(at)
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(targets, "resolve", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ConnectionRefusedError):
        Net(PUBLIC, 5).dial("rebinding.example", 80)
    assert asked == ["rebinding.example"]
    assert connected == [("1.1.1.1", 80)]


def test_where_a_socket_ends_is_checked_whatever_it_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A system that sends a connection elsewhere: the other end is looked at."""
    monkeypatch.setattr(targets, "resolve", _answers("1.1.1.1"))
    monkeypatch.setattr(socket.socket, "connect", lambda self, at: None)
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("10.0.0.9", 80))
    with pytest.raises(InputError, match=r"10\.0\.0\.9"):
        Net(PUBLIC, 5).dial("elsewhere.example", 80)


def test_a_test_may_reach_its_own_machine_and_no_other_private_one() -> None:
    reach = Reach(loopback=True)
    assert admit("127.0.0.1", 80, reach)
    for address in ("10.0.0.1", "169.254.169.254", "fe80::1", "::ffff:10.0.0.1"):
        with pytest.raises(InputError):
            admit(address, 80, reach)


def test_no_option_and_no_variable_opens_the_loopback() -> None:
    """The reach is a parameter of the function; nothing outside tests sets it."""
    package = Path(targets.__file__).parents[1]
    named = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "loopback=True" in path.read_text("utf-8")
    ]
    assert named == []
