"""Driver: the journal decides what is done, the driver signs, every stop is resumable."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forensics.batch.driver import Job, begin, run_batch, take_up
from forensics.batch.journal import Journal
from forensics.batch.plan import BatchPlan, Planned
from forensics.batch.results import result_of_bundle, without_bundle
from forensics.batch.runner import Order
from forensics.config import Settings
from forensics.errors import IncompleteError, IntegrityError, Interrupted, UsageError
from forensics.evidence.check_batch import verify_batch
from forensics.evidence.signing import Signing
from forensics.evidence.trust import Trust, load_trust
from forensics.evidence.verify import verify
from forensics.progress import Silent
from forensics.record_batch import BatchSummary
from tests.batch import stand_ins
from tests.bundles import make_bundle
from tests.signers import signer, trust
from tests.tsa import make_authority, serving

SETTINGS = Settings(format="html")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete bundle that names no signer."""
    return make_bundle(tmp_path_factory.mktemp("whole"), side=16, failed=False)


@pytest.fixture(scope="session")
def partial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle part of whose work failed."""
    return make_bundle(tmp_path_factory.mktemp("part"), side=16)


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle sealed for key 1, which is elsewhere."""
    signing = Signing(elsewhere=(signer(1).fingerprint,))
    return make_bundle(tmp_path_factory.mktemp("named"), side=16, failed=False, signing=signing)


def _plan(*ids: str, same: dict[str, str] | None = None) -> BatchPlan:
    twice = same or {}
    planned = [Planned(stand_ins.item(name), twice.get(name)) for name in ids]
    return BatchPlan(tuple(planned), ("in: 1 entries are no footage, left out: notes.txt",))


def _job(out: Path, runner: stand_ins.Drawn, **more: Any) -> Job:
    signing = more.pop("signing", Signing())
    return Job(out, more.pop("settings", SETTINGS), signing, runner, **more)


def _run(journal: Journal, job: Job, said: list[str] | None = None) -> BatchSummary:
    sink: Callable[[str], None] = (lambda _: None) if said is None else said.append
    return run_batch(journal, job, Silent(), sink)


def test_a_batch_rolls_up_and_verifies(tmp_path: Path, whole: Path, partial: Path) -> None:
    runner = stand_ins.Drawn(
        lambda name: partial if name == "part" else whole, faults=frozenset({"bad"})
    )
    job = _job(tmp_path / "out", runner)
    plan = _plan("a", "twice", "bad", "part", same={"twice": "a"})
    summary = _run(begin(plan, job), job)
    assert runner.done == ["a", "bad", "part"]
    assert [item.id for item in summary.items] == ["a", "twice", "bad", "part"]
    assert summary.counts.model_dump() == {
        "items": 4, "done": 2, "unscorable": 0, "failed": 1, "duplicate": 1, "not_run": 0,
        "incomplete": 1,
    }  # fmt: skip
    assert (summary.run.exit_code, summary.run.complete) == (3, False)
    a, part = summary.items[0].totals, summary.items[3].totals
    assert a is not None
    assert part is not None
    assert summary.totals.faces == a.faces + part.faces
    assert sum(summary.bands.values()) == a.people + part.people
    found = verify_batch(job.out, lambda path: verify(path))
    assert (found.verdict, found.exit_code) == ("intact_unsigned", 0), found.lines()
    assert {bundle.name for bundle in found.bundles} == {"a", "part"}


def test_a_complete_batch_is_exit_0_and_a_gate_is_exit_1(tmp_path: Path, whole: Path) -> None:
    runner = stand_ins.Drawn(lambda _: whole)
    job = _job(tmp_path / "out", runner)
    summary = _run(begin(_plan("a", "b"), job), job)
    assert (summary.run.exit_code, summary.run.complete) == (0, True)
    from forensics.evidence.batch_facts import batch_exit_code

    crossed = [item.model_copy(update={"exit_code": 1}) for item in summary.items]
    assert batch_exit_code(crossed, False) == 1
    failed = without_bundle(stand_ins.item("x"), reason="no")
    assert batch_exit_code([*crossed, failed], False) == 3, "a failure outranks a finding"
    assert batch_exit_code(crossed, True) == 3, "what is left to do is not complete"


def test_the_driver_signs_and_workers_see_no_key(tmp_path: Path, named: Path) -> None:
    signing = Signing((signer(1),))
    runner = stand_ins.Drawn(lambda _: named)
    job = _job(tmp_path / "out", runner, signing=signing)
    summary = _run(begin(_plan("a", "b"), job), job)
    (order,) = runner.orders
    assert order.signing.keys == ()
    assert order.signing.fingerprints == signing.fingerprints
    assert summary.run.signers == signing.fingerprints
    pinned = trust(signer(1))
    for name in ("a", "b"):
        assert verify(job.out / name, pinned).verdict == "intact_signer_known"
    found = verify_batch(job.out, lambda path: verify(path, pinned), pinned)
    assert (found.verdict, found.exit_code) == ("intact_signer_known", 0), found.lines()
    other = trust(signer(2))
    found = verify_batch(job.out, lambda path: verify(path, other), other)
    assert found.exit_code == 4


def test_the_driver_signs_nothing_that_is_not_what_its_manifest_says(
    tmp_path: Path, named: Path
) -> None:
    def altered(_: str) -> Path:
        copy = tmp_path / "altered"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(named, copy)
        (copy / "data" / "faces.csv").write_text("other\n")
        return copy

    runner = stand_ins.Drawn(altered)
    job = _job(tmp_path / "out", runner, signing=Signing((signer(1),)))
    summary = _run(begin(_plan("a"), job), job)
    (item,) = summary.items
    assert (item.outcome, item.exit_code) == ("failed", 4)
    assert "was not signed" in (item.reason or "")
    assert not (job.out / "a" / "signatures").exists()


def test_a_key_that_is_not_the_named_one_signs_nothing(tmp_path: Path, named: Path) -> None:
    runner = stand_ins.Drawn(lambda _: named)
    job = _job(tmp_path / "out", runner, signing=Signing((signer(2),)))
    summary = _run(begin(_plan("a"), job), job)
    assert "other signers" in (summary.items[0].reason or "")
    assert not (job.out / "a" / "signatures").exists()


@pytest.mark.parametrize("fault", ["", "status"])
def test_bundles_and_roll_up_are_time_stamped_or_it_is_said(tmp_path: Path, fault: str) -> None:
    authority = make_authority(tmp_path / "tsa")
    said: list[str] = []
    with serving(authority, fault) as url:
        signing = Signing((signer(1),), url)
        bundle = make_bundle(
            tmp_path / "made",
            side=16,
            failed=False,
            signing=signing.without_keys(),
            start=datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60),
        )
        job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: bundle), signing=signing)
        summary = _run(begin(_plan("a"), job), job, said)
    roots = load_trust((), tsa_roots=(authority.root,)).tsa_roots
    pinned = Trust((signer(1).public,), tsa_roots=roots)
    found = verify_batch(job.out, lambda path: verify(path, pinned), pinned)
    if not fault:
        assert summary.run.exit_code == 0
        assert (found.verdict, found.exit_code) == ("intact_signer_known", 0), found.lines()
        assert found.seal is not None
        assert found.seal.time == "attested"
        return
    assert summary.run.exit_code == 3
    assert "signed but NOT time-stamped" in (summary.run.stopped or "")
    assert "NOT time-stamped: 127.0.0.1 answered" in "\n".join(said)
    (item,) = summary.items
    assert (item.outcome, item.exit_code) == ("done", 3)
    assert "127.0.0.1 answered" in (item.timestamp_failure or "")
    assert found.exit_code == 1, "intact, and the stamp that was asked for is missing"
    assert "time stamp was asked for and none is there" in "\n".join(found.lines())


def test_a_bundle_that_was_sealed_before_a_kill_is_signed_by_the_next_start(
    tmp_path: Path, named: Path
) -> None:
    signing = Signing((signer(1),))
    runner = stand_ins.Drawn(lambda _: named)
    job = _job(tmp_path / "out", runner, signing=signing)
    journal = begin(_plan("a", "b"), job)
    shutil.copytree(named, job.out / "a")
    journal.started("a")
    journal.sealed(result_of_bundle(stand_ins.item("a"), job.out / "a", 1.0))
    (job.out / ".a.signatures").mkdir()  # the kill came while it was signed
    journal.close()
    summary = _run(take_up(job), job)
    assert runner.done == ["b"]
    assert [item.outcome for item in summary.items] == ["done", "done"]
    pinned = trust(signer(1))
    found = verify_batch(job.out, lambda path: verify(path, pinned), pinned)
    assert found.verdict == "intact_signer_known", found.lines()


# ---------------------------------------------------------------- stops


def test_max_failures_stops_early_and_resume_does_the_rest(tmp_path: Path, whole: Path) -> None:
    runner = stand_ins.Drawn(lambda _: whole, faults=frozenset({"x1", "x2"}))
    job = _job(tmp_path / "out", runner, max_failures=1)
    plan = _plan("a", "x1", "b", "x2", "c")
    said: list[str] = []
    summary = _run(begin(plan, job), job, said)
    assert summary.run.exit_code == 3
    assert summary.not_run == ("b", "x2", "c")
    assert summary.run.stopped is not None
    assert "Stopped after 1 failed item(s)" in "\n".join(said)
    found = verify_batch(job.out, lambda path: verify(path))
    assert found.exit_code == 0, found.lines()
    summary = _run(take_up(job), job)
    assert summary.not_run == ("c",)
    rest = _job(job.out, runner)
    summary = _run(take_up(rest), rest)
    assert runner.done == ["a", "x1", "b", "x2", "c"], "nothing is done twice"
    assert (summary.counts.done, summary.counts.failed, summary.run.starts) == (3, 2, 3)


def test_an_interrupt_leaves_what_is_done_and_no_roll_up(tmp_path: Path, whole: Path) -> None:
    def strike(name: str) -> None:
        if name == "b":
            raise KeyboardInterrupt

    job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: whole, before=strike))
    with pytest.raises(Interrupted, match="interrupted") as caught:
        _run(begin(_plan("a", "b", "c"), job), job)
    assert caught.value.exit_code == 130
    assert "1 item(s) are done" in caught.value.hint
    assert not (job.out / "batch.json").exists()
    found = verify_batch(job.out, lambda path: verify(path))
    assert (found.verdict, found.exit_code) == ("incomplete", 3)
    again = stand_ins.Drawn(lambda _: whole)
    summary = _run(take_up(_job(job.out, again)), _job(job.out, again))
    assert again.done == ["b", "c"]
    assert summary.run.exit_code == 0


def test_a_roll_up_of_an_earlier_state_does_not_outlive_a_resume(
    tmp_path: Path, whole: Path
) -> None:
    runner = stand_ins.Drawn(lambda _: whole, faults=frozenset({"x"}))
    job = _job(tmp_path / "out", runner, max_failures=1)
    _run(begin(_plan("x", "b"), job), job)
    assert (job.out / "batch.html").exists()

    def strike(_: str) -> None:
        raise KeyboardInterrupt

    stopped = _job(job.out, stand_ins.Drawn(lambda _: whole, before=strike))
    with pytest.raises(Interrupted):
        _run(take_up(stopped), stopped)
    left = {path.name for path in job.out.iterdir()}
    assert left <= {"journal.sqlite", "journal.sqlite-wal", "b"}


def test_bundles_that_are_done_are_held_against_the_journal(tmp_path: Path, whole: Path) -> None:
    runner = stand_ins.Drawn(lambda _: whole)
    job = _job(tmp_path / "out", runner)
    _run(begin(_plan("a", "b"), job), job)
    shutil.rmtree(job.out / "a")
    summary = _run(take_up(job), job)
    assert runner.done == ["a", "b", "a"], "a bundle that is gone is made again"
    assert summary.run.exit_code == 0
    (job.out / "b" / "tagmanifest-sha256.txt").write_text("other\n")
    with pytest.raises(IntegrityError, match="not what they were: b"):
        _run(take_up(job), job)
    (job.out / "b" / "tagmanifest-sha256.txt").unlink()
    with pytest.raises(IntegrityError, match="not what they were: b"):
        _run(take_up(job), job)


def test_failed_items_are_tried_again_on_request(tmp_path: Path, whole: Path) -> None:
    job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: whole, faults=frozenset({"x"})))
    _run(begin(_plan("a", "x", "y", same={"y": "x"}), job), job)
    mended = stand_ins.Drawn(lambda _: whole)
    once = _job(job.out, mended)
    assert _run(take_up(once), once).counts.failed == 1
    again = _job(job.out, mended, retry_failed=True)
    summary = _run(take_up(again), again)
    assert mended.done == ["x"]
    assert summary.run.exit_code == 0
    assert summary.items[2].reason is not None
    assert "audited once" in summary.items[2].reason


# ---------------------------------------------------------------- refusals


def test_other_settings_signers_or_a_second_start_are_refused(tmp_path: Path, whole: Path) -> None:
    runner = stand_ins.Drawn(lambda _: whole)
    job = _job(tmp_path / "out", runner)
    _run(begin(_plan("a"), job), job)
    with pytest.raises(UsageError, match="a batch was begun in"):
        begin(_plan("a"), job)
    for changed, words in (
        (_job(job.out, runner, settings=Settings(format="html", every=2)), "every .1 then, 2 now"),
        (_job(job.out, runner, signing=Signing((signer(1),))), "sign"),
    ):
        with pytest.raises(UsageError, match=words):
            take_up(changed)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(UsageError, match="is not empty and holds no batch"):
        begin(_plan("a"), _job(tmp_path / "full", runner))
    with pytest.raises(UsageError, match="there is no batch"):
        take_up(_job(tmp_path / "nothing", runner))


def test_another_process_on_the_same_folder_is_refused(tmp_path: Path, whole: Path) -> None:
    job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: whole))
    journal = begin(_plan("a"), job)
    code = (
        "import sys; from pathlib import Path\n"
        "from forensics.batch.journal import Journal\n"
        "from forensics.errors import UsageError\n"
        "try:\n    Journal.resume(Path(sys.argv[1]), {})\n"
        "except UsageError as error:\n    print(error.message)\n"
    )
    command = [sys.executable, "-c", code, str(job.out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "another process is at work on this batch now\n"
    journal.close()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "other settings" in done.stdout


def test_a_journal_that_was_never_begun_is_none(tmp_path: Path, whole: Path) -> None:
    """Killed between making the file and committing the plan."""
    job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: whole))
    job.out.mkdir()
    (job.out / "journal.sqlite").write_bytes(b"")
    with pytest.raises(UsageError, match="there is no batch"):
        take_up(job)
    assert _run(begin(_plan("a"), job), job).counts.done == 1


def test_a_damaged_journal_is_said(tmp_path: Path, whole: Path) -> None:
    job = _job(tmp_path / "out", stand_ins.Drawn(lambda _: whole))
    job.out.mkdir()
    (job.out / "journal.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(IntegrityError, match="damaged"):
        take_up(job)


def test_a_full_disk_stops_the_batch_with_advice_and_loses_nothing(
    tmp_path: Path, whole: Path
) -> None:
    ids = [f"i{number}" for number in range(40)]
    runner = stand_ins.Drawn(lambda _: whole)
    job = _job(tmp_path / "out", runner)
    journal = begin(_plan(*ids), job)
    pages = journal._base.execute("PRAGMA page_count").fetchone()[0]
    journal._base.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(IncompleteError, match="cannot be written") as caught:
        _run(journal, job)
    assert "--resume" in caught.value.hint
    done = list(runner.done)
    assert 0 < len(done) < 40
    shutil.rmtree(job.out / done[-1])  # its result was not noted
    summary = _run(take_up(job), job)
    assert summary.counts.done == 40
    assert runner.done == [*done, *ids[len(done) - 1 :]]


def test_an_order_can_be_sent_to_another_process(tmp_path: Path) -> None:
    import pickle

    order = Order(SETTINGS, Signing((signer(1),)).without_keys(), 3.0, 5, 2)
    sent = pickle.dumps(order)
    assert pickle.loads(sent) == order  # noqa: S301 - our own bytes
    private = signer(1).private.private_bytes_raw()
    assert private not in sent
