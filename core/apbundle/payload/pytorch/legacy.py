"""PyTorch checkpoints from before zip archives: five pickles in a row, then the storages, each with its length.

The pickles are a magic number, the number of the layout, facts about the machine, the object that was saved, and the
names of the storages in the order in which they follow: for each a 64-bit number of elements, then these. All numbers
are little-endian on every machine.
"""

from __future__ import annotations

from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.listing import Checkpoint, Place, list_contents, list_imports, say_duplicates
from apbundle.payload.pickles.nodes import Table, Value
from apbundle.payload.pickles.reading import Budget
from apbundle.payload.pickles.walker import References, walk_pickle
from apbundle.payload.pytorch.tensors import Storage, is_storage, storage_of
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that the first pickle holds."""

_LAYOUT = 1001
_COUNT = 8  # bytes of the length before a storage


def scan_legacy(data: ByteRange, sink: Sink) -> None:
    """List what such a checkpoint holds.

    Raises
    ------
    PayloadError
        Where it cannot be read further.
    """
    sink.fact("layout", "pickles, from before zip archives")
    references = References()
    budget = Budget(check=sink.reporter.check)
    values: list[Value] = []
    end = 0
    try:
        for _ in range(5):
            value, end = walk_pickle(data, end, data.size, budget, references)
            values.append(value)
    finally:
        list_imports(references, sink, compiled=False)
    magic, layout, system, root, names = values
    if magic != MAGIC or layout != _LAYOUT:
        raise PayloadError("the first numbers are not those of a checkpoint", 0)
    for key, value in (system.pairs if isinstance(system, Table) else None) or ():
        if key == "little_endian":
            sink.fact("written on a machine that is", "little-endian" if value is True else "big-endian")
    places = _find_storages(data, end, names, _known_storages(references), sink)
    sink.fact("storages", len(places))
    list_contents(root, "", Checkpoint(lambda storage: places.get(storage.name)), sink)
    say_duplicates(sink)


def _known_storages(references: References) -> dict[str, Storage]:
    """The storages the pickle refers to, by name: how long their elements are is told there alone."""
    storages: dict[str, Storage] = {}
    for found in references.persistent:
        if is_storage(found):
            try:
                storage = storage_of(found)
            except PayloadError:
                continue  # said again, with a name, when the tensor is listed
            storages.setdefault(storage.name, storage)
    return storages


def _find_storages(
    data: ByteRange, offset: int, names: Value, known: dict[str, Storage], sink: Sink
) -> dict[str, Place]:
    if not isinstance(names, list):
        raise PayloadError("the names of the storages are no list", offset)
    places: dict[str, Place] = {}
    for number, name in enumerate(names):
        if number % 1024 == 0:
            sink.reporter.check()
        storage = known.get(str(name)) if isinstance(name, str | int) else None
        if storage is None:
            sink.finding(f"storage {number:,} has an unknown element type: those from there on are not found", offset)
            return places
        if storage.name in places:
            sink.finding(f"two storages are named {storage.name!r}: those from there on are not found", offset)
            return places
        count = data.number(offset, _COUNT)
        offset += _COUNT
        size = count * storage.width
        if size > data.size - offset:
            sink.finding(f"storage {number:,} of {len(names):,} reaches past the end: the data was cut short", offset)
            size = max(0, data.size - offset)
            places[storage.name] = Place(offset, size, size)
            return places
        places[storage.name] = Place(offset, size, size)
        offset += size
    if offset < data.size:
        sink.finding(f"{data.size - offset:,} bytes follow the last storage", offset)
    return places
