"""Beginning a recording, if one is wanted: nothing that goes wrong there stops the program."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from apbundle.errors import BundleError
from apbundle.fileio import StrPath, syscalls
from apbundle.trace.destination import VARIABLE, recording_path_from_environment
from apbundle.trace.notice import warn
from apbundle.trace.recorder import NewUnits, RecordingWriter
from apbundle.trace.records import RecordingHeader

_refused: Final[set[str]] = set()  # folders from the environment of which was said that they do not work


def start_recording(
    path: StrPath | None,
    bundle: str,
    header: Callable[[], RecordingHeader],
    new_units: NewUnits = lambda known: (),
    tell: Callable[[str], None] | None = None,
) -> RecordingWriter | None:
    """A recording, or ``None`` if none is wanted or can be: the program goes on either way.

    Parameters
    ----------
    path
        Where it goes. ``None`` leaves that to the environment: a new file in the folder that ``APBUNDLE_RECORD``
        names, which is made if it does not exist; none if it names nothing.
    bundle
        Path of the bundle.
    header
        Makes the header, if there is a recording.
    new_units
        See :meth:`~apbundle.trace.recorder.RecordingWriter.create`.
    tell
        Takes the text of the warning, for a caller who holds what a warning hook may ask for; such a caller passes it
        on to :func:`~apbundle.trace.notice.warn` later.

    Warns
    -----
    RuntimeWarning
        It cannot be written; of a folder from the environment, that is said once in a process.
    """
    try:
        target = recording_path_from_environment(bundle) if path is None else os.fsdecode(path)
        if target is None:
            return None
        if path is None:
            syscalls.makedirs(os.path.dirname(target), 0o777, True)
        return RecordingWriter.create(target, header(), new_units)
    except (BundleError, OSError, ValueError, MemoryError) as error:  # ValueError: units that no file can have
        place = os.environ.get(VARIABLE, "") if path is None else os.fsdecode(path)
        told = path is None and place in _refused
        if path is None:
            _refused.add(place)
        if not told:
            (tell or warn)(f"Not recording to {place}: {error}")
        return None
