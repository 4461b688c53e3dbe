"""What the window remembers between two runs, in one small INI file.

Values are written as JSON in ASCII, which keeps types and every path whole (Qt drops what is not Unicode). The typed
readers give the default for whatever does not read as what was asked for. A file that is damaged, or grown beyond
reason, is put aside and a new one begun.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from apbundle_gui.services.messages import Messages

MAX_FILE_SIZE: Final = 1 << 20
"""Bytes above which a settings file is taken for damaged."""
BACKUP_SUFFIX: Final = ".damaged"


class Settings:
    """Reads and remembers values under keys such as ``window/page``.

    Parameters
    ----------
    path
        The INI file; by default the one of this user.
    messages
        Told when a damaged file was put aside.
    """

    def __init__(self, path: Path | None = None, messages: Messages | None = None) -> None:
        self._path = path or default_path()
        damaged = _is_damaged(self._path)
        self._store = QSettings(str(self._path), QSettings.Format.IniFormat)
        if not damaged:
            self._store.sync()
            damaged = self._store.status() == QSettings.Status.FormatError
        if damaged:
            backup = self._path.with_name(self._path.name + BACKUP_SUFFIX)
            os.replace(self._path, backup)
            self._store = QSettings(str(self._path), QSettings.Format.IniFormat)
            if messages is not None:
                messages.warning(f"The settings could not be read and were reset. The old ones were kept in {backup}.")

    @property
    def path(self) -> Path:
        """The file the settings are kept in."""
        return self._path

    def text(self, key: str, default: str = "") -> str:
        """The text under ``key``."""
        value = self._read(key)
        return value if isinstance(value, str) else default

    def flag(self, key: str, default: bool = False) -> bool:
        """The truth value under ``key``."""
        value = self._read(key)
        return value if isinstance(value, bool) else default

    def number(self, key: str, default: int, minimum: int, maximum: int) -> int:
        """The whole number under ``key``; the default when it lies outside ``minimum`` to ``maximum`` (inclusive)."""
        value = self._read(key)
        return value if type(value) is int and minimum <= value <= maximum else default

    def texts(self, key: str) -> list[str]:
        """The list of texts under ``key``; empty when there is none."""
        value = self._read(key)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def blob(self, key: str) -> QByteArray:
        """The bytes under ``key``, such as a geometry; empty when there are none."""
        try:
            return QByteArray(base64.b64decode(self.text(key), validate=True))
        except (binascii.Error, ValueError):
            return QByteArray()

    def remember(self, key: str, value: str | bool | int | Sequence[str] | QByteArray) -> None:
        """Keep a value under ``key``. Paths that are not UTF-8 survive."""
        if isinstance(value, QByteArray):
            value = base64.b64encode(value.data()).decode()
        self._store.setValue(key, json.dumps(value if isinstance(value, (str, bool, int)) else list(value)))

    def _read(self, key: str) -> object:
        value = self._store.value(key, None)
        try:
            return json.loads(value) if isinstance(value, str) else None
        except (ValueError, RecursionError):
            return None

    def save(self) -> None:
        """Write what changed now; Qt replaces the file as a whole."""
        self._store.sync()


def default_path() -> Path:
    """Where this user's settings are kept."""
    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericConfigLocation)
    return Path(folder) / "apbundle" / "apbundle-gui.ini"


def _is_damaged(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE_SIZE:
        return True
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError:
        return False
    except UnicodeDecodeError:
        return True
    return "\0" in text or not all(map(_is_plausible, text.splitlines()))


def _is_plausible(line: str) -> bool:
    line = line.strip()
    return not line or line[0] in ";#" or (line[0] == "[" and line[-1] == "]") or "=" in line
