"""Writing models out of a bundle to files of their own, under names that cannot leave the folder."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apbundle.errors import BundleError, Cancelled, bundle_error
from apbundle.fileio import PIECE, OutputFile, write_atomically
from apbundle.format.model import DIGEST_ALGORITHMS, ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.format.scratch import scratch_memory
from apbundle.names import safe_file_names
from apbundle.progress import Cancel, Progress, Reporter


@dataclass(frozen=True, slots=True)
class Extracted:
    """A model that was written: its name, the file's path and its size in raw bytes."""

    name: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class NotExtracted:
    """A model that was not written, and why."""

    name: str
    error: BundleError | OSError


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """What became of each model asked for. Files that were finished stay, whatever happened to others."""

    written: tuple[Extracted, ...]
    failed: tuple[NotExtracted, ...]


def target_names(reader: BundleReader, suffix: Callable[[ModelEntry], str] | None = None) -> dict[str, str]:
    """The file name each model of the bundle is extracted to, by model name.

    Always of all models, so that a model's file name does not depend on what else is extracted. ``suffix`` gives the
    file name's ending for a model, such as ``".safetensors"``.
    """
    entries = list(reader.manifest)
    suffixes = [suffix(entry) if suffix else "" for entry in entries]
    wanted = [
        entry.name if entry.name.lower().endswith(ending) else entry.name + ending
        for entry, ending in zip(entries, suffixes, strict=True)
    ]
    return dict(zip((entry.name for entry in entries), safe_file_names(wanted), strict=True))


def extract_models(
    reader: BundleReader,
    names: Iterable[str] | None,
    directory: str | os.PathLike[str],
    *,
    force: bool = False,
    suffix: Callable[[ModelEntry], str] | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ExtractReport:
    """Write the raw bytes of models to files in ``directory``.

    Each file appears under its name only when it is complete and matches its digest.

    Parameters
    ----------
    names
        Which models; ``None`` for all.
    force
        Overwrite existing files. Links are never followed or replaced.

    Returns
    -------
    ExtractReport
        One model's failure does not stop the others, a full disk does.

    Raises
    ------
    ModelNotFound
        Before anything is written.
    Cancelled
        Files written before stay.
    NotADirectoryError, FileNotFoundError
        ``directory`` is not there; it is not made.
    """
    folder = os.fsdecode(directory)
    if not os.path.isdir(folder):
        raise FileNotFoundError(2, "no such directory", folder)
    chosen = list(reader.manifest) if names is None else [reader.entry(name) for name in dict.fromkeys(names)]
    file_names = target_names(reader, suffix)
    reporter = Reporter(progress, cancel)
    reporter.phase("extract", sum(entry.raw_size for entry in chosen))
    written: list[Extracted] = []
    failed: list[NotExtracted] = []
    for entry in chosen:
        path = os.path.join(folder, file_names[entry.name])
        try:
            written.append(_extract_one(reader, entry, path, force, reporter))
        except Cancelled as error:
            error.hint = f"{len(written)} of {len(chosen)} files were written and stay."
            raise
        except (BundleError, OSError) as error:
            failed.append(NotExtracted(entry.name, error))
            if isinstance(error, BundleError) and error.code == "disk_full":
                break
    return ExtractReport(tuple(written), tuple(failed))


def _extract_one(reader: BundleReader, entry: ModelEntry, path: str, force: bool, reporter: Reporter) -> Extracted:
    def fill(out: OutputFile) -> None:
        copy_model(reader, entry, out.write_at, reporter)

    final = write_atomically(
        path,
        size=entry.raw_size,
        fill=fill,
        inputs=[reader.path],
        overwrite=force,
        follow_links=False,
        alone=False,
        reporter=Reporter(None, reporter.cancel),
    )
    return Extracted(entry.name, final, entry.raw_size)


def copy_model(
    reader: BundleReader, entry: ModelEntry, write_at: Callable[[int, memoryview], object], reporter: Reporter
) -> None:
    """Give the raw bytes of a model to ``write_at(offset, piece)`` in order, in pieces of at most 4 MiB.

    Raises
    ------
    ChecksumMismatch
        At the end, if the stored bytes do not match the digest: what was written then is damaged.
    ChangedOnDisk, DecompressionError, Cancelled
    """
    reader.readable_entry(entry.name)
    hasher = DIGEST_ALGORITHMS[entry.digest.algorithm].hasher() if entry.digest else None
    with scratch_memory(min(PIECE, max(entry.raw_size, 1))) as scratch:
        for at in range(0, entry.raw_size, PIECE):
            piece = scratch[: min(PIECE, entry.raw_size - at)]
            reader.read_into(entry.name, at, piece)
            if hasher is not None and entry.compression is None:
                hasher.update(piece)
            write_at(at, piece)
            reporter.advance(len(piece))
        if hasher is not None and entry.compression is not None:
            begin = reader.data_offset + entry.offset
            for piece in reader.stored_pieces(begin, begin + entry.size, scratch):
                hasher.update(piece)
    if hasher is None or entry.digest is None:
        return
    if not hmac.compare_digest(hasher.digest().hex(), entry.digest.hex):
        raise bundle_error(
            "checksum_mismatch",
            f"The bytes of the model {entry.name!r} do not match its digest.",
            path=reader.path,
            offset=reader.data_offset + entry.offset,
            hint="The model is damaged and was not written; get the bundle again.",
        )
