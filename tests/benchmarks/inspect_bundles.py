"""Bundles that are hard to look into: very large, of very many models, of one model with very many tensors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from apbundle import ModelBundle
from apbundle.format import layout

LARGE_BYTES = 100 * 10**9
_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}


def make_large(path: Path) -> None:
    """A hundred gigabytes, nearly all of them a hole: eight models of a few hundred tensors each."""
    count, align = 8, 1 << 21
    size = LARGE_BYTES // count // align * align
    shapes = {f"layers.{i // 4}.{part}.weight": [size // 400 // 4096 // 2, 4096] for i in range(396) for part in "q"}
    header = _safetensors({name: ("F16", shape) for name, shape in shapes.items()}, size)
    names = [f"expert.{number}" for number in range(count)]
    entries = b"".join(
        struct.pack("<I", len(name)) + name.encode() + struct.pack("<QQ", size, number * size)
        for number, name in enumerate(names)
    )
    manifest = struct.pack("<IQII", 1, 0, 0, count) + entries
    manifest += bytes(-(layout.HEADER.size + len(manifest)) % align)
    with path.open("wb") as out:
        out.write(layout.HEADER.pack(layout.BUNDLE_MAGIC, layout.BUNDLE_VERSION, len(manifest)) + manifest)
        begin = out.tell()
        for number in range(count):
            out.seek(begin + number * size)
            out.write(header)
        out.truncate(begin + count * size)


def make_many_models(path: Path, count: int) -> None:
    """Many small models; every tenth lists a tensor."""
    listing = _safetensors({"weight": ("F32", [1])}) + bytes(4)
    builder = ModelBundle.builder(path)
    for index in range(count):
        payload = b"GGUF\3\0\0\0" + bytes(16) if index % 10 else listing
        builder.add_model(f"layers.{index // 7}.block{index % 7}", payload)
    builder.build().close()


def make_many_tensors(path: Path, count: int) -> None:
    """One model of so many tensors that its header alone is as long as the format allows."""
    source = path.with_suffix(".safetensors")
    tensors = dict(_expert_tensors(count))
    header = _safetensors(tensors)
    with source.open("wb") as out:
        out.write(header)
        out.truncate(len(header) + sum(map(_size, tensors.values())))
    ModelBundle.builder(path).add_model("mixture", source).build().close()
    source.unlink()


def _expert_tensors(count: int) -> Iterator[tuple[str, tuple[str, list[int]]]]:
    kinds, parts = tuple(_WIDTHS), ("w1", "w2", "w3", "norm")
    for index in range(count):
        expert, part = divmod(index, len(parts))
        shape = [8] if part == 3 else [4 + expert % 5, 8]
        yield f"l.{expert // 128}.mlp.{expert % 128}.{parts[part]}", (kinds[index // 7 % len(kinds)], shape)


def _size(tensor: tuple[str, list[int]]) -> int:
    kind, shape = tensor
    size = _WIDTHS[kind]
    for dim in shape:
        size *= dim
    return size


def _safetensors(tensors: Mapping[str, tuple[str, list[int]]], payload_size: int | None = None) -> bytes:
    """The header of these tensors; with ``payload_size`` one more fills the payload up to that many bytes."""
    entries, end = {}, 0
    for name, (kind, shape) in tensors.items():
        begin, end = end, end + _size((kind, shape))
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}
    length = len(json.dumps(entries, separators=(",", ":"))) + 200 & -8
    if payload_size is not None:
        rest = payload_size - 8 - length
        entries["rest"] = {"dtype": "U8", "shape": [rest - end], "data_offsets": [end, rest]}
    text = json.dumps(entries, separators=(",", ":")).encode().ljust(length)
    return struct.pack("<Q", len(text)) + text
