"""How one shows who one is, for the OpenAPI document. Looking is done by `Access`, once a request."""

from fastapi.openapi import models
from fastapi.security.base import SecurityBase

SESSION_COOKIE = "mia_session"


class Scheme(SecurityBase):
    """One way, under the name that the document gives it."""

    def __init__(self, name: str, model: models.SecurityBase) -> None:
        self.scheme_name, self.model = name, model

    async def __call__(self) -> None:
        """Nothing is to be done for a request."""


BEARER = Scheme(
    "HTTPBearer",
    models.HTTPBearer(
        bearerFormat="mia_... or JWT", description="`Authorization: Bearer mia_...`, or an OAuth 2 token"
    ),
)
HEADER = Scheme(
    "APIKeyHeader",
    models.APIKey.model_validate(
        {"in": models.APIKeyIn.header, "name": "X-API-Key", "description": "the same key without the word Bearer"}
    ),
)
COOKIE = Scheme(
    "APIKeyCookie",
    models.APIKey.model_validate(
        {"in": models.APIKeyIn.cookie, "name": SESSION_COOKIE, "description": "the session of /dashboard/login"}
    ),
)
