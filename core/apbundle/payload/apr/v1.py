"""``.apr`` version 1: a header, MessagePack metadata, and a model of a Rust program, which lists no tensors.

Header, metadata, payload region, an optional signature of 96 bytes, and a checksum follow each other without padding.
"""

from __future__ import annotations

from apbundle.payload.apr.checksum import SIZE as CHECKSUM_SIZE
from apbundle.payload.apr.checksum import check_trailer
from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.msgpack import read_msgpack
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError
from apbundle.payload.tree import add_tree

MAX_METADATA = 1 << 24
"""Longest metadata that is read, in bytes."""

_HEADER_SIZE = 32
_SIGNATURE_SIZE = 96
_KEY_SIZE = 32  # at the end of the signature
_LATEST = 1
_ENCRYPTED, _SIGNED = 1, 2
_FLAGS = ("encrypted", "signed", "streaming", "licensed", "trueno-native", "quantized", "model card")
_COMPRESSIONS = ("none", "Zstandard level 3", "Zstandard level 19", "LZ4")
_MODELS = dict(
    zip(
        (*range(1, 0x0B), 0x10, 0x11, 0x12, 0x20, 0x21, 0x30, 0x40, 0xFF),
        (
            *("linear regression", "logistic regression", "decision tree", "random forest", "gradient boosting"),
            *("k-means", "PCA", "naive Bayes", "k nearest neighbours", "SVM"),
            *("n-gram language model", "TF-IDF", "count vectorizer", "sequential neural network", "neural network"),
            *("content recommender", "mixture of experts", "custom"),
        ),
        strict=True,
    )
)


def scan_apr_v1(data: ByteRange, sink: Sink) -> None:
    """Tell what an ``.apr`` version 1 payload says of itself.

    Raises
    ------
    PayloadError
        Where the header or the metadata cannot be read further.
    """
    cursor = Cursor(data, 4, _HEADER_SIZE, what=".apr header")
    major, minor, model, metadata_size, payload_size, full_size, compression, flags, quality = cursor.numbers(
        "BBHIIIBBB"
    )
    sink.fact("version", f"{major}.{minor}")
    if major > _LATEST:
        raise PayloadError(f".apr version {major}.{minor} with this header is not known", 4)
    sink.fact("model", _MODELS.get(model, f"type {model:#06x}"))
    sink.fact("flags", ", ".join(name for bit, name in enumerate(_FLAGS) if flags >> bit & 1) or "none")
    sink.fact("compression", _named(compression))
    sink.fact("stored bytes", payload_size)
    sink.fact("bytes when decoded", full_size)
    sink.fact("quality", quality or "not validated")
    if model not in _MODELS:
        sink.finding(f"the model is of the unknown type {model:#06x}", 6)
    if compression >= len(_COMPRESSIONS):
        sink.finding(f"the model is compressed in the unknown way {compression}", 20)
    signature_size = _SIGNATURE_SIZE if flags & _SIGNED else 0
    signature = _HEADER_SIZE + metadata_size + payload_size
    if signature + signature_size + CHECKSUM_SIZE != data.size:
        sink.finding(
            f"the header describes {signature + signature_size + CHECKSUM_SIZE:,} bytes, the payload has {data.size:,}",
            8,
        )
    elif signature_size:
        key = data.at(signature + signature_size - _KEY_SIZE, _KEY_SIZE)
        sink.fact("signed with the key", key.hex())
    check_trailer(data, sink)
    if metadata_size > min(MAX_METADATA, data.size - _HEADER_SIZE):
        raise PayloadError(f"the metadata claims {metadata_size:,} bytes", 8)
    add_tree(sink, "", read_msgpack(data.at(_HEADER_SIZE, metadata_size), _HEADER_SIZE), _HEADER_SIZE)


def _named(compression: int) -> str:
    return _COMPRESSIONS[compression] if compression < len(_COMPRESSIONS) else f"method {compression}"
