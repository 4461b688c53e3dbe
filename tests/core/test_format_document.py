"""What FORMAT.md says of the format is what the library does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apbundle import ModelBundle
from apbundle.errors import ERROR_CLASSES
from apbundle.format import layout
from apbundle.format.fields import FieldTable
from apbundle.format.plan import plan_bundle
from support.faults import without_fsync
from support.hexdump import hexdump

ELSEWHERE = {"bad_recording", "bad_recipe", "limit_too_small", "unsafe_name"}
"""Codes of other parts of the library."""


@pytest.fixture(scope="module")
def document(root: Path) -> str:
    return (root / "core" / "FORMAT.md").read_text(encoding="utf-8")


@pytest.fixture
def example(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the document's own code writes."""
    [code] = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with without_fsync():
        exec(code, {"ModelBundle": ModelBundle})
    return tmp_path / "example.apbundle"


def rows(document: str, heading: str) -> list[list[str]]:
    """The cells of the first table below ``heading``."""
    lines = iter(document[document.index(f"## {heading}\n") :].splitlines())
    table: list[list[str]] = []
    for line in lines:
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip("|").split(" | ")])
        elif table:
            break
    return table[2:]


def test_the_dump_is_what_the_code_writes(document: str, example: Path) -> None:
    raw = example.read_bytes()
    assert f"```\n{hexdump(raw)}\n```" in document
    assert f"a file of {len(raw)} bytes" in document


def test_every_byte_of_the_example_is_explained(document: str, example: Path) -> None:
    told = [(int(at, 16), int(size), name) for at, size, name, _ in rows(document, "A file byte by byte")]
    with ModelBundle.load(example) as made:
        expected = [(field.offset, field.length, field.name) for field in FieldTable(made.reader)]
        assert told[: len(expected)] == expected
        at = made.data_offset
        for begin, size, _ in told[len(expected) :]:
            assert begin == at
            at += size
        assert at == made.file_size
        assert made.verify().status == "verified"


def test_the_worked_example_of_placement(document: str, golden: Path) -> None:
    table = [
        [int(cell.replace(",", "")) if cell[0].isdigit() else None for cell in row[1:]]
        for row in rows(document, "Placement")
    ]
    sizes = [int(row[0] or 0) for row in table]
    plan = plan_bundle(399 - 20, 0, sizes, alignment=64, slack=0, plain=False)
    assert plan.data_offset == 448
    for (size, share, unit, start, offset, end), placed in zip(table, plan.offsets, strict=True):
        assert (start, offset, end) == (448 + placed, placed, 448 + placed + (size or 0))
        assert share == (size or 0) // 16
        assert unit == (layout.placement_unit(size, 64) if size else None)
    with ModelBundle.load(golden / "ext_placement.apbundle") as made:
        assert [e.size for e in made.manifest] == sizes
        assert [e.offset for e in made.manifest] == list(plan.offsets)
        assert made.data_offset == plan.data_offset
        assert made.reader.extension_range is not None
        assert made.reader.extension_range[1] == 399


def test_every_code_is_explained(document: str) -> None:
    told = [row[0].strip("`") for row in rows(document, "Errors")]
    assert sorted(told) == sorted(set(ERROR_CLASSES) - ELSEWHERE)


def test_every_warning_is_explained(document: str, root: Path) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (root / "core/apbundle/format").glob("*.py"))
    used = set(re.findall(r'Finding\(\s*"(\w+)"', sources)) | {"manifest_padding", "gap", "trailing_data"}
    told = {row[0].strip("`") for row in rows(document, "Warnings")}
    assert told == used - set(ERROR_CLASSES)


def test_limits_are_those_of_the_code(document: str) -> None:
    table = {row[0]: row[1] for row in rows(document, "Limits")}
    mib = layout.MIB
    assert table["manifest, block and slack included"] == f"{layout.MAX_MANIFEST // mib} MiB"
    assert table["models"] == f"{layout.MAX_MODELS:,}"
    assert table["name"] == f"{layout.MAX_NAME:,} bytes"
    assert table["description"] == f"{layout.MAX_DESCRIPTION // mib} MiB"
    assert table["metadata section"] == (
        f"{layout.MAX_METADATA // mib} MiB, {layout.MAX_METADATA_DEPTH} levels of brackets"
    )
    assert table["alignment"] == f"power of two up to {layout.MAX_ALIGNMENT // mib} MiB"
    assert table["raw bytes a chunk"] == f"{layout.MAX_CHUNK // mib} MiB"
    assert table["stored bytes a chunk"] == f"{layout.MAX_FRAME // mib} MiB"
    assert table["zstd window"] == f"{(1 << layout.MAX_ZSTD_WINDOW_LOG) // mib} MiB"


def test_links_lead_somewhere(document: str) -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    }
    for link in re.findall(r"\]\(#([^)]*)\)", document):
        assert link in headings
