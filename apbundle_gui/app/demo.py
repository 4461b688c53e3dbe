"""Shows the program at work: the sample bundle, and something going on with it."""

from __future__ import annotations

from apbundle_gui import resources
from apbundle_gui.main_window import MainWindow
from apbundle_gui.services import OpenBundle


def start_demo(window: MainWindow) -> None:
    """Open the sample bundle and start a workload on it."""
    path = str(resources.sample_path())
    session = window.services.session

    def begin(opened: OpenBundle) -> None:
        if opened.path == path:
            session.opened.disconnect(begin)
            window.show_page("monitor")
            window.page("monitor").show_example(path)

    session.opened.connect(begin)
    session.open(path)
