"""The dialogs in which files and folders are chosen."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from apbundle_gui.models.build_draft import EXTENSION
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.services import Settings

MODEL_FILTER: Final = "All files (*)"
BUNDLE_FILTER: Final = f"Bundles (*{EXTENSION});;All files (*)"
RECIPE_FILTER: Final = "Recipes (*.toml);;All files (*)"
_FOLDER_KEY: Final = "build/folder"


class Choosing(QObject):
    """Asks for paths, and remembers the folder.

    Parameters
    ----------
    add
        Gets the files and folders to be added.
    """

    def __init__(
        self, settings: Settings, store: DraftStore, add: Callable[[list[str]], object], page: QWidget
    ) -> None:
        super().__init__(page)
        self._settings = settings
        self._store = store
        self._add = add
        self._page = page

    def files(self) -> None:
        """Add files chosen in a dialog."""
        paths, _ = QFileDialog.getOpenFileNames(self._page, "Add Models", self._folder, MODEL_FILTER)
        if paths:
            self._remember(paths[0])
            self._add(paths)

    def folder(self) -> None:
        """Add the models of a folder chosen in a dialog."""
        path = QFileDialog.getExistingDirectory(self._page, "Add a Folder", self._folder)
        if path:
            self._settings.remember(_FOLDER_KEY, path)
            self._add([path])

    def output(self) -> None:
        """Choose in a dialog where the bundle goes. Whether to replace what is there is asked when it is built."""
        options = QFileDialog.Option.DontConfirmOverwrite
        target = self._store.draft.target
        path, _ = QFileDialog.getSaveFileName(self._page, "Choose the Output", target, BUNDLE_FILTER, options=options)
        if path:
            self._store.put(path if os.path.splitext(path)[1] else path + EXTENSION)

    def bundle_to_edit(self) -> str:
        """The bundle that was chosen; empty when none was."""
        path, _ = QFileDialog.getOpenFileName(self._page, "Edit a Bundle", self._folder, BUNDLE_FILTER)
        if path:
            self._remember(path)
        return os.path.abspath(path) if path else ""

    def recipe_to_open(self) -> str:
        """The recipe that was chosen; empty when none was."""
        path, _ = QFileDialog.getOpenFileName(self._page, "Open a Recipe", self._folder, RECIPE_FILTER)
        if path:
            self._remember(path)
        return path

    def recipe_to_save(self, suggested: str) -> str:
        """Where the recipe goes; empty when nothing was chosen."""
        path, _ = QFileDialog.getSaveFileName(self._page, "Save as a Recipe", suggested, RECIPE_FILTER)
        return path if not path or os.path.splitext(path)[1] else f"{path}.toml"

    @property
    def _folder(self) -> str:
        return self._settings.text(_FOLDER_KEY)

    def _remember(self, path: str) -> None:
        self._settings.remember(_FOLDER_KEY, os.path.dirname(path))
