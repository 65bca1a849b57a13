"""Profiles: which networks a name means."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from forensics.errors import UsageError
from forensics.models.official import OFFICIAL, fetch_command, official
from forensics.models.profiles import BUILT_IN, profile


def test_a_gfpgan_profile_is_what_upstream_runs_without_its_non_commercial_parser() -> None:
    p = profile("gfpgan-1.4")
    assert (p.restorer, p.detector, p.parser) == ("gfpgan-1.4", "retinaface-resnet50", "bisenet")
    assert p.fetched() == ("gfpgan-1.4", "retinaface-resnet50", "bisenet")
    assert p.fetched(upstream_compat=True) == ("gfpgan-1.4", "retinaface-resnet50", "parsenet")
    assert profile("embedded").fetched() == ()


def test_every_name_of_a_profile_is_a_row() -> None:
    for known in BUILT_IN:
        roles = [official(name).role for name in known.fetched()]
        assert roles == (["restorer", "detector", "parser"] if known.name != "embedded" else [])


def test_unknown_profiles_are_wrong_use_and_name_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'gfpgan'") as caught:
        profile("gfpgan")
    assert "embedded, gfpgan-1.3, gfpgan-1.4, restoreformer" in caught.value.hint
    with pytest.raises(UsageError):
        profile("../gfpgan-1.4")


def test_the_fetch_command_asks_for_agreement_only_where_it_is_needed() -> None:
    assert fetch_command("gfpgan-1.3") == "forensics models fetch gfpgan-1.3 --accept-licence"
    assert fetch_command(["realesrgan-x2plus", "retinaface-resnet50"]) == (
        "forensics models fetch realesrgan-x2plus retinaface-resnet50"
    )


def test_the_rows_are_those_of_the_weights_table(shared_data: Path) -> None:
    with (shared_data / "weights.csv").open(newline="") as stream:
        table = {row["name"]: row for row in csv.DictReader(stream)}
    assert len(OFFICIAL) == 17
    for row in OFFICIAL:
        source = table[row.name]
        assert (row.file, row.url, str(row.bytes), row.sha256) == (
            source["file"],
            source["url"],
            source["bytes"],
            source["sha256"],
        )
        assert row.licence == source["licence"]
        assert row.commercial_use == source["commercial_use"]
        assert row.agreeing == source["agreeing_sources"].replace(">=", "at least ")


def test_non_commercial_parts_are_named_wherever_the_licence_names_them() -> None:
    for row in OFFICIAL:
        said = any(word in row.licence for word in ("NC", "non-commercial", "FFHQ"))
        assert bool(row.non_commercial) == said, row.name
        assert row.notice.endswith(".")
        assert len(row.sha256) == 64
        assert row.url.startswith("https://")
        assert row.url.endswith(row.file)


def test_neither_catalogue_nor_profiles_load_torch() -> None:
    code = (
        "import sys, forensics.models.catalogue, forensics.models.profiles as p\n"
        "from forensics.models.catalogue import entries\n"
        "entries(check=True); p.profile('gfpgan-1.4')\n"
        "print([m for m in ('torch','cv2','av','weasyprint','requests','pooch','spandrel')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_about_models_says_what_the_catalogue_says(repo_root: Path) -> None:
    page = (repo_root / "docs" / "models.md").read_text("utf-8")
    third = (repo_root / "THIRD_PARTY.md").read_text("utf-8")
    for row in OFFICIAL:
        lines = [line for line in page.splitlines() if line.startswith(f"| `{row.name}` |")]
        assert len(lines) == 1, row.name
        for fact in (row.title, row.url, str(row.bytes), row.sha256, row.licence, row.agreeing):
            assert fact in lines[0], (row.name, fact)
        for part in row.non_commercial:
            assert part in page, (row.name, part)
    parts = ("NVIDIA Source Code License", "DFDNet", "FFHQ", "CelebAMask-HQ", "PSFRGAN")
    assert all(part in third for part in parts)
