"""Recordings of paged bundles: the units they list are those that the events are about, whatever the granularity."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apbundle import ModelBundle
from apbundle.cli import main
from apbundle.errors import BundleError
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.accesses import read_accesses
from apbundle.trace.compare import compare
from apbundle.trace.curve import read_curve
from apbundle.trace.explain import explain
from apbundle.trace.limits import Limits
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind, RecordingHeader
from apbundle.trace.sentences import sentence
from apbundle.trace.stories import Miss, Remark
from apbundle.trace.summarize import summarize
from support import forge
from support.children import run_forked
from support.components import ARRAYS, CHUNK, MIB, PAYLOADS, pack_components

GRANULARITIES = ["model", "component", "page"]
Events = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_components(tmp_path_factory.mktemp("components") / "components.apbundle")


def config(granularity: str, max_memory: int = 64 * MIB, **settings: Any) -> PagingConfig:
    return PagingConfig(**{"max_memory": max_memory, "granularity": granularity, "prefetch": False, **settings})


def recorded(path: Path) -> tuple[RecordingHeader, Events]:
    """What is in a recording that is complete."""
    with RecordingReader.open(path) as reader:
        events = reader.poll()
        assert reader.status == "ended"
        return reader.header, events


@pytest.mark.parametrize("max_memory", [64 * MIB, 9000])
@pytest.mark.parametrize("granularity", GRANULARITIES)
def test_every_unit_is_listed(path: Path, tmp_path: Path, granularity: str, max_memory: int) -> None:
    """Each event has the size, and the model, that the header says its unit has."""
    target = tmp_path / "run.aptrace"
    with PagedBundle(path, config(granularity, max_memory, page_size=2000), record=target) as paged:
        accesses = []
        for model in reversed(PAYLOADS):
            before = paged.stats()
            for component in ARRAYS.get(model, {}):
                paged.get_component(model, component)
            for _ in paged.iter_pages(model):
                pass
            after = paged.stats()
            accesses += [list(PAYLOADS).index(model)] * (after.hits + after.misses - before.hits - before.misses)
        stats, count = paged.stats(), paged._components.engine.models.count  # type: ignore[union-attr]
    header, events = recorded(target)
    units = header.units
    assert len(units) == count
    assert units.models == len(PAYLOADS)
    assert (events["unit"][events["kind"] != Kind.CLEAR] < len(units)).all()
    assert not (events["kind"] == Kind.RESIZE).any()
    loads = events[events["kind"] == Kind.MISS]
    assert len(loads) == stats.misses
    assert np.array_equal(units.sizes[loads["unit"]], loads["bytes"])
    seen = events[np.isin(events["kind"], (Kind.HIT, Kind.MISS))]
    assert units.models_of(seen["unit"]).tolist() == accesses
    assert header.config["granularity"] == granularity
    assert header.config["page_size"] == 2000


def test_names_of_components(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.aptrace"
    with PagedBundle(path, config("component"), record=target) as paged:
        paged.get_component("mixed", "matrix")
        paged.get_component("large", "bias")
        paged.read("mixed", 0, 1)
        paged.read("compressed", CHUNK, 1)
        paged.read("raw", 0, 1)
        paged.get_model("raw")
    header, events = recorded(target)
    names = [header.units.name(unit) for unit in events["unit"] if unit != NONE]
    assert names == ["mixed/matrix", "large/bias", "mixed/[0:456]", "compressed[1]", "raw[0]", "raw"]


def test_models_that_fit_are_not_listed_in_pieces(path: Path, tmp_path: Path) -> None:
    for limit, pieces in ((64 * MIB, 0), (4 * MIB, 3)):
        target = tmp_path / f"{limit}.aptrace"
        PagedBundle(path, config("model", limit), record=target).close()
        header, _ = recorded(target)
        assert len(header.units) == len(PAYLOADS) + pieces


def test_pieces_that_only_a_later_limit_brings_about(path: Path, tmp_path: Path) -> None:
    """They are announced before they are named, and every tool counts what happens to them."""
    target = tmp_path / "run.aptrace"
    names = {"model": ("mixed", "large", "compressed"), "component": ("large", "raw")}
    for granularity, models in names.items():
        settings = config(granularity, source="read")
        with PagedBundle(path, settings, record=target) as paged:
            paged.read(models[0], 0, 1)
            for limit in (4 * MIB, 1 * MIB, 64 * MIB):
                paged.resize(limit)
                for model in (*models, *reversed(models)):
                    for _ in paged.iter_pages(model):
                        pass
            stats, count = paged.stats(), paged._components.engine.models.count  # type: ignore[union-attr]
        header, events = recorded(target)
        assert len(header.units) < count
        assert np.isin(events["unit"][events["unit"] != NONE], np.arange(count)).all()
        assert stats.hits
        assert stats.evictions
        with RecordingReader.open(target) as reader:
            assert len(reader.units) == count
            assert np.array_equal(reader.read(0), events)
            loads = events[events["kind"] == Kind.MISS]
            assert np.array_equal(reader.units.sizes[loads["unit"]], loads["bytes"])
            assert loads["bytes"].sum() == stats.bytes_loaded
            assert read_curve(reader).accesses == stats.hits + stats.misses
            assert read_curve(reader).in_force == Limits(64 * MIB, 64 * MIB, MIB, 64 * MIB, 3)
            accesses = read_accesses(reader)
            assert compare(accesses, [64 * MIB], ["lru"]).accesses == stats.hits + stats.misses
            assert compare(accesses, [1 << 40], ["lru"]).rows[0].outcome.misses == len({*accesses.units.tolist()})
            summary = summarize(reader)
            assert (summary.hits, sum(summary.evictions.values())) == (stats.hits, stats.evictions)
            assert sum(cost.misses for cost in summary.misses.values()) == stats.misses
            stories = explain(reader, hits=True)
            assert Counter(type(story) for story in stories)[Miss] == stats.misses
            told = [sentence(story, reader.units.names) for story in stories if isinstance(story, Remark)]
            assert any(line.startswith("`large` is read in pieces of") for line in told)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            assert main(["replay", str(target), "--json"]) == 0
        replayed = json.loads(output.getvalue())
        for counter in ("hits", "misses", "bytes_loaded"):
            assert replayed["recorded"][counter] == getattr(stats, counter)
        assert replayed["recorded"]["evictions"] == stats.evictions
        assert replayed["replayed"]["hits"] + replayed["replayed"]["misses"] == stats.hits + stats.misses


def test_pins_are_recorded(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.aptrace"
    with PagedBundle(path, config("component"), record=target) as paged, paged.pinned("mixed", "matrix"):
        pass
    header, events = recorded(target)
    assert events["kind"].tolist() == [Kind.MISS, Kind.PIN, Kind.PIN, Kind.CLEAR]
    assert {header.units.name(unit) for unit in events["unit"][:3]} == {"mixed/matrix"}


def test_more_units_than_a_recording_takes(tmp_path: Path) -> None:
    path = tmp_path / "sparse.apbundle"
    with path.open("wb") as file:
        entries = [forge.entry("huge", 1 << 36, 0)]
        manifest = forge.manifest(entries)
        file.write(forge.header(len(manifest)) + manifest)
        file.truncate(20 + len(manifest) + (1 << 36))
    with pytest.warns(RuntimeWarning, match="Not recording"):
        paged = PagedBundle(path, config("page", page_size=512), record=tmp_path / "run.aptrace")
    with paged:
        assert paged.recording is None
        assert paged.read("huge", 1 << 35, 5) == bytes(5)


def test_recorded_by_the_environment(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process writes a file of its own: forked children and whoever unpickles the bundle, too."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("APBUNDLE_RECORD", str(folder))
    program = "import pickle, sys; pickle.load(sys.stdin.buffer).get_component('mixed', 'last')"
    with PagedBundle(path, config("component")) as paged:
        assert paged.recording is not None
        assert Path(paged.recording).parent == folder
        paged.get_component("mixed", "matrix")

        def child() -> None:
            paged.get_component("mixed", "odd")
            assert paged.recording is not None
            paged.close()

        assert run_forked(child) == 0
        subprocess.run([sys.executable, "-c", program], input=pickle.dumps(paged), check=True)
    monkeypatch.delenv("APBUNDLE_RECORD")
    seen = {}
    for file in folder.iterdir():
        header, events = recorded(file)
        seen[header.units.name(int(events["unit"][0]))] = header.pid
    assert seen.keys() == {"mixed/matrix", "mixed/odd", "mixed/last"}
    assert len({*seen.values(), os.getpid()}) == 3


def test_a_given_path_is_the_parents_alone(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APBUNDLE_RECORD", str(tmp_path / "runs"))
    with PagedBundle(path, config("model"), record=tmp_path / "run.aptrace") as paged:
        assert paged.recording == str(tmp_path / "run.aptrace")

        def child() -> None:
            paged.get_model("raw")
            assert paged.recording is None

        assert run_forked(child) == 0
    assert not (tmp_path / "runs").exists()


def test_a_header_that_cannot_be_read_stops_nothing(path: Path, tmp_path: Path) -> None:
    """For components, all models are listed when recording begins: a damaged one costs the recording, no more."""
    data = bytearray(path.read_bytes())
    with ModelBundle.load(path) as bundle:
        entry = bundle.entry("compressed")
        begin = bundle.data_offset + entry.offset
    data[begin : begin + 50] = bytes(50)
    broken = tmp_path / "broken.apbundle"
    broken.write_bytes(data)
    with PagedBundle(broken, config("component"), record=tmp_path / "run.aptrace") as paged:
        assert paged.recording is not None, "a compressed model is paged by chunk: its header need not be read"
        with pytest.raises(BundleError) as caught:
            paged.components("compressed")
        assert caught.value.code == "decompression_failed"
        assert caught.value.path == str(broken)
        paged.get_component("mixed", "matrix")
