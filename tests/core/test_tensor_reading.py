"""Tensors as arrays: every element type, memory order and encoding, and an error where the bytes do not suffice."""

from __future__ import annotations

import zlib
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from apbundle.payload.arrays import dtype_of, tensor_array
from apbundle.payload.dtypes import DTYPES, element_bits
from apbundle.payload.quantised import APR_Q4, can_dequantise, dequantise
from apbundle.payload.reading import can_read, decoded_size, read_tensor
from apbundle.payload.tensors import BlockType, PayloadError, TensorInfo
from support.payloads import Strict


def info(dtype: str, shape: tuple[int, ...], size: int = 0, offset: int = 0) -> TensorInfo:
    return TensorInfo("x", dtype, shape, offset, size)


def deflated(data: bytes, level: int = 6) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize("name", DTYPES)
def test_every_element_type(name: str):
    bits, dtype = element_bits(name), dtype_of(name)
    data = memoryview(bytes(range(48)))
    assert bits is not None
    array = tensor_array(info(name, (3, 48 * 8 // bits // 3)), data)
    assert not array.flags.writeable
    if bits < 8:
        assert dtype is None
        assert (array.dtype, array.shape) == (np.uint8, (48,))
        return
    assert dtype is not None
    assert array.dtype == dtype
    assert dtype.itemsize * 8 == bits
    big = tensor_array(info(f">{name}", (48 * 8 // bits,)), data)
    assert big.tobytes() == array.tobytes() == data
    width = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    swapped = np.frombuffer(data, np.uint8).reshape(-1, width)[:, ::-1].tobytes()
    if name != "BOOL":  # whose bytes are all of a kind to numpy
        assert big.astype(dtype).tobytes() == swapped


def test_types_that_are_not_known():
    assert dtype_of("strange") is None
    assert dtype_of("F4") is None
    assert dtype_of("BF16") == ml_dtypes.bfloat16
    assert tensor_array(info("strange", (2, 2)), memoryview(b"abc")).tolist() == [97, 98, 99]


def test_memory_orders():
    data = memoryview(np.arange(6, dtype="<i2").tobytes())
    plain = info("I16", (2, 3))
    assert tensor_array(plain, data).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensor_array(replace(plain, order="F"), data).tolist() == [[0, 2, 4], [1, 3, 5]]
    assert tensor_array(replace(plain, strides=(0, 2)), data).tolist() == [[0, 2, 4], [0, 2, 4]]
    assert tensor_array(replace(plain, strides=(1, 2)), data[:12]).tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize(
    "wrong",
    [
        info("I16", (2, 4)),
        info("I16", (5,)),
        info("I16", (2**62, 2**62)),
        info("I16", (0, 2**62, 2**62)),
        replace(info("I16", (2, 3)), strides=(3, 2)),
        replace(info("I16", (2, 3)), strides=(2**62, 2**62)),
        replace(info("I16", (2, 3)), strides=(1,)),
    ],
)
def test_bytes_that_do_not_suffice(wrong: TensorInfo):
    with pytest.raises(PayloadError):
        tensor_array(wrong, memoryview(bytes(12 if wrong.elements else 0)))


def test_bytes_are_viewed_not_copied():
    data = bytearray(8)
    array = tensor_array(info("U8", (8,)), memoryview(data))
    data[3] = 9
    assert array[3] == 9


def test_times_in_units_that_there_are_not():
    stored = replace(info("DATETIME", (1,)), block=BlockType("<M8[xyz]", 1, 8))
    assert tensor_array(stored, memoryview(bytes(8))).dtype == np.uint8


def test_stored_bytes_come_in_pieces():
    data = np.random.default_rng(5).bytes(600_000)
    stored = info("U8", (599_990,), 599_990, 10)
    into = bytearray(599_990)
    asked = Strict(data)
    read_tensor(stored, asked, into)
    assert into == data[10:]
    with pytest.raises(ValueError, match="takes 599,990 bytes, not 3"):
        read_tensor(stored, asked, bytearray(3))


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("skip", [0, 128, 300_000])
def test_deflated_bytes(level: int, skip: int):
    data = np.random.default_rng(6).integers(0, 3, 400_000, np.uint8).tobytes()
    packed = deflated(data, level)
    size = len(data) - skip
    stored = replace(info("U8", (size,), len(packed), 7), encoding="deflate", skip=skip)
    into = bytearray(size)
    assert can_read(stored)
    assert decoded_size(stored) == size
    read_tensor(stored, Strict(bytes(7) + packed), memoryview(into))
    assert into == data[skip:]


def test_deflated_bytes_of_which_only_some_are_wanted():
    packed = deflated(bytes(10_000_000))
    stored = replace(info("F32", (4,), len(packed)), encoding="deflate")
    into = bytearray(b"x" * 16)
    read_tensor(stored, Strict(packed), into)
    assert into == bytes(16)


def test_deflated_bytes_that_are_damaged_or_end_early():
    packed = deflated(np.random.default_rng(7).bytes(1000))
    stored = replace(info("U8", (1000,), len(packed)), encoding="deflate")
    for content in (packed[:-20], packed[:1], b"\xff" * len(packed)):
        with pytest.raises(PayloadError, match=r"ends early|damaged"):
            read_tensor(replace(stored, size=len(content)), Strict(content), bytearray(1000))
    longer = replace(stored, shape=(1001,))
    with pytest.raises(PayloadError, match="ends early"):
        read_tensor(longer, Strict(packed), bytearray(1001))
    nothing = replace(stored, shape=(0,), size=0)
    read_tensor(nothing, Strict(b""), bytearray())


def test_what_cannot_be_read():
    for stored in (
        replace(info("F32", (2,), 8), encoding="encrypted"),
        replace(info("strange", (2,), 8), encoding="deflate"),
        replace(info("F32", (2**40,), 8), encoding="deflate"),  # deflate never makes that much of 8 bytes
    ):
        assert not can_read(stored)
    with pytest.raises(PayloadError, match="not read here: encrypted"):
        read_tensor(replace(info("F32", (2,), 8), encoding="encrypted"), Strict(bytes(8)), bytearray(8))


def test_the_size_of_what_is_spread_out():
    spread = replace(info("F32", (2, 3), 99), encoding="deflate", strides=(10, 2))
    assert decoded_size(spread) == (10 + 4 + 1) * 4
    assert decoded_size(replace(spread, shape=(0, 3))) == 0
    assert decoded_size(replace(spread, encoding="")) == 99


def test_nothing_to_unpack():
    with pytest.raises(PayloadError, match="cannot be unpacked"):
        dequantise(info("F32", (1,)), b"abcd")
    empty = replace(info("AprQ4", (0, 5)), block=APR_Q4)
    assert can_dequantise(empty)
    assert dequantise(empty, b"").shape == (0, 5)
    with pytest.raises(PayloadError, match="cannot be an array"):
        dequantise(replace(empty, shape=(0, 2**62, 2**62)), b"")
