"""Says when an open file changed on disk, and brings one back to the same place in the new one."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.selection import Place, Selection
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.file_watch import FileWatch
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Banner


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A place by names, which hold in a file that was written anew."""

    model: str
    group: str
    tensor: str | None

    @classmethod
    def of(cls, inspection: Inspection, place: Place) -> Whereabouts | None:
        """Where one is; ``None`` outside of all models."""
        if place.model is None:
            return None
        contents = inspection.contents.of(place.model)
        known = place.tensor is not None and contents is not None and place.tensor < len(contents.tensors)
        tensor = contents.tensors.name(place.tensor) if known and contents and place.tensor is not None else None
        return cls(inspection.names[place.model], place.group, tensor)


class Changes(QObject):
    """Watches the open bundles.

    Parameters
    ----------
    banner
        Where it is said of the current one.
    """

    def __init__(self, services: Services, selection: Selection, banner: Banner, parent: QObject) -> None:
        super().__init__(parent)
        self._services = services
        self._selection = selection
        self._banner = banner
        self._changed: dict[str, bool] = {}  # path: whether there still is a file
        self._sought: Whereabouts | None = None
        self._inspection: Inspection | None = None
        self.watch = FileWatch(services.jobs, self)
        self.watch.changed.connect(self._seen)
        services.session.opened.connect(self._opened)
        services.session.closed.connect(self._closed)

    def show_inspection(self, inspection: Inspection | None, before: Whereabouts | None) -> None:
        """Another bundle is shown, or the same one read anew, where one was at ``before``."""
        if self._inspection is not None:
            self._inspection.contents.changed.disconnect(self._return)
        self._inspection, self._sought = inspection, before
        if inspection is None:
            return
        inspection.contents.changed.connect(self._return)
        if before is not None and before.tensor is not None and before.model in inspection.reader.manifest:
            inspection.contents.want(inspection.names.index(before.model))
        if inspection.path in self._changed:
            self._say(inspection.path)

    def _opened(self, opened: OpenBundle) -> None:
        said = self._changed.pop(opened.path, None) is not None
        if said and self._inspection is not None and self._inspection.path == opened.path:
            self._banner.dismiss()
        self.watch.watch(opened.path, opened.bundle.reader.file.identity)

    def _closed(self, path: str) -> None:
        self._changed.pop(path, None)
        self.watch.forget(path)

    def _seen(self, path: str, present: bool) -> None:
        self._changed[path] = present
        if self._inspection is not None and self._inspection.path == path:
            self._say(path)

    def _say(self, path: str) -> None:
        name = words.file_name(path)
        if self._changed[path]:
            text = f"{name} changed on disk. What is shown here is the file that was opened, as far as it is known."
            reload = ("&Reload", lambda: self._services.session.open(path))
            self._banner.say(text, Tone.WARNING, [reload, ("&Keep", lambda: self._keep(path))])
        else:
            text = f"{name} is no longer there. It can still be read here until it is closed."
            self._banner.say(text, Tone.WARNING, [("&Keep", lambda: self._keep(path))])

    def _keep(self, path: str) -> None:
        self._changed.pop(path, None)
        self._banner.dismiss()

    def _return(self) -> None:
        """Go back to the tensor one was at, once the new file's are known."""
        sought, inspection, current = self._sought, self._inspection, self._selection.current
        if sought is None or sought.tensor is None or inspection is None or current is None:
            return
        if inspection.names[current] != sought.model:
            self._sought = None  # one went elsewhere meanwhile
            return
        contents = inspection.contents.of(current)
        if contents is not None:
            self._sought = None
            tensor = contents.tensors.find(sought.tensor)
            if tensor is not None:
                self._selection.go(Place(current, sought.group, tensor))
