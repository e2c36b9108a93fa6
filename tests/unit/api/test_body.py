"""How deep a body is, told without parsing it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.api.body import is_deeper

TEXTS = st.text(st.sampled_from('ab[]{}"\\,: \u0416'), max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.integers(1, 8), st.sampled_from([None, 1]), st.booleans())
def test_depth_is_told_as_a_parser_would(value: Any, limit: int, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert is_deeper(body, limit) == (depth(value) > limit)


@pytest.mark.parametrize("sign", ["[", '{"a":'])
def test_what_never_closes_is_too_deep(sign: str) -> None:
    assert is_deeper(sign.encode() * 100_000, 32)
    assert is_deeper(b'{"events": [' + sign.encode() * 40, 32)


@given(st.binary(max_size=300), st.integers(1, 5))
def test_any_bytes_are_told_something(body: bytes, limit: int) -> None:
    assert is_deeper(body, limit) in (True, False)
