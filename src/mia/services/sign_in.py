"""Signing people in: sessions, one-time links and stamps of forms, each a value signed with the secret of the house.

A session says which key it was opened with (by its digest), so that it ends when the key does.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable

from mia.errors import ForgedForm, NotSignedIn
from mia.timeline import MICROSECONDS

LINK_SECONDS = 3_600
FORM_SECONDS = 3_600
MOST_USED = 10_000


class SignIn:
    """Makes and reads signed values; `secret` of 32 bytes, `clock` in microseconds."""

    def __init__(self, secret: bytes, clock: Callable[[], int], session_seconds: float) -> None:
        self._secret, self._clock = secret, clock
        self.session_seconds = int(session_seconds)
        self._used: dict[str, int] = {}

    def session(self, digest: str) -> str:
        """A session for the key of this digest."""
        return self._seal("session", digest, self.session_seconds)

    def read_session(self, value: str) -> str:
        """Digest of the key that a session was opened with; raises NotSignedIn."""
        found = self._unseal("session", value)
        if found is None:
            raise NotSignedIn("sign in first: this session is over, or is none")
        return found[0]

    def link(self, digest: str) -> str:
        """What a link carries that signs in once, within the hour."""
        return self._seal("link", digest, LINK_SECONDS)

    def use_link(self, value: str) -> str:
        """Digest of the key of a link that was not used in this process; raises NotSignedIn."""
        found = self._unseal("link", value)
        now = self._clock()
        if found is None or found[1] in self._used:
            raise NotSignedIn("this link was used before, or is too old: sign in with a key")
        if len(self._used) >= MOST_USED:
            self._used = {nonce: end for nonce, end in self._used.items() if end > now}
        self._used[found[1]] = now + LINK_SECONDS * MICROSECONDS
        return found[0]

    def nonce(self) -> str:
        """A subject for the stamp of a form of somebody who has none yet."""
        return secrets.token_hex(16)

    def stamp(self, subject: str) -> str:
        """What a form of ours carries that is sent with `subject`, a cookie of the same browser."""
        return self._seal("form", subject, FORM_SECONDS)

    def require_stamp(self, stamp: str, subject: str) -> None:
        """Raise ForgedForm unless a stamp of ours comes with its subject."""
        found = self._unseal("form", stamp)
        if found is None or not subject or not hmac.compare_digest(found[0].encode(), subject.encode()):
            raise ForgedForm("this form is not from our page, or is too old: open the page anew")

    def _seal(self, purpose: str, subject: str, seconds: int) -> str:
        end = self._clock() + seconds * MICROSECONDS
        text = f"{end}.{secrets.token_hex(8)}.{subject}"
        packed = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return f"{packed}.{self._sign(purpose, packed)}"

    def _unseal(self, purpose: str, value: str) -> tuple[str, str] | None:
        """Subject and nonce of a value of ours that is not over."""
        packed, _, signature = value.partition(".")
        if not value.isascii() or not hmac.compare_digest(signature, self._sign(purpose, packed)):
            return None
        try:
            text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        except (binascii.Error, ValueError):
            return None
        end, nonce, subject = text.split(".", 2)
        return (subject, nonce) if self._clock() < int(end) else None

    def _sign(self, purpose: str, packed: str) -> str:
        return hmac.digest(self._secret, f"{purpose}:{packed}".encode(), "sha256").hex()
