"""Names and texts as they are written inside DuckDB SQL."""


def identifier(name: str) -> str:
    """A column or table name, quoted.

    >>> identifier('a "b"')
    '"a ""b\"""'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant, quoted.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def literals(texts: tuple[str, ...] | list[str]) -> str:
    """Text constants, comma-separated."""
    return ", ".join(literal(text) for text in texts)
