"""The sentences word for word."""

from __future__ import annotations

from typing import Any

import pytest

from apbundle.trace.records import Kind
from apbundle.trace.sentences import format_duration, name_of, sentence
from apbundle.trace.stories import Eviction, EvictionCause, Hit, Idle, Miss, MissCause, Prefetch, Remark

NAMES = ["encoder", "decoder", "bad\x1b[2J" + "x" * 100]
MIB = 1 << 20
S = 1_000_000_000


def eviction(**changes: Any) -> Eviction:
    given: dict[str, Any] = {
        "cause": EvictionCause.ROOM,
        "needed_by": 1,
        "wanted": 40 * MIB,
        "free": 12 * MIB,
        "limit": 100 * MIB,
        "used": True,
        "idle": Idle(3200 * S // 1000, 3200 * S // 1000),
        "again": 9,
        "again_after": 8 * S // 10,
    }
    return Eviction(5, 6 * S, 0, 30 * MIB, **{**given, **changes})


def miss(cause: MissCause, **changes: Any) -> Miss:
    given: dict[str, Any] = {
        "latency": 12_000_000,
        "last_use": 3,
        "idle": Idle(S, S),
        "left": 5,
        "away": 8 * S // 10,
        "left_for": 1,
        "needed": 128 * MIB,
        "limit": 100 * MIB,
    }
    return Miss(9, 7 * S, 0, 30 * MIB, cause=cause, **{**given, **changes})


def prefetch(**changes: Any) -> Prefetch:
    given: dict[str, Any] = {"cause": 2, "used": None, "used_after": None, "left": None, "left_after": None}
    return Prefetch(9, 7 * S, 1, MIB, 1500, **{**given, **changes})


def remark(kind: int, **changes: Any) -> Remark:
    given: dict[str, Any] = {"cause": 1, "unit": 0, "size": MIB, "other": None, "latency": 0, "limit": 2 * MIB}
    return Remark(9, 7 * S, kind, **{**given, **changes})


ROOM = "`encoder` was evicted after 3.2 s unused: `decoder` needed 40.0 MiB"
MISSED = "`encoder` missed: "
LOADED = "loading 30.0 MiB took 12 ms."
AHEAD = "`decoder` was loaded ahead on a hint; loading 1.00 MiB took 1.5 µs"


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (eviction(), f"{ROOM} and 12.0 MiB were free; it was needed again 0.8 s later."),
        (eviction(again=None, again_after=None), f"{ROOM} and 12.0 MiB were free; it was not needed again."),
        (eviction(free=0), f"{ROOM} and nothing was free; it was needed again 0.8 s later."),
        (eviction(free=1), f"{ROOM} and 1 B was free; it was needed again 0.8 s later."),
        (eviction(free=50 * MIB), f"{ROOM}; it was needed again 0.8 s later."),
        (eviction(free=None), f"{ROOM}; it was needed again 0.8 s later."),
        (
            eviction(free=40 * MIB - 1, again=None, again_after=None),
            (
                "`encoder` was evicted after 3.2 s unused: `decoder` needed 41,943,040 bytes and 41,943,039 were free; "
                "it was not needed again."
            ),
        ),
        (
            eviction(idle=Idle(S, 2 * S), needed_by=None, wanted=None),
            "`encoder` was evicted after 1.0 s to 2.0 s unused: its room was needed; it was needed again 0.8 s later.",
        ),
        (
            eviction(idle=Idle(0, 2 * S), used=True, limit=MIB),
            (
                "`encoder` was evicted after at most 2.0 s unused: it is larger than the limit of 1.00 MiB, and "
                "leaves for whatever comes next; it was needed again 0.8 s later."
            ),
        ),
        (
            eviction(idle=Idle(S, S), used=False, cause=EvictionCause.LIMIT),
            (
                "`encoder` was evicted 1.0 s after it was loaded ahead, without a use: the limit was lowered to 100 "
                "MiB; it was needed again 0.8 s later."
            ),
        ),
        (
            eviction(idle=None, cause=EvictionCause.LIMIT, limit=None),
            "`encoder` was evicted: the limit was lowered; it was needed again 0.8 s later.",
        ),
        (
            eviction(cause=EvictionCause.REQUEST),
            "`encoder` was dropped on request after 3.2 s unused; it was needed again 0.8 s later.",
        ),
        (
            eviction(cause=EvictionCause.UNKNOWN),
            "`encoder` was evicted after 3.2 s unused; it was needed again 0.8 s later.",
        ),
        (miss(MissCause.COLD, left=None, away=None), f"{MISSED}it had never been in memory; {LOADED}"),
        (
            miss(MissCause.CAPACITY),
            (
                f"{MISSED}it was evicted 0.8 s before for `decoder`; 28.0 MiB more memory would have made it a hit; "
                f"{LOADED}"
            ),
        ),
        (
            miss(MissCause.LIMIT, left_for=None, needed=101 * MIB),
            (
                f"{MISSED}it was evicted 0.8 s before, when the limit was lowered; 1.00 MiB more memory would have "
                f"made it a hit; {LOADED}"
            ),
        ),
        (
            miss(MissCause.CAPACITY, needed=100 * MIB),
            (
                f"{MISSED}it was evicted 0.8 s before for `decoder`, though by the order of accesses alone LRU keeps "
                f"it under this limit; {LOADED}"
            ),
        ),
        (
            miss(MissCause.CAPACITY, left_for=None, limit=None),
            f"{MISSED}it was evicted 0.8 s before for an unknown unit; {LOADED}",
        ),
        (
            miss(MissCause.CAPACITY, last_use=None, idle=None, needed=None),
            f"{MISSED}it was evicted 0.8 s before for `decoder`, and had not been used yet; {LOADED}",
        ),
        (miss(MissCause.REQUEST), f"{MISSED}the program had asked for it to leave 0.8 s before; {LOADED}"),
        (
            miss(MissCause.UNKNOWN, left=None, away=None),
            f"{MISSED}the recording does not tell why it was not in memory; {LOADED}",
        ),
        (
            Hit(1, S, 0, MIB, None, None, True, None, None),
            ("`encoder` was in memory, loaded ahead and used for the first time since."),
        ),
        (Hit(1, S, 0, MIB, None, None, False, None, None), "`encoder` was in memory."),
        (
            Hit(1, S, 0, MIB, 0, Idle(0, 5), False, 2 * MIB, None),
            ("`encoder` was in memory, last used at most 5 ns before; LRU needs 2.00 MiB to keep it that long."),
        ),
        (prefetch(used=10, used_after=300), f"{AHEAD}; it was used 300 ns later."),
        (prefetch(left=10, left_after=300), f"{AHEAD}; it left 300 ns later, without a use."),
        (prefetch(), f"{AHEAD}; it was not used."),
        (
            prefetch(cause=4),
            (
                "`decoder` was loaded ahead in the background, as it had followed before; loading 1.00 MiB "
                "took 1.5 µs; it was not used."
            ),
        ),
        (prefetch(cause=99), "`decoder` was loaded ahead; loading 1.00 MiB took 1.5 µs; it was not used."),
        (remark(Kind.ERROR, other=None), "`encoder` could not be loaded: it could not be read."),
        (remark(Kind.ERROR, other=1), "`encoder` could not be loaded: the file changed on disk."),
        (remark(Kind.ERROR, other=65541), "`encoder` could not be loaded: the system reported error 5."),
        (remark(Kind.RESIZE), "The limit is 1.00 MiB from now on; it was 2.00 MiB."),
        (remark(Kind.RESIZE, limit=None), "The limit is 1.00 MiB from now on."),
        (remark(Kind.CLEAR, unit=None), "Everything that was not pinned was dropped at once: 1.00 MiB."),
        (remark(Kind.PIN), "`encoder` is pinned from now on."),
        (remark(Kind.PIN, cause=2), "`encoder` is no longer pinned from now on."),
        (remark(Kind.PREFETCH_USED), "`encoder` was used for the first time since it was loaded ahead."),
        (remark(Kind.PAD, unit=None), "This event is lost: the recording is damaged here."),
        (remark(Kind.EVICT, unit=None), "An eviction of an unknown unit: the recording is damaged here."),
        (remark(77), "An event of kind 77, which is not known here."),
    ],
)
def test_word_for_word(story: Any, expected: str) -> None:
    assert sentence(story, NAMES) == expected


def test_another_policy_is_named() -> None:
    assert "28.0 MiB more memory would have made it a hit under LRU;" in sentence(
        miss(MissCause.CAPACITY), NAMES, "lfu"
    )


def test_names_are_made_printable() -> None:
    assert name_of(2, NAMES).startswith("`bad\\x1b[2Jxxx")
    assert len(name_of(2, NAMES)) == 62
    assert name_of(3, NAMES) == name_of(None, NAMES) == "an unknown unit"


def test_what_is_no_story() -> None:
    with pytest.raises(TypeError, match="str is no story"):
        sentence("a story", NAMES)


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1000, "1 µs"),
        (12_345, "12.3 µs"),
        (999_400, "999 µs"),
        (1_234_567, "1.23 ms"),
        (99_960_000, "100 ms"),
        (100_000_000, "0.1 s"),
        (3_210_000_000, "3.2 s"),
        (9_949_999_999, "9.9 s"),
        (12_400_000_000, "12 s"),
        (60_000_000_000, "1 min"),
        (125_000_000_000, "2 min 5 s"),
        (3_600_000_000_000, "1 h"),
        (11_400_000_000_000, "3 h 10 min"),
    ],
)
def test_durations(nanoseconds: int, expected: str) -> None:
    assert format_duration(nanoseconds) == expected
