"""Routes that people open: their problems are answered by a page, and who has not signed in is led to the login."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment

from mia.api.dashboard.words import TEXTS
from mia.api.problems import answer_problem
from mia.domain.offer import Language
from mia.errors import MiaError, NotSignedIn

LOGIN = "/dashboard/login"


def readable_problems(pages: Environment) -> type[APIRoute]:
    """The class of such routes."""
    template = pages.get_template("problem.html")

    class Readable(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def answer_readably(request: Request) -> Response:
                try:
                    return await answer(request)
                except (MiaError, RequestValidationError) as error:
                    if isinstance(error, NotSignedIn) and request.url.path != LOGIN and _is_browser(request):
                        return RedirectResponse(f"{LOGIN}?next={quote(_address(request), safe='')}", 303)
                    problem = await answer_problem(request, error)
                detail = orjson.loads(problem.body)["detail"]
                lang = language_of(request)
                html = template.render(t=TEXTS[lang], lang=lang.value, detail=detail)
                headers = {name: value for name, value in problem.headers.items() if name in _KEPT}
                return Response(html, problem.status_code, headers, "text/html")

            return answer_readably

    return Readable


def language_of(request: Request) -> Language:
    """The language that an address asks for."""
    return Language.EN if request.query_params.get("lang") == Language.EN else Language.RU


_KEPT = ("www-authenticate", "retry-after")


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _address(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
