"""A draft as lines of JSON, the first for the bundle and one for each row, and back: how it survives a crash.

A recipe would lose where values came from, and names that are not Unicode.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from apbundle.format.model import ModelMetadata
from apbundle.recipe.model import BundledModel
from apbundle_gui.models.build_draft import Draft, Options, Row
from apbundle_gui.models.build_rows import fresh_id
from apbundle_gui.services.details import NO_METADATA, Detail, Group, Origin
from apbundle_gui.services.pacing import Pace

_VERSION: Final = 1


def document_of(draft: Draft, pace: Pace) -> Iterator[bytes]:
    """The lines of a draft."""
    options = draft.options
    yield _line(
        {
            "draft": _VERSION,
            "description": draft.description,
            "output": draft.output,
            "alignment": options.alignment,
            "digest": options.digest,
            "plain": options.plain,
            "metadata": draft.metadata,
            "created_at": draft.created_at,
        }
    )
    for row in draft.rows:
        pace.step()
        yield _line(_row_values(row))


def draft_from(lines: Iterable[bytes], pace: Pace) -> Draft | None:
    """The draft of these lines; ``None`` when they are none."""
    rows = []
    head: dict[str, Any] | None = None
    try:
        for line in lines:
            pace.step()
            values = json.loads(line)
            if head is None:
                head = values
                if values["draft"] != _VERSION:
                    return None
            else:
                rows.append(_row(values))
        if head is None:
            return None
        options = Options(head["alignment"], head["digest"], head["plain"])
        options.config  # noqa: B018  # which refuses what no bundle can have
        metadata = tuple((str(key), str(text)) for key, text in head["metadata"])
        return Draft(tuple(rows), head["description"], head["output"], options, metadata, head["created_at"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode("ascii") + b"\n"


def _row_values(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {"name": row.name, "path": row.path}
    if isinstance(row.source, BundledModel):
        values["model"] = row.source.model
    if not row.enabled:
        values["enabled"] = False
    if row.compress:
        values["compress"] = True
    if row.details:
        values["details"] = [[each.group, each.key, each.text, each.origin] for each in row.details]
    if row.carried != NO_METADATA:
        carried = row.carried
        values["carried"] = {"components": carried.components, "format": carried.format, "extra": carried.extra}
    return values


def _row(values: dict[str, Any]) -> Row:
    path = values["path"]
    source = BundledModel(path, values["model"]) if "model" in values else path
    details = tuple(
        Detail(Group(group), str(key), str(text), Origin(origin))
        for group, key, text, origin in values.get("details", ())
    )
    carried = NO_METADATA
    if "carried" in values:
        kept = values["carried"]
        carried = ModelMetadata(components=tuple(kept["components"]), format=kept["format"], extra=dict(kept["extra"]))
    enabled, compress = bool(values.get("enabled", True)), bool(values.get("compress", False))
    if not isinstance(path, str) or not isinstance(values["name"], str):
        raise TypeError("a row has a name and a path")
    return Row(fresh_id(), values["name"], source, enabled, compress, details, carried)
