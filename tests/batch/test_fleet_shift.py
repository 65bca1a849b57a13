"""Fleet shift: every item ends once, whatever dies; only whole bundles reach OUT.

The nodes are real, the audit is not: it draws a small bundle in a fraction of a second.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import verify
from forensics.batch import fleet_shift, node
from forensics.batch.fleet import Beyond, Died, Done, News, Part, Ready
from forensics.batch.fleet_shift import FALSE_STARTS, NODE_LOSSES
from forensics.batch.ray_runner import RayRunner
from forensics.batch.results import failed, result_of_bundle
from forensics.batch.runner import ATTEMPTS, Finished, Order, Started, Task
from forensics.config import Settings
from forensics.errors import EnvironmentLacks, InputError
from forensics.evidence.signing import Signing
from forensics.record_batch import BatchItem, ItemResult
from tests.batch.drawn_fleet import DrawnFleet, DrawnHand, die_once
from tests.bundles import make_bundle

ORDER = Order(Settings(), Signing(elsewhere=("ab" * 32,)))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("drawn"), side=32)


@pytest.fixture(autouse=True)
def quick_audit(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def audit(task: Task, order: Order, *, attempt: int = 1) -> ItemResult:
        if not task.item.source.read_bytes():
            return failed(task.item, InputError(f"{task.item.source} is empty"), 0.0)
        shutil.copytree(drawn, task.out)
        return result_of_bundle(task.item, task.out, 0.1, attempts=attempt)

    monkeypatch.setattr(node, "execute_item", audit)
    monkeypatch.setattr(node, "_TICK_S", 0.01)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    """Five inputs, the third of them broken, and the folder for their bundles."""
    (tmp_path / "in").mkdir()
    (tmp_path / "OUT").mkdir()
    made = []
    for number in range(5):
        source = tmp_path / "in" / f"{number}.png"
        source.write_bytes(b"" if number == 2 else b"picture %d" % number)
        item = BatchItem(f"item{number}", source, None, source.name)
        made.append(Task(item, tmp_path / "OUT" / item.id))
    return made


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[DrawnFleet]:
    (tmp_path / "nodes").mkdir()
    yield DrawnFleet(tmp_path / "nodes")
    assert list((tmp_path / "nodes").iterdir()) == [], "a node left something behind"


def run(fleet: DrawnFleet, tasks: list[Task]) -> dict[str, ItemResult]:
    """Results by id; every item ended once, and all that began was told."""
    runner = RayRunner(lambda: fleet, None)
    events = list(runner.run(tasks, ORDER))
    results = [event.result for event in events if isinstance(event, Finished)]
    assert Counter(r.id for r in results) == Counter(task.item.id for task in tasks)
    started = Counter(event.id for event in events if isinstance(event, Started))
    # An item whose input had to be sent is given twice in one start.
    assert started == Counter(item for item, _ in {(i, attempt) for _, i, attempt in fleet.given})
    assert fleet.closed
    return {result.id: result for result in results}


def check(tasks: list[Task], results: dict[str, ItemResult], attempts: dict[str, int]) -> None:
    """The bundles are whole, the broken input failed, and nothing else lies in OUT."""
    for task in tasks:
        result = results[task.item.id]
        assert result.attempts == attempts.get(task.item.id, 1)
        if task.item.id == "item2":
            assert (result.outcome, result.bundle) == ("failed", None)
            assert result.reason == f"{task.item.source.name} is empty"
        else:
            assert (result.outcome, result.bundle) == ("done", task.out.name), result.reason
            assert verify(task.out).exit_code == 0
    names = sorted(path.name for path in tasks[0].out.parent.iterdir())
    assert names == ["item0", "item1", "item3", "item4"]


def test_all_items_end_and_their_bundles_come_back(fleet: DrawnFleet, tasks: list[Task]) -> None:
    check(tasks, run(fleet, tasks), {})
    assert {number for number, _, _ in fleet.given} == {1, 2}
    assert sorted(fleet.ended) == [1, 2], "idle workers are ended gently"
    assert not fleet.shipped
    assert all(order.signing.keys == () for order in fleet.orders)


@pytest.mark.parametrize("node_lost", [True, False])
@pytest.mark.parametrize("after_parts", [0, 7])
def test_a_worker_that_dies_loses_nothing(
    fleet: DrawnFleet, tasks: list[Task], node_lost: bool, after_parts: int
) -> None:
    fleet.interfere = die_once("item1", after_parts, node_lost=node_lost)
    check(tasks, run(fleet, tasks), {"item1": 2})
    assert len(fleet.hands) == 3


@pytest.mark.parametrize(("node_lost", "most"), [(False, ATTEMPTS), (True, NODE_LOSSES)])
def test_an_item_that_kills_its_workers_fails_alone(
    fleet: DrawnFleet, tasks: list[Task], node_lost: bool, most: int
) -> None:
    def interfere(hand: DrawnHand, news: News) -> News | None:
        return Died("died", node_lost) if hand.item == "item1" and isinstance(news, Part) else None

    fleet.interfere = interfere
    results = run(fleet, tasks)
    lost = results.pop("item1")
    assert (lost.outcome, lost.attempts, lost.bundle) == ("failed", most, None)
    assert f"in {most} attempts" in str(lost.reason)
    rest = [task for task in tasks if task.item.id != "item1"]
    assert not tasks[1].out.exists()
    for task in rest:
        assert results[task.item.id].attempts == 1


def test_an_input_that_a_node_does_not_see_is_sent(
    fleet: DrawnFleet, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that sees another file under the path, or none, is sent the driver's bytes."""
    monkeypatch.setattr(node, "_is", _only_shipped(node._is))
    results = run(fleet, tasks)
    check(tasks, results, {})
    sizes = {f"0/{t.item.source.name}": len(t.item.source.read_bytes()) for t in tasks}
    assert fleet.shipped == Counter(sizes)


def _only_shipped(real: object) -> object:
    def is_there(path: Path, expected: object) -> bool:
        return "shipped" in path.parts and real(path, expected)  # type: ignore[operator]

    return is_there


def test_an_input_that_is_too_large_to_send_fails_with_advice(
    fleet: DrawnFleet, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_is", lambda path, expected: False)
    monkeypatch.setattr(fleet_shift, "MAX_SHIPPED_BYTES", 4)
    results = run(fleet, tasks)
    assert "more than the 4 that are sent along" in str(results["item0"].reason)
    assert "all nodes see alike" in str(results["item0"].hint)
    # The empty one is small enough and then still not found.
    assert "does not find it" in str(results["item2"].reason)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../evil", "not of this item"),
        ("item1", "not of this item"),
        ("other/bagit.txt", "not of this item"),
        ("item1/../../evil", "relative name"),
        ("item1//evil", "relative name"),
        ("item1/a\\b", "backslash"),
        ("/item1/evil", "not of this item"),
        ("item1/bagit.txt", "came twice"),
    ],
)
def test_what_a_node_says_about_names_is_not_believed(
    fleet: DrawnFleet, tasks: list[Task], tmp_path: Path, path: str, words: str
) -> None:
    before = sorted(tmp_path.iterdir())

    def interfere(hand: DrawnHand, news: News) -> News | None:
        # In the middle of the bundle, when the file of the last case has come.
        here = isinstance(news, Part) and news.path == "item1/data/faces.csv"
        return Part(path, b"evil") if here and hand.item == "item1" else None

    fleet.interfere = interfere
    results = run(fleet, tasks)
    assert results["item1"].outcome == "failed"
    assert words in str(results["item1"].reason)
    assert sorted(tmp_path.iterdir()) == before
    assert not list(tasks[0].out.parent.glob("item1*"))
    assert results["item0"].outcome == "done"


@pytest.mark.parametrize("what", ["a byte", "a file", "the bundle"])
def test_a_bundle_that_comes_back_damaged_is_not_kept(
    fleet: DrawnFleet, tasks: list[Task], what: str
) -> None:
    def interfere(hand: DrawnHand, news: News) -> News | None:
        if hand.item != "item3":
            return None
        if isinstance(news, Part) and news.path == "item3/data/faces.csv" and what != "the bundle":
            if what == "a byte":
                return Part(news.path, news.data[:-1] + bytes([news.data[-1] ^ 1]))
            return Part("item3/data/faces2.csv", news.data)
        if isinstance(news, Done) and what == "the bundle":
            return Done(news.result.model_copy(update={"bundle_sha256": "0" * 64}))
        return None

    fleet.interfere = interfere
    results = run(fleet, tasks)
    assert results["item3"].outcome == "failed"
    assert "came back" in str(results["item3"].reason)
    assert not tasks[3].out.exists()


def test_a_limit_that_is_crossed_ends_the_worker_and_the_item_alone(
    fleet: DrawnFleet, tasks: list[Task]
) -> None:
    def interfere(hand: DrawnHand, news: News) -> News | None:
        return Beyond("it took too long") if hand.item == "item4" else None

    fleet.interfere = interfere
    results = run(fleet, tasks)
    assert results["item4"].reason == "it took too long"
    assert "--item-timeout" in str(results["item4"].hint)
    assert results["item0"].outcome == "done"


def test_a_worker_that_never_comes_up_is_given_up(fleet: DrawnFleet, tasks: list[Task]) -> None:
    fleet.interfere = lambda hand, news: Died("has other versions")
    with pytest.raises(EnvironmentLacks, match="has other versions"):
        run(fleet, tasks)
    assert len(fleet.hands) == 2 * FALSE_STARTS
    assert fleet.closed


def test_one_place_that_never_comes_up_leaves_the_work_to_the_other(
    fleet: DrawnFleet, tasks: list[Task]
) -> None:
    def interfere(hand: DrawnHand, news: News) -> News | None:
        return Died("died") if hand.number == 1 and isinstance(news, Ready) else None

    fleet.interfere = interfere
    check(tasks, run(fleet, tasks), {})
    assert {number for number, _, _ in fleet.given} == {2}


def test_closing_the_iterator_ends_all_and_leaves_no_half_bundle(
    fleet: DrawnFleet, tasks: list[Task]
) -> None:
    events = RayRunner(lambda: fleet, None).run(tasks, ORDER)
    assert isinstance(next(events), Started)
    events.close()
    assert fleet.closed
    assert all(hand.dead for hand in fleet.hands)
    assert list(tasks[0].out.parent.iterdir()) == []


def test_what_an_earlier_attempt_left_is_replaced_and_strangers_are_not(
    fleet: DrawnFleet, tasks: list[Task], drawn: Path
) -> None:
    shutil.copytree(drawn, tasks[0].out)
    (tasks[1].out).mkdir()
    (tasks[1].out / "mine.txt").write_text("mine", "utf-8")
    results = run(fleet, tasks)
    assert results["item0"].outcome == "done"
    assert "is in the way" in str(results["item1"].reason)
    assert (tasks[1].out / "mine.txt").read_text("utf-8") == "mine"
