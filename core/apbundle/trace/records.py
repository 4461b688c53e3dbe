"""What a recording is made of: `core/TRACE.md` in code. All integers are little-endian."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.errors import BundleError, bundle_error
from apbundle.trace.units import MAX_SIZE, UnitList

MAGIC: Final = b"APBTRACE"
VERSION: Final = 1
SLOT: Final = 32
"""Bytes of a slot: a record, or a part of what follows one."""
PAGE_SLOTS: Final = 4096
"""Slots from one ``TOTALS`` record to the next."""
IDS_PER_SLOT: Final = SLOT // 4
NONE: Final = 0xFFFFFFFF
"""In place of a unit: none, or one the header does not list."""
MAX_HEADER: Final = 128 * 1024 * 1024
"""Longest JSON header, in bytes."""
MAX_HEADER_VALUES: Final = 10_000_000
"""Most values in one: they take more memory than their text."""

PRELUDE: Final = Struct("<8sII")
"""Magic, version, bytes of JSON; then the JSON, then zeros to a multiple of a slot."""
RECORD: Final = Struct("<QIBBHQIf")
"""Time, unit, kind, cause, slots that follow, bytes, other, latency."""
TOTALS: Final = Struct("<8Q")
"""What follows a ``TOTALS`` record: the fields of :class:`Totals`."""
TOTALS_SLOTS: Final = TOTALS.size // SLOT


class Kind(IntEnum):
    """What happened."""

    PAD = 0
    HIT = 1
    MISS = 2
    EVICT = 3
    PREFETCH = 4
    PREFETCH_USED = 5
    RESIZE = 6
    PIN = 7
    ERROR = 8
    CLEAR = 9
    TOTALS = 10
    END = 11
    PAGES = 12


NO_EVENTS: Final = frozenset({Kind.PAD, Kind.TOTALS, Kind.END})
"""Kinds that are about the recording, not about paging."""

LOAD_CAUSES: Final = {"demand": 1, "hint": 2, "inline": 3, "background": 4}
"""Causes of ``MISS``, ``PREFETCH`` and ``ERROR``."""
EVICT_CAUSES: Final = {"room": 1, "request": 2, "limit": 3}
"""Causes of ``EVICT``."""
PIN_CAUSES: Final = {"pin": 1, "unpin": 2}
"""Causes of ``PIN``."""

SYSTEM_ERROR: Final = 0x10000
"""Added to the number of an ``OSError`` in the field ``other`` of an ``ERROR``."""
ERROR_NUMBERS: Final = {
    "changed_on_disk": 1,
    "decompression_failed": 2,
    "checksum_mismatch": 3,
    "unsupported_feature": 4,
    "bad_extension": 5,
    "extension_checksum": 6,
    "bad_metadata": 7,
    "limit_exceeded": 8,
    "closed": 9,
    "limit_too_small": 10,
}
"""Codes in the field ``other`` of an ``ERROR``; 0 for any other."""


@dataclass(slots=True)
class Totals:
    """Counters from the start of a recording up to some record; ``announced`` are units that the header lacks."""

    events: int = 0
    hits: int = 0
    misses: int = 0
    evictions: int = 0
    prefetches: int = 0
    bytes_loaded: int = 0
    memory_used: int = 0
    announced: int = 0

    def pack(self) -> bytes:
        """As stored."""
        return TOTALS.pack(
            self.events,
            self.hits,
            self.misses,
            self.evictions,
            self.prefetches,
            self.bytes_loaded,
            max(self.memory_used, 0),
            self.announced,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Totals:
        """From what :meth:`pack` made, no counter larger than :data:`apbundle.trace.units.MAX_SIZE`."""
        return cls(*(min(counter, MAX_SIZE) for counter in TOTALS.unpack(data)))


@dataclass(frozen=True, slots=True)
class RecordingHeader:
    """What a recording is of.

    Parameters
    ----------
    bundle
        Path of the bundle.
    units
        What is paged, as far as it was known then; more may be announced later.
    identity
        Device, inode, size and modification time of the bundle, under the names of ``FileIdentity``.
    binding
        The bundle's binding digest in hexadecimal, or ``None`` if it has none.
    config
        The paging settings, as plain JSON values.
    started
        When the recording's clock stood at zero: nanoseconds since the Unix epoch.
    pid
        The process that records.
    """

    bundle: str
    units: UnitList
    identity: dict[str, int] = field(default_factory=dict)
    binding: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    started: int = 0
    pid: int = 0

    @classmethod
    def now(cls, **fields: Any) -> RecordingHeader:
        """The header of a recording that this process begins now; ``fields`` are all the others."""
        return cls(started=time.time_ns(), pid=os.getpid(), **fields)

    @property
    def names(self) -> Sequence[str]:
        """What to call each unit."""
        return self.units.names

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The raw bytes of each unit."""
        return self.units.sizes

    @property
    def limit(self) -> int | None:
        """The limit in bytes when the recording began; ``None`` if it does not say, or makes no sense."""
        limit = self.config.get("max_memory")
        return limit if type(limit) is int and 0 <= limit <= MAX_SIZE else None

    @property
    def policy(self) -> str | None:
        """The name of the policy, one of ``POLICIES`` if it makes sense; ``None`` if it does not say."""
        policy = self.config.get("eviction")
        return policy if isinstance(policy, str) else None

    def to_bytes(self) -> bytes:
        """The start of a recording file, up to its first record.

        Raises
        ------
        LimitExceeded
            No reader would take so long a header.
        """
        content = {
            "started": self.started,
            "pid": self.pid,
            "bundle": {"path": self.bundle, **self.identity},
            "binding": self.binding,
            "config": self.config,
            "units": self.units.to_json(),
        }
        text = json.dumps(content, separators=(",", ":")).encode("ascii")
        if _is_too_long(text):
            raise bundle_error("limit_exceeded", "The list of units is too long for a recording.")
        return (PRELUDE.pack(MAGIC, VERSION, len(text)) + text).ljust(data_start(len(text)), b"\0")

    @classmethod
    def from_json(cls, text: bytes, path: str | None = None) -> RecordingHeader:
        """The header that ``text`` describes.

        Raises
        ------
        BadRecording
            For anything that is not such a header.
        """
        if _is_too_long(text):
            raise bad_recording("The header of the recording is too long.", path, PRELUDE.size)
        try:
            content = json.loads(text)
            bundle = content["bundle"]
            return cls(
                bundle=_checked(bundle["path"], str),
                units=UnitList.from_json(content["units"]),
                identity={key: _checked(value, int) for key, value in bundle.items() if key != "path"},
                binding=None if content["binding"] is None else _checked(content["binding"], str),
                config=_checked(content["config"], dict),
                started=_checked(content["started"], int),
                pid=_checked(content["pid"], int),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise bad_recording("The header of the recording cannot be read.", path, PRELUDE.size) from error


def data_start(length: int) -> int:
    """Where the first record stands behind a JSON header of ``length`` bytes."""
    return -(-(PRELUDE.size + length) // SLOT) * SLOT


def bad_recording(message: str, path: str | None, offset: int) -> BundleError:
    """The error for a file that is no recording, ready to raise."""
    return bundle_error("bad_recording", message, path=path, offset=offset)


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _is_too_long(text: bytes) -> bool:
    """Whether JSON might take much more memory than the limit of its bytes suggests."""
    return len(text) > MAX_HEADER or sum(map(text.count, (b",", b"[", b"{"))) > MAX_HEADER_VALUES
