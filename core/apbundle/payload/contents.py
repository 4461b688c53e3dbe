"""What is in a payload of any known format: its tensors, its metadata, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from apbundle.payload.apr.layouts import apr_layout
from apbundle.payload.byterange import ByteRange
from apbundle.payload.detect import detect_format
from apbundle.payload.sink import Sink, Value
from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import PayloadError, PayloadFinding, Read
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
        return self.layout in SCANNERS and self.layout not in _WITHOUT_TENSORS


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
    complete = True
    try:
        if layout in SCANNERS:
            module, scan = SCANNERS[layout]
            getattr(import_module(f"apbundle.payload.{module}"), scan)(data, sink)
        elif layout in _NAMED:
            sink.fact("tensors", "not listed for this format")
    except PayloadError as error:
        complete = False
        sink.fail(error)
    finally:
        sink.tensors.publish()
    return Contents(
        name, layout, sink.tensors, tuple(sink.pairs), tuple(sink.facts), tuple(sink.findings), complete=complete
    )


SCANNERS: dict[str, tuple[str, str]] = {
    "apr-compressed": ("apr.others", "scan_apr_compressed"),
    "apr-json": ("apr.others", "scan_apr_json"),
    "apr-tsp": ("apr.others", "scan_apr_tsp"),
    "apr-v1": ("apr.v1", "scan_apr_v1"),
    "apr-v2": ("apr.v2", "scan_apr_v2"),
    "apr-whisper": ("apr.others", "scan_apr_whisper"),
    "gguf": ("gguf", "scan_gguf"),
    "npy": ("npy", "scan_npy"),
    "npz": ("npy", "scan_npz"),
    "onnx": ("onnx.model", "scan_onnx"),
    "pickle": ("pickles.plain", "scan_pickle"),
    "pytorch": ("pytorch.files", "scan_pytorch"),
    "safetensors": ("safetensors_header", "scan_safetensors"),
    "tflite": ("tflite.model", "scan_tflite"),
}
"""Layout → the module that reads it and its function of a payload and a sink; loaded when such a payload is met."""

_WITHOUT_TENSORS = frozenset({"apr-compressed", "apr-tsp", "apr-v1", "apr-whisper"})
_NAMED = frozenset({"apbundle", "coreml", "hdf5", "json", "keras", "savedmodel", "zip", "zstd"})
"""Formats of which the name is all that is told."""
