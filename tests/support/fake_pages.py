"""Pages that only note what the window asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLineEdit, QVBoxLayout

from apbundle_gui.main_window import PageSpec
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import Services
from apbundle_gui.widgets import PageTitle

COMMANDS: Mapping[str, Sequence[str]] = {
    "build": ("build.build", "build.add_files", "build.remove", "edit.undo"),
    "inspect": ("inspect.verify", "inspect.extract"),
    "monitor": ("monitor.run", "monitor.freeze"),
}


class FakePage(Page):
    """A page with a field, whose commands note their names."""

    def __init__(self, services: Services, name: str) -> None:
        super().__init__(services)
        self.name = name
        self.noted: list[object] = []
        self.can = True
        self.loss = ""
        layout = QVBoxLayout(self)
        layout.addWidget(PageTitle(name))
        self.field = QLineEdit()
        layout.addWidget(self.field)
        layout.addStretch(1)

    def commands(self) -> Mapping[str, Command]:
        def note(name: str) -> Command:
            return Command(lambda: self.noted.append(name), lambda: self.can)

        return {name: note(name) for name in COMMANDS[self.name]}

    def activate(self) -> None:
        self.noted.append("activate")

    def deactivate(self) -> None:
        self.noted.append("deactivate")

    def file_dropped(self, paths: list[str]) -> None:
        self.noted.append(paths)

    def show_example(self, bundle_path: str) -> None:
        self.field.setText(bundle_path.rpartition("/")[2])
        QTimer.singleShot(0, lambda: self.noted.append("example"))

    def example_ready(self) -> bool:
        return "example" in self.noted

    def unsaved(self) -> str:
        return self.loss

    def shutdown(self) -> None:
        self.noted.append("shutdown")


def fake_pages() -> list[PageSpec]:
    """The three pages, as fakes."""

    def spec(name: str) -> PageSpec:
        return PageSpec(name, name.capitalize(), name, lambda services: FakePage(services, name))

    return [spec(name) for name in COMMANDS]
