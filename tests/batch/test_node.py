"""Node and choice of a cluster: inputs by digest, limits, what is refused before Ray starts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from forensics.batch import node, ray_fleet
from forensics.batch.choose import choose_runner
from forensics.batch.fleet import Beyond, Died, Done, Missing, Ready
from forensics.batch.fleet_shift import _files
from forensics.batch.node import Node, source_facts
from forensics.batch.ray_fleet import _RayHand
from forensics.batch.results import failed
from forensics.batch.runner import Order, Task
from forensics.config import Settings
from forensics.errors import EnvironmentLacks, InputError, UsageError
from forensics.record_batch import BatchItem, ItemResult

ORDER = Order(Settings())


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(node, "_TICK_S", 0.01)
    monkeypatch.setattr(sys, "argv", ["forensics"])
    return Node(["forensics"], 1, tmp_path / "scratch")


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Sources that audits were asked for; every audit fails and names its source."""
    seen: list[Path] = []

    def audit(task: Task, order: Order, *, attempt: int = 1) -> ItemResult:
        seen.append(task.item.source)
        result = failed(task.item, InputError("cannot be read"), 0.0)
        return result.model_copy(update={"reason": f"cannot read {task.item.source}"})

    monkeypatch.setattr(node, "execute_item", audit)
    return seen


def item(source: Path) -> Task:
    return Task(BatchItem("one", source, None, source.name), source.with_name("out"))


def test_an_input_of_the_same_digest_is_read_in_place(
    worker: Node, audited: list[Path], tmp_path: Path
) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"a")
    (news,) = worker.do(item(source), ORDER, 1, (source_facts(source),))
    assert isinstance(news, Done)
    assert audited == [source]


def test_another_file_under_the_path_is_not_taken_for_the_input(
    worker: Node, audited: list[Path], tmp_path: Path
) -> None:
    source = tmp_path / "a.png"
    source.write_bytes(b"the driver's")
    facts = (source_facts(source),)
    source.write_bytes(b"the node's  ")
    assert list(worker.do(item(source), ORDER, 1, facts)) == [Missing()]
    assert audited == []
    worker.take("0/a.png", b"the dri", True)
    worker.take("0/a.png", b"ver's", False)
    (news,) = worker.do(item(source), ORDER, 1, facts)
    assert isinstance(news, Done)
    (used,) = audited
    assert used != source
    # A reader knows the driver's path alone.
    assert news.result.reason == f"cannot read {source}"
    assert list((tmp_path / "scratch").rglob("*.png")) == []


def test_a_folder_is_sent_whole_and_a_file_with_its_capture_record(
    worker: Node, audited: list[Path], tmp_path: Path, two_people: Path
) -> None:
    from PIL import Image

    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")
    (folder / "cmp").mkdir()  # as in the output folder of another tool
    (folder / "cmp" / "0.png").write_bytes(b"pair")
    facts = (source_facts(folder),)
    for file in _files(folder):
        worker.take(f"0/{file.relative_to(tmp_path).as_posix()}", file.read_bytes(), True)
    task = item(folder)
    folder.rename(tmp_path / "elsewhere")
    (news,) = worker.do(task, ORDER, 1, facts)
    assert isinstance(news, Done)
    assert audited[0].name == "frames"
    clip = tmp_path / "c.mp4"
    record = tmp_path / "c.mp4.capture.json"
    for path in (clip, record):
        path.write_bytes(b"x")
    assert _files(clip) == [clip, record]


def test_an_input_that_the_driver_could_not_read_is_tried_as_it_is(
    worker: Node, audited: list[Path], tmp_path: Path
) -> None:
    (news,) = worker.do(item(tmp_path / "absent.png"), ORDER, 1, ())
    assert isinstance(news, Done)
    assert news.result.outcome == "failed"


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order(Settings(), timeout_s=0.2), "longer than the 0.2 s"),
        (Order(Settings(), memory_bytes=2**20), "more than the 1 MiB"),
    ],
)
def test_limits_are_told_while_the_item_runs(
    worker: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Order, words: str
) -> None:
    def slow(task: Task, order: Order, *, attempt: int = 1) -> ItemResult:
        time.sleep(3)
        return failed(task.item, InputError("done after all"), 3.0)

    monkeypatch.setattr(node, "execute_item", slow)
    source = tmp_path / "a.png"
    source.write_bytes(b"a")
    started = time.monotonic()
    (news,) = worker.do(item(source), order, 1, (source_facts(source),))
    assert isinstance(news, Beyond)
    assert words in news.reason
    assert time.monotonic() - started < 2


def test_a_node_that_ends_leaves_nothing(worker: Node, tmp_path: Path) -> None:
    worker.take("0/a.png", b"a", True)
    worker.end()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_without_ray_the_message_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_fleet, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentLacks) as caught:
        choose_runner("ray", None, None, "cpu")
    assert caught.value.exit_code == 5
    assert "pip install 'restoration-forensics[cluster]'" in caught.value.hint


def test_an_address_goes_with_ray() -> None:
    with pytest.raises(UsageError, match="--ray-address"):
        choose_runner("local", None, None, "cpu", "10.1.0.5:6379")


def test_choosing_ray_does_not_load_it() -> None:
    code = (
        "import sys\n"
        "from forensics.batch.choose import choose_runner\n"
        "chosen = choose_runner('ray', 2, None, 'cpu')\n"
        "assert (chosen.runner.name, chosen.runner.workers, chosen.threads) == ('ray', 2, 1)\n"
        "assert not {'ray', 'torch'} & set(sys.modules), 'loaded too much'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    if "ray is not installed" in done.stderr:
        pytest.skip("extra 'cluster' is not installed")
    assert done.returncode == 0, done.stderr


def test_a_node_with_other_versions_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[_RayHand] = []
    monkeypatch.setattr(_RayHand, "kill", lambda hand: ended.append(hand))  # that starts a Ray
    actor = SimpleNamespace(up=SimpleNamespace(remote=lambda: None))
    mine = {"torch": "2.11.0", "numpy": "2.2.0"}
    hand = _RayHand(actor, 1, mine)
    died = hand._up({**mine, "torch": "2.12.0"}, "node")
    assert isinstance(died, Died)
    assert "torch 2.12.0 (here 2.11.0)" in died.words
    assert ended == [hand]
    assert isinstance(_RayHand(actor, 1, mine)._up(dict(mine), "node"), Ready)
