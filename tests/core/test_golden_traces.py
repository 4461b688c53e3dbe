"""The reference implementation's runs, repeated: equal counters and equal cached names after every operation."""

from __future__ import annotations

from pathlib import Path

import pytest

from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.replay import COLUMNS, Step, run_ops
from support.paging import GOLDEN_TRACES, GoldenTrace, PagerAsBundle, make_pager, units_of


def test_no_golden_trace_is_forgotten(golden: Path) -> None:
    assert sorted(path.stem for path in golden.glob("*.ops")) == sorted(GOLDEN_TRACES)


@pytest.mark.parametrize("name", GOLDEN_TRACES)
def test_pager_repeats_the_reference(golden: Path, name: str) -> None:
    trace = GoldenTrace.load(golden, name)
    pager = make_pager(
        units_of(trace.sizes).values(),
        trace.settings["max_memory"],
        eviction=trace.settings["eviction"],
        prefetch="inline" if trace.settings["prefetch"] else "off",
        prefetch_count=trace.settings["prefetch_count"],
    )
    steps = [step.to_tsv() for step in run_ops(PagerAsBundle(pager), trace.operations)]
    assert ["\t".join(COLUMNS), *steps] == trace.expected


def test_a_step_is_one_line() -> None:
    step = Step("get", "a", "ok:3", 1, 2, 3, 4, 5, 6, ("a", "b"))
    assert step.to_tsv() == "get\ta\tok:3\t1\t2\t3\t4\t5\t6\ta,b"


@pytest.mark.parametrize("source", ["auto", "map", "read"])
@pytest.mark.parametrize("name", GOLDEN_TRACES)
def test_paged_bundle_repeats_the_reference(golden: Path, name: str, source: str) -> None:
    trace = GoldenTrace.load(golden, name)
    config = PagingConfig(
        max_memory=trace.settings["max_memory"],
        eviction=trace.settings["eviction"],
        prefetch="inline" if trace.settings["prefetch"] else "off",
        prefetch_count=trace.settings["prefetch_count"],
        source=source,
    )
    with PagedBundle(golden / trace.settings["bundle"], config) as paged:
        steps = [step.to_tsv() for step in run_ops(paged, trace.operations)]
    assert ["\t".join(COLUMNS), *steps] == trace.expected
