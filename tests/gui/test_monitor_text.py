"""What the Monitor page says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apbundle.trace.records import ERROR_NUMBERS, NONE, SYSTEM_ERROR, Kind
from apbundle_gui.models import monitor_text as wording
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_rows import ROWS

NAMES = ("encoder", "decoder", "<img src=x>\u202e")
MIB = 1 << 20


def said(kind: Kind, **fields: int | float) -> str:
    row: Any = np.zeros(1, ROWS)
    row["kind"], row["other"], row["idle"], row["cause"] = kind, NONE, -1, 1
    row["count"] = row["distinct"] = row["top"] = 1
    for name, value in fields.items():
        row[name] = value
    return wording.sentence(row[0], NAMES)


def test_an_eviction_says_who_needed_the_room() -> None:
    text = said(Kind.EVICT, idle=3_200_000_000, other=1, needed=40 * MIB, free=12 * MIB)
    assert text == "“encoder” was evicted after 3.2 s unused: “decoder” needed 40.0 MiB and 12.0 MiB were free."


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"other": 1, "needed": 100, "free": 0}, "“decoder” needed 100 B and nothing was free."),
        ({"other": 1, "needed": 16_520, "free": 16_500}, "needed 16,520 bytes and 16,500 bytes were free."),
        ({"other": 1, "needed": 100, "free": 1}, "needed 100 B and 1 B was free."),
        ({"other": 1, "needed": 100, "free": -5}, "“decoder” needed 100 B and nothing was free."),
        ({"other": 1, "needed": MIB, "free": 2 * MIB}, "needed 1.00 MiB, and whole blocks of the map count as used."),
        ({"other": NONE}, "“encoder” was evicted: its room was needed."),
        ({"cause": 2, "idle": 2_000_000_000}, "“encoder” was dropped on request after 2.0 s unused."),
        ({"cause": 3}, "“encoder” was evicted: the limit was lowered."),
    ],
)
def test_evictions(fields: dict[str, int], end: str) -> None:
    assert said(Kind.EVICT, **fields).endswith(end)


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (Kind.HIT, {}, "“encoder” was in memory."),
        (Kind.HIT, {"count": 3}, "“encoder” was in memory, 3 times in a row."),
        (
            Kind.HIT,
            {"count": 1204, "distinct": 2, "top": 700},
            "1,204 accesses in a row found 2 models in memory, “encoder” most often (700 times).",
        ),
        (
            Kind.HIT,
            {"count": 2, "distinct": 2, "top": 1},
            "2 accesses in a row found 2 models in memory, “encoder” among them.",
        ),
        (
            Kind.MISS,
            {"bytes": 2 * MIB, "latency": 2.5e6},
            "“encoder” was needed for the first time: 2.00 MiB loaded in 2.5 ms.",
        ),
        (
            Kind.MISS,
            {"bytes": 40, "latency": 9000, "idle": 1_500_000_000},
            "“encoder” was needed again 1.5 s after it had left: 40 B loaded in 9 µs.",
        ),
        (Kind.PREFETCH, {"bytes": 40, "latency": 9000, "cause": 2}, "“encoder” was loaded on a hint: 40 B in 9 µs."),
        (Kind.CLEAR, {"bytes": 40}, "All models were dropped at once: 40 B."),
        (Kind.RESIZE, {"bytes": MIB}, "The limit is 1.00 MiB from now on."),
        (Kind.PIN, {}, "“encoder” is kept in memory."),
        (Kind.PIN, {"cause": 2}, "“encoder” is free to leave."),
        (
            Kind.ERROR,
            {"other": ERROR_NUMBERS["changed_on_disk"]},
            "“encoder” was not loaded: the file changed on disk.",
        ),
        (Kind.ERROR, {"other": SYSTEM_ERROR + 5}, "“encoder” was not loaded: the system reported error 5."),
        (Kind.ERROR, {"other": 0}, "“encoder” was not loaded: it could not be read."),
        (Kind.HIT, {"unit": 9}, "An unknown model was in memory."),
        (Kind.PAD, {}, ""),
    ],
)
def test_sentences(kind: Kind, fields: dict[str, int], text: str) -> None:
    assert said(kind, **fields) == text


@pytest.mark.parametrize("cause", [1, 2, 3, 4, 99])
def test_every_reason_to_load_ahead_has_words(cause: int) -> None:
    assert "was loaded" in said(Kind.PREFETCH, cause=cause, bytes=5)


def test_names_are_made_printable() -> None:
    assert said(Kind.HIT, unit=2) == "“<img src=x>\\u202e” was in memory."


def test_times_of_the_recording() -> None:
    assert [wording.clock(n * 1_000_000) for n in (0, 4250, 59_999, 124_250, 3_724_250)] == [
        "0.000 s",
        "4.250 s",
        "59.999 s",
        "2:04.250",
        "1:02:04.250",
    ]
    assert wording.clock(-5) == "0.000 s"


def test_tallies_are_exact_as_long_as_they_fit() -> None:
    assert [wording.tally(n) for n in (0, 99_999, 100_000, 999_999, 1_234_567, 5_000_000_000)] == [
        "0",
        "99,999",
        "100 k",
        "999 k",
        "1.23 M",
        "5 G",
    ]


def test_speeds() -> None:
    assert wording.pace(None) == "unlimited"
    assert wording.pace(2000) == "2,000/s"
    assert wording.PACES[-1] is None


@pytest.mark.parametrize(
    ("text", "limit"), [("64 KiB", 65536), ("2GiB", 2 << 30), ("1024", 1024), ("1.5 MiB", 1572864)]
)
def test_limits_are_read(text: str, limit: int) -> None:
    assert wording.limit_of(text) == limit


@pytest.mark.parametrize("text", ["", "much", "-5", "1 KB", "64 XiB"])
def test_what_is_no_limit_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write bytes or a unit|The smallest limit"):
        wording.limit_of(text)


@pytest.mark.parametrize("limit", [1024, 1025, 65536, 1_000_000, 1 << 30, (1 << 30) + 1])
def test_limits_survive_being_written(limit: int) -> None:
    assert wording.limit_of(wording.limit_text(limit)) == limit


@pytest.mark.parametrize("total", [0, 5, 5000, 609_280, 10**12])
def test_a_share_is_written_without_loss(total: int) -> None:
    for share in (0.01, 0.4, 1):
        limit = wording.share_of(share, total)
        assert wording.limit_text(limit) == wording.words.size(limit)
        assert limit == pytest.approx(max(share * total, 1024), rel=0.006)


def test_memory_above_the_limit_is_explained() -> None:
    assert wording.memory_detail(512, 1024) == ("50 % of 1.00 KiB", "512 bytes")
    assert wording.memory_detail(0, 0)[0] == words.NONE
    detail, tooltip = wording.memory_detail(2048, 1024)
    assert detail == "above 1.00 KiB"
    assert "larger than the limit" in tooltip
