"""The pages of the window, and how each is made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from apbundle_gui.pages.page import Page
from apbundle_gui.services import Services


@dataclass(frozen=True, slots=True)
class PageSpec:
    """A page that need not exist yet. ``name`` is also the area of its actions, ``view.<name>`` shows it."""

    name: str
    title: str
    icon: str
    make: Callable[[Services], Page]


def _build(services: Services) -> Page:
    from apbundle_gui.pages.build.page import BuildPage

    return BuildPage(services)


def _inspect(services: Services) -> Page:
    from apbundle_gui.pages.inspect.page import InspectPage

    return InspectPage(services)


def _monitor(services: Services) -> Page:
    from apbundle_gui.pages.monitor.page import MonitorPage  # imports pyqtgraph: half a second

    return MonitorPage(services)


def import_pages() -> None:
    """Import what all pages are made of, in a thread, so that showing one for the first time does not wait for it."""
    for name in ("build", "inspect", "monitor"):
        import_module(f"apbundle_gui.pages.{name}.page")


def standard_pages() -> tuple[PageSpec, ...]:
    """The three pages of the program, in the order of the rail."""
    return (
        PageSpec("build", "Build", "build", _build),
        PageSpec("inspect", "Inspect", "inspect", _inspect),
        PageSpec("monitor", "Monitor", "monitor", _monitor),
    )
