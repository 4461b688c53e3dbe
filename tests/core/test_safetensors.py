"""safetensors payloads: as strict as the format's library, byte for byte what it writes, and never a copy."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import example, given
from hypothesis import strategies as st

from apbundle.payload.arrays import payload_arrays as arrays
from apbundle.payload.safetensors import serialize
from apbundle.payload.safetensors_header import MAX_HEADER, TYPES, read_header
from apbundle.payload.tensors import MAX_RANK, PayloadError, TensorInfo

MANIFEST = 42  # of the malformed bundles with one model named "m" and no description
DTYPES = [
    np.dtype(name)
    for name in (
        *("bool", "int8", "uint8", "int16", "uint16", "float16", "int32", "uint32", "float32"),
        *("int64", "uint64", "float64", "complex64"),
        *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e8m0fnu),
        *(ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2fnuz),
    )
]


def payload(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype: str, shape: list[Any], begin: Any, end: Any, **more: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


def read(content: bytes) -> Any:
    """The header of ``content``, read through a callable that refuses what is outside."""

    def at(offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= len(content)
        return content[offset : offset + size]

    return read_header(at, len(content))


def joined(pieces: tuple[bytes, list[memoryview]]) -> bytes:
    return b"".join([pieces[0], *pieces[1]])


def library_accepts(content: bytes) -> bool:
    try:
        safetensors.deserialize(content)
    except safetensors.SafetensorError:
        return False
    return True


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda name: name != "__metadata__")


@st.composite
def some_arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = draw(st.sampled_from(DTYPES))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    size = int(np.prod(shape)) * dtype.itemsize
    raw = draw(st.binary(min_size=size, max_size=size))
    if dtype.kind == "b":
        raw = bytes(byte & 1 for byte in raw)
    return np.frombuffer(bytearray(raw), np.uint8).view(dtype).reshape(shape) if size else np.zeros(shape, dtype)


@given(st.dictionaries(names, some_arrays(), max_size=5), st.dictionaries(names, names, max_size=1))
@example({}, {})
@example({'é\n"\\\u2028\x7f\x01': np.zeros((), np.float32)}, {"k\t": "\x1f/"})
def test_written_as_the_library_writes_and_read_back_equal(tensors: dict[str, np.ndarray], metadata: dict[str, str]):
    content = joined(serialize(tensors, metadata))
    assert content == safetensors.numpy.save(tensors, metadata or None)
    header = read(content)
    assert header.metadata == metadata
    assert all(info.offset % tensors[info.name].dtype.itemsize == 0 for info in header.tensors)
    found = arrays(memoryview(content))
    assert list(found) == [info.name for info in header.tensors]
    assert found.keys() == tensors.keys()
    for name, array in found.items():
        assert (array.dtype, array.shape) == (tensors[name].dtype, tensors[name].shape)
        assert array.tobytes() == tensors[name].tobytes()
        assert not array.flags.writeable


def test_the_bytes_of_a_small_payload():
    content = joined(
        serialize({"b": np.float32([1]), "a": np.uint8([1, 2]), "c": np.array(2, np.float32)}, {"z": "1", "y": "2"})
    )
    header = (
        b'{"__metadata__":{"y":"2","z":"1"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"c":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"a":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}}'
    )
    padding = b" " * (-len(header) % 8)
    assert content == payload(header + padding, b"\0\0\x80\x3f\0\0\0\x40\1\2")


def test_tensors_are_listed_in_the_order_of_their_data():
    content = payload({"a": tensor("I16", [1], 4, 6), "b": tensor("F32", [1], 0, 4)}, bytes(6))
    begin = len(content) - 6
    assert read(content).tensors == (TensorInfo("b", "F32", (1,), begin, 4), TensorInfo("a", "I16", (1,), begin + 4, 2))
    assert read(content).data_offset == begin
    assert list(arrays(memoryview(content))) == ["b", "a"]


def test_arrays_are_views_of_the_payload():
    content = bytearray(joined(serialize({"x": np.arange(4, dtype=np.int32)})))
    found = arrays(memoryview(content))["x"]
    content[-4:] = (7).to_bytes(4, "little")
    assert found.tolist() == [0, 1, 2, 7]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_unaligned_data_reads_right():
    content = payload(
        {"x": tensor("F64", [2], 1, 17), "a": tensor("U8", [1], 0, 1)}, b"\0" + np.float64([1, 2]).tobytes()
    )
    assert arrays(memoryview(content))["x"].tolist() == [1, 2]


@pytest.mark.parametrize(("dtype", "shape", "size"), [("F4", [2, 3], 3), ("F6_E2M3", [4], 3), ("F6_E3M2", [8], 6)])
def test_elements_below_a_byte_come_packed(dtype: str, shape: list[int], size: int):
    content = payload({"x": tensor(dtype, shape, 0, size)}, bytes(range(size)))
    assert library_accepts(content)
    assert read(content).tensors[0].shape == tuple(shape)
    assert arrays(memoryview(content))["x"].tolist() == list(range(size))


def test_every_type_is_the_librarys():
    for dtype, (bits, _) in TYPES.items():
        content = payload({"x": tensor(dtype, [8], 0, bits)}, bytes(bits))
        assert library_accepts(content)
        assert read(content).tensors[0].dtype == dtype


def test_arrays_in_any_memory_layout():
    base = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    tensors = {
        "transposed": base.T,
        "strided": base[:, ::2, 1:3],
        "reversed": base[..., ::-1],
        "fortran": np.asfortranarray(base),
        "swapped": base.astype(">i4"),
        "swapped scalar": np.array(258, ">u2"),
        "swapped complex": np.array([1 + 2j], ">c8"),
        "broadcast": np.broadcast_to(np.float16(3), (2, 2)),
    }
    found = arrays(memoryview(joined(serialize(tensors))))
    for name, array in tensors.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype.byteorder != ">"


def test_contiguous_arrays_are_not_copied():
    array = np.zeros(1000)
    (data,) = serialize({"x": array})[1]
    assert data.readonly
    assert np.shares_memory(np.frombuffer(data, np.uint8), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["text"]),
        np.array([b"bytes"]),
        np.zeros(1, np.complex128),
        np.zeros(1, np.longdouble),
        np.zeros(1, "datetime64[s]"),
        np.zeros(1, "timedelta64[s]"),
        np.zeros(1, [("field", "f4")]),
        np.zeros(1, "V4"),
        np.zeros(1, ml_dtypes.int4),
        np.zeros(1, ml_dtypes.float8_e4m3),
        np.ma.masked_array([1.0], [True]),
        [1.0],
        np.float32(1),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_what_the_format_cannot_hold_is_a_type_error(array: Any):
    with pytest.raises(TypeError, match="x"):
        serialize({"x": array})


def test_wrong_names_and_metadata():
    one = np.zeros(1)
    with pytest.raises(TypeError, match="named by a string"):
        serialize({1: one})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="string to string"):
        serialize({}, {"epochs": 3})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="__metadata__"):
        serialize({"__metadata__": one})
    with pytest.raises(ValueError, match="surrogates"):
        serialize({"\ud800": one})
    with pytest.raises(ValueError, match="dimensions"):
        serialize({"x": np.zeros((1,) * (MAX_RANK + 1))})
    with pytest.raises(ValueError, match="header"):
        serialize({}, {"x": "y" * MAX_HEADER})


GOOD = tensor("U8", [1], 0, 1)
RAW = b'{"a":{"dtype":"U8","shape":[%s],"data_offsets":[%s]%s}}'

REFUSED = {  # name: (payload, words of the message)
    "empty": (b"", "too few"),
    "seven bytes": (bytes(7), "too few"),
    "nothing in the header": (payload(b""), "not JSON"),
    "spaces in the header": (payload(b"   "), "not JSON"),
    "NULs after the JSON": (payload(b"{}\0"), "not JSON"),
    "two documents": (payload(b"{}{}"), "not JSON"),
    "byte order mark": (payload(b"\xef\xbb\xbf{}"), "not JSON"),
    "not UTF-8": (payload(b'{"\xff":1}'), "UTF-8"),
    "control character": (payload(b'{"a\nb":1}'), "not JSON"),
    "a list": (payload([]), "not an object"),
    "a number": (payload(1), "not an object"),
    "header beyond the payload": ((3).to_bytes(8, "little") + b"{}", "ends after 2"),
    "header of 2**64 - 1": (b"\xff" * 8 + b"{}", "at most 100,000,000"),
    "metadata number": (payload({"__metadata__": {"a": 1}}), "not a string"),
    "metadata list": (payload({"__metadata__": []}), "not an object"),
    "metadata text": (payload({"__metadata__": "text"}), "not an object"),
    "metadata surrogate": (payload(b'{"__metadata__":{"a":"\\ud800"}}'), "surrogate"),
    "name surrogate": (payload(b'{"\\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"), "surrogate"),
    "NaN": (payload(RAW % (b"1", b"0,1", b',"x":NaN'), b"x"), "NaN"),
    "entry is a number": (payload({"a": 1}), "not an object"),
    "entry is null": (payload({"a": None}), "not an object"),
    "entry is text": (payload({"a": "dtype"}), "not an object"),
    "no dtype": (payload({"a": {"shape": [1], "data_offsets": [0, 1]}}, b"x"), "no dtype"),
    "no shape": (payload({"a": {"dtype": "U8", "data_offsets": [0, 1]}}, b"x"), "no shape"),
    "no offsets": (payload({"a": {"dtype": "U8", "shape": [1]}}, b"x"), "no data_offsets"),
    "unknown type": (payload({"a": tensor("F8_E4M3FN", [1], 0, 1)}, b"x"), "unknown type 'F8_E4M3FN'"),
    "type is a list": (payload({"a": GOOD | {"dtype": ["U8"]}}, b"x"), "unknown type"),
    "shape is a number": (payload({"a": GOOD | {"shape": 1}}, b"x"), "shape"),
    "shape is an object": (payload({"a": GOOD | {"shape": {}}}, b"x"), "shape"),
    "one offset": (payload({"a": GOOD | {"data_offsets": [0]}}, b"x"), "not a pair"),
    "three offsets": (payload({"a": GOOD | {"data_offsets": [0, 1, 2]}}, b"x"), "not a pair"),
    "offsets are a number": (payload({"a": GOOD | {"data_offsets": 1}}, b"x"), "not a pair"),
    "offsets are text": (payload({"a": GOOD | {"data_offsets": "01"}}, b"x"), "not a 64-bit number"),
    "offset is a fraction": (payload({"a": tensor("U8", [1], 0, 1.0)}, b"x"), "not a 64-bit number"),
    "dimension is true": (payload({"a": tensor("U8", [True], 0, 1)}, b"x"), "not a 64-bit number"),
    "dimension is null": (payload({"a": tensor("U8", [None], 0, 1)}, b"x"), "not a 64-bit number"),
    "negative dimension": (payload({"a": tensor("U8", [-1], 0, 1)}, b"x"), "not a 64-bit number"),
    "dimension of 2**64": (payload({"a": tensor("U8", [2**64], 0, 0)}), "not a 64-bit number"),
    "product overflows before a zero": (payload({"a": tensor("U8", [2**40, 2**40, 0], 0, 0)}), "larger than 64 bits"),
    "endless digits": (payload(RAW % (b"1" * 5000, b"0,1", b""), b"x"), "absurd number"),
    "begin after end": (payload({"a": tensor("U8", [0], 1, 0)}, b"x"), "say otherwise"),
    "shape and offsets differ": (payload({"a": tensor("F32", [2], 0, 4)}, bytes(4)), "takes 8 bytes"),
    "half a byte": (payload({"a": tensor("F4", [3], 0, 2)}, bytes(2)), "takes 1.5 bytes"),
    "bytes after the last tensor": (payload({"a": GOOD}, b"xx"), "1 bytes follow"),
    "bytes and no tensor": (payload({}, b"x"), "1 bytes follow"),
    "data cut short": (payload({"a": tensor("U8", [4], 0, 4)}, b"xx"), "2 bytes more"),
    "a gap": (payload({"a": tensor("U8", [1], 1, 2)}, b"xx"), "leaves a gap"),
    "an overlap": (payload({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, b"xxx"), "overlaps"),
    "the same bytes twice": (payload({"a": GOOD, "b": GOOD}, b"x"), "overlaps"),
    "nothing inside something": (
        payload({"a": tensor("U8", [0], 1, 1), "b": tensor("U8", [2], 0, 2)}, b"xx"),
        "overlap",
    ),
    "nothing beyond the end": (payload({"a": tensor("U8", [0], 5, 5)}), "leaves a gap"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_like_the_library_does(case: str):
    content, words = REFUSED[case]
    assert not library_accepts(content)
    with pytest.raises(PayloadError, match=words) as caught:
        read(content)
    assert caught.value.offset is None or 0 <= caught.value.offset <= len(content) + 8
    with pytest.raises(PayloadError):
        arrays(memoryview(content))


STRICTER = {
    "name twice": (payload(b'{"a":%s,"a":%s}' % ((json.dumps(GOOD).encode(),) * 2), b"x"), "'a' twice"),
    "metadata key twice": (payload(b'{"__metadata__":{"k":"1","k":"2"}}'), "'k' twice"),
    "unused key twice": (payload(RAW % (b"1", b"0,1", b',"x":1,"x":1'), b"x"), "'x' twice"),
    "entry is a list": (payload({"a": ["U8", [1], [0, 1]]}, b"x"), "not an object"),
    "too many dimensions": (payload({"a": tensor("U8", [1] * (MAX_RANK + 1), 0, 1)}, b"x"), "dimensions"),
}


@pytest.mark.parametrize("case", STRICTER)
def test_stricter_than_the_library(case: str):
    content, words = STRICTER[case]
    assert library_accepts(content)
    with pytest.raises(PayloadError, match=words):
        read(content)


ACCEPTED = {
    "no tensor": payload({}),
    "spaces before": payload(b" \t\r\n{}"),
    "spaces after": payload(b"{} \t\r\n"),
    "null metadata": payload(b'{"__metadata__":null}'),
    "no name": payload({"": GOOD}, b"x"),
    "unknown keys": payload({"a": GOOD | {"x": [1, {}, 1.5e3]}}, b"x"),
    "a scalar": payload({"a": tensor("F64", [], 0, 8)}, bytes(8)),
    "empty tensors between": payload(
        {"a": tensor("U8", [0], 0, 0), "b": tensor("U8", [2], 0, 2), "c": tensor("U8", [0, 7], 2, 2)}, b"xx"
    ),
    "data order is not header order": payload({"a": tensor("U8", [1], 1, 2), "b": GOOD}, b"xx"),
    "huge empty shape": payload({"a": tensor("U8", [0, 2**40, 2**40], 0, 0)}),
    "nested 127 deep": payload(RAW % (b"1", b"0,1", b',"x":' + b"[" * 125 + b"]" * 125), b"x"),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted_like_the_library_does(case: str):
    content = ACCEPTED[case]
    expected = {name: (info["dtype"], list(info["shape"])) for name, info in safetensors.deserialize(content)}
    assert {info.name: (info.dtype, list(info.shape)) for info in read(content).tensors} == expected


def test_an_empty_shape_no_array_can_have():
    with pytest.raises(PayloadError, match="cannot be an array"):
        arrays(memoryview(ACCEPTED["huge empty shape"]))


@pytest.mark.parametrize("depth", [126, 130, 900, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_an_error_at_any_depth(depth: int, opening: bytes, closing: bytes):
    nested = opening * (depth - 1) + b"[]" + closing * (depth - 1)
    content = payload(RAW % (b"1", b"0,1", b',"x":' + nested), b"x")
    assert not library_accepts(content)
    with pytest.raises(PayloadError, match="nested deeper"):
        read(content)


@pytest.mark.parametrize(
    ("case", "words"),
    [("P1", "at most"), ("P3", "nested"), ("P4", "'a' twice"), ("P6", "follow"), ("P7", "NaN"), ("P8", "at most")],
)
def test_the_hostile_corpus(malformed: Path, case: str, words: str):
    content = (malformed / f"{case}.apbundle").read_bytes()[20 + MANIFEST :]
    with pytest.raises(PayloadError, match=words):
        read(content)


def test_no_prefix_of_a_payload_is_a_payload():
    content = joined(serialize({"a": np.arange(3), "b": np.float16([1])}, {"k": "v"}))
    read(content)
    for size in range(len(content)):
        with pytest.raises(PayloadError):
            read(content[:size])


@given(st.data())
def test_what_is_accepted_the_library_accepts_too(data: st.DataObject):
    content = bytearray(joined(serialize({"a": np.arange(3), "ab": np.float16([1])}, {"k": "v"})))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from(b'0123456789"[]{},:-e. aUIF\\\0\xff'))
    try:
        header = read(bytes(content))
    except PayloadError:
        return
    expected = {name: (info["dtype"], tuple(info["shape"])) for name, info in safetensors.deserialize(bytes(content))}
    assert {info.name: (info.dtype, info.shape) for info in header.tensors} == expected


def test_a_claimed_size_is_never_allocated():
    tracemalloc.start()
    try:
        with pytest.raises(PayloadError, match="ends after"):
            read(MAX_HEADER.to_bytes(8, "little") + b"{")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_caller_may_allow_less():
    content = payload({"a": GOOD}, b"x")
    with pytest.raises(PayloadError, match="at most 10 are"):
        read_header(lambda offset, size: content[offset : offset + size], len(content), max_header=10)


def test_the_error_survives_pickling_and_quotes_safely():
    name = "\x1b[2J\u202e" + "x" * 1000
    with pytest.raises(PayloadError) as caught:
        read(payload({name: GOOD}, b"xx"))
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.message, error.offset) == (caught.value.message, caught.value.offset)
    with pytest.raises(PayloadError) as caught:
        read(payload({name: 1}))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) <= 300
