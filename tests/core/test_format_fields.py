"""The list of fields: every byte outside the models stands in exactly one of them, with the value it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from apbundle.format.fields import Field, FieldTable
from apbundle.format.reader import BundleReader
from support.forge import CRITICAL, block, bundle, patched, sealed, section
from support.opened import opened

MODELS = (("a", b"0123456789abcdef"), ("größer", b"xyz"), ("", b""))
GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.apbundle"))

FILES = {
    "plain": bundle(MODELS, description="é".encode()),
    "empty": bundle([]),
    "zeros after the entries": bundle(MODELS, slack=bytes(9)),
    "a tail": bundle(MODELS, slack=b"tail"),
    "sealed": sealed(MODELS, document={"bundle": {"a": "b"}}, alignment=1, slack=30, others=[section(9, b"123")]),
    "sealed without slack": sealed(MODELS),
    "sealed and a tail": bundle(MODELS, sections=[section(9)], slack=b"tail"),
    "a damaged block": patched(bundle(MODELS, sections=[section(9)], slack=bytes(5)), 140, b"!"),
    "a block that is cut": bundle(MODELS, tail=block([section(9)])[:-3]),
    "a block of another version": bundle(MODELS, tail=block([], version=2), slack=bytes(3)),
    "a critical section": bundle(MODELS, sections=[section(9, b"", CRITICAL)]),
}


def check_cover(table: FieldTable, end: int) -> None:
    at = 0
    for row, field in enumerate(table):
        assert field.offset == at, field
        assert field.length >= 0
        assert field.name
        if field.length:
            for offset in {field.offset, field.offset + field.length - 1}:
                assert table.at_offset(offset) == row
        at += field.length
    assert at == end
    assert table.at_offset(end) is None
    assert table.at_offset(-1) is None


@pytest.mark.parametrize("name", FILES)
def test_every_byte_stands_in_one_field(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, FILES[name]) as reader:
        check_cover(FieldTable(reader), reader.data_offset)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_byte_of_the_golden_bundles(path: Path) -> None:
    with BundleReader.open(path) as reader:
        check_cover(FieldTable(reader), reader.data_offset)


def test_values_are_those_of_the_bytes(tmp_path: Path) -> None:
    with opened(tmp_path, FILES["sealed"]) as reader:
        fields = {field.name: field for field in FieldTable(reader)}
        assert fields["magic"] == Field("magic", 0, 8, "APBUNDLE", fields["magic"].meaning)
        assert (fields["created at"].value, fields["created at"].meaning) == ("1700000000", "2023-11-14 22:13:20 UTC")
        assert fields["number of models"].value == "3"
        assert fields["models[1].name"].value == "größer"
        assert fields["models[1].name"].length == 8
        assert fields["models[1].size"].value == "3"
        assert fields["models[1].offset"].value == "16"
        assert fields["models[2].name"].length == 0
        assert fields["extension.tag"].value == "APBXEXT1"
        assert fields["extension.sections"].value == "5"
        assert fields["section digests.payload"].value == "xxh3-128"
        assert fields["section alignment.payload"].value == "1"
        assert fields["section 9.padding"].length == 5
        assert fields["slack"].length == 30
        for field in fields.values():
            if field.length in (4, 8) and field.value.isdecimal():
                raw = FILES["sealed"][field.offset : field.offset + field.length]
                if "payload" not in field.name:
                    assert int(field.value) == int.from_bytes(raw, "little"), field


def test_a_time_that_is_none(tmp_path: Path) -> None:
    with opened(tmp_path, bundle([], created_at=2**64 - 1)) as reader:
        [field] = [field for field in FieldTable(reader) if field.name == "created at"]
        assert field.value == str(2**64 - 1)
        assert "year 9999" in field.meaning


def test_damage_is_shown_in_its_place(tmp_path: Path) -> None:
    for name in ("a damaged block", "a block that is cut", "a block of another version"):
        with opened(tmp_path, FILES[name]) as reader:
            [field] = [field for field in FieldTable(reader) if field.name == "extension"]
            assert reader.extension_error is not None
            assert field.value == "damaged"
            assert field.meaning == reader.extension_error.message


def test_it_is_a_sequence(tmp_path: Path) -> None:
    with opened(tmp_path, FILES["sealed"]) as reader:
        table = FieldTable(reader)
        listed = list(table)
        assert len(table) == len(listed)
        assert table[-1] == listed[-1]
        assert table[3:15:2] == listed[3:15:2]
        assert table[::-1] == listed[::-1]
        for index in (len(table), -len(table) - 1):
            with pytest.raises(IndexError):
                table[index]
        for index in range(len(MODELS)):
            rows = table.rows_of_model(index)
            assert [table.model_at(row) for row in rows] == [index] * 4
            assert table[rows[0]].name == f"models[{index}].name length"
        assert table.model_at(0) is None
        assert table.model_at(len(table) - 1) is None
