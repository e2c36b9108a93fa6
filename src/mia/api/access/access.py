"""The check at the door: a request's key, token or session becomes a caller, or is refused.

`admit` and `admit_person` take an ASGI scope and know nothing of routes; `require` and `require_person` are the same as
dependencies of routes, which the OpenAPI document describes.
"""

from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from starlette.types import Scope

from mia.api.access.caller import UPTAKE, Caller
from mia.api.access.key_ring import KeyRing
from mia.api.access.rates import Rates
from mia.api.access.schemes import KEY, SESSION, SESSION_COOKIE, Requirement
from mia.api.access.tokens import Tokens, is_token
from mia.errors import MissingScope, NotSignedIn, UnknownKey
from mia.logs import exchange_of
from mia.services.sign_in import SignIn

_AUTHORIZATION, _KEY_HEADER, _COOKIES = b"authorization", b"x-api-key", b"cookie"


class Access:
    """Checks who asks. `tokens` is None where no issuer is trusted; with `login` false, whoever is on this machine may
    see the dashboard.
    """

    def __init__(self, ring: KeyRing, tokens: Tokens | None, rates: Rates, sign_in: SignIn, *, login: bool) -> None:
        self.ring, self.sign_in, self.login = ring, sign_in, login
        self._tokens, self._rates = tokens, rates

    async def admit(self, scope: Scope, needed: str) -> Caller:
        """The caller of a request that needs a scope.

        Raises UnknownKey, MissingScope, TooManyRequests, LedgerUnavailable and IssuerUnavailable.
        """
        secret = _secret_of(scope)
        if not secret:
            raise UnknownKey("a key is needed: Authorization: Bearer mia_... or X-API-Key")
        return self._let_in(scope, await self._find(secret), needed)

    async def admit_person(self, scope: Scope, needed: str = UPTAKE) -> Caller:
        """The same for a page: a session is as good as the key it was opened with.

        Raises NotSignedIn where neither is shown.
        """
        if not self.login and _is_loopback(scope):
            return Caller("", frozenset({needed}))
        if _secret_of(scope):
            return await self.admit(scope, needed)
        session = cookie_of(scope, SESSION_COOKIE)
        if not session:
            raise NotSignedIn("sign in at /dashboard/login, or send a key")
        key = await self.ring.find_digest(self.sign_in.read_session(session))
        if key is None:
            raise NotSignedIn("sign in anew: the key of this session was revoked")
        return self._let_in(scope, Caller(key.name, key.scopes), needed)

    def require(self, needed: str) -> Requirement:
        """`admit` as a dependency."""
        return Requirement(self.admit, needed, KEY)

    def require_person(self, needed: str = UPTAKE) -> Requirement:
        """`admit_person` as a dependency."""
        return Requirement(self.admit_person, needed, SESSION)

    async def _find(self, secret: str) -> Caller:
        if is_token(secret):
            if self._tokens is None:
                raise UnknownKey("tokens are not taken here: a key is needed")
            return await self._tokens.find(secret)
        key = await self.ring.find(secret)
        if key is None:
            raise UnknownKey("this key is not known, or was revoked")
        return Caller(key.name, key.scopes)

    def _let_in(self, scope: Scope, caller: Caller, needed: str) -> Caller:
        exchange_of(scope).caller = caller.name
        if not caller.may(needed):
            raise MissingScope(needed)
        self._rates.spend(caller.name)
        return caller


def cookie_of(scope: Scope, name: str) -> str:
    """A cookie of a request, empty where there is none."""
    for header, value in scope["headers"]:
        if header == _COOKIES:
            try:
                found = SimpleCookie(value.decode("latin-1")).get(name)
            except CookieError:
                continue
            if found is not None:
                return found.value
    return ""


def _secret_of(scope: Scope) -> str:
    """What a request shows: the bearer token before the key header."""
    found = ""
    for header, value in scope["headers"]:
        if header == _AUTHORIZATION:
            scheme, _, credentials = value.decode("latin-1").partition(" ")
            if scheme.lower() == "bearer" and credentials.strip():
                return str(credentials.strip())
        elif header == _KEY_HEADER:
            found = value.decode("latin-1")
    return found


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False
