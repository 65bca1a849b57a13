"""Deep checks: frames and reports drawn again, in a child that may crash, hang or grow."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from forensics.api import check_bundle
from forensics.config import Settings
from forensics.deep import process
from forensics.deep.checks import DeepChecks
from forensics.deep.process import Caps, ChildRefused, ChildStopped, child_lines
from forensics.errors import UsageError
from forensics.evidence.archive import write_archive
from forensics.evidence.verify import Verification, verify
from forensics.report.pdf import pdf_available
from forensics.report.renderer import difference, renderer_versions
from tests.bundles import rebag
from tests.evidence.edits import edit
from tests.null_audits import FRAMES, make_moving, make_picture, null_audit

QUICK = Caps(seconds=60.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a short clip with both reports where this machine can make a PDF."""
    root = tmp_path_factory.mktemp("deep")
    formats = "html" if pdf_available() else "html,pdf"
    return null_audit(make_moving(root / "clip.mp4"), root / "b", Settings(format=formats))


@pytest.fixture
def bundle(clip: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clip, tmp_path / "bundle"))


def step(result: Verification, name: str) -> tuple[str, str, int]:
    found = next(s for s in result.steps if s.name == name)
    return found.status, found.reason, found.exit_code


# ---------------------------------------------------------------- what is intact


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_an_untouched_bundle_passes_deep(bundle: Path, packed: bool) -> None:
    target = write_archive(bundle) if packed else bundle
    result = check_bundle(target, deep=True, original=None)
    assert (result.exit_code, result.depth) == (0, "deep"), result.lines()
    assert ": deep check: " in result.first_line
    status, reason, _ = step(result, "frame hashes")
    assert status == "passed"
    assert f"{FRAMES} decoded frame(s) of the original" in reason
    assert f"{FRAMES} decoded frame(s) of the restored" in reason
    assert step(result, "rendering")[0] == "passed"


def test_the_plain_check_says_so_and_decodes_nothing(bundle: Path) -> None:
    result = check_bundle(bundle, deep=False, original=None)
    assert ": plain check: " in result.first_line
    assert step(result, "frame hashes")[0] == step(result, "rendering")[0] == "not_checked"
    assert result.document()["depth"] == "plain"


@pytest.mark.slow
def test_verify_loads_no_decoder_and_no_renderer(bundle: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from forensics.api import check_bundle;"
        f"r = check_bundle(Path({str(bundle)!r}), deep=True, original=None);"
        "assert r.exit_code == 0, r.lines();"
        "print([m for m in ('av', 'cv2', 'torch', 'weasyprint') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_picture_is_decoded_and_held_against_its_frame(tmp_path: Path) -> None:
    made = null_audit(make_picture(tmp_path / "one.png"), tmp_path / "b", Settings(format="html"))
    result = check_bundle(made, deep=True, original=None)
    assert result.exit_code == 0, result.lines()
    assert (
        "1 decoded frame(s) of the restored file have the recorded pixels"
        in (step(result, "frame hashes")[1])
    )


@pytest.mark.slow
def test_an_original_that_was_left_out_can_be_given(tmp_path: Path) -> None:
    source = make_moving(tmp_path / "clip.mp4")
    made = null_audit(source, tmp_path / "b", Settings(format="html", original=False))
    without = check_bundle(made, deep=True, original=None)
    assert without.exit_code == 0
    assert "give it with --original" in step(without, "frame hashes")[1]
    given = check_bundle(made, deep=True, original=source)
    assert f"{FRAMES} decoded frame(s) of the original" in step(given, "frame hashes")[1]
    assert "the file given is the original" in step(given, "media")[1]
    other = make_picture(tmp_path / "other.png")
    assert check_bundle(made, deep=False, original=other).exit_code == 4
    with pytest.raises(UsageError, match="no file"):
        check_bundle(made, deep=False, original=tmp_path / "absent")


# ---------------------------------------------------------------- what was changed


def test_the_first_differing_frame_is_named(bundle: Path) -> None:
    path = bundle / "data" / "frames" / "restored.framehash"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    last = lines[-5]
    lines[-5] = last[:-4] + ("0" if last[-4] != "0" else "1") + last[-3:]
    path.write_text("".join(lines), "utf-8")
    rebag(bundle)
    result = check_bundle(bundle, deep=True, original=None)
    status, reason, code = step(result, "frame hashes")
    assert (status, code, result.exit_code) == ("failed", 4, 4)
    assert f"frame {FRAMES - 4} of the restored file is the first that differs" in reason


@pytest.mark.slow
def test_another_time_of_a_frame_is_seen(bundle: Path) -> None:
    path = bundle / "data" / "frames" / "original.framehash"
    path.write_text(path.read_text("utf-8").replace("     1024,", "     1025,", 1), "utf-8")
    rebag(bundle)
    assert (
        "frame 3 of the original"
        in (step(check_bundle(bundle, deep=True, original=None), "frame hashes")[1])
    )


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_edited_reports_are_found_after_a_new_seal(bundle: Path, packed: bool) -> None:
    edit(bundle / "data" / "report" / "report.html", "Restoration audit", "Restoration Audit")
    rebag(bundle)
    assert verify(bundle).exit_code == 0
    target = write_archive(bundle) if packed else bundle
    result = check_bundle(target, deep=True, original=None)
    assert result.exit_code == 4
    assert (
        "'report/report.html' is not what this bundle's data give" in (step(result, "rendering")[1])
    )


def test_two_swapped_figures_are_found(bundle: Path) -> None:
    """Original and restored face exchanged in the HTML, as whoever wants to mislead would."""
    path = bundle / "data" / "report" / "report.html"
    text = path.read_text("utf-8")
    one, two = re.findall(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", text)[:2]
    assert one != two
    path.write_text(text.replace(one, "@").replace(two, one).replace("@", two), "utf-8")
    rebag(bundle)
    assert verify(bundle).exit_code == 0
    assert check_bundle(bundle, deep=True, original=None).exit_code == 4


def test_two_swapped_figures_in_the_pdf_are_found(bundle: Path) -> None:
    pikepdf = pytest.importorskip("pikepdf")
    path = bundle / "data" / "report" / "report.pdf"
    if pdf_available():
        pytest.skip("Pango is absent")
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        figures = [
            item
            for item in pdf.objects
            if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Image"
        ]
        one, two = figures[0].read_raw_bytes(), figures[1].read_raw_bytes()
        assert one != two
        figures[0].write(two, filter=pikepdf.Name.DCTDecode)
        figures[1].write(one, filter=pikepdf.Name.DCTDecode)
        pdf.save(path)
    rebag(bundle)
    assert verify(bundle).exit_code == 0
    result = check_bundle(bundle, deep=True, original=None)
    assert result.exit_code == 4
    assert "'report/report.pdf' is not what" in step(result, "rendering")[1]


def test_another_renderer_is_no_alteration(bundle: Path) -> None:
    path = bundle / "data" / "audit.json"
    path.write_text(path.read_text("utf-8").replace('"jinja2": "', '"jinja2": "0.'), "utf-8")
    rebag(bundle)
    status, reason, code = step(verify(bundle, deep=DeepChecks(caps=QUICK)), "rendering")
    assert (status, code) == ("not_checked", 0)
    assert "report/report.html: renderer jinja2" in reason


def test_renderer_versions_name_everything_that_draws() -> None:
    versions = renderer_versions("pdf")
    assert {"weasyprint", "pydyf", "pango", "harfbuzz", "templates and code"} <= set(versions)
    assert difference(versions, dict(versions)) == ""
    assert difference({"a": "1"}, {"a": "2"}) == "a 1 here, 2 recorded"


# ---------------------------------------------------------------- faults in the child


def programmed(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    command: Sequence[str] = (sys.executable, "-c", code)
    monkeypatch.setattr(process, "program", lambda: command)


FAULTS = [
    pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV", id="crash"),
    pytest.param("import os; os.abort()", "SIGABRT", id="abort"),
    pytest.param("import time; time.sleep(60)", "did not end within 1 s", id="hang"),
    pytest.param("raise ValueError('odd')", "ValueError: odd", id="exception"),
    pytest.param("pass", "stopped with code 0", id="silent"),
    pytest.param("raise MemoryError", "memory allowed for it ran out", id="memory"),
    pytest.param("print('x' * 10**6)", "stopped with code 0", id="endless-line"),
]


@pytest.mark.parametrize(("code", "words"), FAULTS)
def test_a_child_that_stops_is_words_and_never_a_traceback(
    monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    programmed(monkeypatch, code)
    job = {"do": "framehash", "path": "absent"}
    with pytest.raises(ChildStopped, match=words):
        list(child_lines(job, Caps(seconds=1.0 if "sleep" in code else 30.0)))


def test_a_crash_of_the_decoder_leaves_the_check_undecided(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programmed(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    result = verify(bundle, deep=DeepChecks(caps=QUICK))
    assert (result.verdict, result.exit_code) == ("could_not_check", 5)
    assert step(result, "frame hashes") == (
        "not_checked",
        "decoding the original again gave nothing: it crashed (SIGSEGV); "
        "decoding the restored file again gave nothing: it crashed (SIGSEGV)",
        5,
    )
    assert step(result, "rendering")[1] == "drawing the reports again: it crashed (SIGSEGV)"


def test_limits_hold_in_the_child(tmp_path: Path) -> None:
    picture = tmp_path / "big.png"
    Image.new("RGB", (3000, 3000)).save(picture)
    job = {"do": "pixels", "path": str(picture)}
    assert len(list(child_lines(job, QUICK))) == 2
    with pytest.raises((ChildStopped, ChildRefused)):
        list(child_lines(job, Caps(seconds=60.0, memory_bytes=2**27)))


def test_the_child_opens_no_socket_and_starts_no_process() -> None:
    code = (
        "import socket, subprocess\n"
        "from forensics.deep.child import confine\n"
        "confine(2**33, 2**20, 60)\n"
        "for act in (socket.socket, lambda: subprocess.run(['true'])):\n"
        "    try: act()\n"
        "    except PermissionError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "a deep check does no socket.__new__",
        "a deep check does no subprocess.Popen",
    ]
