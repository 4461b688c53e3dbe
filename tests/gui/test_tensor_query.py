"""The query of the table of tensors: what it means, and what it says to mistakes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle_gui.models.tensor_query import MOST, Dims, Field, Pattern, QueryError, Term, parse


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", ()),
        ("  ", ()),
        ("Attn", (Term(Field.NAME, (Pattern("attn", True),)),)),
        ("-bias", (Term(Field.NAME, (Pattern("bias", True),), True),)),
        ('"a b"', (Term(Field.NAME, (Pattern("a b", True),)),)),
        ("model:*lm", (Term(Field.MODEL, (Pattern("*lm", False),)),)),
        ("dtype:F16,bf16", (Term(Field.DTYPE, (Pattern("f16", False), Pattern("bf16", False))),)),
        ("dtype!=f16", (Term(Field.DTYPE, (Pattern("f16", False),), True),)),
        ("shape:[*,768]", (Term(Field.SHAPE, (Dims((None, 768)),)),)),
        ("shape:3x4", (Term(Field.SHAPE, (Dims((3, 4)),)),)),
        ("shape:[]", (Term(Field.SHAPE, (Dims(()),)),)),
        ("shape:[2,…]", (Term(Field.SHAPE, (Dims((2,), (), True),)),)),
        ("size>1MiB", (Term(Field.SIZE, ((1_048_577, MOST),)),)),
        ("size<=4096 rank:2", (Term(Field.SIZE, ((0, 4096),)), Term(Field.RANK, ((2, 2),)))),
        ("params:1k..2.5M", (Term(Field.PARAMS, ((1000, 2_500_000),)),)),
        ("params:..10", (Term(Field.PARAMS, ((0, 10),)),)),
    ],
)
def test_a_query_means(query: str, terms: tuple[Term, ...]) -> None:
    assert parse(query) == terms


@pytest.mark.parametrize(
    ("query", "said", "where"),
    [
        ("dtypes:f16", "There is no field “dtypes”", (0, 6)),
        ("a size>big", "“big” is no size", (7, 10)),
        ("rank>two", "“two” is no number", (5, 8)),
        ("dtype>f16", "“dtype” is text", (5, 6)),
        ("size~1", "“size” is a number", (5, 6)),
        ("shape<3", "A shape is compared with :", (5, 6)),
        ("shape:[a]", "“a” is no dimension", (6, 9)),
        ("shape:[…,2,…]", "only once", (6, 13)),
        ("shape:[1,2", "A closing ] is missing", (6, 10)),
        ('name:"a', 'A closing " is missing', (5, 7)),
        ("a - b", "A minus needs a term", (2, 3)),
        ("size:", "A value is missing", (0, 5)),
        ("size>" + "9" * 400 + ".5TB", "is no size", (5, 409)),
        ("params:" + "9" * 30, "is no number", (7, 37)),
    ],
)
def test_a_mistake_is_named_and_shown(query: str, said: str, where: tuple[int, int]) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert said in caught.value.message
    assert (caught.value.start, caught.value.end) == where


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (Pattern("attn", True), "layers.0.attn.weight", True),
        (Pattern("attn", False), "layers.0.attn.weight", False),
        (Pattern("layers.*.weight", False), "layers.0.attn.weight", True),
        (Pattern("layers.*.bias", False), "layers.0.attn.weight", False),
        (Pattern("a.c", False), "abc", False),
        (Pattern("*", False), "any\nthing", True),
    ],
)
def test_texts_match(pattern: Pattern, text: str, matches: bool) -> None:
    assert pattern.matches(text) is matches


@given(st.text(st.sampled_from('nameshpdtyrk~:=<>!-[]"*…, 0189kMB.x'), max_size=30))
def test_anything_typed_is_understood_or_refused(query: str) -> None:
    with suppress(QueryError):
        parse(query)
        return
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert caught.value.message
    assert 0 <= caught.value.start <= caught.value.end <= len(query)
