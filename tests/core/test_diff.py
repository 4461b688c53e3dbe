"""Comparing bundles: what is found to differ, what is not read for it, and how far numbers lie apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from apbundle import BundleBuilder
from apbundle.diff import values as module
from apbundle.diff.bundles import diff_bundles
from apbundle.diff.records import BundleDifference
from apbundle.diff.values import Stored, comparable, compare_values
from apbundle.errors import Cancelled
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import read_contents
from apbundle.payload.safetensors import serialize
from apbundle.progress import Reporter
from support.cli import Program

Model = dict[str, np.ndarray[Any, Any]] | bytes


def build(path: Path, models: dict[str, Model], *, description: str = "", **options: Any) -> Path:
    builder = BundleBuilder(path)
    builder.with_description(description)
    for name, data in models.items():
        builder.add_model(name, data, **options)
    builder.build().close()
    return path


def diff(before: Path, after: Path, **options: Any) -> BundleDifference:
    with BundleReader.open(before) as one, BundleReader.open(after) as other:
        return diff_bundles(one, other, **options)


WEIGHTS: dict[str, np.ndarray[Any, Any]] = {
    "same": np.arange(6, dtype=np.float32),
    "moved": np.array([1, 2, 3], np.float32),
    "gone": np.zeros(2, np.int8),
    "cast": np.array([0.5, 0.25], np.float32),
    "shaped": np.zeros((2, 3), np.float32),
}
OTHERS: dict[str, np.ndarray[Any, Any]] = {
    "same": np.arange(6, dtype=np.float32),
    "moved": np.array([1, 2, 5], np.float32),
    "new": np.zeros(1, np.int8),
    "cast": np.array([0.5, 0.75], np.float16),
    "shaped": np.zeros((3, 2), np.float32),
}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    before = build(tmp_path / "a.apbundle", {"net": WEIGHTS, "kept": b"kept", "old": b"x"}, version="1")
    after = build(tmp_path / "b.apbundle", {"net": OTHERS, "kept": b"kept", "young": b"y"}, version="1")
    return before, after


def test_models_and_tensors_are_paired_by_name(pair: tuple[Path, Path]) -> None:
    found = diff(*pair)
    assert not found.equal
    assert found.equal_models == 1
    assert [(model.name, model.status) for model in found.models] == [
        ("net", "changed"),
        ("old", "removed"),
        ("young", "added"),
    ]
    tensors = {tensor.name: tensor for tensor in found.models[0].tensors}
    assert {name: tensor.status for name, tensor in tensors.items()} == {
        "moved": "changed",
        "gone": "removed",
        "cast": "changed",
        "shaped": "changed",
        "new": "added",
    }
    moved = tensors["moved"].values
    assert moved is not None
    assert (moved.elements, moved.different, moved.largest, moved.mean) == (3, 1, 2.0, 2 / 3)
    assert moved.cosine == pytest.approx(20 / (14**0.5 * 30**0.5))
    cast = tensors["cast"].values
    assert cast is not None
    assert (cast.different, cast.largest) == (1, 0.5)
    assert tensors["shaped"].values is None


def test_a_bundle_equals_itself_however_it_is_stored(tmp_path: Path) -> None:
    models: dict[str, Model] = {"net": WEIGHTS, "text": b"abc" * 50_000}
    plain = build(tmp_path / "a.apbundle", models)
    packed = build(tmp_path / "b.apbundle", models, compress=True)
    assert diff(plain, packed).equal
    assert diff(packed, plain).equal_models == 2


def test_equal_digests_are_believed_and_nothing_is_read(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(self: BundleReader, name: str, offset: int, size: int) -> bytes:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(BundleReader, "read_range", read)
    assert diff(pair[0], pair[0]).equal


def test_what_is_said_of_models_and_bundles_is_compared(tmp_path: Path) -> None:
    before = build(tmp_path / "a.apbundle", {"m": b"x"}, description="first", version="1", custom={"author": "A"})
    after = build(tmp_path / "b.apbundle", {"m": b"x"}, description="second", version="2", hyperparameters={"lr": "1"})
    found = diff(before, after)
    assert [(c.key, c.before, c.after) for c in found.fields] == [("description", "first", "second")]
    (model,) = found.models
    assert model.same_bytes
    assert {(c.key, c.before, c.after) for c in model.fields} == {
        ("version", "1", "2"),
        ("custom.author", "A", None),
        ("hyperparameters.lr", None, "1"),
    }


def test_another_order_of_models_is_told(tmp_path: Path) -> None:
    before = build(tmp_path / "a.apbundle", {"m": b"x", "n": b"y"})
    after = build(tmp_path / "b.apbundle", {"n": b"y", "m": b"x"})
    assert [change.key for change in diff(before, after).fields] == ["order of models"]


def test_what_lists_no_tensors_differs_in_bytes(tmp_path: Path) -> None:
    before, after = build(tmp_path / "a.apbundle", {"m": b"abc"}), build(tmp_path / "b.apbundle", {"m": b"abd"})
    (model,) = diff(before, after).models
    assert (model.status, model.same_bytes, model.tensors) == ("changed", False, ())


@pytest.mark.parametrize("compress", [False, True])
def test_it_is_told_how_many_bytes_were_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: bool
) -> None:
    monkeypatch.setattr("apbundle.diff.bundles.PIECE", 512)
    paths = []
    for name, last in (("a", 1), ("b", 2)):
        arrays = {"first": np.zeros(999, np.float32), "last": np.full(999, last, np.float32)}
        paths.append(build(tmp_path / name, {"net": arrays, "same": b"same" * 99}, compress=compress))
    told: list[tuple[int, int]] = []
    found = diff(*paths, progress=lambda phase, done, total: told.append((done, total)))
    assert [tensor.name for tensor in found.models[0].tensors] == ["last"]
    assert told == sorted(told)
    with BundleReader.open(paths[0]) as reader:
        assert told[-1][0] == told[-1][1] == sum(reader.entry(name).raw_size for name in ("net", "same"))
    assert len(told) > 8


def test_it_can_be_cancelled(pair: tuple[Path, Path]) -> None:
    with pytest.raises(Cancelled):
        diff(*pair, cancel=lambda: True)


# -- numbers -----------------------------------------------------------------------------------------------------


def stored(array: np.ndarray[Any, Any]) -> Stored:
    header, buffers = serialize({"t": array})
    data = header + b"".join(bytes(buffer) for buffer in buffers)

    def read(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    return Stored(read_contents(len(data), read).tensors[0], read)


@given(
    st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_]).flatmap(
        lambda dtype: st.tuples(*[arrays.arrays(dtype, (3, 7)) for _ in range(2)])
    ),
    st.integers(1, 25),
)
def test_numbers_are_compared_as_numpy_would(pair: tuple[Any, Any], piece: int) -> None:
    one, other = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        found = compare_values(stored(one), stored(other), Reporter(None, None))
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    same = (one == other) | ((one != one) & (other != other))
    assert (found.elements, found.different) == (21, 21 - np.count_nonzero(same))
    usable = np.isfinite(a) & np.isfinite(b)
    with np.errstate(all="ignore"):
        apart = np.abs(a[usable] - b[usable])
        assert found.largest == apart.max(initial=0)
        assert found.mean == pytest.approx(apart.sum() / max(1, usable.sum()), nan_ok=True)
    if found.different == 0:
        assert found.cosine == 1.0
    elif not usable.all():
        assert found.cosine is None


def test_large_integers_are_compared_exactly() -> None:
    found = compare_values(stored(np.array([2**60])), stored(np.array([2**60 + 1])), Reporter(None, None))
    assert found.different == 1


def test_the_distance_of_large_integers_is_exact() -> None:
    pairs = [(np.array([2**63]), np.array([2**63 + 1])), (np.array([-(2**63)]), np.array([2**63 - 1]))]
    found = [compare_values(stored(one), stored(other), Reporter(None, None)) for one, other in pairs]
    assert [(each.largest, each.mean) for each in found] == [(1.0, 1.0), (float(2**64 - 1),) * 2]


@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_complex_numbers_that_point_the_other_way(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(module, "PIECE", piece)
    numbers = np.exp(1j * np.arange(20)).astype(np.complex64)
    found = [compare_values(stored(numbers), stored(by * numbers), Reporter(None, None)) for by in (-1, 2, 1j)]
    assert [each.cosine for each in found] == pytest.approx([-1, 1, 0], abs=1e-6)


@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_numbers_that_are_stored_deflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(module, "PIECE", piece)
    numbers = np.arange(100, dtype=np.float32)
    for name, by in (("a", 0), ("b", 3)):
        np.savez_compressed(tmp_path / f"{name}.npz", numbers=numbers + by)
        build(tmp_path / name, {"net": (tmp_path / f"{name}.npz").read_bytes()})
    (tensor,) = diff(tmp_path / "a", tmp_path / "b").models[0].tensors
    assert tensor.values is not None
    assert (tensor.values.different, tensor.values.largest, tensor.values.mean) == (100, 3.0, 3.0)


def test_views_are_compared_where_they_leave_nothing_out() -> None:
    one, other = stored(np.zeros((2, 3), np.float32)), stored(np.ones((2, 3), np.float32))
    turned = [Stored(replace(each.info, strides=(1, 2)), each.read) for each in (one, other)]
    assert comparable(turned[0].info, turned[1].info)
    assert compare_values(*turned, Reporter(None, None)).mean == 1.0
    assert not comparable(turned[0].info, other.info)
    for strides in ((1, 1), (5, 0)):
        assert not comparable(*(replace(each.info, strides=strides) for each in (one, other)))


def test_shapes_have_to_be_the_same() -> None:
    assert not comparable(stored(np.zeros((2, 3))).info, stored(np.zeros((3, 2))).info)
    assert comparable(stored(np.zeros((2, 3))).info, stored(np.zeros((2, 3), np.int8)).info)


# -- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


def test_the_command_says_what_differs(pair: tuple[Path, Path], program: Program) -> None:
    result = program("diff", *pair)
    assert result.status == 1
    for said in ("1 changed, 1 added, 1 removed, 1 model equal", "~ net", "- old", "+ young", "~ moved", "33.3%"):
        assert said in result.out
    assert program("diff", pair[0], pair[0]).status == 0
    assert "- gone" not in program("diff", pair[0], pair[0]).out


def test_the_command_gives_json(pair: tuple[Path, Path], program: Program) -> None:
    document = program.json("diff", *pair).document
    assert document["equal"] is False
    net = document["models"][0]
    assert (net["name"], net["status"], net["same_bytes"]) == ("net", "changed", False)
    moved = next(tensor for tensor in net["tensors"] if tensor["name"] == "moved")
    assert moved["values"]["largest"] == 2.0
    assert all(t["values"] is None for t in program.json("diff", "--no-values", *pair).document["models"][0]["tensors"])


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"no bundle"], ids=["cut", "other"])
def test_what_cannot_be_read_is_an_error(
    pair: tuple[Path, Path], program: Program, damage: Callable[[bytes], bytes]
) -> None:
    pair[1].write_bytes(damage(pair[1].read_bytes()))
    result = program("diff", *pair)
    assert result.status not in (0, 1)
    assert str(pair[1]) in result.err
