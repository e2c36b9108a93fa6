"""The body of a request as it comes in: not too large, not too slow, not too deep."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from mia.sections import DoorSettings

_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))


class Body:
    """Stands between the server and the application; every limit that is broken raises HTTPException.

    Its text is the status code's: 413 too large, 408 too slow, 400 too deep (answered as 422).
    """

    __slots__ = ("_chunks", "_complete", "_deadline", "_limits", "_receive", "_size")

    def __init__(self, receive: Receive, limits: DoorSettings) -> None:
        self._receive, self._limits = receive, limits
        self._chunks: list[bytes] = []
        self._size, self._complete = 0, False
        self._deadline = 0.0

    async def receive(self) -> Message:
        """The next message of the client."""
        if self._complete:
            return await self._receive()
        if not self._deadline:
            self._deadline = asyncio.get_running_loop().time() + self._limits.body_seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            detail = f"the body was not there within {self._limits.body_seconds:g} seconds"
            raise HTTPException(408, detail, {"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._take(message)
        return message

    def _take(self, message: Message) -> None:
        chunk = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._limits.body_limit:
            raise HTTPException(
                413, f"a request body may have {self._limits.body_limit} bytes", {"Connection": "close"}
            )
        if chunk:
            self._chunks.append(chunk)
        if not message.get("more_body", False):
            self._complete = True
            if is_deeper(b"".join(self._chunks), self._limits.depth_limit):
                raise HTTPException(400, f"the body is nested more than {self._limits.depth_limit} deep")
            self._chunks.clear()


def is_deeper(body: bytes, limit: int) -> bool:
    r"""Whether JSON text is nested deeper than `limit`, told without parsing it, in time linear in its length.

    Text that is no JSON may come out either way: a parser refuses it anyhow.

    >>> is_deeper(b'[[{"a": "]]]"}]]', 3), is_deeper(b'[[{"a": "\\"[[["}]]', 2), is_deeper(b"[[[[" * 9, 3)
    (False, True, True)
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    # Escaped backslashes before escaped quotes: what is then left of quotes begins and ends texts.
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_BRACKETS)
    brackets = b"".join(bare.split(b'"')[::2]).translate(bytes.maketrans(b"{}", b"[]"))
    # Each round takes the innermost pairs away, and with them one level everywhere.
    for _ in range(limit):
        fewer = brackets.replace(b"[]", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    return brackets.count(b"[") > limit or b"[]" in brackets
