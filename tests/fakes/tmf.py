"""What bodies of the TM Forum face are held against: our document, and the standard's where it lies beside."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft4Validator, Draft202012Validator
from tests.fakes.door import open_door

VARIABLE = "TMF680"
BESIDE = Path(__file__).parents[3] / "shared" / "tmf" / "TMF680-Recommendation-v4.0.0.swagger.json"
OURS = {
    "QueryProductRecommendation": "QueryAnswer",
    "QueryProductRecommendation_Create": "QueryCreate",
    "RecommendationItem": "RecommendationItem",
    "Error": "TmfError",
}
"""Our schemas by the names of the standard."""


@cache
def our_document() -> dict[str, Any]:
    with open_door() as door:
        document: dict[str, Any] = door.get("/openapi.json").json()
    return document


@cache
def standard() -> dict[str, Any] | None:
    """The swagger document of TMF680 v4.0.0; None where it does not lie beside the repository.

    `make test-tmf` names it in a variable, and then it has to be there.
    """
    named = os.environ.get(VARIABLE)
    if named is None and not BESIDE.is_file():
        return None
    document: dict[str, Any] = orjson.loads(Path(named or BESIDE).read_bytes())
    return document


def faults(name: str, body: Any) -> list[str]:
    """What is wrong with a body of this type of the standard, by our document and by the standard's where it is."""
    ours = {"$ref": f"#/components/schemas/{OURS[name]}", "components": our_document()["components"]}
    found = [f"ours: {error.message}" for error in Draft202012Validator(ours).iter_errors(body)]
    theirs = standard()
    if theirs is not None:
        schema = {"$ref": f"#/definitions/{name}", "definitions": theirs["definitions"]}
        validator = Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)
        found += [f"standard: {error.message}" for error in validator.iter_errors(body)]
    return found
