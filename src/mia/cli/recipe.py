"""Recipes: TOML files with the parameters a fit starts from, kept in models/ and reviewed like code."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from mia.errors import InvalidInput
from mia.ranking.rankers.base import FitOptions

ALLOWED = {field.name: type(field.default) for field in fields(FitOptions) if field.name != "fingerprint"}


def load_recipe(path: Path) -> dict[str, Any]:
    """The `[fit]` table of a recipe; raises InvalidInput naming the file and the parameter."""
    try:
        given: dict[str, Any] = tomllib.loads(path.read_text("utf-8")).get("fit", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"not a readable TOML file: {error}", file=str(path)) from error
    for name, value in given.items():
        if name not in ALLOWED:
            raise InvalidInput(f"no such parameter; there are {', '.join(ALLOWED)}", file=str(path), column=name)
        if not isinstance(value, ALLOWED[name]):
            raise InvalidInput(f"must be of type {ALLOWED[name].__name__}", file=str(path), column=name)
    return given
