"""PyTorch payloads: what a checkpoint or a TorchScript archive holds, without running any of it.

An archive has one folder with ``data.pkl``, a pickle that names the storages, and ``data/<name>`` for each of these,
stored as they are. TorchScript adds ``constants.pkl`` with ``constants/<name>``, and code. Older checkpoints are no
archives (:mod:`apbundle.payload.pytorch.legacy`).
"""

from __future__ import annotations

from apbundle.payload.archive import END_OF_DIRECTORY, LOCAL_FILE
from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.listing import Checkpoint, list_contents, list_imports, say_duplicates
from apbundle.payload.pickles.nodes import Value
from apbundle.payload.pickles.reading import Budget
from apbundle.payload.pickles.walker import References, walk_pickle
from apbundle.payload.pytorch.archive import MAIN_PICKLE, Archive, Storages, open_archive
from apbundle.payload.pytorch.legacy import scan_legacy
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError
from apbundle.payload.zip_directory import STORED

_CONSTANTS_PICKLE = "constants.pkl"
_LISTED = {MAIN_PICKLE: ("", "data"), _CONSTANTS_PICKLE: ("constants", "constants")}
"""Pickles that hold tensors: what stands before their names, and the folder of the storages."""

_MOST_PICKLES = 100
_LONGEST_NOTE = 64  # bytes of an entry that holds a word or a number
_PICKLE = b"\x80"  # how checkpoints begin that are no archives
_BYTE_ORDER = "byteorder"
_NOTES = {
    "version": "version",
    _BYTE_ORDER: "byte order",
    ".format_version": "format version",
    ".storage_alignment": "storage alignment",
    ".data/serialization_id": "serialization id",
}


def scan_pytorch(data: ByteRange, sink: Sink) -> None:
    """List what a PyTorch payload holds.

    Raises
    ------
    PayloadError
        Where it cannot be read further.
    """
    if data.at(0, 4) in (LOCAL_FILE, END_OF_DIRECTORY):
        _scan_archive(data, sink)
    elif data.at(0, 1) != _PICKLE:
        raise PayloadError("PyTorch's first layout, a tar archive, is not read here")
    else:
        scan_legacy(data, sink)


def _scan_archive(data: ByteRange, sink: Sink) -> None:
    archive = open_archive(data, sink)
    compiled = _CONSTANTS_PICKLE in archive.entries or any(name.startswith("code/") for name in archive.entries)
    sink.fact("layout", "TorchScript archive" if compiled else "zip archive")
    big_endian = _add_notes(archive, sink) == "big"
    references = References()
    roots = _walk_pickles(archive, references, sink)
    list_imports(references, sink, compiled=compiled)
    for name, (prefix, folder) in _LISTED.items():
        if name in roots:
            storages = Storages(archive, folder, sink)
            unpacked = archive.entries[name].method != STORED
            list_contents(roots[name], prefix, Checkpoint(storages.locate, big_endian, unpacked), sink)
    say_duplicates(sink)
    if MAIN_PICKLE not in roots:
        raise PayloadError(f"{MAIN_PICKLE} could not be read, which names the tensors")


def _walk_pickles(archive: Archive, references: References, sink: Sink) -> dict[str, Value]:
    """What the pickles of an archive would have made, those that could be followed to their ends."""
    budget = Budget(check=sink.reporter.check)
    roots: dict[str, Value] = {}
    pickles = sorted(archive.pickles, key=lambda item: item[0] not in _LISTED)
    for name, entry in pickles[:_MOST_PICKLES]:
        try:
            data, begin, end = archive.content(entry)
        except PayloadError as error:
            sink.finding(f"{name} is not read: {error.message}", error.offset)
            continue
        in_place = data is archive.data  # else its offsets are not those of the payload
        inner = References()
        try:
            roots[name], after = walk_pickle(data, begin, end, budget, inner)
            if after < end:
                sink.finding(f"{end - after:,} bytes follow the pickle in {name}", entry.header)
        except PayloadError as error:
            sink.finding(f"{name} is not followed to its end: {error.message}", error.offset if in_place else None)
        for key, offset in inner.imports.items():
            references.imports.setdefault(key, offset if in_place else entry.header)
    if len(pickles) > _MOST_PICKLES:
        sink.finding(f"the archive has {len(pickles):,} pickles, of which {_MOST_PICKLES:,} are looked into")
    return roots


def _add_notes(archive: Archive, sink: Sink) -> str:
    """Add what small entries say of the archive; return the byte order."""
    order = ""
    for name, fact in _NOTES.items():
        entry = archive.entries.get(name)
        if entry is None or entry.size > _LONGEST_NOTE:
            continue
        try:
            data, begin, end = archive.content(entry)
        except PayloadError as error:
            sink.finding(f"{name} is not read: {error.message}", error.offset)
            continue
        text = data.at(begin, end - begin).decode("ascii", "backslashreplace").strip()
        sink.fact(fact, text)
        order = text if name == _BYTE_ORDER else order
    return order
