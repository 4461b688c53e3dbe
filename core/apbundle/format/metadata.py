"""The metadata section: JSON from strangers in, compact and reproducible JSON out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Mapping
from itertools import accumulate
from typing import Any, NoReturn

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import ModelMetadata

# Possessive, and an unclosed string runs to the end: each byte is looked at once, whatever a hostile text holds.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+\\?(?:"|\Z)', re.DOTALL)
_STEP = dict(zip(b"[{]}", (1, 1, -1, -1), strict=True))
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEP)

_MODEL_FIELDS: Mapping[str, Any] = {
    "version": "",
    "architecture": "",
    "hyperparameters": {},
    "custom": {},
    "components": [],
    "format": "",
}


class MetadataFault(Exception):
    """Why a metadata section cannot be used; ``code`` is ``bad_metadata`` or ``limit_exceeded``."""

    def __init__(self, message: str, code: str = "bad_metadata") -> None:
        super().__init__(message)
        self.code = code


def parse_metadata(
    payload: bytes, names: Container[str]
) -> tuple[dict[str, str], dict[str, ModelMetadata], dict[str, Any]]:
    """The bundle's own metadata, that of its models by name, and unknown keys of the document.

    ``names`` are the models there are. Raises :class:`MetadataFault`.
    """
    if len(payload) > layout.MAX_METADATA:
        message = f"The metadata has {len(payload)} bytes; the limit is {layout.MAX_METADATA}."
        raise MetadataFault(message, "limit_exceeded")
    if _nests_too_deep(payload):
        message = f"The metadata nests deeper than {layout.MAX_METADATA_DEPTH} levels."
        raise MetadataFault(message, "limit_exceeded")
    try:
        document = json.loads(payload.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # what cannot be written again is refused
        bundle, models, extra = _split(document, {"bundle": {}, "models": {}})
        for key, value in bundle.items():
            if not isinstance(value, str):
                raise TypeError(f"{key!r} of the bundle must be a string")
        parsed = {}
        for name, fields in models.items():
            if name not in names:
                raise ValueError(f"it describes a model {name!r} that is not there")
            parsed[name] = ModelMetadata(*_split(fields, _MODEL_FIELDS))
    except (ValueError, TypeError, RecursionError) as error:
        raise MetadataFault(f"The metadata cannot be used: {error}.") from error
    return bundle, parsed, extra


def pack_metadata(bundle: Mapping[str, str], models: Mapping[str, dict[str, Any]], extra: Mapping[str, Any]) -> bytes:
    """The section's payload: ``models`` in the order given, all other keys sorted; empty when nothing is given.

    Raises
    ------
    LimitExceeded
        The JSON is above what a reader accepts, in bytes or in depth.
    """
    document = dict(extra)
    if bundle:
        document["bundle"] = _sorted(dict(bundle))
    described = {name: _sorted(fields) for name, fields in models.items() if fields}
    if described:
        document["models"] = described
    if not document:
        return b""
    ordered = {key: value if key == "models" else _sorted(value) for key, value in sorted(document.items())}
    payload = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(payload) > layout.MAX_METADATA or _nests_too_deep(payload):
        raise bundle_error(
            "limit_exceeded",
            f"The metadata takes {len(payload)} bytes of JSON; readers accept {layout.MAX_METADATA}, 32 levels deep.",
            hint="Keep large tables in a model of their own.",
        )
    return payload


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _nests_too_deep(payload: bytes) -> bool:
    """Whether brackets nest too deep outside strings, found without parsing: a parser would recurse that deep."""
    brackets = _STRING.sub(b"", payload).translate(None, _NO_BRACKETS)
    return any(depth > layout.MAX_METADATA_DEPTH for depth in accumulate(map(_STEP.__getitem__, brackets)))


def _split(document: Any, defaults: Mapping[str, Any]) -> list[Any]:
    """The values of the keys in ``defaults``, each of its default's type, then the remaining items as a dict."""
    if not isinstance(document, dict):
        raise TypeError(f"an object was expected, not {type(document).__name__}")
    values = []
    for key, default in defaults.items():
        value = document.get(key, default)
        if type(value) is not type(default):
            raise TypeError(f"{key} must be {type(default).__name__}, not {type(value).__name__}")
        values.append(value)
    return [*values, {key: value for key, value in document.items() if key not in defaults}]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return result


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")
