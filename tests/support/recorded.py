"""Pagers that are recorded, and things done to them at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apbundle.errors import BundleError
from apbundle.paging.pager import Pager
from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.records import RecordingHeader
from apbundle.trace.units import UnitList
from support.paging import fill, make_pager, units_of


def record_pager(path: Path, sizes: dict[str, int], limit: int, **options: Any) -> Pager:
    """A pager that is recorded."""
    listed = UnitList(list(sizes), list(sizes.values()))
    head = RecordingHeader.now(bundle="/models.apbundle", units=listed, config={"max_memory": limit, **options})
    return make_pager(
        units_of(sizes).values(), limit, observer=RecordingWriter.create(path, head), read=_sometimes_fails, **options
    )


FAILING: set[str] = set()


def _sometimes_fails(unit: Any, into: memoryview) -> None:
    if unit.name in FAILING:
        raise OSError(5, "broken disk")
    fill(unit, into)


def random_step(
    pager: Pager, dice: random.Random, names: Sequence[str], pinned: list[str], *, repeatable: bool = False
) -> None:
    """Do one thing or another; ``pinned`` has the pins that are to be taken back.

    Some loads fail. If all is to be ``repeatable``, nothing is done that leaves no trace and yet changes predictions.
    """
    name = dice.choice(names)
    FAILING.clear()
    if dice.random() < 0.1:
        FAILING.add(name if repeatable else dice.choice(names))
    choice = dice.choices(["get", "hint", "evict", "clear", "resize", "pin", "unpin"], [70, 8, 6, 2, 5, 4, 5])[0]
    try:
        if choice == "get":
            pager.get(name)
        elif choice == "hint":
            pager.hint(name)
        elif choice == "evict":
            pager.evict(name)
        elif choice == "clear":
            pager.clear()
        elif choice == "resize":
            pager.resize(dice.randrange(100, 1200))
        elif choice == "pin" and not (repeatable and name in pinned):
            pager.pin([name])
            pinned.append(name)
        elif pinned:
            pager.unpin([pinned.pop(dice.randrange(len(pinned)))])
    except (BundleError, OSError):
        pass
    finally:
        FAILING.clear()
