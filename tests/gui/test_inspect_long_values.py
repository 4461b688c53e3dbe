"""Vocabularies and other long lists of metadata: folded in the table, read as a whole when they are asked for."""

from __future__ import annotations

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
from apbundle_gui.services.long_values import read_elements
from support.inspecting import InspectBench
from support.payloads import gguf_pair, gguf_payload, gguf_tensor, gguf_text
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


def test_elements_are_read_until_cancelled_or_found_damaged(path: Path) -> None:
    with BundleReader.open(path) as reader:
        found = read_contents(reader.entry("model").raw_size, lambda at, size: reader.read_range("model", at, size))
        words = dict(found.metadata)["words"]
        assert isinstance(words, Folded)
        assert read_elements(reader, "model", words, lambda *_: None, lambda: False) == WORDS
        with pytest.raises(Cancelled):
            read_elements(reader, "model", words, lambda *_: None, lambda: True)
        assert words.offset is not None
        elsewhere = Folded("string", 3000, (), words.offset + 1, words.size)
        with pytest.raises(BundleError, match="ends early"):
            read_elements(reader, "model", elsewhere, lambda *_: None, lambda: False)
