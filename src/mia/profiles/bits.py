"""Functions on days kept as bits that every engine brings under the same name; Ibis passes them through."""

import ibis


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(bits: int) -> int:  # type: ignore[empty-body]
    """The bits that any of the rows has."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def bit_count(bits: int) -> int:  # type: ignore[empty-body]
    """How many bits are set."""


@ibis.udf.scalar.builtin(name="bin")  # type: ignore[untyped-decorator]
def binary(bits: int) -> str:  # type: ignore[empty-body]
    """A number in binary digits."""
