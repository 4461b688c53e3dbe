"""Comparing bundles, and models of one or two: what is stored first, and numbers only where the bytes differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from apbundle.diff.records import BundleDifference, Change, ModelDifference, Status, TensorDifference
from apbundle.diff.values import Stored, comparable, compare_values
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.detect import HEAD_SIZE
from apbundle.payload.tensors import Read, TensorInfo
from apbundle.progress import Cancel, Progress, Reporter

PIECE: Final = 1 << 22
"""Bytes compared at once."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models that are compared."""

    reader: BundleReader
    name: str

    @property
    def entry(self) -> ModelEntry:
        """What the bundle says of it."""
        return self.reader.readable_entry(self.name)

    @property
    def read(self) -> Read:
        """Its raw bytes, by offset and size."""
        return partial(self.reader.read_range, self.name)

    def contents(self, cancel: Cancel | None) -> Contents:
        """What its payload lists."""
        size = self.entry.raw_size
        return read_contents(size, self.read, head=self.read(0, min(HEAD_SIZE, size)), cancel=cancel)


def diff_bundles(
    before: BundleReader,
    after: BundleReader,
    *,
    values: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BundleDifference:
    """What is another in ``after`` than in ``before``.

    Models are paired by name. Those whose digests are equal are not read. Where they are laid out, how they are
    aligned or compressed, and when a bundle was made makes no difference.

    Parameters
    ----------
    values
        Whether the numbers of tensors are compared that are not the same bytes.

    Raises
    ------
    BundleError, OSError
        A model cannot be read.
    Cancelled
        When ``cancel`` says so.
    """
    reporter = Reporter(progress, cancel)
    shared = [name for name in before.manifest.model_names if name in after.manifest]
    reporter.phase("compare", sum(before.entry(name).raw_size for name in shared))
    models: list[ModelDifference] = []
    equal = 0
    for name in before.manifest.model_names:
        if name not in after.manifest:
            models.append(ModelDifference(name, "removed"))
            continue
        found = diff_models(Side(before, name), Side(after, name), values=values, reporter=reporter)
        if found.status == "equal":
            equal += 1
        else:
            models.append(found)
    models += [ModelDifference(name, "added") for name in after.manifest.model_names if name not in before.manifest]
    return BundleDifference(tuple(_bundle_changes(before, after)), tuple(models), equal)


def diff_models(before: Side, after: Side, *, values: bool = True, reporter: Reporter | None = None) -> ModelDifference:
    """What is another in the model ``after`` than in ``before``; they may have any names. Raises as the above."""
    old, new = before.entry, after.entry
    share = _Share(reporter or Reporter(), old.raw_size)
    differing = _first_difference(before, after, share)
    same = differing is None
    fields = list(_metadata_changes(old.metadata, new.metadata, old.raw_size, new.raw_size))
    tensors: tuple[TensorDifference, ...] = ()
    if differing is not None:
        if old.raw_size != new.raw_size:
            fields.insert(0, Change("size", str(old.raw_size), str(new.raw_size)))
        tensors = tuple(_tensor_differences(before, after, differing, values, share))
    share.finish()
    status: Status = "equal" if same and not fields else "changed"
    return ModelDifference(after.name, status, tuple(fields), tensors, same)


class _Share(Reporter):
    """Tells of the bytes of one model: never of more than there are, and of all once it is done with."""

    def __init__(self, whole: Reporter, size: int) -> None:
        super().__init__(None, whole.cancel)
        self._whole = whole
        self._left = size

    def advance(self, size: int) -> None:
        step = min(size, self._left)
        self._left -= step
        self._whole.advance(step)

    def finish(self) -> None:
        """Count what is left."""
        self.advance(self._left)


def _first_difference(before: Side, after: Side, reporter: Reporter) -> int | None:
    """How many bytes from the first one are known to be the same; ``None`` when all are."""
    old, new = before.entry, after.entry
    if old.raw_size != new.raw_size:
        return 0
    one, other = old.digest, new.digest  # of the bytes as they are stored
    if not (old.compressed or new.compressed) and one and other and one.algorithm == other.algorithm:
        return None if one == other else 0
    for at in range(0, old.raw_size, PIECE):
        reporter.check()
        size = min(PIECE, old.raw_size - at)
        if before.read(at, size) != after.read(at, size):
            return at
        reporter.advance(size)
    return None


def _tensor_differences(
    before: Side, after: Side, differing: int, values: bool, reporter: Reporter
) -> Iterator[TensorDifference]:
    """What differs among the tensors of models that are known to be the same before the byte ``differing``."""

    def cancelled() -> bool:
        reporter.check()
        return False

    old, new = before.contents(cancelled).tensors, after.contents(cancelled).tensors
    seen: set[str] = set()
    for one in old:
        reporter.check()
        if one.name in seen:
            continue
        seen.add(one.name)
        row = new.find(one.name)
        if row is None:
            yield TensorDifference(one.name, "removed", one, None)
            continue
        other = new[row]
        read_already = one.offset == other.offset and one.offset + one.size <= differing
        if _same_kind(one, other) and (read_already or _same_data(one, before.read, other, after.read, reporter)):
            continue
        found = None
        if values and comparable(one, other):
            try:
                found = compare_values(Stored(one, before.read), Stored(other, after.read), reporter)
            except ValueError:  # a damaged listing: the numbers lie outside the payload, or are too few
                found = None
        yield TensorDifference(one.name, "changed", one, other, found)
    for other in new:
        reporter.check()
        if other.name not in seen:
            seen.add(other.name)
            yield TensorDifference(other.name, "added", None, other)


def _same_kind(one: TensorInfo, other: TensorInfo) -> bool:
    return (one.dtype, one.shape, one.block, one.order, one.strides, one.encoding, one.size) == (
        other.dtype,
        other.shape,
        other.block,
        other.order,
        other.strides,
        other.encoding,
        other.size,
    )


def _same_data(one: TensorInfo, read: Read, other: TensorInfo, read_other: Read, reporter: Reporter) -> bool:
    if one.encoding == "external":
        return True  # nothing of it is here
    try:
        for at in range(0, one.size, PIECE):
            size = min(PIECE, one.size - at)
            if read(one.offset + at, size) != read_other(other.offset + at, size):
                return False
            reporter.advance(size)
    except ValueError:  # a damaged listing: it reaches outside the payload
        return False
    return True


def _bundle_changes(before: BundleReader, after: BundleReader) -> Iterator[Change]:
    if before.manifest.description != after.manifest.description:
        yield Change("description", before.manifest.description, after.manifest.description)
    old = {} if before.extension is None else before.extension.bundle_metadata
    new = {} if after.extension is None else after.extension.bundle_metadata
    yield from _mapping_changes("", old, new)
    names, others = before.manifest.model_names, after.manifest.model_names
    if names != others and sorted(names) == sorted(others):
        yield Change("order of models", ", ".join(names[:10]), ", ".join(others[:10]))


def _metadata_changes(old: ModelMetadata, new: ModelMetadata, old_size: int, new_size: int) -> Iterator[Change]:
    yield from _mapping_changes("", _flat(old, old_size), _flat(new, new_size))


def _flat(metadata: ModelMetadata, size: int) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in metadata.stored(size).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": _text(text) for inner, text in value.items()}
        else:
            flat[key] = _text(value)
    return flat


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _mapping_changes(prefix: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    for key in dict.fromkeys((*old, *new)):
        if old.get(key) != new.get(key):
            yield Change(prefix + key, old.get(key), new.get(key))
