"""A model as pages of one size, over units of any."""

from __future__ import annotations

from collections.abc import Iterator

from apbundle.paged.engine import Engine
from apbundle.paged.models import PagedModel

COUNTED = 64 * 1024
"""Bytes from which the copy of a page is charged; of smaller ones that would cost more than it tells."""

_MANY = 16  # pages in a unit, from which the last of them is a copy

_NONE = memoryview(b"")


def iterate_pages(engine: Engine, model: PagedModel, size: int) -> Iterator[memoryview]:
    """The bytes of ``model`` in pages of ``size`` bytes, the last of which may be shorter.

    Each unit is accessed once, and let go before the next one; of a page that lies in several, a copy is made.
    """
    page, filled = _NONE, 0  # one that goes on in the next unit, and how much of it is there
    offset = 0  # of the unit
    units = engine.iterate(model)
    while (view := next(units, None)) is not None:
        at = min(len(page) - filled, len(view))
        if at:
            page[filled : filled + at] = view[:at]
            filled += at
            if filled == len(page):
                yield page.toreadonly()
                page, filled = _NONE, 0
        whole = len(view) - (len(view) - at) % size
        last = whole - size if whole > at and len(view) >= _MANY * size else whole
        for begin in range(at, last, size):
            yield view[begin : begin + size]
        if last < whole:  # whoever still looks at it while the next unit is loaded shall not keep all of this one
            yield memoryview(bytes(view[last:whole]))
        filled += len(view) - whole
        if whole < len(view):
            page = _page(engine, model, min(size, model.size - offset - whole))
            page[:filled] = view[whole:]
        offset += len(view)
        view = None  # its memory may be needed for the next one
        if page and filled == len(page):  # the last one
            yield page.toreadonly()


def _page(engine: Engine, model: PagedModel, size: int) -> memoryview:
    return memoryview(bytearray(size)) if size < COUNTED else engine.copy_buffer(model, size)
