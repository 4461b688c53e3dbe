"""Files, safely: exact positional reads that notice changes, and the one door through which files are written.

``reading`` opens, ``atomic`` writes (``temporary`` and ``publishing`` are its first and last steps), ``in_place``
changes a few bytes of a file behind a ``journal`` (``at_rest`` opens such a file, ``rollback`` undoes the change),
``staging`` holds data of unknown size, and ``system`` is the thin layer under all of them.
"""

from apbundle.fileio.at_rest import not_in_place, obstacle, open_at_rest, read_at_rest
from apbundle.fileio.atomic import OutputFile, check_destination, write_atomically
from apbundle.fileio.in_place import overwrite_in_place
from apbundle.fileio.reading import PIECE, FileIdentity, InputFile, NotRegularFile
from apbundle.fileio.staging import StagingFile, staging_file
from apbundle.fileio.system import StrPath, Syscalls, syscalls
from apbundle.fileio.temporary import remove_stale_part, stale_parts

__all__ = [
    "PIECE",
    "FileIdentity",
    "InputFile",
    "NotRegularFile",
    "OutputFile",
    "StagingFile",
    "StrPath",
    "Syscalls",
    "check_destination",
    "not_in_place",
    "obstacle",
    "open_at_rest",
    "overwrite_in_place",
    "read_at_rest",
    "remove_stale_part",
    "staging_file",
    "stale_parts",
    "syscalls",
    "write_atomically",
]
