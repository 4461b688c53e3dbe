"""What every test stands on: private folders, the shared corpora, and nothing left behind.

A test fails when it leaves a descriptor, a map, a thread, a child process or a temporary file behind, or logs a
warning it did not ask for. Warnings, Qt messages and exceptions in slots and threads fail it by configuration.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from support.leaks import Holdings

HERE = Path(__file__).resolve().parent

_settings_number = itertools.count()

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # several tests run at once; numpy is not imported yet
for _setting in (
    "APBUNDLE_RECORD",
    "SOURCE_DATE_EPOCH",
    "PYTHONUNBUFFERED",
    "PYTHONWARNINGS",
    "COLUMNS",
    "NO_COLOR",
    "FORCE_COLOR",
):
    os.environ.pop(_setting, None)  # of whoever runs the tests; programs that tests start behave alike everywhere

hypothesis.settings.register_profile(
    "apbundle",
    max_examples=int(os.environ.get("APBUNDLE_EXAMPLES", "100")),
    derandomize="CI" in os.environ,
    deadline=None,
    print_blob=True,
)
hypothesis.settings.load_profile("apbundle")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the source tree."""
    return HERE.parent


@pytest.fixture(scope="session")
def golden() -> Path:
    """Bundles and traces of the reference implementation, with what is in them."""
    return HERE / "golden"


@pytest.fixture(scope="session")
def malformed() -> Path:
    """Broken and hostile bundles, with what must be said about them in ``expected.json``."""
    return HERE / "malformed"


@pytest.fixture(scope="session", autouse=True)
def _private_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings, caches and temporary files of the user who runs the tests are neither read nor written."""
    base = tmp_path_factory.mktemp("user")
    names = {
        "TMPDIR": "tmp",
        "XDG_CONFIG_HOME": "config",
        "XDG_CACHE_HOME": "cache",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
        "XDG_RUNTIME_DIR": "run",
    }
    with pytest.MonkeyPatch.context() as patch:
        for variable, name in names.items():
            (base / name).mkdir(mode=0o700)
            patch.setenv(variable, str(base / name))
        patch.setattr(tempfile, "tempdir", None)
        yield base


@pytest.fixture(autouse=True)
def _private_settings(monkeypatch: pytest.MonkeyPatch, _private_folders: Path) -> None:
    """Each test starts without settings; the folder is made by whoever writes there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(_private_folders / "config" / str(next(_settings_number))))


@pytest.fixture(autouse=True)
def _hooks_restored() -> Iterator[None]:
    """The application installs its own exception hooks; no test sees those of another."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


@pytest.fixture(autouse=True)
def _no_unanswered_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A modal dialog that the test does not answer fails it; it would wait for ever, in C++, past every time-out."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None:
        return

    def unanswered(dialog: object) -> None:
        raise AssertionError(f"nobody answers {dialog!r}")

    for dialog in (widgets.QDialog, widgets.QMessageBox, widgets.QFileDialog):
        monkeypatch.setattr(dialog, "exec", unanswered)


@pytest.fixture(autouse=True)
def _no_stray_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A record of level WARNING or above fails the test, unless it looks at it and calls ``caplog.clear()``."""
    yield
    stray = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert not stray, f"unexpected log records: {stray}"


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest, _private_folders: Path) -> Iterator[None]:
    """Descriptors, maps, threads, children and temporary files end with the test that began them."""
    before = Holdings.now()
    yield
    left = before.left_over(wait=2.0)
    assert not left, f"left behind: {left}"
