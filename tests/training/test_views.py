"""Views kept for the evidence model: they give what whole crops would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from forensics.models.load import load_embedded
from forensics.models.nets.evidence import build_evidence
from forensics.scoring.evidence import EvidenceModel, shipped_evidence
from tests.known_answers.footage import film
from tests.known_answers.truths import public_truths
from training.references.views import Views, add_evidence


def test_views_read_what_whole_crops_read(tmp_path: Path) -> None:
    model = load_embedded("evidence")
    whole = EvidenceModel(
        build_evidence(model.state), model.sha256, shipped_evidence(), torch.device("cpu")
    )
    faces = [film(truth, 24.0, 2, 5).face for truth in public_truths()]
    views = Views(tmp_path / "views.npy", len(faces))
    rows = [views.add(f) | {"interocular_px": f.interocular_px} for f in faces]
    add_evidence(rows, model, tmp_path / "views.npy")
    for row, reading in zip(rows, whole.read(faces), strict=True):
        for name, value in reading.values.items():
            assert row[name] == pytest.approx(value, abs=1e-5)


def test_views_of_other_faces_are_refused(tmp_path: Path) -> None:
    views = Views(tmp_path / "views.npy", 2)
    face = film(public_truths()[0], 24.0, 2, 5).face
    rows = [views.add(face) | {"interocular_px": face.interocular_px}]
    with pytest.raises(ValueError, match="2 views of 1 faces"):
        add_evidence(rows, load_embedded("evidence"), tmp_path / "views.npy")
