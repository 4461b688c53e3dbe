"""Payloads of very many tensors: the first are there at once, memory stays small, and it can be stopped."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import pytest

from apbundle.errors import Cancelled
from apbundle.payload.contents import read_contents
from apbundle.payload.table import TensorTable
from support.campaign import rounds
from support.payloads import Strict, apr_v2, gguf_payload, gguf_tensor

COUNT = rounds(20_000)


def safetensors() -> bytes:
    entries = (f'"layer.{n}.weight":{{"dtype":"U8","shape":[1],"data_offsets":[{n},{n + 1}]}}' for n in range(COUNT))
    text = ("{" + ",".join(entries) + "}").encode()
    assert len(json.loads(text)) == COUNT
    return len(text).to_bytes(8, "little") + text + bytes(COUNT)


def gguf() -> bytes:
    tensors = [gguf_tensor(b"layer.%d.weight" % n, [1], 24, 32 * n) for n in range(COUNT)]
    return gguf_payload([], tensors, bytes(32 * COUNT))


def apr() -> bytes:
    return apr_v2([(f"layer.{n:06}.weight", 7, (), b"x") for n in range(COUNT // 10)], {})


@pytest.mark.parametrize("make", [safetensors, gguf, apr])
def test_rows_appear_early_and_take_little_memory(make: Callable[[], bytes]):
    content = make()
    table = TensorTable()
    seen: list[int] = []

    def cancel() -> bool:
        seen.append(len(table))
        return False

    tracemalloc.start()
    try:
        found = read_contents(len(content), Strict(content), table=table, cancel=cancel)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.findings == ()
    assert found.tensors is table
    count = len(table)
    assert count in (COUNT, COUNT // 10)
    assert 0 < next(filter(None, seen)) <= max(2600, count // 10)
    assert table.name(count - 1) == f"layer.{count - 1:0{6 if make is apr else 0}}.weight"
    assert table.find(table.name(count // 2)) == count // 2
    assert now < 200 * count
    assert peak < 300 * count + (6 << 20)


def test_listing_ends_when_it_is_told_to():
    content = safetensors()
    table = TensorTable()
    with pytest.raises(Cancelled):
        read_contents(len(content), Strict(content), table=table, cancel=lambda: len(table) > 0)
    assert 0 < len(table) < COUNT


def test_progress_counts_the_bytes_of_the_header():
    content = safetensors()
    told: list[tuple[str, int, int]] = []
    read_contents(len(content), Strict(content), progress=lambda *step: told.append(step))
    length = int.from_bytes(content[:8], "little")
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1] == ("header", length, length)
