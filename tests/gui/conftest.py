"""What tests of the window stand on: one application in the light theme, services with settings of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from apbundle_gui import theme
from apbundle_gui.services import Services

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a display, Qt warns of each thing that takes one; no other warning of Qt is let through."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("^This plugin does not support", extend=True))


@pytest.fixture(scope="session")
def qapp(qapp_args: list[str], qapp_cls: type[QApplication], pytestconfig: pytest.Config) -> QApplication:
    """The application, in our style."""
    application = QApplication.instance() or qapp_cls(qapp_args)
    assert isinstance(application, QApplication)
    application.setApplicationName("apbundle")
    theme.manager().install(theme.Choice.LIGHT)
    return application


@pytest.fixture(autouse=True)
def _light_theme(qapp: QApplication) -> Iterator[None]:
    """Every test begins and ends in the light theme."""
    yield
    theme.manager().choose(theme.Choice.LIGHT)


@pytest.fixture
def services(qapp: QApplication, tmp_path: Path) -> Iterator[Services]:
    """Services with their own settings file."""
    made = Services.create(tmp_path / "settings.ini")
    yield made
    made.shutdown()
