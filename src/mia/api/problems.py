"""Errors at the edge: every error becomes an RFC 9457 problem document; the one place that knows their status codes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from mia.errors import (
    ForgedForm,
    InvalidInput,
    IssuerUnavailable,
    LedgerUnavailable,
    MiaError,
    MissingScope,
    NoReport,
    Overloaded,
    RequestConflict,
    TokenRefused,
    TooManyRequests,
    UnknownDecision,
    UnknownKey,
    UnknownModel,
    UnknownOffer,
    UnknownSnapshot,
)
from mia.services.record import EventBody

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status code, the last part of its type URI, and headers that go with it."""

    status: int
    name: str
    headers: Mapping[str, str]


_TOO_LARGE = "content-too-large"
_NO_HEADERS: Mapping[str, str] = {}
_INTERNAL = Kind(500, "internal-error", _NO_HEADERS)
KINDS: Mapping[type[MiaError], Kind] = {
    UnknownKey: Kind(401, "unknown-key", {"WWW-Authenticate": 'Bearer realm="mia"'}),
    TokenRefused: Kind(401, "token-refused", {"WWW-Authenticate": 'Bearer realm="mia", error="invalid_token"'}),
    MissingScope: Kind(403, "missing-scope", _NO_HEADERS),
    ForgedForm: Kind(403, "forged-form", _NO_HEADERS),
    UnknownDecision: Kind(404, "unknown-decision", _NO_HEADERS),
    UnknownOffer: Kind(404, "unknown-offer", _NO_HEADERS),
    UnknownModel: Kind(404, "unknown-model", _NO_HEADERS),
    NoReport: Kind(404, "no-report", _NO_HEADERS),
    UnknownSnapshot: Kind(404, "unknown-snapshot", _NO_HEADERS),
    RequestConflict: Kind(409, "request-conflict", _NO_HEADERS),
    InvalidInput: Kind(422, "invalid-input", _NO_HEADERS),
    TooManyRequests: Kind(429, "too-many-requests", _NO_HEADERS),
    Overloaded: Kind(503, "overloaded", {"Retry-After": "1"}),
    LedgerUnavailable: Kind(503, "ledger-unavailable", {"Retry-After": "1"}),
    IssuerUnavailable: Kind(503, "issuer-unavailable", {"Retry-After": "5"}),
}


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    detail: str = Field(description="what is wrong")
    pointer: str | None = Field(None, description="JSON pointer into the body")
    parameter: str | None = Field(None, description="name of the query parameter or header")


class Problem(BaseModel):
    """Problem document (RFC 9457)."""

    type: str = Field(description="identifies the kind of problem")
    title: str = Field(description="the kind of problem in words")
    status: int = Field(description="HTTP status code")
    detail: str = Field(description="what happened this time")
    errors: list[ProblemError] | None = Field(None, description="each thing that is wrong, with status 422")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems, for the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(statuses)}


def problem_response(
    status: int,
    name: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """A problem document as a response; `members` are further ones of its own (RFC 9457, 3.2)."""
    document: dict[str, Any] = {
        "type": f"urn:mia:problem:{name}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **(members or {}),
    }
    if errors is not None:
        document["errors"] = errors
    return Response(orjson.dumps(document), status, dict(headers or {}), MEDIA_TYPE)


def internal_problem() -> Response:
    """The answer to an error that nobody expected; what it was stays in the log."""
    return problem_response(500, _INTERNAL.name, "something went wrong on this side; it is in the log")


def too_large_problem(limit: int) -> Response:
    """The answer to a body that is too large."""
    return problem_response(413, _TOO_LARGE, f"a request body may have {limit} bytes")


def install_problems(app: FastAPI) -> None:
    """Let every error of the application be answered by a problem document."""
    app.add_exception_handler(MiaError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


def describe_problems(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document with the schemas that its routes refer to by name: of problems, and of single events."""
    for model, name in ((Problem, Problem.__name__), (EventBody, "Event")):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= schema.pop("$defs", {}) | {name: schema}
    return document


async def answer_problem(request: Request, error: MiaError | RequestValidationError) -> Response:
    """The problem document of an error, for a route that has another form for it."""
    return await (_answer_error if isinstance(error, MiaError) else _answer_invalid)(request, error)


def error_response(error: Exception) -> Response:
    """The answer to an error of MIA's, also for code without routes; raises the error when it is none of the known."""
    kind = next((KINDS[base] for base in type(error).__mro__ if base in KINDS), None)
    if kind is None:
        raise error
    errors, headers = None, dict(kind.headers)
    if isinstance(error, InvalidInput) and error.parameter is not None:
        errors = [{"detail": error.rule, "parameter": error.parameter}]
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return problem_response(kind.status, kind.name, str(error), headers=headers, errors=errors)


async def _answer_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature is Starlette's
    return error_response(error)


async def _answer_invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [_describe(item) for item in error.errors()]
    detail = "; ".join(f"{item.get('pointer', item.get('parameter', ''))}: {item['detail']}" for item in errors)
    return problem_response(422, "malformed-request", detail, errors=errors)


async def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 400:
        # The framework's word for a body that is no text or nests too deep: to us the same as any malformed one.
        return problem_response(422, "malformed-request", error.detail, errors=[{"detail": error.detail}])
    if error.status_code == 413:
        return problem_response(413, _TOO_LARGE, error.detail, headers=error.headers)
    phrase = HTTPStatus(error.status_code).phrase
    detail = f"{request.method} {request.url.path}: {error.detail.lower()}" if error.detail == phrase else error.detail
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return problem_response(error.status_code, phrase.lower().replace(" ", "-"), detail, headers=headers)


def _methods(request: Request) -> list[str]:
    """All methods of a path; the framework names those of its first route alone."""
    asked = [{**request.scope, "method": method} for method in HTTPMethod]
    return [
        scope["method"] for scope in asked if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    ]


def _describe(item: Mapping[str, Any]) -> dict[str, str]:
    """One validation error with the place it is at."""
    source, *path = item["loc"]
    rule = str(item["msg"]).removeprefix("Value error, ")
    if source != "body":
        return {"detail": rule, "parameter": ".".join(str(part) for part in path)}
    if item["type"] == "json_invalid":
        return {"detail": f"no JSON: {item['ctx']['error']} at character {path[0]}", "pointer": "#"}
    if item["type"] == "model_attributes_type" and not path:
        rule = "must be a JSON object, sent with Content-Type: application/json"
    steps = [str(part).replace("~", "~0").replace("/", "~1") for part in path]
    return {"detail": rule, "pointer": "/".join(["#", *steps])}
