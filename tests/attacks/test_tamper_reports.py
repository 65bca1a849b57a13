"""Edited reports: re-made manifests hide the edit, drawing the reports again does not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest

from forensics.deep.checks import DeepChecks
from forensics.evidence.trust import NOBODY
from forensics.evidence.verify import verify
from tests.attacks.audited import Sealed
from tests.attacks.ledger import Note
from tests.attacks.sealed import fixed_key, sign_again
from tests.attacks.test_tamper import TITLE, UNCHECKED, reasons

HTML, PDF = "data/report/report.html", "data/report/report.pdf"
ROW = "edited report, --deep"


def html(old: str, new: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        text = (root / HTML).read_text("utf-8")
        changed, count = re.subn(old, new, text, count=1)
        assert count == 1
        (root / HTML).write_text(changed, "utf-8")

    return act


def pdf(change: Callable[[pikepdf.Pdf], object]) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        with pikepdf.open(root / PDF, allow_overwriting_input=True) as document:
            change(document)
            document.save(root / PDF)

    return act


def _drop_image(document: pikepdf.Pdf) -> None:
    for page in document.pages:
        found = page.obj.Resources.get("/XObject", {})
        for name in [key for key, item in found.items() if item.Subtype == "/Image"]:
            del found[name]
            return
    raise AssertionError("no picture in the PDF")


EDITS: dict[str, Callable[[Path], None]] = {
    "HTML: not for identification": html("(?i)not for identification", "reliable"),
    "HTML: the title": html("<title>[^<]+", "<title>Verified footage"),
    "HTML: a style that hides": html("</style>", "#limits{display:none}</style>"),
    "HTML: a picture": html(r"data:image/jpeg;base64,[^\"']{20}", "data:image/jpeg;base64,AAAA"),
    "PDF: saved again": pdf(lambda document: document.docinfo),
    "PDF: a page left out": pdf(lambda document: document.pages.__delitem__(-1)),
    "PDF: another title": pdf(
        lambda document: document.docinfo.__setitem__("/Title", "Verified footage")
    ),
    "PDF: a picture left out": pdf(_drop_image),
}


def _judge(name: str, sealed: Sealed, root: Path) -> str | None:
    bundle = Path(shutil.copytree(sealed.bundle, root / "clip-audit"))
    EDITS[name](bundle)
    sign_again(bundle, fixed_key(2))
    plain = verify(bundle, NOBODY)
    if plain.exit_code or UNCHECKED not in plain.first_line:
        return f"plain, without a key: {plain.first_line} {reasons(plain)}"
    pinned = verify(bundle, sealed.trust)
    if pinned.exit_code != 4 or "not signed by the given key" not in reasons(pinned):
        return f"plain, with the key: {pinned.first_line}"
    deep = verify(bundle, NOBODY, deep=DeepChecks(None))
    if deep.exit_code != 4 or name[:3].lower() not in reasons(deep).lower():
        return f"deep: {deep.first_line} {reasons(deep)}"
    return None


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if i else []) for i, n in enumerate(EDITS)]
)
def test_an_edited_report_is_found_by_drawing_it_again(
    name: str, sealed: Sealed, tmp_path: Path, note: Note
) -> None:
    fault = _judge(name, sealed, tmp_path)
    note(TITLE, ROW, "re-hashes and signs", fault is None, 1)
    assert fault is None


@pytest.mark.slow
def test_the_untouched_bundle_passes_the_deep_check(sealed: Sealed) -> None:
    result = verify(sealed.bundle, sealed.trust, deep=DeepChecks(None))
    assert result.exit_code == 0, result.lines()
