"""The window: it composes services, actions and pages, and knows nothing of bundles itself."""

from apbundle_gui.main_window.pages import PageSpec, import_pages, standard_pages
from apbundle_gui.main_window.window import MainWindow

__all__ = ["MainWindow", "PageSpec", "import_pages", "standard_pages"]
