"""Sections of the settings that are about the HTTP door: who may pass, how much of it, and what is told of it."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Section(BaseModel):
    """A section of the settings: frozen, and without room for a name that there is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DoorSettings(Section):
    """What the HTTP door lets in, and how much of it. Limits hold in each worker by itself."""

    body_limit: Annotated[int, Field(ge=1_024)] = 1 << 20
    """Bytes that the body of a request may have."""
    depth_limit: Annotated[int, Field(ge=4, le=100)] = 32
    """How deep the JSON of a body may be nested."""
    header_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Seconds within which a client must have sent the headers of a request."""
    body_seconds: Annotated[float, Field(gt=0)] = 15.0
    """Seconds within which it must have sent the body, and within which it must have taken what it was sent."""
    requests_per_second: Annotated[float, Field(ge=0)] = 0.0
    """Requests a second that one key may make of one worker on average; 0 is no limit."""
    burst: Annotated[int, Field(ge=1)] = 200
    """Requests that a key with a limit may make at once after a pause."""
    rates: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Requests a second of single keys by name, in the place of `requests_per_second`: `{personal-account = 500}`."""
    dashboard_login: bool = True
    """Whether the dashboard asks people to sign in; it may be false only where the server listens on loopback."""
    session_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 12.0
    """Hours after which people sign in anew."""
    session_key: SecretStr | None = None
    """Secret that sessions are signed with, the same on every node; else one is made and kept in the workspace."""
    open_metrics: bool = True
    """Whether /metrics answers without a key; false asks for a key with the scope uptake."""


class TokenSettings(Section):
    """OAuth 2 bearer tokens (JWT). Without `jwks` only MIA's own keys pass."""

    jwks: str | None = None
    """Where the issuer's public keys (JWKS) are: an https URL, or a file."""
    issuer: str | None = None
    """What the claim `iss` must be."""
    audience: str = "mia"
    """What the claim `aud` must be or hold."""
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"], ...] = ("RS256", "PS256", "ES256")
    """Signatures that are taken; only public-key ones can be named."""
    scope_claim: str = "scope"
    """Claim with the scopes: a list, or text with blanks between them."""
    scopes: dict[str, Literal["offers", "events", "uptake", "admin"]] = {
        f"mia:{scope}": scope for scope in ("offers", "events", "uptake", "admin")
    }
    """The issuer's scopes, and what each is for MIA; others give nothing."""
    leeway_seconds: Annotated[int, Field(ge=0, le=300)] = 30
    """How far the issuer's clock may be off."""
    refresh_seconds: Annotated[int, Field(ge=1)] = 300
    """How long a set of keys is used before it is asked for again; an unknown key id asks at once."""

    @model_validator(mode="after")
    def _whole(self) -> "TokenSettings":
        if self.jwks is None:
            return self
        if not self.issuer or not self.audience or not self.algorithms:
            raise ValueError("jwks needs issuer, audience and algorithms")
        url = urlsplit(self.jwks)
        loopback = url.hostname in ("localhost", "127.0.0.1", "::1")
        if url.scheme and url.scheme not in ("https", "file") and not (url.scheme == "http" and loopback):
            raise ValueError("jwks must be an https URL or a file")
        return self


class LoggingSettings(Section):
    """What `mia serve` writes to standard error."""

    format: Literal["json", "text"] = "json"
    """One JSON object a line, or lines for people."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is told."""
    access: bool = True
    """Whether every request is a line of its own."""
