"""Files in the layouts of PyTorch, made with Python's own pickle and zipfile: PyTorch is not needed for them."""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar

MAGIC = 0x1950A86A20F9469CFC6C
DATA_ALIGNMENT = 64


class Named:
    """A class or function of a module that need not exist: pickled by its name alone."""

    def __init__(self, label: str) -> None:
        self.module, _, self.name = label.rpartition(".")

    def __call__(self, *arguments: Any) -> None:
        raise AssertionError(f"{self.module}.{self.name} was called")


class Storage:
    """A storage, kept outside the pickle under its key."""

    def __init__(self, kind: str, key: str, count: int, *more: Any) -> None:
        self.key = ("storage", Named(f"torch.{kind}"), key, "cpu", count, *more)


class Made:
    """What a call of ``function`` makes: pickled as that call, then what is set in it."""

    def __init__(self, function: str, *arguments: Any, state: Any = None) -> None:
        self.reduced = (Named(function), arguments, state)

    def __reduce_ex__(self, protocol: int) -> tuple[Any, ...]:
        function, arguments, state = self.reduced
        return (function, arguments) if state is None else (function, arguments, state)


class TorchPickler(pickle._Pickler):
    """The pickler written in Python, which can be told how to save names and storages."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_named(self, named: Named) -> None:
        self.write(pickle.GLOBAL + f"{named.module}\n{named.name}\n".encode())
        self.memoize(named)

    dispatch[Named] = save_named

    def persistent_id(self, value: Any) -> Any:
        return value.key if isinstance(value, Storage) else None


def pickled(value: Any, protocol: int = 2) -> bytes:
    """``value`` as PyTorch pickles it."""
    stream = io.BytesIO()
    TorchPickler(stream, protocol).dump(value)
    return stream.getvalue()


def tensor(storage: Storage, shape: tuple[int, ...], strides: tuple[int, ...], begin: int = 0) -> Made:
    """A tensor as a part of a storage; ``begin`` and ``strides`` count elements."""
    return Made("torch._utils._rebuild_tensor_v2", storage, begin, shape, strides, False, OrderedDict())


def archive(
    value: Any, storages: Mapping[str, bytes], more: Mapping[str, bytes] | None = None, *, compressed: bool = False
) -> bytes:
    """A checkpoint: ``value``, the storages by their keys, and further entries; aligned as PyTorch does."""
    entries = {"data.pkl": value if isinstance(value, bytes) else pickled(value)}
    entries |= {f"data/{key}": content for key, content in storages.items()} | {"version": b"3\n"} | dict(more or {})
    return zipped({f"model/{name}": content for name, content in entries.items()}, compressed=compressed)


def zipped(entries: Mapping[str, bytes] | list[tuple[str, bytes]], *, compressed: bool = False) -> bytes:
    """A zip archive whose entries' data is aligned."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in entries.items() if isinstance(entries, Mapping) else entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = file.compression
            begin = stream.tell() + 30 + len(name.encode()) + 4
            padding = -begin % DATA_ALIGNMENT
            info.extra = struct.pack("<HH", 0x4246, padding) + b"Z" * padding
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a name that comes twice is meant
                file.writestr(info, content)
    return stream.getvalue()


def legacy(value: Any, storages: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A checkpoint from before zip archives; each storage is its elements' number and bytes."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    parts = [pickled(part) for part in (MAGIC, 1001, system, value, list(storages))]
    parts += [struct.pack("<q", count) + content for count, content in storages.values()]
    return b"".join(parts)
