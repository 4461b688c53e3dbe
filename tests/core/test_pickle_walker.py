"""Pickles are followed as Python follows them, made into nothing, and cost what they may whatever is in them."""

from __future__ import annotations

import pickle
import random
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload.arrays import payload_arrays
from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles import paths as pickle_paths
from apbundle.payload.pickles import walker as pickle_walker
from apbundle.payload.pickles.nodes import Call, Global, Opaque, Table, Value
from apbundle.payload.pickles.paths import MAX_DEPTH, Leaves
from apbundle.payload.pickles.reading import LONGEST_TEXT, Budget
from apbundle.payload.pickles.walker import MAX_IMPORTS, References, walk_pickle
from apbundle.payload.tensors import PayloadError
from support.imports import SourceTree
from support.interpreter import run_python
from support.payloads import Strict, contents
from support.torch_files import archive, legacy, pickled

MARK, TUPLE, STOP, EMPTY, APPEND, DUP, MEMO = b"(", b"t", b".", b"]", b"a", b"2", b"\x94"


def walk(content: bytes, begin: int = 0, budget: Budget | None = None) -> tuple[Value, int, References]:
    references = References()
    data = ByteRange(b"", len(content), Strict(content))
    value, end = walk_pickle(data, begin, len(content), budget or Budget(), references)
    return value, end, references


def plain(value: Any) -> Any:
    """A walked pickle as the object it stands for, for the kinds that the tests make."""
    if isinstance(value, Table):
        return {plain(key): plain(item) for key, item in value.pairs or ()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    if isinstance(value, Call):
        assert isinstance(value.function, Global)
        if value.function.name == "encode":
            assert isinstance(value.arguments, tuple)
            return value.arguments[0].encode("latin-1")  # type: ignore[attr-defined]
    return value


scalars = st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(values, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_walked_as_python_reads(value: Any, protocol: int):
    content = pickle.dumps(value, protocol)
    found, end, references = walk(b"before" + content + b"behind", len(b"before"))
    assert plain(found) == value
    assert end == len(b"before") + len(content)
    assert not references.imports


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_would_be_imported(protocol: int):
    value = [OrderedDict(a=1), {1, 2}, frozenset([3]), bytearray(b"x"), Path("p"), complex(1, 2), Budget, slice(1, 2)]
    _, _, references = walk(pickle.dumps(value, protocol))
    names = {f"{module}.{name}".replace("__builtin__", "builtins") for module, name in references.imports}
    assert {"collections.OrderedDict", "builtins.complex", "apbundle.payload.pickles.reading.Budget"} <= names
    assert any(name.endswith("PosixPath") for name in names)
    offset = references.imports["apbundle.payload.pickles.reading", "Budget"]
    assert b"Budget" in pickle.dumps(value, protocol)[:offset]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_large_values_stay_where_they_are(protocol: int):
    value = ["x" * 100_000, 1 << 10_000, b"y" * 100_000]
    content = pickle.dumps(value, protocol)
    found, end, _ = walk(content)
    assert end == len(content)
    assert isinstance(found, list)
    if protocol:
        text = found[0]
        assert isinstance(text, Opaque)
        assert content[text.offset : text.offset + text.size] == b"x" * 100_000
        assert isinstance(found[1], Opaque)
    else:
        assert found[0] == "x" * LONGEST_TEXT


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"(lp0\nI7\nag0\n\x85.", None),  # a list that holds 7, twice the same
        (b"(dp0\nS'it\\'s'\nL5L\ns.", {"it\\'s": 5}),
        (b"(I00\nI01\nI-3\nF1.5\nF-inf\nt.", (False, True, -3, 1.5, float("-inf"))),
        (b"(V\\u00e9\nU\1aT\2\0\0\0bct.", ("é", "a", "bc")),
        (b"(K\1K\2K\3K\4d.", {1: 2, 3: 4}),
        (b"(1(K\1K\2l.", [1, 2]),
        (b"K\1K\x020.", 1),
        (b"\x80\x05\x95\x02\0\0\0\0\0\0\0\x8f(K\1\x90.", [1]),
        (b"(K\1K\2\x91.", [1, 2]),
        (b"Ix\n0F1.2.3\n0LL\n0N.", None),
    ],
)
def test_opcodes_of_old_and_new(content: bytes, expected: Any):
    found, end, _ = walk(content)
    assert end == len(content)
    assert expected is None or plain(found) == expected


@pytest.mark.parametrize("content", [b"(c__main__\nf\nK\7o.", b"(K\7i__main__\nf\n.", b"c__main__\nf\nK\7\x85\x81."])
def test_calls(content: bytes):
    found, _, references = walk(content)
    assert isinstance(found, Call)
    assert isinstance(found.function, Global)
    assert (found.function.label, found.arguments) == ("__main__.f", (7,))
    assert list(references.imports) == [("__main__", "f")]


def test_objects_kept_elsewhere():
    found, _, references = walk(b"Pname\n(K\1K\2tQ\x86.")
    assert isinstance(found, tuple)
    assert [outside.key for outside in references.persistent] == ["name", (1, 2)]
    assert list(found) == references.persistent


def test_names_that_are_not_texts_and_extensions():
    _, _, references = walk(b"\x80\x04N]\x93\x82\x05\x86.")
    assert list(references.imports) == [("?", "?"), ("copyreg extension", "5")]


def test_the_walk_goes_on_where_python_would():
    """Whatever an object is, things may be put into it: the walk must not end before a hidden import."""
    hidden = b"cos\nsystem\n"
    for start in (b"cbuiltins\nlist\n]a", b"N}b", b"cx\ny\n(K\1K\2u", b"cx\ny\nK\1K\2s", b"Pid\n(K\1e", b"K\1(K\2\x90"):
        _, _, references = walk(b"\x80\x02" + start + b"0" + hidden + STOP)
        assert ("os", "system") in references.imports


def survive(content: bytes) -> None:
    """Walk ``content``: nothing but a ``PayloadError`` may come of it."""
    try:
        walk(content)
    except PayloadError:
        return


MANY = pickle.dumps([{"a": (1, 2.5, "x" * 20)}, OrderedDict(b=b"y"), [None, True], {4}, frozenset([5]), 1 << 90], 4)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_prefix_is_told_from_the_whole(protocol: int):
    content = pickle.dumps(pickle.loads(MANY), protocol)
    for size in range(len(content)):
        with pytest.raises(PayloadError):
            walk(content[:size])


def test_every_bit_flip():
    for place in range(len(MANY)):
        for bit in range(8):
            damaged = bytearray(MANY)
            damaged[place] ^= 1 << bit
            survive(bytes(damaged))


@given(st.binary(max_size=100))
def test_any_bytes(content: bytes):
    survive(content)


def bomb(kind: str) -> bytes:
    """Pickles that would take more than a machine has, or stand on themselves."""
    if kind == "doubled lists":  # 2**200 items
        return EMPTY + (MEMO + DUP + b"\x86") * 200 + STOP
    if kind == "laughing memo":
        steps = b"".join(
            EMPTY + b"q" + bytes([i + 1]) + b"(" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(99)
        )
        return b"\x80\x02" + EMPTY + b"q\0" + steps + STOP
    if kind == "within itself":
        return EMPTY + DUP + APPEND + b"}" + DUP + DUP + b"s" + b"\x86" + STOP
    if kind == "state of itself":
        return b"cm\nC\n)R" + DUP + b"b" + DUP + DUP + b"\x86" + STOP
    if kind == "deep tuples":
        return b")" + b"\x85" * 300_000 + STOP
    if kind == "deep lists":
        return EMPTY * 200_000 + APPEND * 199_999 + STOP
    if kind == "deep marks":
        return MARK * 200_000 + TUPLE * 200_000 + STOP
    if kind == "long number":
        return b"\x8b" + struct.pack("<i", 2**31 - 1) + b"1" * 100 + STOP
    if kind == "written number":
        return b"I" + b"9" * 500_000 + b"\n" + b"L" + b"1" * 5000 + b"L\n" + b"F" + b"1" * 10_000 + b"\n\x87" + STOP
    if kind == "long text":
        return b"\x8d" + struct.pack("<Q", 2**63) + b"x" * 100 + STOP
    if kind == "same tensor":
        made = b"ctorch._utils\n_rebuild_tensor_v2\n(Nt" + b"R"
        return b"\x80\x02" + made + b"q\0]" + b"(" + b"h\0" * 50_000 + b"e\x86" + STOP
    if kind == "long path":
        return b"".join(b"}X" + struct.pack("<I", 250) + b"k" * 250 for _ in range(150)) + b"N" + b"s" * 150 + STOP
    return b"}" * 300_000 + STOP


BOMBS = (
    "doubled lists",
    "laughing memo",
    "within itself",
    "state of itself",
    "deep tuples",
    "deep lists",
    "deep marks",
)
BOMBS += ("long number", "written number", "long text", "same tensor", "long path", "many tables")


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_cost_what_they_are_long(kind: str):
    found = contents(b"\x80\x02" + bomb(kind).removeprefix(b"\x80\x02"), "pickle")
    assert len(found.metadata) <= 100_000
    assert len(found.findings) <= 1001


def test_limits(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(PayloadError, match="more opcodes than are followed"):
        walk(b"N0" * 600 + b"N.", budget=Budget(opcodes=1000))
    with pytest.raises(PayloadError, match="more text than is read"):
        walk(pickle.dumps(["x" * 1000] * 1 + ["y" * 1000]), budget=Budget(text=1500))
    many = b"".join(f"cm\nC{i}\n0".encode() for i in range(MAX_IMPORTS + 1))
    with pytest.raises(PayloadError, match="imports more than 10,000 things"):
        walk(many + b"N.")
    monkeypatch.setattr(pickle_paths, "MAX_ITEMS", 100)
    assert "more than 100 things" in contents(pickle.dumps([[i, []] for i in range(200)])).findings[0].message
    monkeypatch.undo()
    deep: list[Any] = [OrderedDict()]
    for _ in range(MAX_DEPTH + 10):
        deep = [deep, {}]
    assert "nested deeper than 200 levels" in contents(pickle.dumps(deep)).findings[0].message
    monkeypatch.setattr(pickle_paths, "_MOST_PATHS", 1000)
    named = pickle.dumps({"k" * 40: {f"{i}": i for i in range(200)}})
    assert "longer names than are kept" in contents(named).findings[0].message


def test_a_crowd_of_imports_hides_none():
    """The most dangerous come first, however many others there are."""
    crowd = b"".join(f"cmy.module\nClass{i}\n0".encode() for i in range(2000))
    found = contents(b"\x80\x02" + crowd + b"cos\nsystem\n.", "pickle")
    assert found.findings[0].message == "loading this with Python would import os.system, which can run anything"
    assert found.findings[-1].message.endswith("would import 1,900 more things, which tensors do not need")
    assert ("would import", "os.system") in found.facts
    assert found.facts[-1] == ("would import", "and 1,001 more")


def test_a_value_alone_has_a_name():
    assert contents(pickle.dumps(5)).metadata == (("value", 5),)
    assert contents(pickle.dumps(np.arange(3), 4)).tensors[0].name == "tensor"


def test_cancelling_is_asked_for():
    asked = []
    walk(pickle.dumps(list(range(200_000))), budget=Budget(check=lambda: asked.append(1)))
    assert len(asked) > 5
    list(Leaves([[i, []] for i in range(5000)], lambda call: False, lambda: asked.append(2)))
    assert 2 in asked


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_in_a_pickle(protocol: int):
    model = {
        "coef": np.arange(12.0).reshape(3, 4),
        "more": [np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3)), {"b": np.array([True, False])}],
        "texts": np.array(["ab"]),
        "objects": np.array([None, 1]),
        "n": 3,
    }
    content = pickle.dumps(model, protocol)
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("pickle", (), True)
    assert dict(found.metadata)["objects"] == "numpy array of numpy O8 [2]"
    if protocol == 2:  # bytes were pickled as text then
        assert len(found.tensors) == 0
        assert dict(found.metadata)["coef"] == "numpy array of F64 [3, 4]"
        return
    arrays = payload_arrays(memoryview(content))
    np.testing.assert_array_equal(arrays["coef"], model["coef"])
    np.testing.assert_array_equal(arrays["more.0"], model["more"][0])
    np.testing.assert_array_equal(arrays["more.1.b"], [True, False])


FORBIDDEN = {"import", "exec", "compile", "open", "os", "socket", "subprocess", "pickle", "ctypes", "marshal", "code"}
"""Audit events, up to their first dot, that nothing which only reads bytes raises."""

NOTHING_RUNS = """
import sys
from apbundle.payload.contents import read_contents

content = open({path!r}, "rb").read()
def read(offset, size):
    return content[offset : offset + size]

def watch(event, arguments):
    if seen is not None and event.partition(".")[0] in {forbidden!r}:
        seen.append((event, arguments))

seen = None
read_contents(len(content), read)  # what this library imports on the way is imported now
before = set(sys.modules)
sys.addaudithook(watch)
seen = []
found = read_contents(len(content), read)
events, seen = seen, None
print(events, set(sys.modules) - before, [finding.message for finding in found.findings])
"""
"""A program that fails to stay silent if anything is imported, opened, compiled or run while a payload is read."""


class Malicious:
    """What an attacker pickles: a call that leaves a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, (f"__import__('os').mkdir({str(self.marker)!r})",))


@pytest.mark.parametrize("layout", ["pickle", "archive", "legacy"])
def test_nothing_of_a_pickle_is_run(tmp_path: Path, layout: str):
    marker = tmp_path / "marker"
    evil = pickle.dumps({"x": Malicious(marker)}, 2)
    path = tmp_path / "model"
    if layout == "archive":
        path.write_bytes(archive(evil, {}))
    elif layout == "legacy":
        harmless = pickled({"x": 1})
        path.write_bytes(legacy({"x": 1}, {}).replace(harmless, evil))
    else:
        path.write_bytes(evil)
    said = run_python(NOTHING_RUNS.format(path=str(path), forbidden=FORBIDDEN))
    assert said.startswith("[] set() ")
    assert "would import __builtin__.eval, which can run anything" in said
    assert not marker.exists()
    pickle.loads(evil)
    assert marker.exists()  # so it was a real one


def test_no_unpickler_is_at_hand(root: Path):
    """Nothing that reads payloads could run a pickle: the modules that do are not imported there."""
    unpicklers = {"pickle", "_pickle", "pickletools", "marshal", "shelve", "copyreg", "importlib", "joblib", "torch"}
    imports = [
        found
        for found in SourceTree(root / "core" / "apbundle").imports()
        if found.importer.startswith("apbundle.payload")
    ]
    by_name = {found.importer for found in imports if found.module.split(".")[0] == "importlib"}
    assert by_name == {"apbundle.payload.contents"}, "which loads the modules of its own table, and no others"
    found = {found.module.split(".")[0] for found in imports} - {"importlib"}
    assert "struct" in found
    assert not found & unpicklers


def test_fuzz_of_opcodes():
    """Random opcodes with plausible arguments reach states that no writer makes."""
    rng = random.Random(1)
    codes = [bytes([code]) for code in pickle_walker._OPCODES]
    for _ in range(1500):
        content = b"".join(
            rng.choice(codes) + bytes(rng.randrange(3) for _ in range(rng.randrange(3))) for _ in range(60)
        )
        survive(MARK + b"K\1K\2]}N)" + content + STOP)
