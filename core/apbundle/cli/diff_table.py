"""What ``apbundle diff`` found, drawn for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from apbundle.cli.drawing import MOST_ROWS, grid, indented, name, table, tell_rest, text
from apbundle.diff.records import BundleDifference, Change, ModelDifference, TensorDifference, ValueDifference
from apbundle.payload.tensors import TensorInfo
from apbundle.text import plural, printable

_STYLES = {"added": "green", "removed": "red", "changed": "yellow"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_ABSENT = "–"


def difference_tables(before: str, after: str, found: BundleDifference) -> list[RenderableType]:
    """Everything that differs, bundle first, then model by model."""
    where = f"{printable(before)} and {printable(after)}"
    models = plural(found.equal_models, "model")
    if found.equal:
        return [Text.assemble(("equal", "bold green"), f"  {where}: {models}", overflow="fold")]
    counts = [
        f"{number:,} {status}"
        for status in ("changed", "added", "removed")
        if (number := sum(model.status == status for model in found.models))
    ]
    said = f"{where}: {', '.join([*counts, f'{models} equal'])}"
    parts: list[RenderableType] = [Text.assemble(("different", "bold yellow"), f"  {said}", overflow="fold")]
    if found.fields:
        parts += ["", Text("Bundle", "bold"), indented(_changes(found.fields))]
    for model in found.models[:MOST_ROWS]:
        parts += ["", *_model(model)]
    if len(found.models) > MOST_ROWS:
        parts += ["", Text(f"… and {len(found.models) - MOST_ROWS:,} more models; --json lists all", "dim")]
    return parts


def _model(model: ModelDifference) -> list[RenderableType]:
    said: str = model.status
    if model.status == "changed":
        said = "same bytes" if model.same_bytes else "other bytes"
    head = Text.assemble((f"{_SIGNS[model.status]} ", _STYLES[model.status]), name(model.name), (f"  {said}", "dim"))
    parts: list[RenderableType] = [head]
    if model.fields:
        parts.append(indented(_changes(model.fields)))
    if model.tensors:
        parts.append(indented(_tensors(model.tensors)))
    return parts


def _changes(changes: Sequence[Change]) -> Table:
    rows = [(text(change.key), _value(change.before), text("→"), _value(change.after)) for change in changes]
    return grid(rows, "dim", "red", "dim", "green")


def _value(value: str | None) -> Text:
    return text(_ABSENT if value is None else value or '""', limit=200)


def _tensors(tensors: Sequence[TensorDifference]) -> Table:
    drawn = table("Tensor", "Before", "After", ">Differ", ">Largest", ">Mean", ">Cosine")
    for tensor in tensors[:MOST_ROWS]:
        label = Text.assemble((f"{_SIGNS[tensor.status]} ", _STYLES[tensor.status]), name(tensor.name))
        drawn.add_row(label, _info(tensor.before), _info(tensor.after), *_numbers(tensor.values))
    tell_rest(drawn, len(tensors))
    return drawn


def _info(info: TensorInfo | None) -> Text:
    if info is None:
        return text(_ABSENT)
    return text(f"{info.dtype} [{', '.join(map(str, info.shape))}]", limit=80)


def _numbers(values: ValueDifference | None) -> tuple[str, str, str, str]:
    if values is None:
        return "", "", "", ""
    share = values.different / values.elements if values.elements else 0.0
    cosine = _ABSENT if values.cosine is None else f"{values.cosine:.6f}"
    return f"{share:.1%}", f"{values.largest:.3g}", f"{values.mean:.3g}", cosine
