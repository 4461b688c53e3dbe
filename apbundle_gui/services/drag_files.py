"""Files for dragging models to other programs: written on demand into a private folder that goes when the page does.

A drag promises files that exist, so the models are extracted first, and a drag of the same models again finds them
there. They stay until the program ends, because whoever takes a drop may read it later.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final
from weakref import WeakKeyDictionary

from apbundle.format.extract import ExtractReport
from apbundle_gui.services.container import Services
from apbundle_gui.services.extraction import extract
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.scratch import ScratchFolder

MAX_SIZE: Final = 4 << 30
"""The most bytes one drag takes; they need room in the folder for temporary files."""

_Known = tuple[str, int, int]
"""Path, size and modification time of a file as it was written."""


class DragFiles:
    """Makes and keeps the files of drags."""

    MOST = 1000
    """The most models one drag takes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._root: ScratchFolder | None = None
        self._folders: WeakKeyDictionary[Inspection, str] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[Inspection, dict[str, _Known]] = WeakKeyDictionary()

    @staticmethod
    def fits(models: int, size: int) -> bool:
        """Whether so much can be dragged at once; otherwise extracting to a folder is the way."""
        return 0 < models <= DragFiles.MOST and size <= MAX_SIZE

    def prepare(
        self,
        inspection: Inspection,
        names: Sequence[str],
        on_ready: Callable[[list[str]], None],
        on_given_up: Callable[[], None],
    ) -> Job | None:
        """Call ``on_ready`` with the paths of the models' files as soon as they exist.

        At once when they do (the answer is ``None`` then), else after a job. ``on_given_up`` is called when there will
        be none; the user is told why.
        """
        known = self._known.setdefault(inspection, {})
        missing = [name for name in names if not _is_there(known, name)]
        if not missing:
            on_ready([known[name][0] for name in names])
            return None

        def written(report: ExtractReport) -> None:
            for item in report.written:
                _keep(known, item.name, item.path)
            for failure in report.failed:
                self._services.messages.error(f"The model {failure.name!r} cannot be dragged.", failure.error)
            found = [known[name][0] for name in names if name in known]
            if found:
                on_ready(found)
            else:
                on_given_up()

        def failed(error: BaseException) -> None:
            self._services.messages.error(error)
            on_given_up()

        return extract(
            self._services,
            inspection,
            missing,
            self._folder(inspection),
            overwrite=True,
            on_done=written,
            on_failed=failed,
            on_cancelled=lambda _: on_given_up(),
            title="Preparing to drag",
        )

    def clear(self) -> None:
        """Remove all the files."""
        if self._root is not None:
            self._root.remove()
        self._root = None
        self._folders.clear()
        self._known.clear()

    def _folder(self, inspection: Inspection) -> str:
        if self._root is None:
            self._root = ScratchFolder("drag")
        if inspection not in self._folders:
            self._folders[inspection] = tempfile.mkdtemp(dir=self._root.path)
        return self._folders[inspection]


def _keep(known: dict[str, _Known], name: str, path: str) -> None:
    with suppress(OSError):
        status = os.stat(path)
        known[name] = (path, status.st_size, status.st_mtime_ns)


def _is_there(known: dict[str, _Known], name: str) -> bool:
    path, *written = known.get(name, ("", 0, 0))
    with suppress(OSError):
        status = os.stat(path)
        if written == [status.st_size, status.st_mtime_ns]:
            return True
    known.pop(name, None)  # never written, moved away, or changed by whoever took it
    return False
