"""What the window knows about one open bundle beyond its manifest, and the jobs that find it out."""

from __future__ import annotations

import weakref
from bisect import bisect_right
from functools import partial
from typing import Final

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.bundle import ModelBundle
from apbundle.format.fields import FieldTable
from apbundle.payload.table import Integers
from apbundle_gui.services.container import Services
from apbundle_gui.services.contents import BundleContents
from apbundle_gui.services.garbage import kept
from apbundle_gui.services.group_rows import GroupRows
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.model_formats import ModelFormats
from apbundle_gui.services.session import OpenBundle
from apbundle_gui.services.verification import Verification

LET_GO_MS: Final = 1000
"""How long after its end what belonged to a bundle is looked for, in milliseconds."""


class Inspection(QObject):
    """One bundle under inspection, from its opening to its closing.

    Attributes
    ----------
    fields_ready
        Emitted when :attr:`fields` can be used.
    names
        The models' names in the order of the manifest; a model's place in it is its index everywhere.
    """

    fields_ready = Signal()

    def __init__(self, services: Services, opened: OpenBundle, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self.path = opened.path
        self.bundle: ModelBundle = opened.bundle
        self.reader = opened.bundle.reader
        self.names = self.reader.manifest.names
        self.formats = ModelFormats(services, self.reader, self.names, self)
        self.contents = BundleContents(services, self.reader, self.names, self.formats.__getitem__, self)
        self.groups = GroupRows(services.jobs, self.contents.of, self)
        self.verification = Verification(services, opened.bundle, self)
        self.fields: FieldTable | None = None
        self._fields_job: Job | None = None
        self._ascending: dict[int, bool] = {}
        self._closed = False

    def need_fields(self) -> None:
        """List the manifest's fields, unless that is done or under way."""
        if self.fields is None and self._fields_job is None:
            self._fields_job = self._services.jobs.start(
                "Listing the fields",
                lambda progress, cancel: FieldTable(self.reader),
                on_done=self._fields_listed,
                on_failed=self._failed,
            )

    def model_at(self, offset: int) -> int | None:
        """The model whose bytes hold byte ``offset`` of the file, or ``None``."""
        extents, begin = self.reader.extents, self.reader.data_offset
        if offset < begin:
            return None
        place = bisect_right(extents.starts, offset - begin) - 1
        return int(extents.order[place]) if place >= 0 and offset - begin < extents.ends[place] else None

    def tensor_at(self, model: int, offset: int) -> int | None:
        """The tensor of a model whose stored bytes hold byte ``offset`` of the file, as far as that is known by now.

        Of tensors that share the byte the one that begins last. A compressed model has none.
        """
        contents, entry = self.contents.of(model), self.reader.entry(self.names[model])
        if contents is None or entry.compressed or not len(contents.tensors):
            return None
        at = offset - self.reader.data_offset - entry.offset
        starts = contents.tensors.offsets
        if self._is_ascending(model, starts):
            last = int(np.searchsorted(starts, at, "right")) - 1
            if last >= 0 and at - int(starts[last]) < int(contents.tensors.sizes[last]):
                return last
        holding = np.flatnonzero((starts <= at) & (at - starts < contents.tensors.sizes))
        return int(holding[np.argmax(starts[holding])]) if len(holding) else None

    def _is_ascending(self, model: int, starts: Integers) -> bool:
        """Whether a model lists its tensors in the order of their bytes, as nearly all do; worked out once."""
        known = self._ascending.get(model)
        if known is None:
            known = self._ascending[model] = bool((starts[1:] >= starts[:-1]).all())
        return known

    def span_of(self, model: int, tensor: int | None = None) -> tuple[int, int] | None:
        """Offset in the file and stored bytes of a model or of one of its tensors.

        ``None`` for what has no bytes of its own in the file: a tensor of a compressed model, or one not known yet.
        """
        entry = self.reader.entry(self.names[model])
        begin = self.reader.data_offset + entry.offset
        if tensor is None:
            return begin, entry.size
        contents = self.contents.of(model)
        if contents is None or entry.compressed or tensor >= len(contents.tensors):
            return None
        info = contents.tensors[tensor]
        return None if info.encoding == "external" else (begin + info.offset, info.size)

    def span_of_group(self, model: int, prefix: str) -> tuple[int, int] | None:
        """The same from the first byte to the last of the tensors whose names begin with ``prefix``, once known."""
        entry, group = self.reader.entry(self.names[model]), self.groups.of(model, prefix)
        if group is None or group.span is None or entry.compressed:
            return None
        offset, length = group.span
        return self.reader.data_offset + entry.offset + offset, min(length, max(0, entry.size - offset))

    def close(self) -> None:
        """Stop every job; the bundle is about to be closed."""
        self._closed = True
        self.formats.close()
        self.contents.close()
        self.groups.close()
        self.verification.close()
        QTimer.singleShot(LET_GO_MS, partial(kept.let_go, weakref.ref(self), self.contents.holdings()))

    def _fields_listed(self, fields: FieldTable) -> None:
        self._fields_job = None
        if not self._closed:
            self.fields = fields
            self.fields_ready.emit()

    def _failed(self, error: BaseException) -> None:
        self._fields_job = None
        if not self._closed:
            self._services.messages.error(error)
