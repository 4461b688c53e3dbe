"""The open bundles: opened as jobs, refused with reasons, remembered."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from apbundle.errors import BundleError
from apbundle_gui.services import OpenBundle, OpenFailure, Services
from apbundle_gui.services.session import RECENT


@pytest.fixture
def bundles(golden: Path, tmp_path: Path) -> list[str]:
    """Three good bundles."""
    return [str(shutil.copy(golden / f"{name}.apbundle", tmp_path)) for name in ("empty", "three_models", "unicode")]


def open_one(qtbot: QtBot, services: Services, path: str) -> OpenBundle | OpenFailure:
    outcome: list[OpenBundle | OpenFailure] = []
    services.session.opened.connect(outcome.append)
    services.session.failed.connect(outcome.append)
    services.session.open(path)
    qtbot.waitUntil(lambda: bool(outcome))
    services.session.opened.disconnect(outcome.append)
    services.session.failed.disconnect(outcome.append)
    return outcome[0]


def test_an_opened_bundle_becomes_the_current_one(qtbot: QtBot, services: Services, bundles: list[str]) -> None:
    session = services.session
    assert session.current is None
    with qtbot.waitSignals([session.current_changed, session.changed, session.opened]):
        session.open(bundles[1])
    assert session.current is not None
    assert session.current.path == bundles[1]
    assert session.recent == (bundles[1],)
    assert len(session.current.bundle.model_names) == 3


def test_select_and_close(qtbot: QtBot, services: Services, bundles: list[str]) -> None:
    session = services.session
    for path in bundles:
        open_one(qtbot, services, path)
    assert [opened.path for opened in session.bundles] == bundles
    with qtbot.waitSignal(session.current_changed):
        session.select(bundles[0])
    with qtbot.assertNotEmitted(session.current_changed):
        session.select(bundles[0])
        session.select("/no/such/bundle")
        session.close("/no/such/bundle")
        session.close(bundles[1])
    with qtbot.waitSignal(session.closed) as closed:
        session.close(bundles[0])
    assert closed.args == [bundles[0]]
    assert session.current is not None
    assert session.current.path == bundles[2]
    session.close(bundles[2])
    assert session.current is None


def test_opening_again_reads_anew(qtbot: QtBot, services: Services, bundles: list[str]) -> None:
    first = open_one(qtbot, services, bundles[1])
    os.replace(bundles[2], bundles[1])
    second = open_one(qtbot, services, bundles[1])
    assert isinstance(first, OpenBundle)
    assert isinstance(second, OpenBundle)
    assert second.bundle is not first.bundle
    assert services.session.bundles == (second,)


def test_a_failed_reload_keeps_what_is_open(qtbot: QtBot, services: Services, bundles: list[str]) -> None:
    opened = open_one(qtbot, services, bundles[1])
    os.unlink(bundles[1])
    failure = open_one(qtbot, services, bundles[1])
    assert isinstance(failure, OpenFailure)
    assert isinstance(failure.error, FileNotFoundError)
    assert services.session.current is opened


def test_every_malformed_file_opens_or_fails_as_expected(qtbot: QtBot, services: Services, malformed: Path) -> None:
    for case in json.loads((malformed / "expected.json").read_text()).values():
        path = str(malformed / case["file"])
        outcome = open_one(qtbot, services, path)
        if case["opens"]:
            assert isinstance(outcome, OpenBundle), case
            services.session.close(path)
        else:
            assert isinstance(outcome, OpenFailure), case
            assert isinstance(outcome.error, BundleError)
            assert outcome.error.code == case["error"]
            assert path not in services.session.recent


def test_what_is_no_file_is_refused_at_once(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "fifo", tmp_path / "socket", tmp_path, Path("/dev/zero"), tmp_path / "missing"):
            failure = open_one(qtbot, services, str(path))
            assert isinstance(failure, OpenFailure)
            assert isinstance(failure.error, BundleError | OSError)


def test_recent_bundles_are_kept_newest_first(qtbot: QtBot, services: Services, golden: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(RECENT + 2):
        name = os.fsdecode(b"\xff%d.apbundle" % number)
        paths.append(str(shutil.copy(golden / "empty.apbundle", tmp_path / name)))
        assert isinstance(open_one(qtbot, services, paths[-1]), OpenBundle)
    open_one(qtbot, services, paths[5])
    expected = (paths[5], *(path for path in reversed(paths) if path != paths[5]))[:RECENT]
    assert services.session.recent == expected
    services.settings.save()
    again = Services.create(services.settings.path)
    assert again.session.recent == expected
    again.session.forget_recent()
    assert again.session.recent == ()
    again.shutdown()


def test_a_path_is_made_absolute(
    qtbot: QtBot, services: Services, bundles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(bundles[0]).parent)
    opened = open_one(qtbot, services, Path(bundles[0]).name)
    assert opened.path == bundles[0]
