"""Bearer tokens of an issuer: what passes, what is refused, and how its keys are kept."""

import asyncio
import base64
import hmac
import json
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.fakes.door import NOON_JULY_FIRST, Door, FakeClock
from tests.fakes.issuer import NAME, FakeIssuer

from mia.api.access.caller import Caller
from mia.api.access.issuer import Issuer
from mia.api.access.tokens import Tokens
from mia.errors import InvalidSettings, IssuerUnavailable, TokenRefused
from mia.sections import TokenSettings
from mia.settings import load_settings
from mia.timeline import MICROSECONDS

SETTINGS = TokenSettings(jwks="https://issuer.example/keys", issuer=NAME, refresh_seconds=300)


class House:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(NOON_JULY_FIRST // MICROSECONDS)
        self.tokens = Tokens(SETTINGS, Issuer(self.issuer.jwks, SETTINGS.refresh_seconds, self.clock), self.clock)

    def find(self, token: str) -> Caller:
        async def look() -> Caller:
            found = await self.tokens.find(token)
            # A renewal beside the request comes to its end.
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
            return found

        return asyncio.run(look())


@pytest.fixture
def house() -> House:
    return House()


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def signed_by_hand(header: object, claims: object, secret: bytes) -> str:
    """What a library for tokens refuses to make."""
    text = f"{encoded(header)}.{encoded(claims)}"
    signature = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_token_speaks_for_its_client_with_the_scopes_that_are_ours(house: House) -> None:
    assert house.find(house.issuer.token()) == Caller("token:account", frozenset({"offers", "uptake"}))
    listed = house.issuer.token(scope=["mia:admin", "mail", 7], client_id=None, aud=["other", "mia"])
    assert house.find(listed) == Caller("token:somebody", frozenset({"admin"}))
    assert house.find(house.issuer.token(scope=None)).scopes == frozenset()


FORGERIES = {
    "over": lambda issuer: issuer.token(exp=issuer.now - 31),
    "without an end": lambda issuer: issuer.token(exp=None),
    "not yet": lambda issuer: issuer.token(nbf=issuer.now + 31),
    "another audience": lambda issuer: issuer.token(aud="billing"),
    "no audience": lambda issuer: issuer.token(aud=None),
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "end in words": lambda issuer: issuer.token(exp="tomorrow"),
    "alg none": lambda issuer: f"{encoded({'alg': 'none', 'kid': 'k1'})}.{issuer.token().split('.')[1]}.",
    "alg None": lambda issuer: f"{encoded({'alg': 'NONE'})}.{issuer.token().split('.')[1]}.",
    "another key": lambda issuer: jwt.encode(
        {"alg": "RS256", "kid": "k1"},
        {"iss": NAME, "aud": "mia", "exp": issuer.now + 600, "scope": "mia:admin"},
        RSAKey.generate_key(2048, {"kid": "k1"}),
    ),
    "the public key as a shared secret": lambda issuer: signed_by_hand(
        {"alg": "HS256", "kid": "k1"},
        {"iss": NAME, "aud": "mia", "exp": issuer.now + 600, "scope": "mia:admin"},
        issuer.keys[0].as_pem(private=False),
    ),
    "a key it brings along": lambda issuer: jwt.encode(
        {"alg": "RS256", "jwk": (own := RSAKey.generate_key(2048)).as_dict(private=False), "kid": "k1"},
        {"iss": NAME, "aud": "mia", "exp": issuer.now + 600, "scope": "mia:admin"},
        own,
    ),
    "claims changed": lambda issuer: ".".join(
        [
            (parts := issuer.token().split("."))[0],
            encoded({"iss": NAME, "aud": "mia", "exp": issuer.now + 600, "scope": "mia:admin"}),
            parts[2],
        ]
    ),
    "signature cut": lambda issuer: issuer.token()[:-8],
    "no JSON": lambda issuer: "e30.e30.e30",
    "not ASCII": lambda issuer: "ключ.e30.e30",
    "endless": lambda issuer: f"{'e' * 9_000}.e30.e30",
    "empty": lambda issuer: "..",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(house: House, forgery: str) -> None:
    token = FORGERIES[forgery](house.issuer)
    with pytest.raises(TokenRefused) as refused:
        house.find(token)
    assert token[:20] not in str(refused.value)


def test_a_token_in_use_ends_when_it_is_over(house: House) -> None:
    token = house.issuer.token(exp=house.issuer.now + 60)
    house.find(token)
    house.clock.now += 89 * MICROSECONDS
    house.find(token)
    house.clock.now += 2 * MICROSECONDS
    with pytest.raises(TokenRefused, match="over"):
        house.find(token)


def test_keys_are_asked_for_once_in_a_while(house: House) -> None:
    for _ in range(20):
        house.find(house.issuer.token())
    assert house.issuer.read == 1
    house.clock.now += 301 * MICROSECONDS
    house.find(house.issuer.token())
    assert house.issuer.read == 2


def test_a_rotation_is_noticed_at_once_and_ends_the_old_key(house: House) -> None:
    old = house.issuer.token()
    house.find(old)
    house.issuer.rotate()
    assert house.find(house.issuer.token()).name == "token:account"
    with pytest.raises(TokenRefused):
        house.find(old)


def test_a_withdrawn_key_ends_with_the_next_look(house: House) -> None:
    token = house.issuer.token()
    house.find(token)
    house.issuer.rotate()
    house.clock.now += 301 * MICROSECONDS
    house.find(token)
    with pytest.raises(TokenRefused):
        house.find(token)


def test_unknown_key_ids_ask_only_so_often(house: House) -> None:
    house.find(house.issuer.token())
    for number in range(50):
        with pytest.raises(TokenRefused):
            house.find(f"{encoded({'alg': 'RS256', 'kid': f'guess{number}'})}.e30.e30")
    assert house.issuer.read <= 4


def test_keys_stay_while_the_issuer_is_away(house: House) -> None:
    house.find(house.issuer.token())
    house.issuer.down = True
    house.clock.now += 301 * MICROSECONDS
    assert house.find(house.issuer.token(exp=house.issuer.now + 9_000)).name == "token:account"


def test_without_keys_nobody_can_tell(house: House) -> None:
    house.issuer.down = True
    with pytest.raises(IssuerUnavailable):
        house.find(house.issuer.token())


def test_at_the_door(door: Door, tmp_path: Path) -> None:
    issuer = FakeIssuer(NOON_JULY_FIRST // MICROSECONDS)
    file = tmp_path / "jwks.json"
    file.write_bytes(issuer.jwks())
    opened = door.with_settings(tokens=TokenSettings(jwks=str(file), issuer=NAME))

    def ask(token: str) -> tuple[int, str]:
        answer = opened.get("/v1/uptake", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.headers.get("www-authenticate", "")

    assert ask(issuer.token()) == (200, "")
    assert ask(issuer.token(scope="mia:events")) == (403, "")
    assert ask(issuer.token(aud="billing")) == (401, 'Bearer realm="mia", error="invalid_token"')
    assert ask("mia_uptake") == (200, "")
    assert door.get("/v1/uptake", headers={"Authorization": f"Bearer {issuer.token()}"}).status_code == 401
    file.unlink()
    away = door.with_settings(tokens=TokenSettings(jwks=str(file), issuer=NAME))
    assert away.get("/v1/uptake", headers={"Authorization": f"Bearer {issuer.token()}"}).status_code == 503


@pytest.mark.parametrize(
    "variables",
    [{"JWKS": "https://i.example/keys"}, {"JWKS": "http://i.example/keys", "ISSUER": "i"}, {"ALGORITHMS": '["none"]'}],
)
def test_settings_that_would_let_anybody_in_are_refused(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MIA_TOKENS__{name}", value)
    with pytest.raises(InvalidSettings, match="tokens"):
        load_settings()
