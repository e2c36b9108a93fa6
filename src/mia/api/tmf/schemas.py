"""JSON Schemas of the extended types, which `@schemaLocation` leads to."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from mia.api.tmf.wire import MIA_ITEM, MIA_QUERY, QueryAnswer, RecommendationItem

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def extended_schemas() -> Mapping[str, dict[str, Any]]:
    """Schema of each extended type by its name."""
    models: dict[str, type[BaseModel]] = {MIA_QUERY: QueryAnswer, MIA_ITEM: RecommendationItem}
    return {
        name: {"$schema": _DIALECT, **model.model_json_schema(by_alias=True), "title": name}
        for name, model in models.items()
    }
