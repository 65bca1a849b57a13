"""Checks of the bag: its tag files in canonical form, and every digest with both algorithms.

Stricter than BagIt where BagIt is lenient: both tag manifests are required, no unlisted file may
stand at the root, ``fetch.txt`` is refused, empty folders are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from forensics.evidence.bag import ALGORITHMS, DECLARATION, Digests, digest_stream, info_bytes
from forensics.evidence.names import decode_path, encode_path
from forensics.evidence.signing import SIGNATURE_FILES
from forensics.evidence.tree import Tree

MAX_MANIFEST_BYTES = 512 * 2**20
TAGGED = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", "manifest-sha512.txt")
ROOT_FILES = (*TAGGED, "tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
_LENGTH = {"sha256": 64, "sha512": 128}


def bag_faults(tree: Tree) -> list[str]:
    """What is wrong with the tag files and with what they list; digests are not computed."""
    faults = [f"{name} is missing" for name in ROOT_FILES if not tree.has(name)]
    for path in tree.files:
        if "/" not in path and path not in ROOT_FILES:
            what = "refers to files elsewhere" if path == "fetch.txt" else "is listed nowhere"
            faults.append(f"{path!r} at the root {what}")
        elif "/" in path and not path.startswith("data/") and path not in SIGNATURE_FILES:
            faults.append(f"{path!r} lies outside data/ and is listed nowhere")
    filled = {path.rpartition("/")[0] for path in tree.files}
    faults += [
        f"the folder {folder!r} is empty"
        for folder in tree.folders
        if folder not in filled and not any(f.startswith(folder + "/") for f in tree.folders)
    ]
    if tree.has("bagit.txt") and tree.read("bagit.txt", 1000) != DECLARATION:
        faults.append("bagit.txt does not declare BagIt 1.0 in UTF-8")
    if tree.has("bag-info.txt"):
        faults += _info_faults(tree)
    payload = {path for path in tree.files if path.startswith("data/")}
    for algorithm in ALGORITHMS:
        faults += _listing_faults(tree, f"manifest-{algorithm}.txt", algorithm, payload)
        faults += _listing_faults(tree, f"tagmanifest-{algorithm}.txt", algorithm, set(TAGGED))
    return faults


def bag_info(tree: Tree) -> dict[str, str]:
    """bag-info.txt as labels and values; lines of another shape are left out."""
    text = tree.read("bag-info.txt", 2**20).decode(errors="replace")
    pairs = (line.split(": ", 1) for line in text.split("\n") if ": " in line)
    return {pair[0]: pair[1] for pair in pairs}


def _info_faults(tree: Tree) -> list[str]:
    info = bag_info(tree)
    faults = []
    if info_bytes(info) != tree.read("bag-info.txt", 2**20):
        faults.append("bag-info.txt is not in the form this tool writes")
    sizes = [size for path, size in tree.files.items() if path.startswith("data/")]
    if info.get("Payload-Oxum") != f"{sum(sizes)}.{len(sizes)}":
        faults.append(
            f"bag-info.txt counts {info.get('Payload-Oxum')!r}, found {sum(sizes)}.{len(sizes)}"
        )
    return faults


def _listing_faults(tree: Tree, manifest: str, algorithm: str, expected: set[str]) -> list[str]:
    if not tree.has(manifest):
        return []  # said already
    listed, faults = read_manifest(tree, manifest, algorithm)
    faults += [
        f"{path!r} is listed in {manifest} and not there"
        for path in sorted(listed.keys() - expected)
    ]
    faults += [f"{path!r} is not listed in {manifest}" for path in sorted(expected - listed.keys())]
    return faults


def read_manifest(tree: Tree, name: str, algorithm: str) -> tuple[dict[str, str], list[str]]:
    """A manifest's digests by path, and where it is not in canonical form."""
    raw = tree.read(name, MAX_MANIFEST_BYTES)
    if len(raw) > MAX_MANIFEST_BYTES:
        return {}, [f"{name} is larger than {MAX_MANIFEST_BYTES} bytes"]
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        return {}, [f"{name} is not UTF-8"]
    line_form = re.compile(rf"([0-9a-f]{{{_LENGTH[algorithm]}}})  (\S.*)")
    listed: dict[str, str] = {}
    faults: list[str] = []
    last = ""
    lines = text.split("\n")
    if lines.pop() != "":
        faults.append(f"{name} does not end with a line feed")
    for number, line in enumerate(lines, 1):
        match = line_form.fullmatch(line)
        path = decode_path(match[2]) if match else ""
        if match is None or encode_path(path) != match[2] or path <= last:
            faults.append(f"{name} line {number} is not in canonical form and order")
        else:
            listed[path] = match[1]
            last = path
    return listed, faults


@dataclass(frozen=True)
class DigestCheck:
    """All digests found, files that differ from their manifests, and files nobody could read."""

    found: dict[str, Digests]
    faults: list[str]
    unreadable: list[str]


def check_digests(tree: Tree) -> DigestCheck:
    """Compare every listed file with both manifests, reading each file once."""
    check = DigestCheck({}, [], [])
    for group in ("manifest", "tagmanifest"):
        expected: dict[str, dict[str, str]] = {}
        for algorithm in ALGORITHMS:
            name = f"{group}-{algorithm}.txt"
            if tree.has(name):
                for path, digest in read_manifest(tree, name, algorithm)[0].items():
                    expected.setdefault(path, {})[algorithm] = digest
        for path in sorted(expected):
            if not tree.has(path):
                continue  # bag_faults says that it is missing
            try:
                with tree.open(path) as stream:
                    digests = check.found[path] = digest_stream(stream)
            except OSError as error:
                check.unreadable.append(f"{path!r} cannot be read ({error.strerror})")
                continue
            wrong = [a for a, digest in expected[path].items() if digests.get(a) != digest]
            if wrong:
                check.faults.append(f"{path!r} was changed (its {' and '.join(wrong)} differ)")
    return check
