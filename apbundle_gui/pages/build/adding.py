"""What becomes of files and folders that are dropped or chosen: models, or a remark that says why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_rows import new_rows
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.services import Services
from apbundle_gui.services.finding import Found, LeftOut, find_models
from apbundle_gui.services.sources import Sources
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Banner, PageTitle, SecondaryLabel, button

MOST_LISTED: Final = 1000
"""How many files that were left out the dialog lists."""


class Adding(QObject):
    """Adds to the draft, and says on the banner what was left out.

    Attributes
    ----------
    added
        Emitted with the ids of the rows that are new.
    open_wanted
        Emitted with the paths of bundles to be opened instead.
    changed
        A search began or ended.
    """

    added = Signal(object)
    open_wanted = Signal(object)
    changed = Signal()

    def __init__(self, services: Services, store: DraftStore, sources: Sources, banner: Banner, page: QWidget) -> None:
        super().__init__(page)
        self._services = services
        self._store = store
        self._sources = sources
        self._banner = banner
        self._page = page
        self._searches = 0

    @property
    def busy(self) -> bool:
        """Whether something is still being looked at."""
        return self._searches > 0

    def add(self, paths: Sequence[str], at: int | None = None, *, everything: bool = False) -> None:
        """Look at files and folders, then put their models in front of the row ``at`` (by default at the end).

        ``everything`` takes what folders hold whatever it is, and bundles as models.
        """
        if not paths:
            return
        before = self._store.draft.rows[at].id if at is not None and at < len(self._store.draft.rows) else None
        self._searches += 1
        job = find_models(
            self._services,
            paths,
            lambda found: self._take(found, before),
            known=[row.path for row in self._store.draft.rows],
            everything=everything,
        )
        job.finished.connect(self._ended)
        self.changed.emit()

    def _ended(self) -> None:
        self._searches -= 1
        self.changed.emit()

    def _take(self, found: Found, before: int | None) -> None:
        rows = self._store.draft.rows
        at = next((at for at, row in enumerate(rows) if row.id == before), len(rows))
        if found.taken:
            self._sources.learn(found.taken)
            new = new_rows(found.taken, (row.name for row in rows), found.taken)
            self._store.insert(at, new)
            self.added.emit(frozenset(row.id for row in new))
        self._banner.dismiss()
        if found.bundles:
            self._ask_about_bundles(list(found.bundles), before)
        elif found.left_out or (found.folders and not found.taken):
            self._say_left_out(found, before)

    def _ask_about_bundles(self, bundles: list[str], before: int | None) -> None:
        one = len(bundles) == 1
        what = f"{words.file_name(bundles[0])} is a bundle itself" if one else f"{len(bundles):,} of these are bundles"

        def add() -> None:
            self._banner.dismiss()
            self.add(bundles, self._place(before), everything=True)

        def open_() -> None:
            self._banner.dismiss()
            self.open_wanted.emit(bundles)

        them = "it" if one else "them"
        self._banner.say(
            f"{what}: open {them}, or pack {them} as {'a model' if one else 'models'}?",
            Tone.ACCENT,
            ((f"Open {them}", open_), (f"Pack {them} whole", add)),
        )

    def _say_left_out(self, found: Found, before: int | None) -> None:
        left = found.left_out
        kinds = Counter(item.reason for item in left).most_common(3)
        reasons = ", ".join(f"{count:,} {words.safe(reason, 60)}" for reason, count in kinds)
        taken = words.count(len(found.taken), "model")
        text = f"Added {taken}." if found.taken else "No models were found."
        if left:
            text += f" Left out {words.count(len(left), 'file')}: {reasons}."
        actions: list[tuple[str, Callable[[], object]]] = []
        if left:
            actions.append(("Details…", lambda: self._show_left_out(left, before)))
        self._banner.say(text, Tone.NEUTRAL if found.taken else Tone.WARNING, actions)

    def _show_left_out(self, left: Sequence[LeftOut], before: int | None) -> None:
        def add(paths: list[str]) -> None:
            self._banner.dismiss()
            self.add(paths, self._place(before), everything=True)

        LeftOutDialog(left, add, self._page).open()

    def _place(self, before: int | None) -> int | None:
        return next((at for at, row in enumerate(self._store.draft.rows) if row.id == before), None)


class LeftOutDialog(QDialog):
    """Lists what was left out and why; what could be a model all the same can be chosen and added.

    Parameters
    ----------
    left
        What was left out.
    add
        Called with the paths chosen.
    """

    def __init__(self, left: Iterable[LeftOut], add: Callable[[list[str]], object], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Left out")
        self._add = add
        left = list(left)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        layout.setSpacing(Space.M)
        layout.addWidget(PageTitle(f"{words.count(len(left), 'file')} left out"))
        layout.addWidget(SecondaryLabel("Select those that shall be packed all the same.", wrap=True))
        self.list = QListWidget()
        self.list.setProperty("kind", "framed")
        self.list.setAccessibleName("Files left out")
        self.list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setUniformItemSizes(True)
        for item in left[:MOST_LISTED]:
            row = QListWidgetItem(words.joined((words.safe(item.path), words.safe(item.reason, 80))))
            row.setToolTip(words.tooltip(f"{item.path}\n{item.reason}"))
            row.setData(Qt.ItemDataRole.UserRole, item.path)
            if not item.usable:
                row.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(row)
        layout.addWidget(self.list, 1)
        if len(left) > MOST_LISTED:
            layout.addWidget(SecondaryLabel(f"And {len(left) - MOST_LISTED:,} more."))
        row_ = QHBoxLayout()
        row_.setSpacing(Space.S)
        row_.addStretch(1)
        self.add_button = button("Add Selected", self._add_selected)
        self.add_button.setEnabled(False)
        row_.addWidget(self.add_button)
        self.close_button = button("Close", self.accept)
        self.close_button.setDefault(True)
        row_.addWidget(self.close_button)
        layout.addLayout(row_)
        self.list.itemSelectionChanged.connect(lambda: self.add_button.setEnabled(bool(self.list.selectedItems())))
        self.resize(QSize(760, 420))

    def _add_selected(self) -> None:
        paths = [item.data(Qt.ItemDataRole.UserRole) for item in self.list.selectedItems()]
        self.accept()
        self._add(paths)
