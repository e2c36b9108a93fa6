"""The error tree: what inherits what, and what each error says."""

import inspect

import pytest

from mia import errors
from mia.errors import (
    AccessDenied,
    BrokenSnapshot,
    FeatureMismatch,
    GateRefused,
    InvalidInput,
    InvalidSettings,
    LedgerUnavailable,
    MiaError,
    MissingScope,
    NotEnoughData,
    RequestConflict,
    UnknownDecision,
    UnknownKey,
    UnknownModel,
    UnknownOffer,
    UnknownSnapshot,
    WorkspaceBusy,
)

CLASSES = [found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, MiaError)]


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_every_error_stands_in_the_tree_at_the_head_of_the_file(found: type[MiaError]) -> None:
    tree = inspect.getdoc(errors) or ""
    (line,) = [line for line in tree.splitlines() if line.lstrip("├└─│ ").split(" ")[0] == found.__name__]
    builtins = [base for base in found.__mro__ if base.__module__ == "builtins" and base is not object]
    drawn = line.partition("(")[2].partition(")")[0]
    if drawn:
        assert builtins[0].__name__ == drawn


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({}, "rule"),
        ({"file": "a.csv"}, "a.csv: rule"),
        ({"file": "a.csv", "row": 3, "column": "kind"}, "a.csv, row 3, column kind: rule"),
        ({"row": 0}, "row 0: rule"),
        ({"column": "kind"}, "column kind: rule"),
        ({"option": "--as-of"}, "option --as-of: rule"),
        ({"file": "a.toml", "parameter": "trees"}, "a.toml, parameter trees: rule"),
    ],
)
def test_bad_input_names_the_place_and_the_rule(place: dict[str, str | int], message: str) -> None:
    for kind in (InvalidInput, NotEnoughData):
        error = kind("rule", **place)
        assert (str(error), error.rule) == (message, "rule")
        named = ("file", "row", "column", "option", "parameter")
        assert {name: getattr(error, name) for name in named} == dict.fromkeys(named) | place
        assert isinstance(error, ValueError)


@pytest.mark.parametrize(
    ("error", "builtin", "data", "words"),
    [
        (UnknownOffer("o1"), LookupError, {"offer_id": "o1"}, "'o1'"),
        (UnknownDecision("d1"), LookupError, {"decision_id": "d1"}, "'d1'"),
        (UnknownModel("7"), LookupError, {"version": "7"}, "'7'"),
        (UnknownModel("champion"), LookupError, {"version": "champion"}, "mia promote"),
        (UnknownSnapshot("2021-07-01.1"), LookupError, {"snapshot": "2021-07-01.1"}, "mia profile"),
        (UnknownSnapshot("2021-07-01.1", pruned=True), LookupError, {"pruned": True}, "keep_snapshots"),
        (BrokenSnapshot("2021-07-01.1", "half of it"), ValueError, {"reason": "half of it"}, "'2021-07-01.1'"),
        (FeatureMismatch("a", "b"), MiaError, {"expected": "a", "found": "b"}, "train again"),
        (GateRefused("3", ["one", "two"]), MiaError, {"version": "3", "reasons": ("one", "two")}, "one; two"),
        (GateRefused("3", ["one"], "2"), MiaError, {"champion": "2"}, "is refused: one; model 2 stays champion"),
        (RequestConflict("r1"), MiaError, {"request_id": "r1"}, "'r1'"),
        (MissingScope("events"), PermissionError, {"scope": "events"}, "'events'"),
        (WorkspaceBusy("home/lake"), BlockingIOError, {"folder": "home/lake"}, "home/lake"),
        (LedgerUnavailable("down"), ConnectionError, {}, "down"),
        (InvalidSettings("threads: no"), ValueError, {}, "threads: no"),
        (UnknownKey("no key"), AccessDenied, {}, "no key"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, MiaError) else "",
)
def test_errors_carry_data_and_say_it(
    error: MiaError, builtin: type[Exception], data: dict[str, object], words: str
) -> None:
    assert isinstance(error, builtin)
    assert isinstance(error, MiaError)
    assert {name: getattr(error, name) for name in data} == data
    assert words in str(error)
