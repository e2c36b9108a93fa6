"""Recipes: TOML files with the parameters a fit starts from, kept in models/ and reviewed like code."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from mia.errors import InvalidInput
from mia.ranking.rankers.base import FitOptions

KINDS: dict[str, type] = {
    field.name: type(field.default) for field in fields(FitOptions) if field.name not in ("fingerprint", "objective")
}
BOUNDS: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1_000),
    "threads": (1, 1_024),
    "trees": (1, 100_000),
    "leaves": (2, 131_072),
    "learning_rate": (1e-6, 10),
    "minimum_leaf": (1, 2**31 - 1),
    "feature_share": (1e-6, 1),
    "row_share": (1e-6, 1),
    "l2": (0, 1e9),
    "bags": (1, 1_000),
    "line_share": (0, 0.99),
}
"""What each parameter may be, ends included: where boosting itself stops making sense."""


def load_recipe(path: Path) -> dict[str, Any]:
    """The `[fit]` table of a recipe; raises InvalidInput naming the file and the parameter."""
    try:
        recipe = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput("no such file", file=str(path)) from error
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", file=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"is not TOML: {error}", file=str(path)) from error
    for name in recipe:
        if name != "fit":
            raise InvalidInput("a recipe holds a table [fit] and nothing else", file=str(path), parameter=name)
    given = recipe.get("fit")
    if not isinstance(given, dict):
        raise InvalidInput("a recipe needs a table [fit]", file=str(path))
    for name, value in given.items():
        rule = _broken_rule(name, value)
        if rule is not None:
            raise InvalidInput(rule, file=str(path), parameter=name)
    return given


def _broken_rule(name: str, value: object) -> str | None:
    kind = KINDS.get(name)
    if kind is None:
        return f"no such parameter; there are {', '.join(KINDS)}"
    if kind is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return "must be a whole number" if kind is int else "must be a number"
    low, high = BOUNDS[name]
    return None if low <= value <= high else f"must lie between {low:g} and {high:g}"
