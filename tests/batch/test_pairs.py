"""Pairs in a batch: somebody else's restoration beside an item that is restored here."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.evidence.check_batch import verify_batch
from forensics.evidence.lines import load_audit
from forensics.evidence.verify import verify
from tests.batch import killing, material
from tests.batch.rollups import summary_of


@pytest.mark.slow
def test_a_table_of_pairs(tmp_path: Path, two_people: Path) -> None:
    frames = material.frames_of(two_people, 0, 4)
    material.write_clip(tmp_path / "source.mp4", frames, 240)
    material.write_clip(tmp_path / "restored.mp4", frames, 480)
    noise = [material.noise(frames[0].shape, number) for number in range(4)]
    material.write_clip(tmp_path / "other.mp4", noise, 480)
    (tmp_path / "pairs.csv").write_text(
        "id,source,restored\n"
        "pair,source.mp4,restored.mp4\n"
        "wrong,source.mp4,other.mp4\n"
        "gone,source.mp4,none.mp4\n"
        "alone,source.mp4,\n"
    )
    argv = ["pairs.csv", "-o", "out", "--format", "html", "--workers", "1", "--every", "4"]
    done = killing.run(argv, tmp_path)
    assert done.exit_code == 3, done.said
    out = tmp_path / "out"
    items = {item.id: item for item in summary_of(out).items}
    found = {name: item.outcome for name, item in items.items()}
    assert found == {"pair": "done", "wrong": "unscorable", "gone": "failed", "alone": "done"}
    assert "cannot be aligned" in (items["wrong"].reason or "")
    assert items["wrong"].bundle is None
    assert "none.mp4" in (items["gone"].reason or "")
    assert str(tmp_path) not in (items["gone"].reason or "")
    assert load_audit(out / "pair").mode == "pair"
    assert load_audit(out / "alone").mode == "restore"
    assert (items["pair"].mode, items["alone"].mode) == ("pair", "restore")
    limits = summary_of(out).limits
    assert limits[1].startswith("Items with a restoration beside their source: nothing was")
    assert items["pair"].restored == "restored.mp4"
    assert verify_batch(out, verify).exit_code == 0
    again = killing.run([*argv, "--resume"], tmp_path)
    assert again.exit_code == 3, again.said
    assert [i.run for i in summary_of(out).items] == [i.run for i in items.values()]
