"""JSON read piece by piece gives what it gives in one piece, wherever that is cut; and little of it is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload import json_stream
from apbundle.payload.byterange import ByteRange
from apbundle.payload.json_stream import JsonStream
from apbundle.payload.tensors import PayloadError
from support.payloads import Strict

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=10,
)


@contextmanager
def small_pieces() -> Iterator[None]:
    """Pieces so small that most values are cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_PIECE", 7)
        patch.setattr(json_stream, "LONGEST_VALUE", 60)
        yield


def stream_of(text: bytes, before: bytes = b"") -> JsonStream:
    content = before + text + b"after"
    return JsonStream(ByteRange(b"", len(content), Strict(content)), len(before), len(text), "text")


def members(text: bytes) -> list[tuple[str, Any]]:
    stream = stream_of(text, b"before")
    found = [(key, stream.value()) for key in stream.members()]
    stream.finish()
    return found


@given(document=st.dictionaries(st.text(max_size=5), values, max_size=5), indent=st.sampled_from([None, 1]))
def test_an_object_as_a_whole_and_in_pieces(document: dict[str, Any], indent: int | None):
    for ascii_only in (True, False):
        text = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
        assert members(text) == list(document.items())


@given(st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(0, 10**9), max_size=20))
def test_pieces_cut_anywhere(document: dict[str, Any]):
    with small_pieces():
        assert members(json.dumps(document, ensure_ascii=False).encode()) == list(document.items())


def test_lists_and_long_strings_in_pieces():
    text = json.dumps([list(range(5)), "é" * 5000, {"a": 1}], ensure_ascii=False).encode()
    with small_pieces():
        stream = stream_of(text)
        found = [stream.string() for _ in stream.items()]
        stream.finish()
        assert found == [[0, 1, 2, 3, 4], "é" * 5000, {"a": 1}]
        stream = stream_of(text)
        with pytest.raises(PayloadError, match="or a value takes more than"):
            found = [stream.value() for _ in stream.items()]


@pytest.mark.parametrize(
    "text", [b"", b" ", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'{"a":1,}', b"{,}", b"[1]"]
)
def test_what_is_no_object(text: bytes):
    with pytest.raises(PayloadError):
        members(text)
    with pytest.raises(PayloadError):
        members(text + b"}x" if text.startswith(b"{") else text + b"x")


def test_errors_tell_the_byte():
    for text, place in ((b'{"\xc3\xa9":tru}', 6), (b'{"\xc3\xa9": 1 x', 9), (b'{"a":1}  x', 9), (b'{"a":"\xff"}', 6)):
        with pytest.raises(PayloadError) as caught:
            members(text)
        assert caught.value.offset == len(b"before") + place


def test_the_text_is_not_kept():
    count = 60_000
    text = b"{" + b",".join(b'"%d":[%d,%d]' % (n, n, n) for n in range(count)) + b"}"
    stream = stream_of(text)
    longest = 0
    for number, key in enumerate(stream.members()):
        assert stream.value() == [int(key)] * 2 == [number] * 2
        longest = max(longest, len(stream._text))
    assert longest < 400_000 < len(text)


def test_what_is_not_utf_8_is_never_passed_over():
    text = json.dumps({"a": "x" * 100 + "y" * 100, "b": 1}).encode().replace(b"yyy", b"\xff\xff\xff", 1)
    with small_pieces():
        stream = stream_of(text)
        assert next(stream.members()) == "a"
        for _ in range(3):
            with pytest.raises(PayloadError, match="not UTF-8"):
                stream.string()
