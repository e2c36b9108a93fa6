"""OAuth 2 bearer tokens: JWTs of one issuer, verified against its public keys (RFC 7519, RFC 8725, RFC 9068)."""

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError

from mia.api.access.caller import Caller
from mia.api.access.issuer import Issuer, read_jwks
from mia.errors import TokenRefused
from mia.sections import TokenSettings
from mia.timeline import MICROSECONDS

REMEMBERED = 4_096
MOST_CHARACTERS = 8_192


class Tokens:
    """Verifies tokens, and remembers those it verified until they are over or the issuer's keys change."""

    def __init__(self, settings: TokenSettings, issuer: Issuer, clock: Callable[[], int]) -> None:
        self._settings, self._issuer, self._clock = settings, issuer, clock
        self._rules = jwt.JWTClaimsRegistry(
            now=lambda: clock() // MICROSECONDS,
            leeway=settings.leeway_seconds,
            iss={"essential": True, "value": settings.issuer or ""},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
        )
        self._verified: dict[bytes, tuple[Caller, int, int]] = {}

    async def find(self, token: str) -> Caller:
        """Who a token speaks for. Raises TokenRefused that says why, and IssuerUnavailable."""
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        caller, end, generation = self._verified.get(digest, (None, 0, 0))
        # Asked for each time, so that keys grow no older than they may for a token that is in use.
        keys = await self._issuer.keys(None if caller is not None else _key_id(token))
        if caller is not None and generation == self._issuer.generation and self._clock() < end:
            return caller
        try:
            verified = jwt.decode(token, keys, algorithms=list(self._settings.algorithms))
            self._rules.validate(verified.claims)
        except ExpiredTokenError as error:
            raise TokenRefused("this token is over") from error
        except (JoseError, ValueError, TypeError) as error:
            raise TokenRefused("this token was not issued for MIA, or is none") from error
        caller = self._caller(verified.claims)
        if len(self._verified) >= REMEMBERED:
            self._verified.clear()
        end = (int(verified.claims["exp"]) + self._settings.leeway_seconds) * MICROSECONDS
        self._verified[digest] = (caller, end, self._issuer.generation)
        return caller

    def _caller(self, claims: dict[str, Any]) -> Caller:
        given = claims.get(self._settings.scope_claim, ())
        names: Iterable[Any] = given.split() if isinstance(given, str) else given if isinstance(given, list) else ()
        known = self._settings.scopes
        scopes = frozenset(known[name] for name in names if isinstance(name, str) and name in known)
        who = claims.get("client_id") or claims.get("azp") or claims.get("sub") or ""
        return Caller(f"token:{str(who)[:100]}", scopes)


def build_tokens(settings: TokenSettings, clock: Callable[[], int]) -> Tokens | None:
    """What verifies tokens, None where the settings name no issuer."""
    if settings.jwks is None:
        return None
    return Tokens(settings, Issuer(partial(read_jwks, settings.jwks), settings.refresh_seconds, clock), clock)


def is_token(secret: str) -> bool:
    """Whether this has the form of a token, that is three parts.

    >>> is_token("mia_abc"), is_token("e30.e30.x")
    (False, True)
    """
    return secret.count(".") == 2


def _key_id(token: str) -> str | None:
    """The key that a token says it was signed with; raises TokenRefused for what is no token."""
    if len(token) > MOST_CHARACTERS:
        raise TokenRefused("this token is too long")
    try:
        found = jws.extract_compact(token.encode("ascii")).headers().get("kid")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("this token was not issued for MIA, or is none") from error
    return found if isinstance(found, str) else None
