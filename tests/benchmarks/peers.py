"""Other libraries that keep many items in a file: how each writes them and gets at one, as its users would."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from measure import MIB, installed

Get = Callable[[str], Any]
"""The item of a name, as something whose first element can be asked for."""


class Store(ABC):
    """Items by name in a file or folder.

    Parameters
    ----------
    folder
        Where the file goes.
    items
        What is written, unless it is there already.
    """

    name: ClassVar[str]
    library: ClassVar[str]

    def __init__(self, folder: Path, items: Mapping[str, bytes]) -> None:
        self.path = folder / f"items.{self.library}"
        self.write(items)

    @classmethod
    def available(cls) -> bool:
        """Whether the library is installed."""
        return installed(cls.library) is not None

    @abstractmethod
    def write(self, items: Mapping[str, bytes]) -> None:
        """Write the file."""

    @abstractmethod
    def open(self, stack: ExitStack) -> Get:
        """Open the file until ``stack`` is closed."""


class Safetensors(Store):
    """A header of JSON; every tensor is read into memory of its own."""

    name, library = "safetensors", "safetensors"

    def write(self, items: Mapping[str, bytes]) -> None:
        from safetensors.numpy import save_file

        save_file({name: np.frombuffer(data, np.uint8) for name, data in items.items()}, self.path)

    def open(self, stack: ExitStack) -> Get:
        from safetensors import safe_open

        return stack.enter_context(safe_open(self.path, "np")).get_tensor


class Lmdb(Store):
    """A tree in a memory map; views of it are good as long as the transaction."""

    name, library = "lmdb", "lmdb"

    def write(self, items: Mapping[str, bytes]) -> None:
        import lmdb

        size = sum(map(len, items.values()))
        with (
            lmdb.open(str(self.path), map_size=2 * size + 64 * MIB, sync=False) as base,
            base.begin(write=True) as change,
        ):
            for name, data in items.items():
                change.put(name.encode(), data)

    def open(self, stack: ExitStack) -> Get:
        import lmdb

        base = stack.enter_context(lmdb.open(str(self.path), readonly=True, lock=False))
        get = stack.enter_context(base.begin(buffers=True)).get
        return lambda name: get(name.encode())


class H5py(Store):
    """HDF5, a dataset an item."""

    name, library = "h5py", "h5py"

    def write(self, items: Mapping[str, bytes]) -> None:
        import h5py

        with h5py.File(self.path, "w") as file:
            for name, data in items.items():
                file.create_dataset(name, data=np.frombuffer(data, np.uint8))

    def open(self, stack: ExitStack) -> Get:
        import h5py

        file = stack.enter_context(h5py.File(self.path, "r"))
        return lambda name: file[name][()]


class NumpyFiles(Store):
    """A file an item, each mapped when it is asked for."""

    name, library = "numpy.load(mmap_mode)", "numpy"

    def write(self, items: Mapping[str, bytes]) -> None:
        self.path.mkdir()
        for name, data in items.items():
            np.save(self.path / f"{name}.npy", np.frombuffer(data, np.uint8))

    def open(self, stack: ExitStack) -> Get:
        return lambda name: np.load(self.path / f"{name}.npy", mmap_mode="r")


STORES: tuple[type[Store], ...] = (Safetensors, Lmdb, H5py, NumpyFiles)
