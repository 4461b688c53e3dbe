"""Payloads that are a Python pickle: what it would import, the plain values in it, and its numpy arrays."""

from __future__ import annotations

from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.listing import Checkpoint, list_contents, list_imports, say_duplicates
from apbundle.payload.pickles.reading import Budget
from apbundle.payload.pickles.walker import References, walk_pickle
from apbundle.payload.sink import Sink


def scan_pickle(data: ByteRange, sink: Sink) -> None:
    """List what a pickle holds, without making any of it.

    Raises
    ------
    PayloadError
        Where it cannot be followed further.
    """
    sink.fact("protocol", data.number(1, 1))
    references = References()
    try:
        root, end = walk_pickle(data, 0, data.size, Budget(check=sink.reporter.check), references)
    finally:
        list_imports(references, sink, compiled=False)
    list_contents(root, "", Checkpoint(lambda storage: None), sink)
    say_duplicates(sink)
    if end < data.size:
        sink.finding(f"{data.size - end:,} bytes follow the pickle", end)
