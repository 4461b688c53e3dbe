"""What TRACE.md says of recordings is what the library does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apbundle.trace import records
from apbundle.trace.destination import VARIABLE, recording_path_from_environment
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind, Totals
from apbundle.trace.units import MAX_SIZE, MAX_UNITS, UnitList
from support.recordings import Scribe, header


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "core" / "TRACE.md").read_text(encoding="utf-8")


def rows(document: str, heading: str, number: int = 0) -> list[list[str]]:
    """The cells of a table below ``heading``."""
    section = document[document.index(f"# {heading}\n") :]
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    lines = tables[number].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_kinds_causes_and_errors(document: str) -> None:
    kinds = {row[1].replace("-", "_").upper(): int(row[0]) for row in rows(document, "Records", 1)}
    assert kinds == {kind.name: kind.value for kind in Kind}
    families = {name: dict(re.findall(r"(\d+) (\w+)", causes)) for name, causes in rows(document, "Records", 2)}
    assert {family: {name: int(n) for n, name in causes.items()} for family, causes in families.items()} == {
        "load": records.LOAD_CAUSES,
        "evict": records.EVICT_CAUSES,
        "pin": records.PIN_CAUSES,
    }
    errors = re.search(r"Why a load failed: (\d+) \+(.*)\n", document)
    assert errors
    assert int(errors[1]) == records.SYSTEM_ERROR
    assert {name: int(number) for number, name in re.findall(r"(\d+) `([a-z_]+)`", errors[2])} == records.ERROR_NUMBERS


@pytest.mark.parametrize(("heading", "size"), [("The file", 16), ("Records", records.RECORD.size)])
def test_fields_follow_each_other(document: str, heading: str, size: int) -> None:
    at = 0
    for offset, length, _ in rows(document, heading):
        if length.isdigit():
            assert int(offset) == at
            at += int(length)
    assert at == size


def test_counters(document: str) -> None:
    told = re.search(r"eight u64: (.*?)\. ", document)
    assert told
    names = [name.removeprefix("units ").replace(" ", "_") for name in told[1].split(", ")]
    assert names == [*Totals.__dataclass_fields__]
    assert f"{records.PAGE_SLOTS} slots are a page" in document
    assert f"`0x{records.NONE:X}`: none" in document


def test_keys_of_the_header(document: str) -> None:
    text = header().to_bytes()
    content = json.loads(text[records.PRELUDE.size : records.PRELUDE.size + records.PRELUDE.unpack_from(text)[2]])
    assert [row[0].strip("`") for row in rows(document, "Header")] == [*content]


def test_the_example_of_units(document: str) -> None:
    [example] = re.findall(r"```json\n(.*?)```", document, re.DOTALL)
    units = UnitList.from_json(json.loads(example))
    assert units.to_json() == json.loads(example, object_hook=_with_tuples)
    told = [(int(number), name.strip("`"), int(size)) for number, name, size in rows(document, "Units")]
    assert told == [*zip(range(len(units)), units.names, units.sizes.tolist(), strict=True)]


def _with_tuples(value: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(item) if key == "names" else item for key, item in value.items()}


def test_limits(document: str) -> None:
    assert [row[1] for row in rows(document, "Limits")] == [
        f"{records.MAX_HEADER >> 20} MiB",
        f"{records.MAX_HEADER_VALUES:,}",
        f"{MAX_UNITS:,}",
        f"{MAX_SIZE:,}",
    ]


def test_names_from_the_environment(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"set `{VARIABLE}` to a folder" in document
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    path = recording_path_from_environment("/models/encoder.apbundle")
    [example] = re.findall(r"`(encoder-.*?\.aptrace)`", document)
    assert path
    assert re.sub(r"\d+", "0", Path(path).name) == re.sub(r"\d+", "0", example)


def test_the_reader_of_the_document(document: str, tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    path = tmp_path / "run.aptrace"
    scribe = Scribe(RecordingWriter.create(path, header()), seed=9)
    while len(scribe.rows) < 50_000:
        scribe.operation()
    scribe.writer.close()
    with RecordingReader.open(path) as reader:
        events = reader.read(0)
        found: Iterator[tuple[int, int, int, int | None]] = names["read"](path)
        expected = zip(*(events[column].tolist() for column in ("time", "kind", "unit", "bytes")), strict=True)
        for ours, (time, kind, unit, size) in zip(found, expected, strict=True):
            assert ours == (time, kind, unit, None if kind == Kind.HIT else size)
