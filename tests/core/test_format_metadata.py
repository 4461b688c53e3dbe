"""The metadata section: JSON of strangers is data and nothing else, and what we write is the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleError
from apbundle.format import layout
from apbundle.format.metadata import MetadataFault, pack_metadata, parse_metadata
from apbundle.format.model import ModelMetadata
from support.forge import bundle, metadata_section
from support.memory import peak_growth
from support.opened import extension_fault, opened

MIB = 1024 * 1024
NAMES = {"a", "b"}


def fault_code(payload: bytes) -> str | None:
    """What is wrong with ``payload``."""
    try:
        parse_metadata(payload, NAMES)
    except MetadataFault as fault:
        return fault.code
    return None


BAD = {
    "nothing": "",
    "half": '{"models": {',
    "two documents": "{}{}",
    "text after it": "{} x",
    "a byte order mark": "\ufeff{}",
    "a list": "[]",
    "null": "null",
    "a string": '"x"',
    "a number": "1",
    "a comment": "{/**/}",
    "a trailing comma": '{"bundle":{"a":"b",}}',
    "single quotes": "{'bundle':{}}",
    "a bare control character": '{"bundle":{"a":"\x01"}}',
    "NaN": '{"x": NaN}',
    "Infinity": '{"x": Infinity}',
    "-Infinity": '{"x": [-Infinity]}',
    "a number that overflows": '{"x": 1e999}',
    "a number of 5000 digits": '{"x": ' + "9" * 5000 + "}",
    "a key twice": '{"bundle":{}, "bundle":{}}',
    "a key twice, escaped": '{"bundle":{"a":"1","\\u0061":"2"}}',
    "a key twice, deep": '{"models":{"a":{"extra":[{"k":1,"k":1}]}}}',
    "half a surrogate pair": '{"bundle":{"a":"\\ud800"}}',
    "half a surrogate pair in a key": '{"x":{"\\udfff":1}}',
    "bundle as a list": '{"bundle":[]}',
    "bundle of numbers": '{"bundle":{"a":1}}',
    "bundle of null": '{"bundle":{"a":null}}',
    "models as a list": '{"models":[]}',
    "models as null": '{"models":null}',
    "a model as text": '{"models":{"a":"x"}}',
    "a model that is not there": '{"models":{"c":{}}}',
    "version as a number": '{"models":{"a":{"version":1}}}',
    "version as null": '{"models":{"a":{"version":null}}}',
    "architecture as a list": '{"models":{"a":{"architecture":[]}}}',
    "hyperparameters as a list": '{"models":{"a":{"hyperparameters":["x"]}}}',
    "hyperparameters of numbers": '{"models":{"a":{"hyperparameters":{"layers":12}}}}',
    "custom of lists": '{"models":{"a":{"custom":{"x":[]}}}}',
    "components as text": '{"models":{"a":{"components":"abc"}}}',
    "components as an object": '{"models":{"a":{"components":{}}}}',
    "components of numbers": '{"models":{"a":{"components":[1]}}}',
    "format as true": '{"models":{"a":{"format":true}}}',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_metadata(name: str) -> None:
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(BAD[name].encode(), NAMES)
    assert caught.value.code == "bad_metadata"


@pytest.mark.parametrize(
    "payload", [b'{"bundle":{"a":"\xff"}}', b"\xff\xfe{\0}\0", b'{"bundle":{"\xc0\xaf":""}}', b"\0"]
)
def test_metadata_that_is_not_utf8(payload: bytes) -> None:
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(payload, NAMES)
    assert caught.value.code == "bad_metadata"


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """``depth`` levels in all: one is the document's."""
    return '{"x":' + opening * (depth - 1) + closing * (depth - 1) + "}"


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_depth(brackets: str) -> None:
    if brackets == "{}":
        text = nested(32, '{"x":', "}").replace("}", "1}", 1)
        deeper = nested(33, '{"x":', "}").replace("}", "1}", 1)
    else:
        text, deeper = nested(32), nested(33)
    parse_metadata(text.encode(), NAMES)
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(deeper.encode(), NAMES)
    assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize(
    "text",
    [
        nested(200_000),
        "[" * 4_000_000,
        '{"x":' * 700_000,
        '{"a":"' + "\\" * 1_000_000 + '"' + "[" * 1000,
        '{"' + '\\"' * 1_000_000 + '":' + "[" * 100,
        '"' + "[" * 2_000_000 + '"' + "[" * 40,
        "[[" + '"",' * 1_000_000 + "[" * 40,
    ],
)
def test_bombs_of_depth_are_seen_without_parsing_them(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", parsed)
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(text.encode(), NAMES)
    assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize(
    "text",
    [
        '{"bundle":{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}}',
        '{"bundle":{"a":"\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[","b":"\\\\"}}',
        '{"bundle":{"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{":""}}',
        '{"x":[' + "[]," * 1000 + "[]]}",
    ],
)
def test_brackets_in_text_and_side_by_side_are_not_depth(text: str) -> None:
    parse_metadata(text.encode(), NAMES)


def test_size() -> None:
    full = b'{"bundle":{"a":"' + b"x" * (layout.MAX_METADATA - 19) + b'"}}'
    assert len(full) == layout.MAX_METADATA
    bundle_part, _, _ = parse_metadata(full, NAMES)
    assert len(bundle_part["a"]) == layout.MAX_METADATA - 19
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(full + b" ", NAMES)
    assert caught.value.code == "limit_exceeded"
    with pytest.raises(MetadataFault) as caught:
        parse_metadata(b"\xff" * (layout.MAX_METADATA + 1), NAMES)
    assert caught.value.code == "limit_exceeded"


BOMBS = {
    "lists": '{"x":[' + "[]," * 1_398_000 + "[]]}",
    "objects": '{"x":[' + "{}," * 1_398_000 + "{}]}",
    "numbers": '{"x":[' + "1," * 2_090_000 + "1]}",
    "keys": '{"x":{' + ",".join(f'"{i:x}":0' for i in range(380_000)) + "}}",
    "quotes": '{"x":["' + '\\"' * 2_000_000 + '"]}',
    "an open string": '{"x":"' + "\\\\" * 2_000_000,
    "digits": '{"x":[' + ",".join(["9" * 4300] * 900) + "]}",
    "spaces": "{" + " " * 4_000_000 + "}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_of_size_stay_bounded(name: str) -> None:
    payload = BOMBS[name].encode()
    assert len(payload) <= layout.MAX_METADATA
    assert peak_growth(lambda: fault_code(payload)) <= 200 * MIB


def test_a_bomb_in_a_file_leaves_the_models_readable(tmp_path: Path) -> None:
    for text in (nested(200_000), BAD["a number of 5000 digits"], "{" * 100):
        raw = bundle([("a", b"1")], sections=[metadata_section(text)])
        with opened(tmp_path, raw) as reader:
            assert reader.extension_error is not None
            assert reader.read_model("a") == b"1"
    assert extension_fault(tmp_path, bundle([], sections=[metadata_section(nested(33))])) == "limit_exceeded"


def test_hostile_texts_are_only_texts() -> None:
    hostile = ["__class__", "{0.__init__}", "{{7*7}}", "%n%s", "${HOME}", "<script>", "__proto__", "\0", "../../x"]
    document = {"bundle": {text: text for text in hostile}, "models": {"a": {"custom": {t: t for t in hostile}}}}
    document["models"]["a"]["__class__"] = "x"
    found, models, extra = parse_metadata(json.dumps(document).encode(), NAMES)
    assert found == document["bundle"]
    assert models["a"].custom == document["models"]["a"]["custom"]
    assert type(models["a"]) is ModelMetadata
    assert models["a"].extra == {"__class__": "x"}
    assert extra == {}


def test_unknown_keys_are_kept() -> None:
    document: dict[str, Any] = {
        "bundle": {"k": "v"},
        "models": {"a": {"version": "1", "license": ["MIT", 2], "z": None}, "b": {"y": {"deep": [1.5, True]}}},
        "tools": {"made_by": {"name": "other", "n": 10**30}},
    }
    found, models, extra = parse_metadata(json.dumps(document).encode(), NAMES)
    stored = {name: metadata.stored(0) for name, metadata in models.items()}
    assert json.loads(pack_metadata(found, stored, extra)) == document


def test_what_is_written_is_compact_sorted_and_not_escaped() -> None:
    metadata = ModelMetadata(
        "1.0", "mlp", {"z": "1", "a": "2"}, {"ü": "é", "size": "12"}, ("w", "b"), "apr", {"zz": {"b": 1, "a": 2}}
    )
    payload = pack_metadata({"b": "2", "a": "1"}, {"z": metadata.stored(12), "a": {"version": "1"}}, {"aa": [1]})
    assert payload.decode() == (
        '{"aa":[1],"bundle":{"a":"1","b":"2"},"models":{"z":{"architecture":"mlp","components":["w","b"],'
        '"custom":{"ü":"é"},"format":"apr","hyperparameters":{"a":"2","z":"1"},"version":"1.0","zz":{"a":2,"b":1}},'
        '"a":{"version":"1"}}}'
    )


def test_nothing_is_not_written() -> None:
    assert pack_metadata({}, {}, {}) == b""
    assert pack_metadata({}, {"a": {}}, {}) == b""
    assert ModelMetadata().stored(5) == {}
    assert ModelMetadata.fresh(5).stored(5) == {}
    assert ModelMetadata.fresh(5) == ModelMetadata(custom={"size": "5"})
    assert ModelMetadata.fresh(5).stored(6) == {"custom": {"size": "5"}}


def test_what_no_reader_accepts_is_not_written() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = [deep]
    for extra in ({"x": "x" * layout.MAX_METADATA}, {"x": deep}):
        with pytest.raises(BundleError) as caught:
            pack_metadata({}, {}, extra)
        assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 1},
        {"architecture": None},
        {"format": b"x"},
        {"hyperparameters": {"layers": 12}},
        {"hyperparameters": [("a", "b")]},
        {"custom": {1: "x"}},
        {"components": "abc"},
        {"components": [1]},
    ],
)
def test_metadata_is_text(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ModelMetadata(**fields)


def test_metadata_does_not_follow_what_it_was_made_of() -> None:
    given_parts = {"a": "1"}
    made = ModelMetadata(custom=given_parts, components=["x"])  # type: ignore[arg-type]
    given_parts["b"] = "2"
    assert made.custom == {"a": "1"}
    assert made.components == ("x",)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
maps = st.dictionaries(texts, texts, max_size=4)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
KNOWN = {"version", "architecture", "hyperparameters", "custom", "components", "format", "bundle", "models"}
extras = st.dictionaries(texts.filter(lambda text: text not in KNOWN), values, max_size=2)
metadatas = st.builds(ModelMetadata, texts, texts, maps, maps, st.lists(texts, max_size=3), texts, extras)


@given(maps, st.dictionaries(texts, metadatas, max_size=3), extras)
def test_all_metadata_survives(
    bundle_part: dict[str, str], models: dict[str, ModelMetadata], extra: dict[str, Any]
) -> None:
    stored = {name: metadata.stored(-1) for name, metadata in models.items()}
    payload = pack_metadata(bundle_part, stored, extra)
    if not payload:
        return
    found, again, more = parse_metadata(payload, set(models))
    assert found == bundle_part
    assert more == extra
    assert again == {name: metadata for name, metadata in models.items() if stored[name]}
    stored_again = {name: again[name].stored(-1) for name in models if name in again}
    assert pack_metadata(found, stored_again, more) == payload


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode(errors="replace"))))
def test_any_bytes_are_metadata_or_a_fault(payload: bytes) -> None:
    assert fault_code(payload) in (None, "bad_metadata", "limit_exceeded")
