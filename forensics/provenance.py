"""Provenance: what a run must record about where its source came from and what it was made with.

`Provenance` looks at the source's own credentials before anything is restored, writes credentials
into what was restored, and leaves the records below ``data/run`` and ``data/models``.  Credentials
that cannot be read are a record; credentials that cannot be written are a failure of the run.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import JsonValue

from forensics import __version__
from forensics.bundle_sink import BundleSink
from forensics.config import Settings
from forensics.credentials.manifest import Claim
from forensics.credentials.read import gather, read_files
from forensics.credentials.write import CredentialsFailed, Item, write_credentials
from forensics.engines import Engines
from forensics.errors import EnvironmentLacks, InputError
from forensics.evidence.acquisition import Acquisition, Hashed, file_times
from forensics.evidence.bundle import BundleWriter
from forensics.evidence.environment import command_record, environment_record, package_versions
from forensics.evidence.inventory import inventory
from forensics.evidence.lines import write_json
from forensics.evidence.names import readable_name
from forensics.evidence.predicate import build_predicate
from forensics.evidence.signing import Signing
from forensics.media.container import Digests, digest_file, digest_files
from forensics.media.describe import container_facts, library_facts, packet_hash_text
from forensics.media.probe import Media
from forensics.media.written import Written
from forensics.models.load import EMBEDDED, read_card
from forensics.models.state_digest import state_sha256
from forensics.record_credentials import Credentials
from forensics.records import Audit, Model
from forensics.runtime import numeric_facts
from forensics.scoring.facts import FaceFact, FlagFinding
from forensics.scoring.traces import declared_traces

log = logging.getLogger(__name__)

NOT_INSTALLED = "the library c2pa is not installed here"


class Provenance:
    """The records of one run; made before the source is read."""

    def __init__(
        self,
        run_id: str,
        media: Media,
        settings: Settings,
        bundle: BundleWriter,
        sink: BundleSink,
        signing: Signing,
        other: Media | None = None,
    ) -> None:
        """``other``: somebody else's restoration, which is held against ``media``."""
        self._id, self._media, self._settings = run_id, media, settings
        self._bundle, self._sink, self._signing = bundle, sink, signing
        self._times = file_times(media.files())
        self.credentials = _credentials_of(media.files())
        sink.event("credentials of the source", _told(self.credentials))
        self._other = other
        self.other_credentials: Credentials | None = None
        if other is not None:
            self._other_times = file_times(other.files())
            self.other_credentials = _credentials_of(other.files())
            sink.event("credentials of the restoration", _told(self.other_credentials))

    def declared(self) -> list[FlagFinding]:
        """What the source itself says of an earlier restoration: one finding or none."""
        source = self._media.source
        found = declared_traces(self.credentials.source_types, source.declared, source.frames)
        return [] if found is None else [found]

    # ------------------------------------------------------------ credentials written

    def credit(
        self, written: Written, models: Sequence[Model], facts: Sequence[FaceFact]
    ) -> tuple[Written, tuple[str, ...]]:
        """Sign what was restored with the first key that has a chain; the digest is taken anew.

        Returns the record and, where it could not be done, a failure for the reader.
        """
        signer = next((key for key in self._signing.keys if key.chain_pem), None)
        if signer is None:
            if self._signing.fingerprints:
                reason = "no signing key has a certificate chain beside it"
                if not self._signing.keys:
                    reason = "the signing key is held elsewhere and signs the sealed bundle alone"
                self._sink.event("credentials not written", {"reason": reason})
            return written, ()
        items = self._items(written, models, facts)
        try:
            found = write_credentials(items, signer)
        except (CredentialsFailed, EnvironmentLacks) as error:
            self._sink.event("credentials not written", {"reason": error.message})
            written = _digested(written, [item.medium for item in items], None)
            return written, (f"Content Credentials were not written: {error.message}",)
        named = [(item.medium.name, one) for item, one in zip(items, found, strict=True)]
        written = _digested(written, [item.medium for item in items], gather(named))
        self._sink.event("credentials written", {"sha256": written.made.sha256})
        return written, ()

    def _items(
        self, written: Written, models: Sequence[Model], facts: Sequence[FaceFact]
    ) -> list[Item]:
        source, data = self._media.source, self._bundle.data
        unread = self.credentials.reason if self.credentials.outcome == "unreadable" else None
        claim = Claim(
            bundle_id=self._id,
            version=__version__,
            title=Path(written.made.file).name,
            original_name=source.file,
            original_sha256=source.sha256,
            weights_sha256={model.role: model.sha256 for model in models},
            faces=tuple(facts),
            upscale=self._settings.upscale,
            moving=source.kind == "video",
        )
        if source.kind != "frames":
            return [Item(data / written.made.file, self._media.path, claim, unread)]
        items = []
        for name, frame in written.pictures:
            original = self._media.pictures[frame - 1]
            own = replace(
                claim,
                title=name,
                original_name=readable_name(original.name),
                original_sha256=digest_file(original).sha256,
                faces=tuple(fact for fact in facts if fact.frame == frame),
            )
            items.append(Item(data / written.made.file / name, original, own, unread))
        return items

    # ------------------------------------------------------------ records written

    def models(self, models: Sequence[Model]) -> tuple[Model, ...]:
        """The models with the digest of their tensors, where their file's format is read here."""
        return tuple(_with_state(model) for model in models)

    def write(
        self, audit: Audit, engines: Engines, after: Digests, other_after: Digests | None = None
    ) -> None:
        """Everything below ``data/run`` and ``data/models``, and the packets' digests.

        ``after``: of the source, taken when the last of it had been read; ``other_after`` of the
        restoration that was held against it.
        """
        private = self._settings.private
        numeric = numeric_facts()
        used: dict[str, JsonValue] = {
            **_json(engines.facts()),
            "encoder": dict(audit.restored.encoder) if audit.restored else {},
            "conversion": audit.source.colour.get("conversion"),
            "randomness": engines.randomness,
        }
        environment = environment_record(private, {**numeric, "ffmpeg": library_facts()}, used)
        write_json(self._bundle.path("run", "environment.json"), environment)
        command = command_record(sys.argv, audit.settings, private=private)
        write_json(self._bundle.path("run", "command.json"), command)
        acquisition = self._acquisition(audit, after, other_after)
        self._write_record("run", "acquisition.json", acquisition.model_dump(by_alias=True))
        self._write_packets(audit)
        # By the card's name: a network may take part in another role than its own.
        cards = {m.role: read_card(m.card.removesuffix(".json")) for m in audit.models if m.card}
        bill = inventory(audit, cards, package_versions(), _devices(environment, numeric))
        self._write_record("models", "models.cdx.json", bill)
        tool, lock = _section(environment, "tool"), _section(environment, "lock")
        internal: dict[str, JsonValue] = {"numeric": dict(numeric), **used}
        predicate = build_predicate(self._bundle.data, audit, internal, tool, lock)
        self._write_record("run", "predicate.json", predicate.model_dump(by_alias=True))

    def _write_record(self, folder: str, name: str, document: object) -> None:
        write_json(self._bundle.path(folder, name), document)

    def _acquisition(
        self, audit: Audit, after: Digests, other_after: Digests | None
    ) -> Acquisition:
        source, media = audit.source, self._media
        container, missing = _container(media)
        return Acquisition.model_validate(
            {
                "acquired_utc": audit.run.started_utc,
                "given": self._given(media),
                "file": source.file,
                "kind": source.kind,
                "before": Hashed(sha256=source.sha256, sha512=source.sha512, bytes=source.bytes),
                "after": Hashed(sha256=after.sha256, sha512=after.sha512, bytes=after.bytes),
                "files": self._times,
                "files_left_out": len(media.files()) - len(self._times),
                "container": container,
                "container_missing": missing,
                "credentials": self.credentials,
                "capture": source.capture,
                "operator": audit.run.operator,
                "case": audit.run.case,
                "purpose": audit.run.purpose,
                "kept": self._settings.original,
                "other": self._other_acquired(audit, other_after),
            }
        )

    def _given(self, media: Media) -> str:
        path = str(media.path)
        return readable_name(Path(path).name if self._settings.private else path)

    def _other_acquired(self, audit: Audit, after: Digests | None) -> dict[str, object] | None:
        pair, other = audit.pair, self._other
        if pair is None or other is None or after is None:
            return None
        container, missing = _container(other)
        return {
            "given": self._given(other),
            "file": pair.file,
            "kind": pair.kind,
            "before": Hashed(sha256=pair.sha256, sha512=pair.sha512, bytes=pair.bytes),
            "after": Hashed(sha256=after.sha256, sha512=after.sha512, bytes=after.bytes),
            "files": self._other_times,
            "files_left_out": len(other.files()) - len(self._other_times),
            "container": container,
            "container_missing": missing,
            "credentials": pair.credentials,
            "kept": audit.restored is not None,
        }

    def _write_packets(self, audit: Audit) -> None:
        """Packet digests beside the frame digests; where there can be none, the log says why."""
        media = [("original", self._media.path)] if audit.source.kind == "video" else []
        if self._other is not None:
            if self._other.source.kind == "video":
                media.append(("restored", self._other.path))
        elif media and audit.restored is not None:
            media.append(("restored", self._bundle.data / audit.restored.file))
        for kind, path in media:
            try:
                text = packet_hash_text(path)
            except InputError as error:
                self._sink.event("packets not listed", {"of": kind, "reason": error.message})
                continue
            self._bundle.path("frames", f"{kind}.packethash").write_text(text, "utf-8")


def _container(media: Media) -> tuple[dict[str, object] | None, str | None]:
    """What the headers of a video state, or why there is none."""
    if media.source.kind != "video":
        return None, None
    try:
        return container_facts(media.path), None
    except InputError as error:
        return None, error.message


def _told(found: Credentials) -> dict[str, object]:
    """Credentials for the event log."""
    return {
        "outcome": found.outcome,
        "state": found.state,
        "failures": [failure.code for failure in found.failures],
        "reason": found.reason,
    }


def _credentials_of(paths: Sequence[Path]) -> Credentials:
    try:
        found = read_files(paths)
    except EnvironmentLacks:
        return Credentials(outcome="unreadable", reason=NOT_INSTALLED, files=len(paths))
    names = [readable_name(path.name) for path in paths]
    return gather(list(zip(names, found, strict=True)))


def _digested(written: Written, media: Sequence[Path], credentials: Credentials | None) -> Written:
    """The record with the digest that the restored files have now."""
    folder = "/" not in written.made.file
    found = digest_files(tuple(media)) if folder else digest_file(media[0])
    restored = written.made.model_copy(
        update={"sha256": found.sha256, "bytes": found.bytes, "credentials": credentials}
    )
    return replace(written, restored=restored)


def _with_state(model: Model) -> Model:
    path = EMBEDDED / model.file
    if model.source != "embedded" or path.suffix != ".safetensors":
        return model
    return model.model_copy(update={"state_sha256": state_sha256(path.read_bytes())})


def _json(record: Mapping[str, object]) -> dict[str, JsonValue]:
    """The record as plain JSON values."""
    found: dict[str, JsonValue] = json.loads(json.dumps(record))
    return found


def _section(record: Mapping[str, object], name: str) -> dict[str, JsonValue]:
    found = record.get(name)
    return dict(found) if isinstance(found, dict) else {}


def _devices(
    environment: Mapping[str, object], numeric: Mapping[str, object]
) -> list[tuple[str, str, str | None]]:
    cpu = _section(environment, "cpu").get("model")
    found: list[tuple[str, str, str | None]] = [("device", str(cpu or "unknown CPU"), None)]
    if gpu := numeric.get("gpu"):
        found.append(("device", str(gpu), None))
        if driver := numeric.get("gpu_driver"):
            found.append(("device-driver", f"driver of {gpu}", str(driver)))
    return found
