"""What is in a payload of any known format: its tensors, its metadata, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apbundle.payload.apr.layouts import apr_layout
from apbundle.payload.apr.others import scan_apr_compressed, scan_apr_json, scan_apr_tsp, scan_apr_whisper
from apbundle.payload.apr.v1 import scan_apr_v1
from apbundle.payload.apr.v2 import scan_apr_v2
from apbundle.payload.byterange import ByteRange
from apbundle.payload.detect import detect_format
from apbundle.payload.gguf import scan_gguf
from apbundle.payload.npy import scan_npy, scan_npz
from apbundle.payload.onnx.model import scan_onnx
from apbundle.payload.pickles.plain import scan_pickle
from apbundle.payload.pytorch.files import scan_pytorch
from apbundle.payload.safetensors_header import scan_header
from apbundle.payload.sink import Sink, Value
from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import PayloadError, PayloadFinding, Read
from apbundle.payload.tflite.model import scan_tflite
from apbundle.progress import Cancel, Progress, Reporter


@dataclass(frozen=True, slots=True)
class Contents:
    """What a payload lists, as far as it is sound."""

    format: str
    """As :func:`~apbundle.payload.detect.detect_format` names it."""
    layout: str
    """The same, but for ``"apr"``: as :func:`~apbundle.payload.detect.detect_layout`."""
    tensors: TensorTable
    """In the order the payload lists them."""
    metadata: tuple[tuple[str, Value], ...]
    """What its author wrote into it, in order; a key may come twice."""
    facts: tuple[tuple[str, Value], ...]
    """What its header says of itself: version, alignment, checksums."""
    findings: tuple[PayloadFinding, ...]
    """What is wrong or unusual, in the order it was met."""
    complete: bool
    """Whether everything was read; if not, the last finding says why."""

    @property
    def lists_tensors(self) -> bool:
        """Whether the format is one whose tensors are listed here."""
        return self.layout in _SCANNERS and self.layout not in _WITHOUT_TENSORS


def read_contents(
    size: int,
    read: Read,
    *,
    head: bytes = b"",
    detected: str | None = None,
    table: TensorTable | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Contents:
    """List the tensors and metadata of a payload; none of it is run, and no tensor data is read.

    Whatever the content, this takes bounded time and memory and ends with findings, not with an exception.

    Parameters
    ----------
    size
        Bytes of the payload.
    read
        ``read(offset, size)`` gives exactly those bytes; never asked outside the payload. What it raises is passed on.
    head
        The first bytes of the payload, where they are known.
    detected
        What :func:`~apbundle.payload.detect.detect_format` said, if it was asked.
    table
        The table to fill, for a caller that shows the first tensors while the others are being read.
    progress, cancel
        Told and asked now and then.

    Raises
    ------
    Cancelled
        When ``cancel`` says so.
    """
    data = ByteRange(head, size, read)
    name = detect_format(head, size, read) if detected is None else detected
    layout = apr_layout(data) if name == "apr" else name
    sink = Sink(TensorTable() if table is None else table, Reporter(progress, cancel))
    scan = _SCANNERS.get(layout)
    complete = True
    try:
        if scan is not None:
            scan(data, sink)
    except PayloadError as error:
        complete = False
        sink.fail(error)
    finally:
        sink.tensors.publish()
    return Contents(
        name, layout, sink.tensors, tuple(sink.pairs), tuple(sink.facts), tuple(sink.findings), complete=complete
    )


def _scan_named(data: ByteRange, sink: Sink) -> None:
    """Of these formats the name is all that is told."""
    sink.fact("tensors", "not listed for this format")


def _scan_safetensors(data: ByteRange, sink: Sink) -> None:
    sink.fact("data offset", scan_header(data, sink.tensors, sink.metadata, sink.reporter))


_NAMED = ("apbundle", "coreml", "hdf5", "json", "keras", "savedmodel", "zip", "zstd")
_SCANNERS: dict[str, Callable[[ByteRange, Sink], None]] = {
    **dict.fromkeys(_NAMED, _scan_named),
    "apr-compressed": scan_apr_compressed,
    "apr-json": scan_apr_json,
    "apr-tsp": scan_apr_tsp,
    "apr-v1": scan_apr_v1,
    "apr-v2": scan_apr_v2,
    "apr-whisper": scan_apr_whisper,
    "gguf": scan_gguf,
    "npy": scan_npy,
    "npz": scan_npz,
    "onnx": scan_onnx,
    "pickle": scan_pickle,
    "pytorch": scan_pytorch,
    "safetensors": _scan_safetensors,
    "tflite": scan_tflite,
}

_WITHOUT_TENSORS = frozenset({*_NAMED, "apr-compressed", "apr-tsp", "apr-v1", "apr-whisper"})
