"""What the window expects of a page, and what a page may ask of the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from apbundle_gui.services import Services


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """How a page does one of the actions of :mod:`apbundle_gui.actions`.

    ``run`` does it; ``enabled`` says whether that makes sense now, and must be cheap: it is asked at every
    ``state_changed``.
    """

    run: Callable[[], object]
    enabled: Callable[[], bool] = _always


class Page(QWidget):
    """Base class of the pages. A page is made when it is first shown and lives as long as the window.

    Pages read :attr:`services` and nothing else of the program; they open no file and start no thread.

    Attributes
    ----------
    state_changed
        To be emitted by the page whenever the answer of one of its commands' ``enabled`` may have changed.
    action_requested
        To be emitted with the name of an action the page wants done but does not own, such as ``"file.open"`` or
        ``"view.build"``, for its buttons.
    bundle_built
        To be emitted with the path (``str``) of a bundle that now exists: the window opens it and shows Inspect.
    paths_dropped
        To be emitted with the list of paths dropped on a drop area of the page that has no meaning of its own for
        them: the window opens bundles, and adds anything else to the draft.
    """

    state_changed = Signal()
    action_requested = Signal(str)
    bundle_built = Signal(object)
    paths_dropped = Signal(object)

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.services = services

    def commands(self) -> Mapping[str, Command]:
        """The actions this page does, by their name. Asked whenever it becomes visible."""
        return {}

    def activate(self) -> None:
        """The page became the visible one: start what only makes sense while it is seen."""

    def deactivate(self) -> None:
        """Another page became the visible one."""

    def file_dropped(self, paths: list[str]) -> None:
        """Files or folders were dropped somewhere on the window and are this page's to take."""

    def takes_drag(self, paths: list[str]) -> bool:
        """Whether the page itself shows where a drag of these paths can be dropped: the window then offers nothing."""
        return False

    def unsaved(self) -> str:
        """What would be lost if the window closed now, as a sentence to the user; empty when nothing would.

        Jobs that run need no mention: the window names them itself.
        """
        return ""

    def shutdown(self) -> None:
        """The window closes: end what runs, remember what ``services.settings`` should keep."""

    def show_example(self, bundle_path: str) -> None:
        """Fill the page with something worth looking at, made from the sample bundle.

        For the demonstration and for the screenshots. The sample is already opened through the session.
        """

    def example_ready(self) -> bool:
        """Whether everything ``show_example`` began is on the screen. Emit ``state_changed`` when it becomes so."""
        return True

    def example_views(self) -> Sequence[str]:
        """What there is to see of the example, by names; a page that has only one side to it calls that nothing."""
        return ("",)

    def show_example_view(self, view: str) -> None:
        """Turn to one of ``example_views``. The example is ready."""
