"""The one road to the user, and its log."""

from __future__ import annotations

import io
import logging

import pytest
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle_gui.app.reporting import PlainFormatter
from apbundle_gui.services import Level, Message, Messages
from apbundle_gui.services.messages import KEPT


def test_messages_are_posted_kept_and_logged(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    messages = Messages()
    seen: list[Message] = []
    messages.posted.connect(seen.append)
    error = bundle_error("disk_full", "No room.")
    with caplog.at_level(logging.INFO, "apbundle_gui"):
        messages.info("Opened.")
        messages.warning("Odd.")
        messages.error("It did not work.", error)
        messages.error(error)
    assert [message.level for message in seen] == [Level.INFO, Level.WARNING, Level.ERROR, Level.ERROR]
    assert [message.error for message in seen] == [None, None, error, error]
    assert messages.kept == tuple(seen)
    assert len(caplog.records) == 4
    caplog.clear()


def test_only_the_latest_are_kept() -> None:
    messages = Messages()
    for number in range(KEPT + 5):
        messages.info(str(number))
    assert len(messages.kept) == KEPT
    assert messages.kept[0].text == "5"


@pytest.mark.parametrize("name", ["\x1b]0;owned\x07", "a\nERROR forged", "a\r\x08", "\u2028", "\u202e"])
def test_an_event_is_one_line_of_the_log_without_controls(name: str, caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter("%(message)s"))
    log = logging.getLogger("apbundle_gui")
    log.addHandler(handler)
    try:
        Messages().error(f"Cannot open {name}.", OSError(name))
    finally:
        log.removeHandler(handler)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.rstrip("\n").isprintable()
    caplog.clear()


def test_a_traceback_cannot_steer_the_terminal() -> None:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "m", (), (ValueError, ValueError("\x1b[2J"), None))
    assert "\x1b" not in PlainFormatter("%(message)s").format(record)
