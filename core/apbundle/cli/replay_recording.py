"""The part of ``replay`` that runs a recording again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from rich.console import RenderableType

from apbundle.cli.drawing import headline, table, text
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.working import working
from apbundle.fileio import InputFile, StrPath
from apbundle.paging.config import PagingConfig
from apbundle.paging.hollow import HollowSource
from apbundle.paging.pager import Pager
from apbundle.paging.policy import POLICIES
from apbundle.paging.units import Key, Unit
from apbundle.text import format_size, printable
from apbundle.trace.limits import Limits
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import MAGIC, RecordingHeader
from apbundle.trace.repeater import Counts
from apbundle.trace.rerun import Rerun, rerun
from apbundle.trace.units import UnitList


@dataclass(frozen=True, slots=True)
class Settings:
    """What a recording is, or was, run under; ``None`` where its header does not say.

    ``ahead`` is ``off``, ``inline`` or ``background``; in a replay also ``recorded``: what was predicted then is loaded
    when it was then.
    """

    limit: int | None
    policy: str | None
    ahead: str | None
    count: int

    @classmethod
    def recorded(cls, header: RecordingHeader) -> Self:
        """What a header says, as far as it makes sense."""
        ahead, count = header.config.get("prefetch"), header.config.get("prefetch_count")
        return cls(
            header.limit,
            header.policy if header.policy in POLICIES else None,
            ahead if isinstance(ahead, str) and ahead in ("off", "inline", "background") else None,
            count if type(count) is int and 0 <= count < 1 << 31 else 0,
        )

    def changed(self, options: Namespace) -> Settings:
        """The settings of a replay of what these were recorded of."""
        limit, policy = self.limit, options.eviction or self.policy
        if options.max_memory is not None:
            limit = PagingConfig(max_memory=options.max_memory).memory_limit()
        if limit is None:
            raise UsageError("the recording does not say its limit", "Give --max-memory.")
        if policy is None:
            raise UsageError("the recording does not say its policy", "Give --eviction.")
        if options.prefetch is not None:
            return Settings(limit, policy, "inline" if options.prefetch else "off", options.prefetch)
        return Settings(limit, policy, "recorded" if self.ahead == "background" else self.ahead or "off", self.count)


def is_recording(path: StrPath) -> bool:
    """Whether the file begins as a recording does; what opening or reading it raises is passed on."""
    with InputFile.open(path) as file:
        return file.size >= len(MAGIC) and bytes(file.read(0, len(MAGIC))) == MAGIC


def rerun_recording(options: Namespace, output: Output) -> None:
    """Run the recording ``options.file`` again, and print the counters of both."""
    with RecordingReader.open(options.file) as reader:
        recorded = Settings.recorded(reader.header)
        settings = recorded.changed(options)
        with working() as (progress, cancel):
            source = HollowSource()
            result = rerun(
                reader,
                _pager(reader.units, source, settings),
                source,
                resizes=options.max_memory is None,
                predictions=settings.ahead == "recorded",
                progress=progress,
                cancel=cancel,
            )
    limits = result.in_force if options.max_memory is None else Limits.of(settings.limit)
    if output.json:
        output.document(
            {
                "path": options.file,
                "recorded": {
                    **_described(recorded),
                    "limits": asdict(result.in_force),
                    **_counted(result.recorded),
                },
                "replayed": {**_described(settings), "limits": asdict(limits), **_counted(result.replayed)},
                "refused": result.refused,
            }
        )
    else:
        output.show(*_tables(options.file, recorded, settings, limits, result))


def _pager(units: UnitList, source: HollowSource, settings: Settings) -> Pager:
    known: dict[Key, Unit] = {}

    def find(key: Key) -> Unit:
        if key not in known:
            number = int(key[1])
            known[key] = Unit(number, str(number), int(units.sizes[number]), None, key)
        return known[key]

    assert settings.limit is not None
    assert settings.policy is not None
    prefetch: Literal["inline", "off"] = "inline" if settings.ahead == "inline" else "off"
    return Pager(
        find,
        source,
        max_memory=settings.limit,
        eviction=settings.policy,
        prefetch=prefetch,
        prefetch_count=settings.count,
    )


def _described(settings: Settings) -> dict[str, Any]:
    return {
        "limit": settings.limit,
        "policy": settings.policy,
        "prefetch": settings.ahead,
        "prefetch_count": settings.count,
    }


def _counted(counts: Counts) -> dict[str, Any]:
    return {**asdict(counts), "hit_rate": counts.hit_rate}


def _tables(
    path: str, recorded: Settings, settings: Settings, limits: Limits, result: Rerun
) -> Iterator[RenderableType]:
    yield headline("replayed", "bold green", path, "what the program did, run again over the sizes alone")
    yield ""
    drawn = table("", ">Recorded", ">Replayed")
    rows = zip(_rows(recorded, result.in_force, result.recorded), _rows(settings, limits, result.replayed), strict=True)
    for (label, before), (_, after) in rows:
        drawn.add_row(text(label, "dim"), before, text(after, "bold" if after != before else ""))
    yield drawn
    if result.refused:
        yield ""
        yield text(f"Refused, for what is pinned leaves too little room: {result.refused:,} accesses, pins and limits.")


def _rows(settings: Settings, limits: Limits, counts: Counts) -> Iterator[tuple[str, str]]:
    yield "limit", limits.words()
    yield "policy", printable(settings.policy or "")
    yield "prefetch", _prefetch(settings)
    yield "hits", f"{counts.hits:,}"
    yield "misses", f"{counts.misses:,}"
    yield "hit rate", f"{counts.hit_rate:.1%}"
    yield "evictions", f"{counts.evictions:,}"
    yield "prefetches", f"{counts.prefetches:,}"
    yield "bytes loaded", format_size(counts.bytes_loaded)
    yield "most in memory", format_size(counts.most_used)


def _prefetch(settings: Settings) -> str:
    if settings.ahead in ("inline", "background"):
        return f"{settings.ahead} {settings.count}"
    return {"recorded": "as recorded", None: ""}.get(settings.ahead, "off")
