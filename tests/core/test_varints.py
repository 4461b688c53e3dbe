"""Packed numbers of variable length, decoded as the protocol's own library encodes them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload import varints
from apbundle.payload.reading import read_tensor
from apbundle.payload.tensors import PayloadError, TensorInfo
from support.payloads import Strict
from support.wire import varint

FORMS = {"I64": "q", "U64": "Q", "I32": "i", "U32": "I", "U8": "B", "I8": "b", "I16": "h"}


def decoded(content: bytes, dtype: str, count: int) -> bytes:
    info = TensorInfo("t", dtype, (count,), 3, len(content), encoding="varint")
    into = bytearray(info.raw_size or 0)
    read_tensor(info, Strict(b"abc" + content), into)
    return bytes(into)


@given(st.sampled_from(list(FORMS)), st.data(), st.integers(1, 40))
def test_numbers(dtype: str, data: st.DataObject, piece: int):
    bits = struct.calcsize(FORMS[dtype]) * 8
    low, high = (-(1 << bits - 1), 1 << bits - 1) if FORMS[dtype].islower() else (0, 1 << bits)
    numbers = data.draw(st.lists(st.integers(low, high - 1), min_size=1))
    packed = b"".join(varint(number % 2**64) for number in numbers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(varints, "_PIECE", piece)
        assert decoded(packed, dtype, len(numbers)) == struct.pack(f"<{len(numbers)}{FORMS[dtype]}", *numbers)
        assert decoded(packed + b"\1\2\3", dtype, len(numbers))[:1] == struct.pack(f"<{FORMS[dtype]}", numbers[0])[:1]


@pytest.mark.parametrize("content", [b"\xff", b"\xff" * 11 + b"\0", b"\xff" * 30, b"\1", b"", b"\1\x80"])
def test_damaged(content: bytes):
    with pytest.raises(PayloadError):
        decoded(content, "I64", 2)


def test_small_elements_come_several_to_a_number():
    assert decoded(varint(0x21) + varint(0xFF), "U4", 4) == b"\x21\xff"


def test_a_long_tensor():
    count = 300_000
    packed = b"".join(varint(number) for number in range(count))
    assert decoded(packed, "U32", count) == struct.pack(f"<{count}I", *range(count))
