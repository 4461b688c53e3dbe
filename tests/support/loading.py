"""A data set and a loader with worker processes, in the way machine-learning libraries have them."""

from __future__ import annotations

import multiprocessing
import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from apbundle.paged import PagedBundle

Item = tuple[str, str, int, int]
"""Model and component, a checksum of its bytes, and the process that read it."""


class Components(Sequence[Item]):
    """All components of all models of a bundle, by number."""

    def __init__(self, paged: PagedBundle) -> None:
        self.paged = paged
        self.places = [(model, name) for model in paged.model_names for name in paged.components(model)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Item:  # type: ignore[override]
        model, name = self.places[index]
        array = self.paged.get_component(model, name)
        again = bytes(self.paged.read(model, 0, 1))
        assert again == bytes(self.paged.get_model(model)[:1])
        return model, name, zlib.crc32(array.tobytes()), os.getpid()


_data: Components


def _begin(data: Components) -> None:
    global _data  # noqa: PLW0603 - the state of a worker process
    _data = data


def _item(index: int) -> Item:
    return _data[index]


def _held() -> tuple[int, int]:
    return _data.paged.charged, _data.paged.max_memory


@contextmanager
def loader(data: Components, method: str, workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that have ``data``: by inheritance where they are forked, else by a pickle."""
    context = multiprocessing.get_context(method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about threads at a fork
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(data,)) as processes:
            yield processes


def load_all(processes: ProcessPoolExecutor, order: Sequence[int]) -> list[Item]:
    """The items in this order, read by whichever process is free."""
    return list(processes.map(_item, order))


def held(processes: ProcessPoolExecutor) -> tuple[int, int]:
    """What one process holds, and its limit."""
    return processes.submit(_held).result()
