"""The API described: the OpenAPI document comes from FastAPI; this page shows it without any other host."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from jinja2 import Environment


def docs_routes(app: FastAPI, pages: Environment) -> APIRouter:
    """/docs: every route with its parameters, bodies and answers."""
    router = APIRouter()
    page = pages.get_template("docs.html")

    @router.get("/docs", include_in_schema=False)
    async def show_docs() -> Response:
        document = app.openapi()
        html = page.render(
            info=document["info"],
            routes=list_routes(document),
            schemas=[
                _schema(name, schema)
                for name, schema in document["components"]["schemas"].items()
                if "properties" in schema
            ],
        )
        return Response(html, media_type="text/html")

    return router


def list_routes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every operation of an OpenAPI document, flat: method, path, texts, parameters, body and answers."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "description": operation.get("description", ""),
            "locked": bool(operation.get("security")),
            "parameters": [
                {
                    "name": parameter["name"],
                    "where": parameter["in"],
                    "required": parameter["required"],
                    "type": _type(parameter["schema"]),
                    "about": parameter.get("description", ""),
                }
                for parameter in operation.get("parameters", ())
            ],
            "body": _content(operation.get("requestBody", {})),
            "answers": [
                {"status": status, "about": answer["description"], "content": _content(answer)}
                for status, answer in operation["responses"].items()
            ],
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        "name": name,
        "about": schema.get("description", ""),
        "fields": [
            {
                "name": field,
                "required": field in required,
                "type": _type(definition),
                "about": definition.get("description", ""),
            }
            for field, definition in schema["properties"].items()
        ],
    }


def _content(part: Mapping[str, Any]) -> str:
    """Name of the schema of a body or an answer, else its media type."""
    for media_type, content in part.get("content", {}).items():
        return _type(content["schema"]) if "$ref" in content.get("schema", {}) else str(media_type)
    return ""


def _type(schema: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    name = str(schema.get("title" if schema.get("type") == "object" else "format", schema.get("type", "any")))
    bounds = [f"{sign} {schema[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([name, *bounds])
