"""Whatever a payload says, it is listed as far as it goes, with findings, in bounded memory: nothing raises."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import Cancelled
from apbundle.payload.arrays import payload_arrays, tensor_array
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.quantised import can_dequantise, dequantise
from apbundle.payload.reading import can_read, decoded_size, read_tensor
from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import PayloadError
from support.campaign import rounds
from support.payloads import (
    Strict,
    apr_json,
    apr_tsp,
    apr_v1,
    apr_v2,
    apr_whisper,
    contents,
    gguf_pair,
    gguf_payload,
    gguf_tensor,
    gguf_text,
    msgpack,
)

MANY = 1 << 20  # bytes of a tensor that is looked at


def saved(save: Callable[..., None], *arguments: Any, **more: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arguments, **more)
    return stream.getvalue()


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["xy"])}
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
NUMBERS = struct.pack("<IQ3I", 4, 3, 1, 2, 3)
WORDS = struct.pack("<IQ", 8, 2) + gguf_text(b"one") + gguf_text("zwei é".encode())
SEEDS = {
    "safetensors": safetensors({"__metadata__": {"k": "v"}, "a": ENTRY}, bytes(8)),
    "gguf": gguf_payload(
        [gguf_pair(b"n", 9, NUMBERS), gguf_pair(b"w", 9, WORDS), gguf_pair(b"t", 8, gguf_text(b"text"))],
        [gguf_tensor(b"x", [2, 1], 0, 0), gguf_tensor(b"q", [32, 2], 2, 32)],
        bytes(32 + 36),
    ),
    "npy": saved(np.save, ARRAYS["a"]),
    "npz": saved(np.savez, **ARRAYS),
    "npz deflated": saved(np.savez_compressed, **ARRAYS),
    "apr v1": apr_v1(msgpack({"a": [1, "x", None, {"b": 1.5}]}), b"model", flags=2),
    "apr v2": apr_v2([("a", 0, (2,), bytes(8)), ("q", 128, (32,), bytes(18)), ("e", 129, (3,), bytes(7))], {"k": [1]}),
    "apr json": apr_json([("a", (2,), bytes(8))], {"k": {"v": 1}}),
    "apr whisper": apr_whisper(),
    "apr tsp": apr_tsp(),
    "apr compressed": b"APR2\x02" + struct.pack("<I", 99) + b"\x28\xb5\x2f\xfd" + bytes(60),
}
EXTREMES = [0, 1, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]


def check(content: bytes, detected: str | None = None) -> Contents:
    """List a payload and look at all that was listed."""
    found = contents(content, detected)
    assert found.complete or found.findings
    for finding in found.findings:
        assert finding.message.isprintable()
        assert len(finding.message) <= 300
        assert finding.offset is None or finding.offset >= 0
    assert all(key.isprintable() for key, _ in found.metadata)
    for info in found.tensors:
        assert info.elements >= 0
        assert info.raw_size is None or info.raw_size >= 0
        size = decoded_size(info)
        if not can_read(info) or size is None or size > MANY or info.offset > len(content) - info.size:
            continue
        data = bytearray(size)
        try:
            read_tensor(info, Strict(content), data)
            tensor_array(info, memoryview(data))
            if can_dequantise(info):
                dequantise(info, data)
        except PayloadError:
            pass
    try:
        payload_arrays(memoryview(content))
    except PayloadError:
        pass
    return found


@pytest.mark.parametrize("name", SEEDS)
def test_seeds_are_sound(name: str):
    found = check(SEEDS[name])
    assert (found.complete, found.findings) == (True, ())


@pytest.mark.parametrize("name", SEEDS)
def test_every_prefix(name: str):
    content = SEEDS[name]
    layout = contents(content).layout
    for size in range(len(content)):
        check(content[:size])
        found = contents(content[:size], None if layout.startswith("apr") else layout)
        assert found.findings or found.layout != layout or layout in ("apr-whisper", "apr-compressed")


@pytest.mark.parametrize("name", SEEDS)
def test_bits_that_flip_and_numbers_that_are_extreme(name: str):
    chance = random.Random(name)
    content = SEEDS[name]
    detected = contents(content).format
    for _ in range(rounds(250)):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(damaged))
            if chance.random() < 0.5:
                damaged[place] ^= 1 << chance.randrange(8)
            else:
                width = chance.choice((1, 2, 4, 8))
                number = chance.choice(EXTREMES) % (1 << 8 * width)
                damaged[place : place + width] = number.to_bytes(width, chance.choice(("little", "little", "big")))
        check(bytes(damaged[: len(content)]), chance.choice((None, detected)))


@given(st.sampled_from(["safetensors", "gguf", "npy", "npz", "apr"]), st.binary(max_size=300))
def test_any_bytes(detected: str, content: bytes):
    starts = {"gguf": b"GGUF\3\0\0\0", "npy": b"\x93NUMPY\1\0", "npz": b"PK\3\4", "apr": b"APRN\1\0"}
    check(content, detected)
    check(starts.get(detected, b"") + content, detected)
    for layout in ("apr-v1", "apr-v2", "apr-json", "apr-whisper", "apr-tsp", "apr-compressed"):
        check(content, layout)


def nested_lists(count: int) -> bytes:
    return b"[" + b",".join([b"[]"] * count) + b"]"


BIG = 1 << 17
COSTLY = {
    "a header of lists": safetensors(b'{"a":' + nested_lists(BIG // 3) + b"}"),
    "a header of names": safetensors(b"{" + b",".join(b'"%d":1' % n for n in range(BIG // 10)) + b"}"),
    "metadata of one text": safetensors(b'{"__metadata__":{"k":"' + b"\\u0041" * (BIG // 6) + b'"}}'),
    "metadata of many": safetensors(json.dumps({"__metadata__": {str(n): "" for n in range(BIG // 12)}}).encode()),
    "a deep header": safetensors(b"[" * BIG),
    "spaces": safetensors(b" " * BIG),
    "empty texts": gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 8, BIG // 8) + bytes(BIG))], []),
    "many pairs": gguf_payload([gguf_pair(b"", 0, b"\0")] * (BIG // 13), []),
    "many tensors": gguf_payload([], [gguf_tensor(b"", [], 0, 0)] * (BIG // 24)),
    "lists of lists": gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 9, BIG // 12) + bytes(BIG))], []),
    "messagepack lists": apr_v1(b"\xdd" + struct.pack(">I", BIG // 4) + b"\x90" * (BIG // 4), b""),
    "messagepack maps": apr_v1(b"\xdf" + struct.pack(">I", BIG // 8) + b"\0\x80" * (BIG // 8), b""),
    "a long list of JSON": apr_v2([], b'{"k":' + nested_lists(BIG) + b"}"),
    "deep JSON": apr_v2([], b'{"k":' + b'{"k":' * 100_000 + b"1" + b"}" * 100_001),
    "an index of many": apr_v2([("", 0, (), b"")] * 4000, {}),
    "JSON entries": apr_json([("", (0,), b"")] * 4000, {}),
}

DETECTED = dict.fromkeys(("a deep header", "spaces"), "safetensors")  # where the start alone does not tell


@pytest.mark.parametrize("name", COSTLY)
def test_memory_is_bounded_by_what_is_listed(name: str):
    content = COSTLY[name]
    read = Strict(content)
    tracemalloc.start()
    try:
        found = read_contents(len(content), read, detected=DETECTED.get(name))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (16 << 20) + 16 * len(content), f"{peak:,} bytes"
    assert read.bytes_read < 4 * len(content) + 200_000
    assert found.format in ("safetensors", "gguf", "apr")
    assert found.complete or found.findings


def test_members_that_share_their_bytes():
    """An archive whose directory names the same data over and over."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", saved(np.save, np.zeros(100_000)))
        file.filelist *= 200
    found = check(stream.getvalue())
    assert any("into the data of others" in finding.message for finding in found.findings)
    assert len(found.tensors) == 200


STOPPABLE = [name for name in COSTLY if name not in ("a deep header", "deep JSON", "spaces")]


@pytest.mark.parametrize("name", STOPPABLE)
def test_it_can_be_stopped(name: str):
    content = COSTLY[name]
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return True

    try:
        found = read_contents(len(content), Strict(content), cancel=cancel)
    except Cancelled:
        assert asked == 1
    else:
        assert asked == 0
        assert len(found.tensors) + len(found.metadata) < 1000
        assert name.startswith("messagepack")


def test_what_reading_raises_is_passed_on():
    def fail(offset: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    for content in SEEDS.values():
        detected = contents(content).format
        with pytest.raises(OSError, match="Input/output"):
            read_contents(len(content), fail, detected=detected)


def test_the_table_has_what_was_read_before_the_end():
    entries = {f"t{n}": ENTRY | {"data_offsets": [8 * n, 8 * n + 8]} for n in range(1000)}
    text = json.dumps(entries).encode()
    content = safetensors(text[:-30] + b"x" * 30, bytes(8000))
    table = TensorTable()
    found = read_contents(len(content), Strict(content), table=table)
    assert found.tensors is table
    assert not found.complete
    assert 990 < len(table) < 1000
    assert "not JSON" in found.findings[-1].message
