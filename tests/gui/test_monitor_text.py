"""What the Monitor page says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apbundle.paging.policy import POLICIES
from apbundle.trace.records import NONE, Kind
from apbundle.trace.stories import EvictionCause
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


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (Kind.HIT, {}, "`encoder` was in memory."),
        (Kind.HIT, {"count": 3}, "`encoder` was in memory, 3 times in a row."),
        (
            Kind.HIT,
            {"count": 1204, "distinct": 2, "top": 700},
            "1,204 accesses in a row found 2 units in memory, `encoder` most often (700 times).",
        ),
        (
            Kind.HIT,
            {"count": 2, "distinct": 2, "top": 1},
            "2 accesses in a row found 2 units in memory, `encoder` among them.",
        ),
        (
            Kind.EVICT,
            {"why": EvictionCause.ROOM, "idle": 2, "most": 2, "used": 1, "other": 1, "needed": 10, "limit": 9},
            "`encoder` was evicted after 2 ns unused: `decoder` needed 10 B and nothing was free.",
        ),
        (Kind.ERROR, {"other": 0}, "`encoder` could not be loaded: it could not be read."),
        (Kind.HIT, {"unit": NONE}, "A hit of an unknown unit: the recording is damaged here."),
        (Kind.HIT, {"unit": NONE, "count": 5}, "An unknown unit was in memory, 5 times in a row."),
        (Kind.PAD, {"unit": NONE}, "This event is lost: the recording is damaged here."),
    ],
)
def test_sentences(kind: Kind, fields: dict[str, int], text: str) -> None:
    assert said(kind, **fields) == text


def test_every_policy_is_offered_with_its_explanation() -> None:
    assert [name for _, name, _ in wording.POLICY_CHOICES] == list(POLICIES)
    assert all(title and summary.endswith(".") for title, _, summary in wording.POLICY_CHOICES)


def test_names_are_made_printable() -> None:
    assert said(Kind.HIT, unit=2) == "`<img src=x>\\u202e` was in memory."


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
