"""PyTorch checkpoints read with Python's own unpickler, which finds none but the few names that tensors need."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
STORAGES = {"FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4"}


class Thing:
    """Stands for whatever else a checkpoint names."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


class Loader(pickle.Unpickler):
    """Loads the pickle of a checkpoint; storages stay descriptions, and tensors views of them."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return lambda storage, begin, shape, strides, *_: ("tensor", storage, begin, shape, strides)
        return name if module == "torch" and name in STORAGES else Thing

    def persistent_load(self, pid: Any) -> Any:
        return pid


def tensors(value: Any, path: str = "") -> dict[str, Any]:
    """The tensors in what was loaded, by the keys that lead to them."""
    if isinstance(value, tuple) and value[:1] == ("tensor",):
        return {path: value}
    found: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, part in value.items():
            found |= tensors(part, f"{path}.{key}" if path else str(key))
    return found


def views(value: Any, storages: dict[str, bytes]) -> dict[str, Array]:
    """The tensors as arrays."""
    found = {}
    for name, (_, storage, begin, shape, strides) in tensors(value).items():
        flat = np.frombuffer(storages[storage[2]], STORAGES[storage[1]])
        steps = [step * flat.itemsize for step in strides]
        found[name] = np.lib.stride_tricks.as_strided(flat[begin:], shape, steps, writeable=False)
    return found


def read_archive(path: Path) -> dict[str, Array]:
    """The tensors of a checkpoint that is a zip archive."""
    with zipfile.ZipFile(path) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    storages = {name.removeprefix("data/"): data for name, data in entries.items() if name.startswith("data/")}
    return views(Loader(io.BytesIO(entries["data.pkl"])).load(), storages)


def read_legacy(path: Path) -> dict[str, Array]:
    """The tensors of a checkpoint from before there were archives."""
    with path.open("rb") as file:
        magic, protocol, system, value, keys = (Loader(file).load() for _ in range(5))
        assert (magic, protocol, system["little_endian"]) == (0x1950A86A20F9469CFC6C, 1001, True)
        widths = {storage[2]: int(STORAGES[storage[1]][1]) for _, storage, *_ in tensors(value).values()}
        storages = {key: file.read(struct.unpack("<q", file.read(8))[0] * widths[key]) for key in keys}
    return views(value, storages)
