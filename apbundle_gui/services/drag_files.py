"""Files for dragging models and tensors to other programs, written on demand into a private folder.

A drag promises files that exist, so they are extracted first, and a drag of the same things again finds them there.
They stay until the program ends, because whoever takes a drop may read it later.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar
from weakref import WeakKeyDictionary

from apbundle_gui.services.container import Services
from apbundle_gui.services.extraction import extract
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.scratch import ScratchFolder
from apbundle_gui.services.tensor_files import TensorKey, write_tensors

MAX_SIZE: Final = 4 << 30
"""The most bytes one drag takes; they need room in the folder for temporary files."""

_TITLE: Final = "Preparing to drag"
_MOST_TOLD: Final = 3
"""Of how many models or tensors that cannot be had it is told why."""
_TENSORS: Final = ".tensors"
"""The folder of tensors' files; no model's file is called so."""
_Known = tuple[str, int, int]
"""Path, size and modification time of a file as it was written."""
_Thing = TypeVar("_Thing", str, TensorKey)
"""What tells a model, or a tensor, from the others of a bundle."""
_Failed = Callable[[BaseException], None]


class _Failure(Protocol):
    """Something that cannot be had, and why."""

    @property
    def name(self) -> str: ...
    @property
    def error(self) -> BaseException: ...


_Ended = Callable[[Mapping[_Thing, str], Sequence[_Failure]], None]


class DragFiles:
    """Makes and keeps the files of drags."""

    MOST = 1000
    """The most models or tensors one drag takes."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._root: ScratchFolder | None = None
        self._folders: WeakKeyDictionary[Inspection, str] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[Inspection, dict[Hashable, _Known]] = WeakKeyDictionary()

    @staticmethod
    def fits(count: int, size: int) -> bool:
        """Whether so much can be dragged at once; otherwise extracting to a folder is the way."""
        return 0 < count <= DragFiles.MOST and size <= MAX_SIZE

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

        def write(missing: list[str], folder: str, ended: _Ended[str], failed: _Failed) -> Job:
            return extract(
                self._services,
                inspection,
                missing,
                folder,
                overwrite=True,
                on_done=lambda report: ended({item.name: item.path for item in report.written}, report.failed),
                on_failed=failed,
                on_cancelled=lambda _: on_given_up(),
                title=_TITLE,
            )

        return self._prepare("model", inspection, names, on_ready, on_given_up, write)

    def prepare_tensors(
        self,
        inspection: Inspection,
        tensors: Sequence[TensorKey],
        on_ready: Callable[[list[str]], None],
        on_given_up: Callable[[], None],
    ) -> Job | None:
        """The same for tensors."""

        def write(missing: list[TensorKey], folder: str, ended: _Ended[TensorKey], failed: _Failed) -> Job:
            inside = os.path.join(folder, _TENSORS)
            os.makedirs(inside, exist_ok=True)
            return write_tensors(
                self._services.jobs,
                inspection,
                missing,
                inside,
                title=_TITLE,
                on_done=lambda report: ended({item.key: item.path for item in report.written}, report.failed),
                on_failed=failed,
                on_cancelled=on_given_up,
            )

        return self._prepare("tensor", inspection, tensors, on_ready, on_given_up, write)

    def _prepare(
        self,
        what: str,
        inspection: Inspection,
        things: Sequence[_Thing],
        on_ready: Callable[[list[str]], None],
        on_given_up: Callable[[], None],
        write: Callable[[list[_Thing], str, _Ended[_Thing], _Failed], Job],
    ) -> Job | None:
        """Have ``write`` make the files that are not there into a folder, and say how that ended."""
        known = self._known.setdefault(inspection, {})
        missing = [thing for thing in things if not _is_there(known, thing)]
        if not missing:
            on_ready([known[thing][0] for thing in things])
            return None

        def ended(paths: Mapping[_Thing, str], failures: Sequence[_Failure]) -> None:
            for thing, path in paths.items():
                _keep(known, thing, path)
            for failure in failures[:_MOST_TOLD]:
                self._services.messages.error(f"The {what} {failure.name!r} cannot be dragged.", failure.error)
            found = [known[thing][0] for thing in things if thing in known]
            if found:
                on_ready(found)
            else:
                on_given_up()

        def failed(error: BaseException) -> None:
            self._services.messages.error(error)
            on_given_up()

        try:
            return write(missing, self._folder(inspection), ended, failed)
        except OSError as error:  # there is no room for a folder, or nobody may make one
            failed(error)
            return None

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


def _keep(known: dict[Hashable, _Known], key: Hashable, path: str) -> None:
    with suppress(OSError):
        status = os.stat(path)
        known[key] = (path, status.st_size, status.st_mtime_ns)


def _is_there(known: dict[Hashable, _Known], key: Hashable) -> bool:
    path, *written = known.get(key, ("", 0, 0))
    with suppress(OSError):
        status = os.stat(path)
        if written == [status.st_size, status.st_mtime_ns]:
            return True
    known.pop(key, None)  # never written, moved away, or changed by whoever took it
    return False
