"""The draft as a recipe: saved, opened, and copied as a command or as Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.draft_copies import NoCommand, pack_command, pack_python
from apbundle_gui.models.draft_recipe import draft_of, recipe_of
from apbundle_gui.pages.build.choosing import Choosing
from apbundle_gui.pages.page import Command
from apbundle_gui.services import Services
from apbundle_gui.services.details import Origin
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.recipe_files import from_draft, open_bundle, open_recipe, save_recipe
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import Banner


class Recipes(QObject):
    """Does what the menu says of recipes.

    Attributes
    ----------
    saved
        The draft that was saved or opened last.
    """

    def __init__(
        self, services: Services, store: DraftStore, choosing: Choosing, banner: Banner, page: QWidget
    ) -> None:
        super().__init__(page)
        self._services = services
        self._store = store
        self._choosing = choosing
        self._banner = banner
        self._path = ""
        self.saved = Draft()

    def commands(self) -> Mapping[str, Command]:
        """The actions on recipes."""

        def any_rows() -> bool:
            return bool(self._store.draft.rows)

        return {
            "build.edit_bundle": Command(self.choose_and_edit),
            "build.open_recipe": Command(self.choose_and_open),
            "build.save_recipe": Command(self.choose_and_save, any_rows),
            "build.copy_command": Command(self.copy_command, any_rows),
            "build.copy_python": Command(self.copy_python, any_rows),
        }

    def choose_and_open(self) -> None:
        """Open a recipe chosen in a dialog."""
        if path := self._choosing.recipe_to_open():
            self.open(path)

    def choose_and_edit(self) -> None:
        """Edit a bundle chosen in a dialog."""
        if path := self._choosing.bundle_to_edit():
            self.edit(path)

    def edit(self, path: str) -> None:
        """Go on with a draft whose models come from a bundle, and which is written over it."""

        def opened(draft: Draft, lost: str, rolled_back: bool) -> None:
            self.saved = draft
            self._store.replace(draft, f"Edit {words.file_name(path)}")
            said = []
            if rolled_back:
                said.append(f"A change of {words.file_name(path)} was interrupted; it was undone.")
            if lost:
                said.append(f"Built as another file, it would lack {lost}.")
            if said:
                self._banner.say(" ".join(said), Tone.WARNING)

        open_bundle(self._services, path, partial(draft_of, origin=Origin.BUNDLE), opened)

    def choose_and_save(self) -> None:
        """Save the draft where a dialog says."""
        target = self._store.draft.target
        if path := self._choosing.recipe_to_save(self._path or f"{os.path.splitext(target)[0]}.toml"):
            self.save(path)

    def open(self, path: str) -> None:
        """Go on with the draft that a recipe describes."""

        def opened(draft: Draft) -> None:
            self._path, self.saved = path, draft
            self._store.replace(draft, f"Open {words.file_name(path)}")

        open_recipe(self._services, path, draft_of, opened)

    def save(self, path: str) -> None:
        """Save the draft as a recipe."""
        draft = self._store.draft

        def saved(written: str) -> None:
            self._path, self.saved = written, draft
            self._services.messages.info(f"Saved {words.file_name(written)}.")

        save_recipe(self._services, lambda pace: recipe_of(draft, pace), path, saved)

    def copy_command(self) -> None:
        """Put the command that builds the bundle on the clipboard."""
        draft = self._store.draft

        def copied(command: str | NoCommand) -> None:
            if isinstance(command, NoCommand):
                self._banner.say(
                    f"Not as one command: {command}. A recipe can say it.",
                    Tone.WARNING,
                    (("Save Recipe…", self.choose_and_save),),
                )
            else:
                self._copy(command, "the command")

        def made(pace: Pace) -> str | NoCommand:
            try:
                return pack_command(recipe_of(draft, pace))
            except NoCommand as reason:
                return reason

        from_draft(self._services, made, copied)

    def copy_python(self) -> None:
        """Put Python that builds the bundle on the clipboard."""
        draft = self._store.draft
        from_draft(
            self._services, lambda pace: pack_python(recipe_of(draft, pace)), lambda text: self._copy(text, "Python")
        )

    def _copy(self, text: str, what: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._services.messages.info(f"Copied {what} that builds this bundle.")
