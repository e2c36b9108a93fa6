"""An issuer of tokens: keys of its own, tokens signed with them, and the JWKS that publishes them."""

from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

NAME = "https://issuer.example"


class FakeIssuer:
    """Signs with the newest key. `documents` counts how often the JWKS was read; `down` makes reading fail."""

    def __init__(self, now: int) -> None:
        self.now, self.down, self.read = now, False, 0
        self.keys: list[Any] = [RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})]

    def rotate(self) -> None:
        """Another key signs from now on, and the old one is withdrawn."""
        self.keys = [ECKey.generate_key("P-256", {"kid": f"k{int(self.keys[-1].kid[1:]) + 1}", "use": "sig"})]

    def jwks(self) -> bytes:
        self.read += 1
        if self.down:
            raise OSError("the issuer is down")
        return orjson.dumps(KeySet(self.keys).as_dict(private=False))

    def token(self, **changes: Any) -> str:
        claims = {
            "iss": NAME,
            "aud": "mia",
            "sub": "somebody",
            "client_id": "account",
            "scope": "mia:offers mia:uptake",
        }
        claims |= {"iat": self.now, "exp": self.now + 600}
        claims |= changes
        key = self.keys[-1]
        header = {"alg": "RS256" if key.key_type == "RSA" else "ES256", "kid": key.kid}
        return jwt.encode(header, {name: value for name, value in claims.items() if value is not None}, key)
