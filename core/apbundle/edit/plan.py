"""The plan of a change: what it costs, known before a byte is written, and carrying it out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from apbundle.edit.changes import Change, changed
from apbundle.edit.in_place import HeadInPlace
from apbundle.edit.wanted import Wanted
from apbundle.errors import bundle_error
from apbundle.fileio import PIECE, InputFile, StrPath, not_in_place, overwrite_in_place
from apbundle.format.model import DIGEST_ALGORITHMS, DigestTable
from apbundle.format.plan import Plan
from apbundle.format.reader import BundleReader
from apbundle.format.scratch import scratch_memory
from apbundle.format.sources import NewModel, opened
from apbundle.format.writer import WriteOptions, plan_models, write_bundle
from apbundle.progress import Cancel, Progress, Reporter
from apbundle.text import format_size


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What a change of an open bundle takes. Made by :func:`plan_edit`; good until the bundle is closed.

    Parameters
    ----------
    wanted
        The bundle as it is to be.
    changes
        Whether anything is to change at all.
    in_place
        Whether a few bytes are written over where they are; else the whole file is written anew.
    bytes_read, bytes_written
        What it takes. Models still to be compressed count with their raw size.
    layout
        Where everything will be; models still to be compressed count with their raw size.
    reasons
        Why it cannot be done in place, as halves of sentences.
    """

    reader: BundleReader = field(repr=False)
    wanted: Wanted = field(repr=False)
    changes: bool
    in_place: bool
    bytes_read: int
    bytes_written: int
    layout: Plan
    reasons: tuple[str, ...] = ()

    @property
    def file_size(self) -> int:
        """Bytes of the file afterwards, at most."""
        return self.layout.file_size

    @property
    def cost(self) -> str:
        """The cost as a sentence: ``Rewrites 4.00 KiB in place.``"""
        if not self.changes:
            return "Nothing changes."
        written = format_size(self.bytes_written)
        if not self.in_place:
            return f"Rewrites {written}: {', and '.join(self.reasons)}."
        if self.bytes_read:
            return f"Reads {format_size(self.bytes_read)} for the digests, and rewrites {written} in place."
        return f"Rewrites {written} in place."

    def apply(self, *, progress: Progress | None = None, cancel: Cancel | None = None) -> str:
        """Make the change and return the path written.

        Either way the file is the old one or the new one whatever interrupts it. The bundle that is open is not good
        for reading any more when it was changed in place, and still the old one when it was written anew.

        Raises
        ------
        ChangedOnDisk
            Another program changed the bundle since it was opened.
        DestinationBusy
            Another program is changing it now.
        ChecksumMismatch
            A model that was read is damaged; nothing was written.
        BundleError, OSError
            As for :meth:`BundleBuilder.build`.
        """
        reader = self.reader
        if not self.changes:
            return reader.path
        if self.in_place:
            _write_head(self, Reporter(progress, cancel))
            return reader.path
        models, options = _to_write(reader, self.wanted)
        with not_in_place(reader.file):
            return write_bundle(
                reader.path, models, options, replaces=reader.file.identity, progress=progress, cancel=cancel
            )


def plan_edit(reader: BundleReader, changes: Iterable[Change] | Wanted) -> EditPlan:
    """What it takes to change an open bundle; nothing is written.

    Parameters
    ----------
    changes
        Made one after the other; or the bundle as it is to be.

    Raises
    ------
    ModelNotFound, DuplicateName, LimitExceeded
        The changes do not go together with the bundle or each other.
    ExtensionDamaged, UnsupportedFeature
        The bundle holds what this library does not understand and would lose.
    TypeError, ValueError
        A setting makes no sense.
    """
    there = Wanted.as_it_is(reader)
    wanted = changes if isinstance(changes, Wanted) else changed(there, changes)
    if wanted == there:
        return EditPlan(reader, wanted, False, True, 0, 0, _layout_there(reader))
    head = HeadInPlace(reader, wanted)
    if head.obstacles:
        models, options = _to_write(reader, wanted)
        layout = plan_models(models, options)
        read = sum(model.source.size for model in models)
        return EditPlan(reader, wanted, True, False, read, layout.file_size, layout, tuple(head.obstacles))
    _, new = _difference(reader, head.pack(head.kept_digests()))
    read = 0 if head.keeps_digests or wanted.digest is None else reader.manifest.total_size
    return EditPlan(reader, wanted, bool(new), True, read, len(new), head.layout())


def edit_bundle(
    path: StrPath, changes: Iterable[Change], *, progress: Progress | None = None, cancel: Cancel | None = None
) -> EditPlan:
    """Change the bundle at ``path`` and return the plan that was carried out; its bundle is closed.

    Raises
    ------
    BundleError, OSError, TypeError, ValueError
        As for opening, :func:`plan_edit` and :meth:`EditPlan.apply`.
    """
    with BundleReader.open(path) as reader:
        plan = plan_edit(reader, changes)
        plan.apply(progress=progress, cancel=cancel)
        return plan


def _to_write(reader: BundleReader, wanted: Wanted) -> tuple[list[NewModel], WriteOptions]:
    return [model.new_model(reader) for model in wanted.models], wanted.options(reader)


def _layout_there(reader: BundleReader) -> Plan:
    """Where everything is."""
    entries_end = reader.data_offset - len(reader.manifest_bytes) + reader.entries_end
    block_end = entries_end if reader.extension_range is None else reader.extension_range[1]
    slack = reader.data_offset - block_end
    offsets = tuple(reader.manifest.offsets)
    return Plan(offsets, entries_end, block_end - entries_end, slack, reader.data_offset, reader.file_size)


def _difference(reader: BundleReader, head: bytes) -> tuple[int, bytes]:
    """Where ``head`` begins to differ from the one there is, and its bytes from there up to the last that differs."""
    old = np.frombuffer(reader.header_bytes + reader.manifest_bytes, np.uint8)
    places = np.flatnonzero(old != np.frombuffer(head, np.uint8))
    if not places.size:
        return 0, b""
    start, end = int(places[0]), int(places[-1]) + 1
    return start, head[start:end]


def _write_head(plan: EditPlan, reporter: Reporter) -> None:
    reader, head = plan.reader, HeadInPlace(plan.reader, plan.wanted)
    reader.file.check_unchanged()
    digests = head.kept_digests()
    if digests is not None and not head.keeps_digests:
        digests = _digests(plan, reporter)
    packed = head.pack(digests)
    start, new = _difference(reader, packed)
    if not new:
        return
    reporter.phase("check")
    _check(plan, packed)
    reporter.phase("publish")
    overwrite_in_place(reader.path, reader.file.identity, reader.header_bytes + reader.manifest_bytes, start, new)


def _digests(plan: EditPlan, reporter: Reporter) -> DigestTable:
    """Digests of the wanted kind; each model is held against the one it has on the way."""
    algorithm = DIGEST_ALGORITHMS[plan.wanted.digest or ""]
    digests = bytearray()
    models = [model.new_model(plan.reader) for model in plan.wanted.models]
    reporter.phase("digest", sum(model.source.size for model in models))
    with scratch_memory(PIECE) as scratch:
        for model in models:
            hasher = algorithm.hasher()
            with opened(model.source) as source:
                for at in range(0, source.size, PIECE):
                    piece = scratch[: min(PIECE, source.size - at)]
                    source.read_into(at, piece)
                    hasher.update(piece)
                    reporter.advance(len(piece))
            digests += hasher.digest()
    return DigestTable(algorithm, bytes(digests))


def _check(plan: EditPlan, head: bytes) -> None:
    """Open the file as it will be, before anything of it is written."""
    with InputFile.open(plan.reader.path) as file:
        if file.identity != plan.reader.file.identity:
            raise bundle_error(
                "changed_on_disk",
                "Another program changed the bundle meanwhile.",
                path=plan.reader.path,
                hint="Nothing was written. Open it again, then repeat the change.",
            )
        file.show_instead(0, head)
        reader = BundleReader(file)
        odd = {finding.code for finding in reader.warnings} & {"stale_extension", "unknown_manifest_tail"}
        if reader.extension_error or odd or list(reader.manifest.names) != [m.name for m in plan.wanted.models]:
            raise OSError(f"the changed file would read differently: {reader.extension_error or sorted(odd)}")
