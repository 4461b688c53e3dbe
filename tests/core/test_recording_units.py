"""The units of a recording: models, parts and pages by number, told in few words, believed with care."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BadRecording, LimitExceeded
from apbundle.trace import records
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import RecordingHeader
from apbundle.trace.start import start_recording
from apbundle.trace.units import MAX_SIZE, MAX_UNITS, UnitList
from support.recordings import header

MIXED = UnitList(
    ("encoder", "empty", "decoder"),
    (100, 0, 64),
    parts=((0, 0, 2), ("layer.0.weight", "rest", "[7]/x"), (90, 10, 64)),
    pages=[(2, 32), (1, 8), (0, 30)],
)


def test_units_by_number() -> None:
    assert len(MIXED) == 3 + 3 + 2 + 0 + 4
    assert MIXED.models == 3
    assert list(MIXED.names) == [
        *("encoder", "empty", "decoder"),
        *("encoder/layer.0.weight", "encoder/rest", "decoder/[7]/x"),
        *("decoder[0]", "decoder[1]"),
        *("encoder[0]", "encoder[1]", "encoder[2]", "encoder[3]"),
    ]
    assert MIXED.sizes.tolist() == [100, 0, 64, 90, 10, 64, 32, 32, 30, 30, 30, 10]
    assert [MIXED.model(unit) for unit in range(len(MIXED))] == [0, 1, 2, 0, 0, 2, 2, 2, 0, 0, 0, 0]
    assert MIXED.names[-1] == "encoder[3]"
    assert MIXED.names[5:7] == ("decoder/[7]/x", "decoder[0]")
    for wrong in (-1, len(MIXED)):
        with pytest.raises(IndexError):
            MIXED.name(wrong)
    assert repr(MIXED) == "UnitList(3 models, 12 units)"


def test_models_alone_are_named_by_a_tuple() -> None:
    units = UnitList(("a", "b"), (1, 2))
    assert units.names == ("a", "b")
    assert units.names is units.names
    assert len(UnitList((), ())) == len(UnitList((), ()).names) == len(UnitList((), ()).sizes) == 0


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), max_size=5),
)
def test_units_against_a_list_of_all(
    models: list[int], parts: list[tuple[int, int]], pages: list[tuple[int, int]]
) -> None:
    expected = [(f"m{number}", size, number) for number, size in enumerate(models)]
    parts = [(model % len(models), size) for model, size in parts]
    pages = [(model % len(models), size) for model, size in pages]
    expected += [(f"m{model}/p{number}", size, model) for number, (model, size) in enumerate(parts)]
    for model, length in pages:
        for page, at in enumerate(range(0, models[model], length)):
            expected.append((f"m{model}[{page}]", min(length, models[model] - at), model))
    columns = [model for model, _ in parts], [f"p{n}" for n in range(len(parts))], [size for _, size in parts]
    units = UnitList([f"m{n}" for n in range(len(models))], models, columns, pages)

    assert [*zip(units.names, units.sizes, map(units.model, range(len(units))), strict=True)] == expected
    numbers = np.random.default_rng(1).integers(len(units), size=50).astype(np.uint32)
    assert units.sizes_of(numbers).tolist() == [expected[number][1] for number in numbers]
    assert units.models_of(numbers).tolist() == [expected[number][2] for number in numbers]
    assert UnitList.from_json(json.loads(json.dumps(units.to_json()))) == units


def test_all_units_survive_the_way(tmp_path: Path) -> None:
    begun = RecordingHeader.now(bundle="/models.apbundle", units=MIXED)
    RecordingWriter.create(tmp_path / "run.aptrace", begun).close()
    with RecordingReader.open(tmp_path / "run.aptrace") as reader:
        assert reader.header == begun
        assert reader.header.names[4] == "encoder/rest"
        assert reader.header.sizes[4] == 10


def test_millions_of_pages_are_told_in_a_few_words(tmp_path: Path) -> None:
    units = UnitList(("large", "small"), (MAX_UNITS // 2 * 4096, 10), pages=[(0, 4096), (1, 4096)])
    text = RecordingHeader("b", units).to_bytes()
    assert len(text) < 300
    path = tmp_path / "run.aptrace"
    path.write_bytes(text)
    tracemalloc.start()
    try:
        with RecordingReader.open(path) as reader:
            assert len(reader.header.names) == MAX_UNITS // 2 + 3
            assert reader.header.names[12_345_678] == "large[12345676]"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("names", "sizes", "parts", "pages"),
    [
        (["a"], [1, 2], None, []),
        (["a"], [-1], None, []),
        (["a"], [MAX_SIZE + 1], None, []),
        (["a", "b"], [MAX_SIZE, 1], None, []),
        (["a"], [1], ([0], ["x"], []), []),
        (["a"], [1], ([0], [], [1]), []),
        (["a"], [1], ([], ["x"], [1]), []),
        (["a"], [1], ([1], ["x"], [1]), []),
        (["a"], [1], ([-1], ["x"], [1]), []),
        (["a"], [1], ([2**64], ["x"], [1]), []),
        (["a"], [MAX_SIZE], ([0], ["x"], [1]), []),
        (["a"], [1], None, [(1, 1)]),
        (["a"], [1], None, [(-1, 1)]),
        (["a"], [1], None, [(0, 0)]),
        (["a"], [1], None, [(0, -5)]),
        (["a"], [MAX_UNITS], None, [(0, 1)]),
        (["a"], [MAX_SIZE], None, [(0, 1)] * 9),
        (["a"], [MAX_UNITS // 2], None, [(0, 1), (0, 1)]),
        ([], [], None, [(0, 1)]),
    ],
)
def test_lists_that_make_no_sense(tmp_path: Path, names: list[str], sizes: list[int], parts: Any, pages: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each for its own reason
        UnitList(names, sizes, parts, pages)
    units: dict[str, Any] = {"names": names, "sizes": sizes}
    if parts:
        units["parts"] = dict(zip(("models", "names", "sizes"), parts, strict=True))
    units["pages"] = {"models": [model for model, _ in pages], "sizes": [size for _, size in pages]}
    _expect_refusal(tmp_path, units)


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["a", 1]},
        {"names": "ab"},
        {"names": None},
        {"sizes": [1, 2.5]},
        {"sizes": [1, True]},
        {"sizes": [1, "2"]},
        {"sizes": [[1], [2]]},
        {"parts": 7},
        {"parts": {"models": [0]}},
        {"parts": {"models": [0], "names": [0], "sizes": [0]}},
        {"pages": [[0, 1]]},
        {"pages": {"models": [0], "sizes": []}},
        {"pages": {"models": [False], "sizes": [1]}},
    ],
)
def test_headers_with_other_types(tmp_path: Path, change: dict[str, Any]) -> None:
    _expect_refusal(tmp_path, {"names": ["a", "b"], "sizes": [1, 2], **change})


def _expect_refusal(tmp_path: Path, units: dict[str, Any]) -> None:
    content = {"started": 0, "pid": 1, "bundle": {"path": "x"}, "binding": None, "config": {}, "units": units}
    text = json.dumps(content).encode("ascii")
    with pytest.raises(BadRecording):
        RecordingHeader.from_json(text)


@pytest.mark.parametrize("item", [b"{},", b"[],", b"0,", b'"",', b'{"a":0},', b"[{},"])
def test_text_that_would_take_much_more_memory_is_not_parsed(item: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_HEADER_VALUES", 10_000)
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(BadRecording, match="too long"):
        RecordingHeader.from_json(b"[" + item * 10_000 + b"0]")


def test_what_no_reader_would_take_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.aptrace"
    begun = header(names=("[" * 100,), sizes=(1,))
    with monkeypatch.context() as patch:
        patch.setattr(records, "MAX_HEADER_VALUES", 100)
        with pytest.raises(LimitExceeded):
            RecordingWriter.create(path, begun)
        with pytest.warns(RuntimeWarning, match="too long"):
            assert start_recording(path, "b", lambda: begun) is None
    assert not path.exists()
    RecordingWriter.create(path, begun).close()
