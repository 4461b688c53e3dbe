"""A model as pages of one size, over units of any."""

from __future__ import annotations

from collections.abc import Iterator

from apbundle.paged.engine import Engine
from apbundle.paged.models import PagedModel


def iterate_pages(engine: Engine, model: PagedModel, size: int) -> Iterator[memoryview]:
    """The bytes of ``model`` in pages of ``size`` bytes, the last of which may be shorter.

    Each unit is accessed once, and let go before the next one; of a page that lies in several, a copy is made.
    """
    begun = bytearray()  # a page that goes on in the next unit
    units = engine.iterate(model)
    while (view := next(units, None)) is not None:
        at = 0
        if begun:
            at = min(size - len(begun), len(view))
            begun += view[:at]
            if len(begun) == size:
                yield memoryview(begun).toreadonly()
                begun = bytearray()
        whole = len(view) - (len(view) - at) % size
        for begin in range(at, whole, size):
            yield view[begin : begin + size]
        begun += view[whole:]
        view = None  # its memory may be needed for the next one
    if begun:
        yield memoryview(begun).toreadonly()
