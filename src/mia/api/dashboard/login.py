"""Signing in and out of the dashboard: with a key, or with a link that works once."""

import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment

from mia.api.access import UPTAKE, Access, Caller
from mia.api.access.access import cookie_of
from mia.api.access.schemes import SESSION_COOKIE
from mia.api.dashboard.readable import LOGIN, language_of, readable_problems
from mia.api.dashboard.words import TEXTS
from mia.errors import ForgedForm
from mia.ports import ApiKey

FORM_COOKIE = "mia_form"
FORM_BYTES = 4_096
HOME = "/dashboard"
_LOCAL = re.compile(r"/dashboard(/[\w-]+)*(\.\w+)?(\?[\w=&.%+~-]*)?", re.ASCII)


def login_routes(door: Access, pages: Environment) -> APIRouter:
    """Routes under /dashboard/login and /dashboard/logout."""
    router = APIRouter(include_in_schema=False, route_class=readable_problems(pages))
    page, sign_in = pages.get_template("login.html"), door.sign_in

    def show(request: Request, target: str, status: int = 200, *, refused: bool = False) -> Response:
        lang, nonce = language_of(request), sign_in.nonce()
        values = {"t": TEXTS[lang], "lang": lang.value, "next": target, "stamp": sign_in.stamp(nonce)}
        answer = Response(page.render(values, refused=refused), status, media_type="text/html")
        _set_cookie(request, answer, FORM_COOKIE, nonce, LOGIN, None, strict=True)
        return answer

    def enter(request: Request, digest: str, target: str) -> Response:
        answer = RedirectResponse(target, 303)
        _set_cookie(request, answer, SESSION_COOKIE, sign_in.session(digest), HOME, sign_in.session_seconds)
        return answer

    @router.get(LOGIN)
    async def show_form(
        request: Request,
        next: Annotated[str, Query(max_length=2_000)] = HOME,  # noqa: A002 - the address calls it so
        link: Annotated[str | None, Query(max_length=1_000)] = None,
    ) -> Response:
        """The form, or what a link leads to."""
        target = local_address(next)
        return show(request, target) if link is None else enter(request, sign_in.use_link(link), target)

    @router.post(LOGIN)
    async def enter_by_key(request: Request) -> Response:
        """Open a session with a key that may see uptake."""
        form = await _read_form(request)
        sign_in.require_stamp(form.get("stamp", ""), cookie_of(request.scope, FORM_COOKIE))
        target = local_address(form.get("next", ""))
        secret = form.get("key", "").strip()
        key = await door.ring.find(secret)
        if key is None or not _caller(key).may(UPTAKE):
            return show(request, target, 403, refused=True)
        return enter(request, door.ring.digest_of(secret), target)

    @router.post("/dashboard/logout")
    async def leave(request: Request) -> Response:
        """End the session in this browser."""
        form = await _read_form(request)
        sign_in.require_stamp(form.get("stamp", ""), cookie_of(request.scope, SESSION_COOKIE))
        answer = RedirectResponse(LOGIN, 303)
        answer.delete_cookie(SESSION_COOKIE, HOME)
        return answer

    return router


def local_address(address: str) -> str:
    """An address below /dashboard, or /dashboard itself: nobody is led elsewhere.

    >>> local_address("/dashboard?by=arm"), local_address("//evil.example"), local_address("/dashboard/../v1")
    ('/dashboard?by=arm', '/dashboard', '/dashboard')
    """
    return address if _LOCAL.fullmatch(address) else HOME


def _caller(key: ApiKey) -> Caller:
    return Caller(key.name, key.scopes)


async def _read_form(request: Request) -> dict[str, str]:
    """Fields of a form of this site; raises ForgedForm for one that another site sent, or that is none."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    site = request.headers.get("sec-fetch-site", "same-origin")
    foreign = origin is not None and origin != "null" and urlsplit(origin).netloc != host
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    body = await request.body()
    if foreign or site not in ("same-origin", "none") or kind != "application/x-www-form-urlencoded":
        raise ForgedForm("this form is not from our page")
    if len(body) > FORM_BYTES:
        raise ForgedForm("this form is larger than ours")
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10, errors="strict")
    except ValueError as error:
        raise ForgedForm("this form cannot be read") from error
    return {name: values[0] for name, values in fields.items()}


def _set_cookie(
    request: Request, answer: Response, name: str, value: str, path: str, seconds: int | None, *, strict: bool = False
) -> None:
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict" if strict else "lax",
    )
