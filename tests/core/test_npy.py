"""npy and npz payloads read as numpy reads them; what numpy would have to run or could not bound stays shut."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload.arrays import payload_arrays
from apbundle.payload.npy_header import read_npy_header
from apbundle.payload.tensors import BlockType, PayloadError
from support.payloads import contents


def saved(save: Any, *arguments: Any, **more: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arguments, **more)
    return stream.getvalue()


ARRAYS: dict[str, np.ndarray] = {
    "plain": np.arange(12.0).reshape(3, 4),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "big": np.arange(4, dtype=">f4"),
    "big fortran": np.asfortranarray(np.arange(6, dtype=">u8").reshape(3, 2)),
    "scalar": np.array(3),
    "empty": np.zeros((0, 3), np.float16),
    "bool": np.array([True, False]),
    "complex": np.array([1 + 2j]),
    "complex64": np.zeros(2, np.complex64),
    "i1": np.int8([-1]),
    "text": np.array(["ab", "cdé"]),
    "bytes": np.array([b"x", b"yz"]),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "spans": np.array([3], "m8[ms]"),
}
RAW: dict[str, np.ndarray] = {
    "record": np.ones(2, [("a", "<f4"), ("b", ">i2", (2, 3)), ("c", [("d", "u1")])]),
    "padded": np.ones(2, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
    "long double": np.ones(2, np.longdouble),
    "void": np.ones(2, "V3"),
    "bfloat16": np.ones(3, ml_dtypes.bfloat16),  # numpy writes such as bytes without a type
}


@pytest.mark.parametrize("name", ARRAYS | RAW)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_an_array_as_numpy_reads_it(name: str, version: tuple[int, int]):
    array = (ARRAYS | RAW)[name]
    content = saved(np.lib.format.write_array, array, version)
    found = contents(content)
    assert (found.format, found.findings, found.facts) == ("npy", (), (("version", f"{version[0]}.0"),))
    (info,) = found.tensors
    assert (info.name, info.shape, info.size, info.raw_size) == ("array", array.shape, array.nbytes, array.nbytes)
    again = payload_arrays(memoryview(content))["array"]
    assert not again.flags.writeable
    if name in ARRAYS:
        expected = np.lib.format.read_array(io.BytesIO(content))
        assert again.dtype == expected.dtype
        np.testing.assert_array_equal(again, expected)
        assert again.flags.f_contiguous == expected.flags.f_contiguous
    else:
        assert again.tobytes() == array.tobytes()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_as_numpy_reads_it(save: Any):
    content = saved(save, **ARRAYS, **RAW)
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("npz", (), True)
    assert [info.name for info in found.tensors] == [*ARRAYS, *RAW]
    for info, array in zip(found.tensors, (ARRAYS | RAW).values(), strict=True):
        assert (info.shape, info.raw_size) == (array.shape, array.nbytes)
        if save is np.savez and array.flags.c_contiguous:
            assert content[info.offset : info.offset + info.size] == array.tobytes()
    again = payload_arrays(memoryview(content))
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(again[name], array)
    for name, array in RAW.items():
        assert again[name].tobytes() == array.tobytes()


def test_the_names_of_types():
    content = saved(np.savez, **ARRAYS, **RAW)
    kinds = {info.name: (info.dtype, info.block) for info in contents(content).tensors}
    assert kinds["plain"] == ("F64", None)
    assert kinds["big"] == (">F32", None)
    assert kinds["i1"] == ("I8", None)
    assert kinds["text"] == ("TEXT", BlockType("<U3", 1, 12))
    assert kinds["bytes"] == ("BYTES", BlockType("|S2", 1, 2))
    assert kinds["dates"] == ("DATETIME", BlockType("<M8[D]", 1, 8))
    assert kinds["record"][0] == "RECORD"
    assert kinds["record"][1] is not None
    assert kinds["record"][1].bytes == 17


def test_objects_are_not_loaded():
    array = np.array([None, {}])
    for content in (saved(np.save, array), saved(np.savez, o=array), saved(np.savez_compressed, o=array)):
        found = contents(content)
        assert "not loaded" in found.findings[0].message
        assert [(info.dtype, info.encoding, info.raw_size) for info in found.tensors] == [("OBJECT", "pickle", None)]
        with pytest.raises(PayloadError, match="not read here"):
            payload_arrays(memoryview(content))


def header(text: str, length: int | None = None) -> bytes:
    data = text.encode("latin-1")
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(data) if length is None else length) + data


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("(2,)", "(2L,)"),  # of Python 2
        GOOD.replace("'", '"'),
        "  {'shape':(2,),'fortran_order':False,'descr':'<f4'}  \n",
        GOOD.replace("'<f4'", "('<f4')"),
        GOOD.replace("'<f4'", "'=f4'"),
    ],
)
def test_spellings_of_a_header(text: str):
    content = header(text) + bytes(8)
    assert [(info.dtype, info.shape, info.size) for info in contents(content).tensors] == [("F32", (2,), 8)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{",
        GOOD + "x",
        GOOD.replace("}", ""),
        GOOD.replace("'shape'", "'form'"),
        GOOD.replace("'shape': (2,)", "'shape': (2,), 'shape': (2,)"),
        GOOD.replace("(2,)", "2"),
        GOOD.replace("(2,)", "(-2,)"),
        GOOD.replace("(2,)", "(True,)"),
        GOOD.replace("(2,)", "(2.0,)"),
        GOOD.replace("(2,)", f"({2**64},)"),
        GOOD.replace("(2,)", f"({'9' * 5000},)"),
        GOOD.replace("(2,)", f"({'1,' * 33})"),
        GOOD.replace("(2,)", "(" * 3000),
        GOOD.replace("(2,)", "-" * 3000),
        GOOD.replace("(2,)", "(2 3)"),
        GOOD.replace("(2,)", "__import__('os')"),
        GOOD.replace("False", "0"),
        GOOD.replace("'<f4'", "'<f5'"),
        GOOD.replace("'<f4'", "'f4; x'"),
        GOOD.replace("'<f4'", "None"),
        GOOD.replace("'<f4'", "['<f4']"),
        GOOD.replace("'<f4'", "[('a',)]"),
        GOOD.replace("'<f4'", "[('a', '|O')]"),
        GOOD.replace("'<f4'", "[('a', '<f4', (-1,))]"),
        GOOD.replace("'<f4'", "[('a', " * 20 + "'<f4'" + ")]" * 20),
    ],
)
def test_headers_that_are_refused(text: str):
    found = contents(header(text) + bytes(100))
    assert (found.format, found.complete, len(found.tensors)) == ("npy", False, 0)


def test_versions_and_lengths_that_are_refused():
    for content in (
        b"\x93NUMPY\4\0" + bytes(100),
        b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + bytes(100),
        header(GOOD + " " * 10_000) + bytes(8),
        header(GOOD, 5000) + bytes(8),
        b"\x93NUMPY",
    ):
        assert not contents(content).complete


def test_data_that_does_not_fit_its_header():
    short, long = contents(header(GOOD) + bytes(7)), contents(header(GOOD) + bytes(9))
    assert "of which 7 are there" in short.findings[0].message
    assert "1 bytes follow" in long.findings[0].message
    assert payload_arrays(memoryview(header(GOOD) + bytes(9)))["array"].shape == (2,)
    with pytest.raises(PayloadError, match="7 bytes where its shape takes 8"):
        payload_arrays(memoryview(header(GOOD) + bytes(7)))
    huge = header(GOOD.replace("(2,)", f"({2**62},)")) + bytes(8)
    assert contents(huge).findings


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return stream.getvalue()


ONE = saved(np.save, np.float32([1, 2]))


def test_members_that_are_left_out():
    content = archive({"a.npy": ONE, "b.npy": b"nothing", "c.npy": ONE[:-1]})
    found = contents(content)
    assert found.complete
    assert [info.name for info in found.tensors] == ["a", "c"]
    messages = [finding.message for finding in found.findings]
    assert ["'b.npy' is left out" in messages[0], "of which 7 are there" in messages[1]] == [True, True]
    packed = archive({"a.npy": ONE}, zipfile.ZIP_BZIP2)
    assert "method 12" in contents(packed).findings[0].message
    assert "no array" in contents(archive({"a.npy": ONE, "b.txt": b"x"}), "npz").findings[0].message


def test_an_archive_behind_other_bytes_and_one_that_was_cut():
    content = archive({"a.npy": ONE})
    assert contents(b"PK\3\4" + bytes(100) + content).tensors[0].offset == contents(content).tensors[0].offset + 104
    cut = contents(content[:-30])
    assert (cut.format, cut.complete) == ("npz", False)


def test_names_that_come_twice():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("a.npy", ONE)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", ONE)
    assert "two arrays are named 'a'" in contents(stream.getvalue()).findings[-1].message
    with pytest.raises(PayloadError, match="two tensors"):
        payload_arrays(memoryview(stream.getvalue()))


def test_bombs_are_listed_and_not_decoded(monkeypatch: pytest.MonkeyPatch):
    """An array that says it is far larger than its bytes can hold, and one that really is large."""
    claimed = header(GOOD.replace("(2,)", f"({10**12},)")) + bytes(8)
    content = archive({"a.npy": claimed}, zipfile.ZIP_DEFLATED)
    found = contents(content)
    assert any("claims more" in finding.message for finding in found.findings)
    with pytest.raises(PayloadError, match="not read here"):
        payload_arrays(memoryview(content))
    real = archive({"a.npy": header(GOOD.replace("(2,)", "(1000000,)")) + bytes(4_000_000)}, zipfile.ZIP_DEFLATED)
    assert contents(real).findings == ()
    assert payload_arrays(memoryview(real))["a"].nbytes == 4_000_000
    monkeypatch.setattr("apbundle.payload.arrays._LEAST_DECODED", 1_000_000)
    with pytest.raises(PayloadError, match="would be decoded to 4,000,000"):
        payload_arrays(memoryview(real))


@given(st.text(alphabet="{}[](),:'\"0123456789L<f4TrueFalsNodchpn_ \\", max_size=80))
def test_no_header_raises_anything_else(text: str):
    content = header(text)
    try:
        read_npy_header(lambda size: content[:size])
    except PayloadError:
        pass
