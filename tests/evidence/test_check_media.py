"""Media checks for folders of pictures and sidecar streams, which the small bundle has not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from forensics.evidence.bag import Digests
from forensics.evidence.check_media import frame_hash_faults, media_faults
from forensics.evidence.lines import load_audit
from forensics.evidence.tree import Tree
from forensics.records import Audit, FrameLine, Stream

RAW_NAMES = ("b?.png", "a.png", "b*.png")
ORIGINALS = ("data/original/b_.png", "data/original/a.png", "data/original/b_-2.png")


def _digests(paths: tuple[str, ...]) -> dict[str, Digests]:
    found = {}
    for path in paths:
        raw = path.encode()
        found[path] = Digests(
            hashlib.sha256(raw).hexdigest(), hashlib.sha512(raw).hexdigest(), len(raw)
        )
    return found


def _tree(paths: Mapping[str, Digests]) -> Tree:
    return Tree(Path(), {path: item.size for path, item in paths.items()}, (), (), ())


def _listed(digests: Mapping[str, Digests], paths: tuple[str, ...], names: tuple[str, ...]) -> str:
    text = "".join(f"{digests[p].sha256}  {n}\n" for p, n in zip(paths, names, strict=True))
    return hashlib.sha256(text.encode()).hexdigest()


def _frames(names: tuple[str | None, ...]) -> list[FrameLine]:
    return [
        FrameLine(frame=number, name=name, outcome="restored", faces=0)
        for number, name in enumerate(names, 1)
    ]


def _folder_audit(made: Path, originals: str, restored: str, count: int) -> Audit:
    audit = load_audit(made)
    assert audit.restored is not None
    source = audit.source.model_copy(update={"kind": "frames", "sha256": originals})
    medium = audit.restored.model_copy(
        update={"file": "restored", "sha256": restored, "frames": count}
    )
    return audit.model_copy(update={"source": source, "restored": medium})


RESTORED = ("data/restored/x.png", "data/restored/y.png", "data/restored/x-000003.png")


def test_a_folder_of_pictures_is_compared_by_its_list(made: Path) -> None:
    names = ("x.jpg", "y.png", "x.png")
    originals = tuple(f"data/original/{name}" for name in names)
    digests = _digests(originals + RESTORED)
    restored_names = ("x.png", "y.png", "x-000003.png")
    audit = _folder_audit(
        made,
        _listed(digests, originals, names),
        _listed(digests, RESTORED, restored_names),
        count=3,
    )
    faults, said = media_faults(_tree(digests), audit, _frames(names), digests)
    assert faults == []
    assert said == (
        "the 3 restored pictures are the recorded ones; "
        "the 3 original pictures are the recorded ones"
    )
    swapped = dict(digests)
    swapped[RESTORED[0]], swapped[RESTORED[1]] = digests[RESTORED[1]], digests[RESTORED[0]]
    swapped[originals[0]], swapped[originals[1]] = digests[originals[1]], digests[originals[0]]
    faults, _ = media_faults(_tree(swapped), audit, _frames(names), swapped)
    assert len(faults) == 2
    assert all("not the ones that audit.json names" in fault for fault in faults)


def test_names_that_were_cleaned_are_found_again(made: Path) -> None:
    digests = _digests(ORIGINALS)
    audit = _folder_audit(made, _listed(digests, ORIGINALS, RAW_NAMES), "0" * 64, count=0)
    faults, said = media_faults(_tree(digests), audit, _frames(RAW_NAMES), digests)
    assert "the 3 original pictures are the recorded ones" in said
    assert not any("original" in fault for fault in faults)


def test_a_folder_without_names_is_not_called_compared(made: Path) -> None:
    digests = _digests(ORIGINALS)
    audit = _folder_audit(made, "0" * 64, "0" * 64, count=0)
    _, said = media_faults(_tree(digests), audit, _frames((None, None, None)), digests)
    assert "covered by the manifests alone" in said


@pytest.mark.parametrize(
    ("reason", "faults"),
    [
        ("MP4 does not hold it; copied unchanged to two_people.audio1.ts", 0),
        ("MP4 does not hold it; copied unchanged to other.ts", 1),
        (None, 1),
    ],
)
def test_a_sidecar_must_be_named_by_its_stream(made: Path, reason: str | None, faults: int) -> None:
    audit = load_audit(made)
    stream = Stream(index=1, kind="audio", codec="aac", outcome="sidecar", reason=reason)
    audit = audit.model_copy(
        update={"source": audit.source.model_copy(update={"audio": (stream,)})}
    )
    assert audit.restored is not None
    clip = f"data/{audit.restored.file}"
    digests = _digests((clip, "data/restored/two_people.audio1.ts"))
    digests[clip] = Digests(audit.restored.sha256, "", audit.restored.bytes)
    found, _ = media_faults(_tree(digests), audit, [], digests)
    assert len(found) == faults


def test_frames_that_were_lost_are_counted_among_the_frame_hashes(
    tmp_path: Path, made: Path
) -> None:
    folder = tmp_path / "data" / "frames"
    folder.mkdir(parents=True)
    head = "#format: frame checksums\n#version: 2\n"
    line = "0, 0, 0, 1, 115200, " + "0" * 64 + "\n"
    (folder / "original.framehash").write_text(head + line * 5 + "#lost 6: broken\n", "utf-8")
    (folder / "restored.framehash").write_text(head + line * 6, "utf-8")
    sizes = {f"data/frames/{name}": 1 for name in ("original.framehash", "restored.framehash")}
    tree = Tree(tmp_path, sizes, (), (), ())
    audit = load_audit(made)
    assert frame_hash_faults(tree, audit) == []
    (folder / "original.framehash").write_text(head + line * 5, "utf-8")
    assert frame_hash_faults(tree, audit) == [
        "frames/original.framehash lists 5 frames, audit.json 6"
    ]
