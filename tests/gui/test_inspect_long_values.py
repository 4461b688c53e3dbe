"""Vocabularies and other long lists of metadata: folded in the table, read as a whole when they are asked for."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from apbundle.errors import BundleError, Cancelled
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import read_contents
from apbundle.payload.sink import Folded
from apbundle_gui.pages.inspect.metadata_tab import MetadataTab
from apbundle_gui.services import Services
from apbundle_gui.services.long_values import LINE, LongValue, can_unfold, read_long_value
from support.flatbuffers import Number, Vector, tflite, tflite_tensor
from support.inspecting import InspectBench
from support.payloads import apr_json, gguf_pair, gguf_payload, gguf_tensor, gguf_text
from support.tensors import bundle

WORDS = [f"word {number}" for number in range(3000)]
WORDS[5] = "<img src='/etc'>\u202e"


def payload() -> bytes:
    texts = struct.pack("<IQ", 8, len(WORDS)) + b"".join(gguf_text(word.encode()) for word in WORDS)
    scores = struct.pack("<IQ3000f", 6, 3000, *range(3000))
    pairs = [gguf_pair(b"words", 9, texts), gguf_pair(b"scores", 9, scores), gguf_pair(b"plain", 8, gguf_text(b"x"))]
    return gguf_payload(pairs, [gguf_tensor(b"t", [1], 0, 0)], bytes(4))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return bundle(tmp_path / "b.apbundle", {"model": payload()})


@pytest.fixture
def bench(qtbot: QtBot, services: Services, path: Path) -> InspectBench:
    bench = InspectBench(qtbot, services)
    bench.open(path)
    bench.page.tabs.show_tab(bench.page.metadata_tab)
    bench.settle()
    return bench


def choose(bench: InspectBench, query: str) -> MetadataTab:
    tab = bench.page.metadata_tab
    bench.search(query)
    bench.settle()
    assert tab.table.rowCount() == 1
    tab.view.setCurrentIndex(tab.table.index(0, 0))
    return tab


def test_a_vocabulary_is_shown_and_copied_as_a_whole(bench: InspectBench) -> None:
    tab = choose(bench, "gguf.words")
    assert "3,000 × string" in tab.panel._value.toPlainText()
    bench.click(tab.panel.unfold)
    bench.settle()
    shown = tab.panel.list
    assert shown.rowCount() == 3000
    assert shown.index(2999, 1).data() == "word 2999"
    assert "\u202e" not in shown.index(5, 1).data()
    assert not tab.panel._value.isVisible()
    bench.click(tab.panel._copy)
    assert QGuiApplication.clipboard().text().split("\n") == WORDS
    tab = choose(bench, "gguf.scores")
    assert (tab.panel.list.rowCount(), tab.panel.unfold.isVisible()) == (0, True)
    bench.click(tab.panel.unfold)
    choose(bench, "gguf.plain")
    bench.settle()
    assert (tab.panel.list.rowCount(), tab.panel.unfold.isVisible()) == (0, False)
    assert tab.panel._value.toPlainText() == "x"


def unfolded(path: Path, key: str) -> LongValue:
    with BundleReader.open(path) as reader:
        found = read_contents(reader.entry("model").raw_size, lambda at, size: reader.read_range("model", at, size))
        value = dict(found.metadata)[key]
        assert isinstance(value, Folded)
        assert can_unfold(found, value)
        return read_long_value(reader, "model", value, lambda *_: None, lambda: False)


LONG = "ä\n" * 3 + "é" * 300_000 + "\n\nend"


def test_long_texts_come_in_lines_and_are_copied_as_they_are(tmp_path: Path) -> None:
    text = struct.pack("<Q", len(LONG.encode())) + LONG.encode()
    header = json.dumps({"__metadata__": {"text": LONG}}).encode()
    payloads = gguf_payload([gguf_pair(b"text", 8, text)], []), struct.pack("<Q", len(header)) + header
    for number, payload in enumerate(payloads):
        found = unfolded(bundle(tmp_path / f"{number}.apbundle", {"model": payload}), "text")
        assert (found.whole, found.noun) == (LONG, "line")
        assert found.parts[:4] == ["ä", "ä", "ä", "é" * LINE]
        assert found.parts[-2:] == ["", "end"]


def test_lists_and_objects_of_json(tmp_path: Path) -> None:
    words = [f"word {number}" for number in range(20_000)]
    facts = {"words": words, "counts": {word: len(word) for word in words}}
    path = bundle(tmp_path / "b.apbundle", {"model": apr_json([], facts)})
    assert unfolded(path, "words").parts == words
    assert unfolded(path, "counts").parts == [f"{word}: {len(word)}" for word in words]


def test_bytes_and_numbers_of_tflite(tmp_path: Path) -> None:
    weight = tflite_tensor("w", 9, [2, 2], 1, {4: {2: Vector("f", [0.5, 0.25]), 3: Vector("q", [0, -3])}})
    notes = {6: [{0: "blob", 1: Number("I", 2)}]}
    payload = tflite([{0: [weight]}], [{}, {0: b"1234"}, {0: b"A\0" * 20}], notes)
    path = bundle(tmp_path / "b.apbundle", {"model": payload})
    assert unfolded(path, "blob").parts[0] == "41 00 " * 8 + " " + "A·" * 8
    assert len(unfolded(path, "blob").parts) == 3
    assert unfolded(path, "w scale").parts == ["0.5", "0.25"]
    assert unfolded(path, "w zero point").parts == ["0", "-3"]


def test_elements_are_read_until_cancelled_or_found_damaged(path: Path) -> None:
    with BundleReader.open(path) as reader:
        found = read_contents(reader.entry("model").raw_size, lambda at, size: reader.read_range("model", at, size))
        words = dict(found.metadata)["words"]
        assert isinstance(words, Folded)
        assert read_long_value(reader, "model", words, lambda *_: None, lambda: False).parts == WORDS
        with pytest.raises(Cancelled):
            read_long_value(reader, "model", words, lambda *_: None, lambda: True)
        assert words.offset is not None
        elsewhere = Folded("string", 3000, (), words.offset + 1, words.size)
        with pytest.raises(BundleError, match="ends early"):
            read_long_value(reader, "model", elsewhere, lambda *_: None, lambda: False)
