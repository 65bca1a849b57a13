"""The relay: order, bounded waiting, and errors that reach the one who hands in jobs."""

from __future__ import annotations

import threading

import pytest

from forensics.passes.relay import Relay


class Torn(Exception):
    """What a job raises here."""


def test_jobs_are_done_in_order_on_another_thread() -> None:
    done: list[tuple[int, int]] = []
    with Relay(ahead=2) as relay:
        for number in range(50):
            relay.put(lambda n=number: done.append((n, threading.get_ident())))  # type: ignore[misc]  # a default argument holds the number
    assert [number for number, _ in done] == list(range(50))
    assert {thread for _, thread in done} != {threading.get_ident()}


def test_no_more_than_the_stated_number_waits() -> None:
    gate, handed_in = threading.Event(), []

    def hand_in(relay: Relay) -> None:
        for number in range(6):
            relay.put(gate.wait)  # type: ignore[arg-type]  # what it returns is of no interest
            handed_in.append(number)

    with Relay(ahead=2) as relay:
        other = threading.Thread(target=hand_in, args=(relay,))
        other.start()
        other.join(timeout=0.5)
        assert other.is_alive()
        # One is being done and two wait: the fourth finds no room.
        assert handed_in == [0, 1, 2]
        gate.set()
        other.join()
    assert handed_in == [0, 1, 2, 3, 4, 5]


def test_the_error_of_a_job_reaches_the_caller_and_later_jobs_are_not_done() -> None:
    done: list[int] = []

    def job(number: int) -> None:
        if number == 3:
            raise Torn("the third")
        done.append(number)

    def hand_in() -> None:
        with Relay(ahead=1) as relay:
            for number in range(100):
                relay.put(lambda n=number: job(n))  # type: ignore[misc]  # a default argument holds the number

    with pytest.raises(Torn, match="the third"):
        hand_in()
    assert done == [0, 1, 2]


def test_an_error_of_the_last_job_is_not_lost() -> None:
    def torn() -> None:
        raise Torn("at the end")

    def hand_in() -> None:
        with Relay(ahead=4) as relay:
            relay.put(torn)

    with pytest.raises(Torn, match="at the end"):
        hand_in()


def test_an_error_of_the_caller_comes_first_and_what_waits_is_dropped() -> None:
    done: list[int] = []
    gate = threading.Event()

    def slow() -> None:
        gate.wait(5)
        done.append(0)

    def hand_in() -> None:
        with Relay(ahead=4) as relay:
            relay.put(slow)
            relay.put(lambda: done.append(1))
            threading.Timer(0.2, gate.set).start()
            raise Torn("the caller's own")

    with pytest.raises(Torn, match="the caller's own"):
        hand_in()
    assert done in ([0], [])


def test_a_relay_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Relay(ahead=0)
