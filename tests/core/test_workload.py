"""Operations from text, and the shapes of generated accesses."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import ModelNotFound
from apbundle.trace.replay import apply, run_ops
from apbundle.trace.workload import OPERATIONS, WORKLOADS, Operation, loop, parse_ops, sequential, zipf
from support.paging import PagerAsBundle, make_pager, units_of

NAMES = [f"m{number}" for number in range(100)]

operations = st.one_of(
    st.builds(Operation, st.sampled_from(["get", "hint", "evict"]), st.text().filter(lambda name: "\n" not in name)),
    st.just(Operation("clear")),
)


@given(st.lists(operations))
def test_operations_survive_as_text(wanted: list[Operation]) -> None:
    text = "".join(f"{o.op}\n" if o.op == "clear" else f"{o.op} {o.name}\n" for o in wanted)
    assert parse_ops(text) == wanted
    assert parse_ops(text.removesuffix("\n")) == wanted


def test_names_reach_to_the_end_of_the_line() -> None:
    assert parse_ops("get a b \r\n\nget \nclear") == [
        Operation("get", "a b \r"),
        Operation("get", ""),
        Operation("clear"),
    ]


@pytest.mark.parametrize("line", ["get", "clear all", "fetch a", " get a", "GET a", "#"])
def test_lines_that_are_no_operation(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_ops(f"get a\n{line}\nfetch b\n")


def test_every_operation_is_run() -> None:
    paged = PagerAsBundle(make_pager(units_of({"a": 10, "b": 20}).values(), 1024))
    text = "evict a\nget a\nhint b\nhint unknown\nevict a\nevict unknown\nclear\n"
    steps = list(run_ops(paged, parse_ops(text)))
    assert {step.op for step in steps} == set(OPERATIONS)
    assert [step.result for step in steps] == ["false", "ok:10", "ok", "ok", "true", "false", "ok"]
    assert [step.cached for step in steps] == [(), ("a",), ("a", "b"), ("a", "b"), ("b",), ("b",), ()]
    with pytest.raises(ModelNotFound):
        apply(paged, Operation("get", "unknown"))
    with pytest.raises(ValueError, match="unknown operation"):
        apply(paged, Operation("fetch", "a"))


def test_sequential_ends() -> None:
    assert list(sequential(NAMES)) == NAMES


def test_loop_begins_again() -> None:
    assert list(itertools.islice(loop(NAMES), 250)) == (NAMES * 3)[:250]


def test_zipf_prefers_few() -> None:
    accesses = list(itertools.islice(zipf(NAMES, seed=3), 20_000))
    shares = [count / len(accesses) for _, count in Counter(accesses).most_common()]
    total = sum(k**-0.9 for k in range(1, 101))
    assert set(accesses) == set(NAMES)
    assert abs(shares[0] - 1 / total) < 0.02
    assert abs(sum(shares[:10]) - sum(k**-0.9 for k in range(1, 11)) / total) < 0.03


def test_zipf_follows_from_its_seed() -> None:
    def first(seed: int, exponent: float = 0.9) -> list[str]:
        return list(itertools.islice(zipf(NAMES, seed, exponent), 200))

    assert first(1) == first(1) != first(2)
    assert first(1) != first(1, 0.5)
    assert first(1)[:5] == ["m13", "m37", "m60", "m91", "m8"], "the same on every system and version"


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_of_nothing(name: str) -> None:
    assert list(WORKLOADS[name]([], 1)) == []
    assert next(WORKLOADS[name](["a"], 1)) == "a"
