"""Tamper suite: every change of a sealed bundle is found, by three attackers, and none invented."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.evidence.archive import archive_path
from forensics.evidence.trust import NOBODY
from forensics.evidence.verification import Verification
from forensics.evidence.verify import verify
from tests.attacks import tamper, tamper_records, tamper_whole
from tests.attacks.ledger import Note
from tests.attacks.sealed import ATTACKERS, Attacker, Target, copy, make_target, rehash, sign_again
from tests.attacks.tamper import Attack

TITLE = "mutations of a signed bundle, found of tried"
STALE = ("the signature is over another", "audit.json names", "no signature is there")
UNCHECKED = "signer not checked"


@dataclass(frozen=True)
class Mutation:
    attack: Attack
    attacker: Attacker

    @property
    def name(self) -> str:
        return f"{self.attack.fault}: {self.attack.name} ({self.attacker})"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return make_target(tmp_path_factory.mktemp("tamper"))


def mutations(target: Target) -> list[Mutation]:
    """All of them, in a fixed order."""
    sources = (*tamper.ALL, *tamper_records.ALL, *tamper_whole.ALL)
    attacks = [attack for source in sources for attack in source(target)]
    return [Mutation(attack, attacker) for attack in attacks for attacker in attack.attackers]


def mutate(mutation: Mutation, target: Target, root: Path) -> Path:
    """A mutated copy."""
    bundle = copy(target.bundle, root / "bundle")
    mutation.attack.act(bundle)
    if mutation.attacker == "re-hashes":
        rehash(bundle)
    if mutation.attacker == "re-hashes and signs":
        sign_again(bundle, target.own_key)
    if mutation.attack.pack is not None:
        return mutation.attack.pack(bundle)
    archive = archive_path(bundle)
    return archive if archive.exists() else bundle


def reasons(result: Verification) -> str:
    return "\n".join(f"{s.name}: {s.reason}" for s in result.steps if s.status == "failed")


def judge(mutation: Mutation, target: Target, root: Path) -> str | None:
    """What is wrong with the answer; None when it is right."""
    bundle = mutate(mutation, target, root)
    pinned, open_ = verify(bundle, target.trust), verify(bundle, NOBODY)
    said = reasons(pinned)
    if pinned.exit_code != 4 or pinned.verdict != "altered":
        return f"with the key: exit {pinned.exit_code}, {pinned.first_line}"
    words = (*mutation.attack.words, *STALE)
    if mutation.attacker == "does not re-hash":
        words = mutation.attack.words
    if mutation.attacker == "re-hashes and signs":
        if "not signed by the given key" not in said:
            return f"with the key, no word of another signer: {said}"
        # What still adds up is intact for a reader without the key, and says who was not asked.
        fine = open_.exit_code == 0 and UNCHECKED in open_.first_line
        if mutation.attack.seamless and not fine:
            return f"no seam, and yet: exit {open_.exit_code}, {reasons(open_)}"
        if fine or (open_.exit_code == 4 and any(w in reasons(open_) for w in words)):
            return None
        return f"without a key: exit {open_.exit_code}, {open_.first_line}\n{reasons(open_)}"
    if open_.exit_code != 4:
        return f"without a key: exit {open_.exit_code}, {open_.first_line}"
    if not any(word in said for word in words):
        return f"no line names the fault {words}: {said}"
    return None


def run(chosen: list[Mutation], target: Target, tmp_path: Path, note: Note) -> list[str]:
    faults = []
    for attacker in ATTACKERS:  # the columns in this order
        note(TITLE, "bit flip", attacker, 0, 0)
    for number, mutation in enumerate(chosen):
        fault = judge(mutation, target, tmp_path / str(number))
        note(TITLE, mutation.attack.fault, mutation.attacker, fault is None, 1)
        if fault:
            faults.append(f"{mutation.name}: {fault}")
    return faults


def in_tenths(target: Target) -> tuple[list[Mutation], list[Mutation]]:
    """A seeded tenth of all mutations, and the rest."""
    everything = mutations(target)
    chosen = set(random.Random(tamper.SEED).sample(range(len(everything)), len(everything) // 10))
    tenth = [m for n, m in enumerate(everything) if n in chosen]
    return tenth, [m for n, m in enumerate(everything) if n not in chosen]


def test_the_suite_is_large_and_not_mostly_bit_flips(target: Target) -> None:
    found = mutations(target)
    classes = Counter(mutation.attack.fault for mutation in found)
    assert len(found) >= 200
    assert classes["bit flip"] <= len(found) / 4
    assert min(classes.values()) >= 8
    assert len({mutation.name for mutation in found}) == len(found)


def test_a_tenth_of_the_mutations_is_found(target: Target, tmp_path: Path, note: Note) -> None:
    faults = run(in_tenths(target)[0], target, tmp_path, note)
    assert not faults, "\n".join(faults)


@pytest.mark.slow
def test_every_other_mutation_is_found(target: Target, tmp_path: Path, note: Note) -> None:
    faults = run(in_tenths(target)[1], target, tmp_path, note)
    assert not faults, "\n".join(faults)
