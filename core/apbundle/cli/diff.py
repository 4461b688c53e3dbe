"""``apbundle diff``: what two bundles differ in."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from typing import Any

from apbundle.cli.diff_table import difference_tables
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.working import working
from apbundle.diff.bundles import diff_bundles
from apbundle.diff.records import BundleDifference, Change, ModelDifference, TensorDifference
from apbundle.format.reader import BundleReader
from apbundle.payload.tensors import TensorInfo


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("before", metavar="A", help="the first bundle")
    parser.add_argument("after", metavar="B", help="the second bundle")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--no-values", action="store_true", help="do not compare the numbers of tensors that have other bytes"
    )


def _run(options: Namespace, output: Output) -> int:
    with (
        BundleReader.open(options.before) as before,
        BundleReader.open(options.after) as after,
        working() as (progress, cancel),
    ):
        found = diff_bundles(before, after, values=not options.no_values, progress=progress, cancel=cancel)
    if output.json:
        output.document({"before": options.before, "after": options.after, **_described(found)})
    else:
        output.show(*difference_tables(options.before, options.after, found))
    return 0 if found.equal else 1


def _described(found: BundleDifference) -> dict[str, Any]:
    return {
        "equal": found.equal,
        "equal_models": found.equal_models,
        "fields": [_change(change) for change in found.fields],
        "models": [_model(model) for model in found.models],
    }


def _change(change: Change) -> dict[str, Any]:
    return {"key": change.key, "before": change.before, "after": change.after}


def _model(model: ModelDifference) -> dict[str, Any]:
    return {
        "name": model.name,
        "status": model.status,
        "same_bytes": model.same_bytes,
        "fields": [_change(change) for change in model.fields],
        "tensors": [_tensor(tensor) for tensor in model.tensors],
    }


def _tensor(tensor: TensorDifference) -> dict[str, Any]:
    values = tensor.values
    return {
        "name": tensor.name,
        "status": tensor.status,
        "before": _info(tensor.before),
        "after": _info(tensor.after),
        "values": None
        if values is None
        else {
            "elements": values.elements,
            "different": values.different,
            "largest": values.largest if math.isfinite(values.largest) else None,
            "mean": values.mean if math.isfinite(values.mean) else None,
            "cosine": values.cosine,
        },
    }


def _info(info: TensorInfo | None) -> dict[str, Any] | None:
    return None if info is None else {"dtype": info.dtype, "shape": list(info.shape), "size": info.size}


DIFF = Command(
    "diff",
    "say what two bundles differ in",
    "Compare two bundles: their models, what is said of them, their tensors, and of tensors with other bytes how far\n"
    "the numbers lie apart. Models with equal digests are not read. Where models lie, how they are compressed and\n"
    "when a bundle was made makes no difference. Exits with 0 when nothing differs, with 1 when something does.",
    "diff before.apbundle after.apbundle",
    _operands,
    _options,
    _run,
)
