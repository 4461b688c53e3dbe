"""Says when an open file changed on disk, and brings one back to the same place in the new one."""

from __future__ import annotations

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.whereabouts import Whereabouts
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.file_watch import FileWatch
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Banner


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
        self._inspection, self._sought = inspection, None
        self._selection.returning = before is not None
        if inspection is None:
            return
        inspection.contents.changed.connect(self._return)
        if inspection.path in self._changed:
            self._say(inspection.path)

    def go_back_to(self, before: Whereabouts) -> None:
        """Select the same place in the bundle that was read anew; the tensor as soon as that is known."""
        inspection = self._inspection
        place = None if inspection is None else before.place_in(inspection)
        if inspection is None or place is None:
            self._selection.returning = False
            return
        self._selection.go(place)
        if before.tensor is not None and place.tensor is None and place.model is not None:
            self._sought = before
            inspection.contents.want(place.model)
        else:
            self._selection.returning = False

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
        if sought is None or inspection is None:
            return
        elsewhere = current is None or inspection.names[current] != sought.model
        if not elsewhere and current is not None:
            if inspection.contents.of(current) is None and inspection.contents.error(current) is None:
                return
            place = sought.place_in(inspection)
            if place is not None and place.tensor is not None:
                self._selection.go(place)
        self._sought = None
        self._selection.returning = False
