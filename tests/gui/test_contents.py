"""What the models of a bundle hold, read in the background."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder, ModelBundle
from apbundle.errors import BundleError
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.session import OpenBundle


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Three models with tensors and one without; the second is compressed."""
    builder = BundleBuilder(tmp_path / "models.apbundle")
    builder.add_model("first", {"a": np.zeros((2, 3), np.float32), "b": np.ones(5, np.int8)})
    builder.add_model("packed", {"c": np.zeros(100_000, np.float32)}, compress=True)
    builder.add_model("text", b"no tensors here")
    builder.add_model("last", {f"t{i}": np.full(i + 1, i, np.uint8) for i in range(9)})
    with builder.build() as bundle:
        return bundle.path or ""


@pytest.fixture
def inspection(path: str, services: Services) -> Iterator[Inspection]:
    with ModelBundle.load(path, mapped=False) as bundle:
        inspection = Inspection(services, OpenBundle(path, bundle))
        yield inspection
        inspection.close()


def test_nothing_is_read_until_it_is_wanted(inspection: Inspection) -> None:
    assert inspection.contents.count == 0
    assert not inspection.contents.busy
    assert inspection.contents.of(0) is None


def test_a_wanted_model_is_read_alone(qtbot: QtBot, inspection: Inspection) -> None:
    contents = inspection.contents
    contents.want(3)
    qtbot.waitUntil(lambda: contents.of(3) is not None and not contents.busy)
    found = contents.of(3)
    assert found is not None
    assert [info.name for info in found.tensors] == [f"t{i}" for i in range(9)]
    assert contents.of(0) is None
    assert not contents.complete


def test_all_rows_stand_in_the_order_of_the_models_in_the_end(qtbot: QtBot, inspection: Inspection) -> None:
    contents = inspection.contents
    contents.want(3)
    qtbot.waitUntil(lambda: not contents.busy)
    with qtbot.waitSignal(contents.reordered):
        contents.want_all()
    assert contents.complete
    assert [group.model for group in contents.groups] == [0, 1, 3]
    assert contents.count == 12
    rows = [contents.at(row) for row in range(contents.count)]
    assert rows == [(0, 0), (0, 1), (1, 0), *((3, i) for i in range(9))]
    assert [contents.row_of(*row) for row in rows] == list(range(12))
    assert contents.row_of(2, 0) == -1
    assert contents.info(2).name == "c"


def test_a_byte_of_the_file_belongs_to_a_tensor(qtbot: QtBot, inspection: Inspection) -> None:
    inspection.contents.want_all()
    qtbot.waitUntil(lambda: inspection.contents.complete)
    for tensor in range(9):
        span = inspection.span_of(3, tensor)
        assert span is not None
        assert span[1] == tensor + 1
        assert inspection.model_at(span[0]) == 3
        assert inspection.tensor_at(3, span[0]) == tensor
        assert inspection.reader.file.read(*span) == bytes([tensor]) * (tensor + 1)
    whole = inspection.span_of(3)
    assert whole is not None
    assert inspection.tensor_at(3, whole[0]) is None  # the header
    assert inspection.span_of(1, 0) is None
    assert inspection.tensor_at(1, whole[0]) is None


def test_of_a_file_that_was_cut_short_it_is_said_once(
    qtbot: QtBot, path: str, services: Services, inspection: Inspection, caplog: pytest.LogCaptureFixture
) -> None:
    qtbot.waitUntil(lambda: inspection.formats.complete)
    os.truncate(path, 100)
    for model in range(4):
        inspection.contents.want(model)
        qtbot.waitUntil(lambda: not inspection.contents.busy)
        error = inspection.contents.error(model)
        assert isinstance(error, BundleError)
        assert error.code == "changed_on_disk"
    assert len(services.messages.kept) == 1
    caplog.get_records("call").clear()
