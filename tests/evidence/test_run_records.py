"""The run's records: inventory, predicate and acquisition agree with audit.json, or fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forensics.evidence import acquisition
from forensics.evidence.inventory import inventory
from forensics.evidence.lines import load_audit
from forensics.evidence.verify import verify
from forensics.models.load import ROLES, read_card
from tests.bundle_checks import _inventory_faults
from tests.bundle_records import CARD
from tests.bundles import rebag

INVENTORY = "data/models/models.cdx.json"
PREDICATE = "data/run/predicate.json"
ACQUISITION = "data/run/acquisition.json"
Edit = Callable[[dict[str, Any]], object]


def edit(bundle: Path, path: str, change: Edit) -> None:
    """Change one JSON document and seal again, as anyone can with an unsigned bundle."""
    document = json.loads((bundle / path).read_bytes())
    change(document)
    (bundle / path).write_text(json.dumps(document), encoding="utf-8")
    rebag(bundle)


def records_step(bundle: Path) -> tuple[int, str]:
    result = verify(bundle)
    (step,) = [s for s in result.steps if s.name == "records"]
    return step.exit_code, step.reason


def test_untouched_records_agree(bundle: Path) -> None:
    code, reason = records_step(bundle)
    assert code == 0
    assert "3 records of the run agree" in reason


def _swap_weights(document: dict[str, Any]) -> None:
    document["components"][0]["hashes"][0]["content"] = "0" * 64


def _drop_network(document: dict[str, Any]) -> None:
    del document["components"][0]


def _state(document: dict[str, Any]) -> None:
    document["components"][0]["properties"].append(
        {"name": "restoration-forensics:state_sha256", "value": "0" * 64}
    )


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        (INVENTORY, _swap_weights, "name other weights: detector"),
        (INVENTORY, _drop_network, "name other weights: detector"),
        (INVENTORY, _state, "name other weights: detector"),
        (INVENTORY, lambda d: d.update(serialNumber="urn:uuid:0"), "is of another run"),
        (INVENTORY, lambda d: d.update(bomFormat="SPDX"), "no CycloneDX document"),
        (
            PREDICATE,
            lambda d: d["runDetails"]["metadata"].update(invocationId="x"),
            "another run than audit.json",
        ),
        (
            PREDICATE,
            lambda d: d["buildDefinition"]["resolvedDependencies"].pop(0),
            "another source than audit.json",
        ),
        (
            PREDICATE,
            lambda d: d["buildDefinition"]["resolvedDependencies"].pop(1),
            "does not name the weights of 'detector'",
        ),
        (
            PREDICATE,
            lambda d: d["buildDefinition"]["externalParameters"]["settings"].update(upscale=4),
            "other settings than audit.json",
        ),
        (
            PREDICATE,
            lambda d: d["runDetails"]["byproducts"][0]["digest"].update(sha256="0" * 64),
            "is not the file that predicate.json names",
        ),
        (PREDICATE, lambda d: d.update(extra=1), "damaged at extra"),
        (ACQUISITION, lambda d: d["before"].update(sha256="0" * 64), "another source"),
        (ACQUISITION, lambda d: d.update(operator="B. Other"), "disagree on operator"),
        (
            ACQUISITION,
            lambda d: d.update(credentials={"outcome": "none"}),
            "disagree on the source's credentials",
        ),
        (ACQUISITION, lambda d: d.pop("claim") and d.update(kept="yes"), "damaged at kept"),
    ],
)
def test_a_record_that_tells_another_story_is_altered(
    bundle: Path, path: str, change: Edit, said: str
) -> None:
    edit(bundle, path, change)
    code, reason = records_step(bundle)
    assert code == 4
    assert said in reason


@pytest.mark.parametrize("path", [INVENTORY, PREDICATE, ACQUISITION])
def test_one_record_cannot_be_taken_away(bundle: Path, path: str) -> None:
    (bundle / path).unlink()
    if path == INVENTORY:
        (bundle / path).parent.rmdir()
    rebag(bundle)
    code, reason = records_step(bundle)
    assert code == 4
    assert f"{path!r} is missing" in reason


def test_bundles_of_before_have_none_and_stay_intact(bundle: Path) -> None:
    for path in (INVENTORY, PREDICATE, ACQUISITION):
        (bundle / path).unlink()
    (bundle / INVENTORY).parent.rmdir()
    rebag(bundle)
    assert verify(bundle).exit_code == 0


def test_the_bill_of_materials_holds_the_cards_of_the_real_networks(
    made: Path, tmp_path: Path
) -> None:
    audit = load_audit(made)
    model = audit.models[0]
    cards = {role: read_card(role) for role in ROLES}
    named = audit.model_copy(
        update={
            "models": tuple(
                model.model_copy(update={"role": role, "sha256": card["sha256"]})
                for role, card in cards.items()
            )
        }
    )
    bill = inventory(named, cards, {"torch": "2.15.0", "absent": None}, [("device", "CPU", None)])
    path = tmp_path / "models.cdx.json"
    path.write_text(json.dumps(bill), encoding="utf-8")
    assert _inventory_faults(path) == []
    parts = {part["name"]: part for part in bill["components"][len(cards) :]}  # type: ignore[index]
    assert set(parts) == {"torch", "CPU"}
    for part, (role, card) in zip(bill["components"][: len(cards)], cards.items(), strict=True):  # type: ignore[index]
        found = part["modelCard"]
        assert found["considerations"]["technicalLimitations"] == card["limits"], role
        assert found["modelParameters"]["datasets"], role
        assert len(found["quantitativeAnalysis"]["performanceMetrics"]) > 20, role


def test_figures_of_a_card_keep_their_place_and_value(made: Path) -> None:
    bill = inventory(load_audit(made), {"detector": CARD}, {}, [])
    metrics = bill["components"][0]["modelCard"]["quantitativeAnalysis"]  # type: ignore[index]
    assert metrics["performanceMetrics"] == [
        {"type": "median", "value": "0.25", "slice": "note drawn, large, gain_db"},
        {"type": "bar_met", "value": "False", "slice": "note drawn, large"},
    ]


def test_the_serial_comes_from_the_run_alone(made: Path) -> None:
    audit = load_audit(made)
    other = audit.model_copy(update={"run": audit.run.model_copy(update={"id": "another"})})
    first, again, second = (inventory(a, {}, {}, []) for a in (audit, audit, other))
    assert first == again
    assert first["serialNumber"] != second["serialNumber"]


def test_verify_does_not_load_the_official_validator(made: Path) -> None:
    import subprocess

    code = (
        "import sys; from pathlib import Path; from forensics.evidence.verify import verify\n"
        f"print(verify(Path({str(made)!r})).exit_code)\n"
        "print([m for m in ('cyclonedx', 'jsonschema', 'c2pa', 'torch') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["0", "[]"]


def test_times_that_no_calendar_has_are_still_told(tmp_path: Path) -> None:
    assert acquisition._utc(0.0) == "1970-01-01T00:00:00.000Z"
    assert acquisition._utc(1e18) == "1000000000000000000.000 s since 1970"
