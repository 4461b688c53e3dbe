"""File names made of model names: one safe component, all distinct, the same on every system."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import apbundle.names
from apbundle.names import (
    MAX_FILE_NAME,
    collision_key,
    has_control_characters,
    safe_file_name,
    safe_file_names,
)
from apbundle.text import is_hazardous

DEVICES = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"} | {
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
}
HOSTILE = [
    *("../../x", "/etc/x", "C:\\x", "\\\\host\\share\\x", "~/x", ".", "..", "...", "", " ", "-", "-rf", ".bashrc"),
    *("CON", "con.txt", "NUL.tar.gz", "COM1", "LPT9.x", "aux ", "COM¹", "nul .txt", "CONIN$", "a.", "a ", "a. .", " a"),
    *("a:b", "a:b:$DATA", 'a"b', "a<b>c", "a|b?c*d", "a\0b", "a\nb", "a\tb", "\x1b[31mred", "a\x7fb", "a\x85b"),
    *("x\u202egpj.exe", "\u2066x\u2069", "a\u200bb", "\ufeffx", "a\u2028b", "\ud800", "\udcff", "\ue000", "\U000e0001"),
    *("e\u0301", "\u0301", "ﬁ", "ß", "İ", "ı", "K", "名" * 100, "n" * 300, "é" * 100 + ".npy", "a." + "b" * 300),
    *("<img src=x>", "=1+1|cmd", "{0.__init__}", "%s%n", "$(x)", "`x`", "a;b", "a&b", "COM1" * 60),
]
names = st.text(max_size=300) | st.sampled_from(HOSTILE) | st.text("aA.-_ eé\u0301:", max_size=6)


def assert_safe(name: str) -> None:
    assert 0 < len(name.encode("utf-8")) <= MAX_FILE_NAME == 200
    assert not re.search(r'[<>:"/\\|?*]', name)
    assert not any(is_hazardous(c) for c in name)
    assert not name[0].isspace()
    assert name[0] not in ".-"
    assert not name[-1].isspace()
    assert name[-1] != "."
    assert name.partition(".")[0].rstrip().lower() not in DEVICES
    assert unicodedata.is_normalized("NFC", name)
    assert os.path.basename(name) == name


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names(name: str) -> None:
    result = safe_file_name(name)
    assert_safe(result)
    assert result == safe_file_name(name)


@given(names, st.sampled_from(["", ".npy", ".safetensors", ".tar.gz", ".a_b1"]))
@example("n" * 10_000, ".npy")
@example(".npy", ".npy")
@example("con", ".npy")
def test_every_name(name: str, suffix: str) -> None:
    result = safe_file_name(name, suffix=suffix)
    assert_safe(result)
    assert result.endswith(suffix)


@given(st.lists(names, max_size=30))
def test_all_are_distinct_everywhere(many: list[str]) -> None:
    results = safe_file_names(many)
    assert len(results) == len(many)
    assert len({collision_key(result) for result in results}) == len(many)
    assert len({result.lower() for result in results}) == len(many)
    for result in results:
        assert_safe(result)


@given(st.lists(names, max_size=10), st.lists(names, max_size=10))
def test_names_given_out_before_are_avoided(first: list[str], second: list[str]) -> None:
    taken: set[str] = set()
    results = [safe_file_name(name, taken) for name in [*first, *second]]
    assert taken == {collision_key(result) for result in results}
    assert results == safe_file_names([*first, *second])


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_ -]{0,80}[A-Za-z0-9_](\.[a-z]{1,9})?", fullmatch=True))
def test_good_names_are_kept(name: str) -> None:
    if name.partition(".")[0].rstrip().lower() not in DEVICES:
        assert safe_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "suffix", "expected"),
    [
        ("encoder", "", "encoder"),
        ("model.safetensors", ".safetensors", "model.safetensors"),
        ("model.SafeTensors", ".safetensors", "model.safetensors"),
        ("model", ".safetensors", "model.safetensors"),
        ("v1.0", "", "v1.0"),
        ("Llama 3 (8B), quantized", ".gguf", "Llama 3 (8B), quantized.gguf"),
        ("名前.npy", "", "名前.npy"),
        ("e\u0301", "", "é"),
    ],
)
def test_what_is_kept(name: str, suffix: str, expected: str) -> None:
    assert safe_file_name(name, suffix=suffix) == expected


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("../../x", r"_\._\.\._x-[0-9a-f]{8}"),
        ("nul.txt", r"_nul-[0-9a-f]{8}\.txt"),
        ("a:b", r"a_b-[0-9a-f]{8}"),
        ("", r"unnamed-[0-9a-f]{8}"),
        ("x\u202egpj.exe", r"x_gpj-[0-9a-f]{8}\.exe"),
        ("n" * 300 + ".gguf", r"n{186}-[0-9a-f]{8}\.gguf"),
    ],
)
def test_what_is_altered_says_so(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, safe_file_name(name))


def test_altered_names_are_stable_and_told_apart() -> None:
    assert safe_file_name("a:b") != safe_file_name("a?b")
    assert safe_file_names(["a?b", "a:b"]) == safe_file_names(["a:b", "a?b"])[::-1]


def test_collisions_are_numbered() -> None:
    assert safe_file_names(["A", "a", "é", "e\u0301", "x.npy", "X.NPY"]) == ["A", "a-2", "é", "é-2", "x.npy", "X-2.NPY"]
    assert safe_file_names(["a-2", "A", "a"]) == ["a-2", "A", "a-3"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("É", "e\u0301"), ("ß", "SS"), ("ſ", "S"), ("Σ", "ς"), ("\u212a", "k"), ("ı", "I"), ("Ǆ", "ǆ"), ("ᾳ", "ᾼ")],
)
def test_what_some_file_system_takes_for_the_same(one: str, other: str) -> None:
    assert collision_key(one) == collision_key(other)
    assert len({result.casefold() for result in safe_file_names([one, other])}) == 2


def test_many_collisions() -> None:
    variants = [
        "".join(c.upper() if bits >> place & 1 else c for place, c in enumerate("abcdefgh.bin")) for bits in range(256)
    ]
    results = safe_file_names([*variants, *["same"] * 300])
    assert len({collision_key(result) for result in results}) == 556
    for result in results:
        assert_safe(result)


def test_many_collisions_are_not_tried_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def counted(file_name: str) -> str:
        tried.append(file_name)
        return collision_key(file_name)

    monkeypatch.setattr(apbundle.names, "collision_key", counted)
    hostile = ["".join(case) for case in itertools.product(*((c, c.upper()) for c in "colliding"))]
    assert len(set(safe_file_names(hostile))) == 512
    assert len(tried) < 4 * 512


def test_files_are_really_made_inside(tmp_path: Path) -> None:
    results = safe_file_names(HOSTILE)
    for result in results:
        with open(tmp_path / result, "x"):
            pass
    assert sorted(os.listdir(tmp_path)) == sorted(results)


@pytest.mark.parametrize("suffix", ["npy", ".", "..", "./x", ".a b", ".\u202e", "." + "x" * 17, ".a.b.c.d"])
def test_suffixes_that_are_none(suffix: str) -> None:
    with pytest.raises(ValueError, match="not a file name's ending"):
        safe_file_name("a", suffix=suffix)


CONTROLS = ["a\0", "\n", "\x1b[0m", "\x7f", "\x9f", "\u202e", "\u2066x", "\u200f", "\u061c", "\u2028"]
HARMLESS = ["", "model", "a b", "é", "名前", "👩\u200d🔬", "\u0645\u200c\u0647", "a\u00a0b", "../x", "\U0001fae8"]


@pytest.mark.parametrize("name", CONTROLS, ids=ascii)
def test_control_characters(name: str) -> None:
    assert has_control_characters(name)


@pytest.mark.parametrize("name", HARMLESS, ids=ascii)
def test_no_control_characters(name: str) -> None:
    assert not has_control_characters(name)
