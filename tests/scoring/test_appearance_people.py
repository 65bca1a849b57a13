"""Structure and attributes on people of the `fit` list: recall of painted defects, false flags.

True faces are filmed at known quality with other draws than those of the reference table.  What was
counted is printed (``pytest -s``).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.calibration.filmed import draw, make
from forensics.records import FlagCode
from forensics.scoring.appearance import measure_appearance
from forensics.scoring.flags import face_flags
from forensics.scoring.information import measure_information
from forensics.scoring.iris import centres
from forensics.scoring.measure import FaceInput
from forensics.scoring.references import shipped_references
from tests.scoring import painted
from tests.scoring.made_faces import Picture
from training.portraits import LARGE_SETS, align, detect, read_index, yunet

PEOPLE = 20
CODES: tuple[FlagCode, ...] = (
    "eye_colour", "glasses", "facial_hair", "structure_shift", "hair_grid",
)  # fmt: skip


def portraits(data: Path) -> list[Picture]:
    """Template pictures of fit people without glasses, spread over the list."""
    net, found = yunet(data), []
    lists = Path(__file__).parents[2] / "training" / "attributes" / "glasses_fit.txt"
    worn = {line.strip() for line in lists.read_text("utf-8").splitlines()}
    photos = [
        p
        for p in read_index(data)
        if p.group == "fit" and p.set in LARGE_SETS and f"{p.set}/{p.file}" not in worn
    ]
    photos.sort(key=lambda p: hashlib.sha256(p.person.encode()).hexdigest())
    for photo in photos:
        bgr = cv2.imread(str(photo.path(data)))
        shrink = min(1.0, 640 / max(bgr.shape[:2]))
        small = cv2.resize(bgr, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        faces = detect(net, small)
        if not len(faces):
            continue
        points = faces[0][4:14].reshape(5, 2) / shrink
        if math.dist(points[0], points[1]) >= 100:
            found.append(align(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), points, 512)[0])
        if len(found) == PEOPLE:
            break
    return found


def flags(face: FaceInput) -> tuple[FlagCode, ...]:
    """Flags of the five measures of one face, as an audit gives them."""
    facts = measure_information(face).values
    measures = measure_appearance(face).values
    table, references = shipped_references(), {}
    for name in measures:
        expected = table.look_up(name, facts)
        if expected is not None:
            references[name], references[name + "_p99"] = expected.median, expected.p99
    return face_flags(
        outcome="restored",
        interocular_px=face.interocular_px,
        yaw_deg=None,
        measures=measures,
        references=references,
    )


def filmed_faces(data: Path, bands: tuple[int, ...], seed: int) -> list[FaceInput]:
    rng = np.random.default_rng(seed)
    return [
        make(picture, draw(k, band, rng))
        for k, picture in enumerate(portraits(data))
        for band in bands
    ]


@pytest.mark.slow
def test_true_faces_are_seldom_flagged(shared_data: Path) -> None:
    faces = filmed_faces(shared_data, (2, 3, 4, 5), 901)
    counted = Counter(code for face in faces for code in flags(face))
    print(f"\nfalse flags on {len(faces)} true faces: {dict(counted)}")  # noqa: T201  counted
    assert len(faces) == 4 * PEOPLE
    for code in CODES:
        # One in a hundred by design at most; 80 faces of 20 people allow four by chance.
        assert counted[code] <= 4, code
    assert sum(counted[code] for code in CODES) <= 6


EDITS: tuple[tuple[str, FlagCode, Callable[[Picture], Picture], float, float], ...] = (
    ("glasses", "glasses", painted.glasses, 16.0, 0.9),
    ("moustache 0.6", "facial_hair", lambda p: painted.moustache(p, 0.6), 16.0, 0.8),
    ("beard 0.5", "facial_hair", lambda p: painted.beard(p, 0.5), 16.0, 0.8),
    ("grid of 8 px", "hair_grid", lambda p: painted.lattice(p, 8, 8.0), 0.0, 0.9),
    ("jaw 8 % wider", "structure_shift", lambda p: painted.jaw_widened(p, 0.08), 24.0, 0.6),
    ("face 8 % wider", "structure_shift", lambda p: painted.widened(p, 0.08), 24.0, 0.8),
    (
        "iris dE 30", "eye_colour",
        lambda p: painted.recoloured(p, 30.0, centre=centres(p)[0]), 40.0, 0.8,
    ),
)  # fmt: skip


@pytest.mark.slow
def test_painted_defects_are_flagged(shared_data: Path) -> None:
    faces = filmed_faces(shared_data, (2, 4), 902)
    for name, code, edit, least_px, recall in EDITS:
        use = [face for face in faces if face.interocular_px >= least_px]
        seen = sum(
            code in flags(replace(f, restored_rgb_u8=edit(f.restored_rgb_u8))) for f in use[::2]
        )
        print(f"{name}: {seen} of {len(use[::2])} from {least_px:g} px on")  # noqa: T201  counted
        assert seen >= recall * len(use[::2]), name
