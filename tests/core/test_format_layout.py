"""The records are as long as the specification says, and the placement rule gives what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleError
from apbundle.format import layout
from apbundle.format.plan import Plan, plan_bundle

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    ("record", "size"),
    [
        (layout.HEADER, 20),
        (layout.MANIFEST_HEAD, 16),
        (layout.U32, 4),
        (layout.ENTRY_TAIL, 16),
        (layout.EXTENSION_HEAD, 32),
        (layout.SECTION_HEAD, 16),
        (layout.DIGESTS_HEAD, 8),
        (layout.COMPRESSION_ROW, 32),
        (layout.BINDING, 40),
        (layout.ALIGNMENT, 8),
    ],
)
def test_record_sizes(record: layout.Struct, size: int) -> None:
    assert record.size == size
    assert record.format.startswith("<")


def test_numbers_of_the_format() -> None:
    assert layout.BUNDLE_MAGIC == b"APBUNDLE"
    assert layout.BUNDLE_VERSION == 1
    assert layout.EXTENSION_TAG == b"APBXEXT1"
    assert layout.EXTENSION_VERSION == 1
    assert (layout.VERSION_OFFSET, layout.MANIFEST_LENGTH_OFFSET, layout.EXTENSION_CRC_OFFSET) == (8, 12, 24)
    assert (layout.SMALLEST_MANIFEST, layout.SMALLEST_ENTRY) == (20, 20)
    tags = ("METADATA", "DIGESTS", "COMPRESSION", "BINDING", "ALIGNMENT")
    assert [getattr(layout, f"{tag}_SECTION") for tag in tags] == [1, 3, 4, 5, 6]
    assert int.from_bytes(layout.ZSTD_MAGIC, "little") == 0xFD2FB528


def test_limits() -> None:
    assert layout.MAX_MANIFEST == 256 * MIB
    assert layout.MAX_MODELS == 1_000_000
    assert layout.MAX_NAME == 65_535
    assert layout.MAX_DESCRIPTION == 16 * MIB
    assert layout.MAX_METADATA == 4 * MIB
    assert layout.MAX_METADATA_DEPTH == 32
    assert layout.MAX_ALIGNMENT == MIB
    assert layout.MAX_CHUNK == 16 * MIB
    assert layout.LAST_TIMESTAMP == 253_402_300_799


@pytest.mark.parametrize("value", [1 << shift for shift in range(21)])
def test_alignments(value: int) -> None:
    assert layout.is_alignment(value)
    assert not layout.is_alignment(3 * value)
    assert not layout.is_alignment(-value)


@pytest.mark.parametrize("value", [0, 3, 2 * MIB, 1 << 40, 1 << 63, (1 << 64) - 1, -1])
def test_what_is_no_alignment(value: int) -> None:
    assert not layout.is_alignment(value)


def naive_unit(size: int, alignment: int) -> int:
    best = alignment
    for shift in range(22):
        if 1 << shift <= size / 16:
            best = max(best, 1 << shift)
    return best


@given(st.one_of(st.integers(0, 70_000), st.integers(0, 1 << 30)), st.sampled_from([1, 64, 4096, MIB]))
def test_placement_unit_is_the_largest_power_of_two_that_fits(size: int, alignment: int) -> None:
    assert layout.placement_unit(size, alignment) == naive_unit(size, alignment)


@pytest.mark.parametrize(
    ("size", "alignment", "unit"),
    [
        (0, 64, 64),
        (15, 1, 1),
        (16, 1, 1),
        (31, 1, 1),
        (32, 1, 2),
        (1023, 64, 64),
        (2047, 64, 64),
        (2048, 64, 128),
        (300_000, 64, 16 * KIB),
        (300_000, 64 * KIB, 64 * KIB),
        (32 * MIB - 1, 64, MIB),
        (32 * MIB, 64, 2 * MIB),
        (1 << 40, 64, 2 * MIB),
        (1 << 40, MIB, 2 * MIB),
    ],
)
def test_placement_units(size: int, alignment: int, unit: int) -> None:
    assert layout.placement_unit(size, alignment) == unit


def plan(sizes: list[int], *, entries: int = 100, extension: int = 200, **settings: int | bool) -> Plan:
    defaults: dict[str, int | bool] = {"alignment": 64, "slack": 0, "plain": False}
    return plan_bundle(entries, extension, sizes, **{**defaults, **settings})  # type: ignore[arg-type]


def test_a_plain_plan_is_back_to_back() -> None:
    made = plan([10, 0, 1 << 20, 3], extension=0, plain=True, slack=9999)
    assert made.data_offset == made.entries_end == 120
    assert made.slack == 0
    assert made.offsets == (0, 10, 10, 10 + (1 << 20))
    assert made.file_size == 120 + 13 + (1 << 20)
    assert made.manifest_length == 100


def test_no_padding_stands_before_the_first_model() -> None:
    assert plan([1 << 20]).data_offset == 64 * KIB
    assert plan([0, 0, 1 << 20]).data_offset == 64 * KIB
    assert plan([0, 0, 1 << 20]).offsets == (0, 0, 0)
    assert plan([10, 1 << 20]).data_offset == 320
    assert plan([10, 1 << 20]).offsets == (0, 64 * KIB - 320)


def test_without_bytes_the_data_offset_is_aligned_all_the_same() -> None:
    for sizes in ([], [0], [0, 0]):
        made = plan(sizes, alignment=4096)
        assert made.data_offset == made.file_size == 4096
        assert set(made.offsets) <= {0}


def test_slack_is_the_least_room() -> None:
    for extension in range(180, 250):
        made = plan([10], extension=extension, slack=4096)
        used = 20 + 100 + extension
        assert 4096 <= made.slack < 4096 + 64
        assert made.data_offset == used + made.slack
        assert made.data_offset % 64 == 0


def test_a_manifest_no_reader_accepts_is_not_planned() -> None:
    assert plan([], entries=256 * MIB - 256).manifest_length <= 256 * MIB
    with pytest.raises(BundleError) as caught:
        plan([], entries=256 * MIB - 100)
    assert caught.value.code == "limit_exceeded"


@given(
    st.lists(st.one_of(st.just(0), st.integers(0, 5000), st.integers(0, 1 << 26)), max_size=12),
    st.sampled_from([1 << shift for shift in range(21)]),
    st.integers(20, 5000),
    st.integers(32, 5000),
    st.sampled_from([0, 4096]),
)
def test_every_model_stands_where_the_rule_says(
    sizes: list[int], alignment: int, entries: int, extension: int, slack: int
) -> None:
    made = plan(sizes, entries=entries, extension=extension, alignment=alignment, slack=slack)
    first = next((size for size in sizes if size), None)
    unit = alignment if first is None else naive_unit(first, alignment)
    floor = 20 + entries + extension + slack
    assert made.data_offset % unit == 0
    assert floor <= made.data_offset < floor + unit
    end = made.data_offset
    for size, offset in zip(sizes, made.offsets, strict=True):
        start = made.data_offset + offset
        if size:
            unit = naive_unit(size, alignment)
            assert start % unit == 0
            assert start % alignment == 0
            assert end <= start < end + unit
            assert start - end < max(alignment, size / 16)
        else:
            assert start == end
        end = start + size
    assert made.file_size == end
    assert made.data_length == end - made.data_offset
