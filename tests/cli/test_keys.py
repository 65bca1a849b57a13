"""``keys new``, ``audit --sign`` and ``verify --key`` as a person uses them."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

import pytest

import forensics
from forensics import api
from forensics.cli.app import main
from forensics.cli.passphrase import ask, signing_from
from forensics.errors import UsageError
from forensics.evidence.keyfiles import KeyFiles, new_key
from forensics.evidence.signing import Signing
from tests.bundles import make_bundle
from tests.signers import public_file, signer

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of keys that only tests use


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return new_key(tmp_path_factory.mktemp("keys") / "k", PASSPHRASE.encode())


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def _run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["forensics", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def _terminal(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """A terminal on which somebody types these answers; returns the prompts that were shown."""
    shown: list[str] = []
    typed = iter(answers)

    def answer(prompt: str) -> str:
        shown.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(getpass, "getpass", answer)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    return shown


# ---------------------------------------------------------------- keys new


def test_a_new_key_is_made_and_what_to_do_next_is_said(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    passphrase_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "keys"
    words = ("keys", "new", "--out", out, "--passphrase-file", passphrase_file)
    assert _run(monkeypatch, *words) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert sorted(path.name for path in out.iterdir()) == [
        "signing.chain.pem",
        "signing.key.pem",
        "signing.pub.pem",
        "signing.root.pem",
    ]
    for part in ("Fingerprint (SHA-256", "forensics audit CLIP --sign", "verify BUNDLE --key"):
        assert part in said.err
    assert PASSPHRASE not in said.err
    assert _run(monkeypatch, *words) == 2
    assert "never overwritten" in capsys.readouterr().err


def test_the_answer_as_json_holds_the_fingerprint_and_no_secret(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    passphrase_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("keys", "new", "-o", tmp_path / "k", "--passphrase-file", passphrase_file, "--json")
    assert _run(monkeypatch, *words) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"fingerprint", "key", "public", "chain", "root"}
    assert len(document["fingerprint"]) == 64


def test_a_passphrase_is_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _terminal(monkeypatch, PASSPHRASE, PASSPHRASE)
    assert _run(monkeypatch, "keys", "new", "--out", tmp_path / "k") == 0
    assert len(shown) == 2
    _terminal(monkeypatch, PASSPHRASE, PASSPHRASE + "x")
    assert _run(monkeypatch, "keys", "new", "--out", tmp_path / "other") == 2
    assert "the two passphrases differ" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("typed", [(), ("short", "short")])
def test_no_and_a_short_passphrase_are_wrong_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed: tuple[str, ...]
) -> None:
    _terminal(monkeypatch, *typed)
    assert _run(monkeypatch, "keys", "new", "--out", tmp_path / "k") == 2
    assert not (tmp_path / "k").exists()


def test_without_a_terminal_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(UsageError, match="no terminal") as caught:
        ask("the key")
    assert "--passphrase-file" in caught.value.hint


def test_no_option_takes_a_passphrase_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: KeyFiles
) -> None:
    words = ("audit", tmp_path / "clip.mp4", "--sign", made.key, "--passphrase", PASSPHRASE)
    assert _run(monkeypatch, *words) == 2
    monkeypatch.setenv("FORENSICS_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    with pytest.raises(UsageError, match="no terminal"):
        signing_from([made.key], [], None)


# ---------------------------------------------------------------- audit --sign


def test_keys_and_passphrases_are_matched(
    tmp_path: Path, made: KeyFiles, passphrase_file: Path
) -> None:
    second = new_key(tmp_path / "second", b"another passphrase")
    other = tmp_path / "other"
    other.write_bytes(b"another passphrase")
    opened = signing_from([made.key, second.key], [passphrase_file, other], None)
    assert opened.fingerprints == (made.fingerprint, second.fingerprint)
    with pytest.raises(UsageError, match=r"does not open 'signing.key.pem'"):
        signing_from([made.key, second.key], [passphrase_file], None)
    with pytest.raises(UsageError, match="3 passphrase files"):
        signing_from([made.key, second.key], [passphrase_file] * 3, None)
    with pytest.raises(UsageError, match="the same key was given twice"):
        signing_from([made.key, made.key], [passphrase_file], None)


def test_options_that_need_a_key_say_so(passphrase_file: Path) -> None:
    with pytest.raises(UsageError, match="--passphrase-file needs --sign KEY"):
        signing_from([], [passphrase_file], None)
    with pytest.raises(UsageError, match="--timestamp needs --sign KEY"):
        signing_from([], [], "http://127.0.0.1/")
    with pytest.raises(UsageError, match="needs an http or https address"):
        signing_from([], [], "file:///etc/passwd")
    assert signing_from([], [], None) == Signing()


def test_a_wrong_passphrase_is_exit_2_and_one_message_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    made: KeyFiles,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the passphrase", encoding="utf-8")
    wrong.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    words = ("audit", "clip.mp4", "--sign", made.key, "--passphrase-file", wrong)
    assert _run(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert said.count("forensics: ") == 1
    assert "the passphrase does not open 'signing.key.pem'" in said
    assert "not the passphrase" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["wrong"]


def test_a_time_stamp_that_failed_is_said_beside_the_json_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from forensics.run import Done  # loads torch, which the other tests here do without

    bundle = make_bundle(tmp_path, side=16, no_faces=True)
    done = Done(forensics.load(bundle), bundle, 3, (), "the authority cannot be reached")
    monkeypatch.setattr(api, "run_audit", lambda *_, **__: done)
    assert _run(monkeypatch, "audit", tmp_path / "clip.mp4", "--json", "--quiet") == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["run"]["id"] == done.audit.run.id
    assert "signed but NOT time-stamped: the authority cannot be reached" in said.err


# ---------------------------------------------------------------- verify --key


def test_verify_exits_as_documented(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signing = Signing((signer(1),))
    signed = make_bundle(tmp_path / "signed", side=16, no_faces=True, signing=signing)
    unsigned = make_bundle(tmp_path / "unsigned", side=16, no_faces=True)
    alice = public_file(signer(1), tmp_path, "alice.pem")
    bob = public_file(signer(2), tmp_path, "bob.pem")
    cases: list[tuple[tuple[object, ...], int, str]] = [
        ((signed, "--key", alice), 0, "intact, signed with the given key"),
        ((signed,), 0, "signer not checked"),
        ((unsigned,), 0, "unsigned: anyone could have made it"),
        ((signed, "--key", bob), 4, "ALTERED: signature failed"),
        ((unsigned, "--key", alice), 4, "ALTERED: signature failed"),
        ((signed, "--key", alice, "--key", bob, "--threshold", 2), 4, "ALTERED"),
        ((signed, "--key", tmp_path / "absent.pem"), 2, "cannot read the public key"),
        ((signed, "--key", alice, "--threshold", 2), 2, "--threshold 2 does not fit"),
        ((signed, "--tsa-root", alice), 2, "holds no certificates"),
    ]
    for words, code, said in cases:
        assert _run(monkeypatch, "verify", *words) == code, words
        assert said in capsys.readouterr().err.splitlines()[0]


def test_the_json_document_of_verify_is_one_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signing = Signing((signer(1),))
    signed = make_bundle(tmp_path, side=16, no_faces=True, signing=signing)
    key = public_file(signer(1), tmp_path)
    assert _run(monkeypatch, "verify", signed, "--key", key, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "intact_signer_known"
    assert document["signers"] == [signer(1).fingerprint]
