"""Where the face lies, and the absolute addresses that its documents carry."""

import re

from fastapi import Request

BASE = "/customer/v4"
QUERIES = f"{BASE}/queryProductRecommendation"
SCHEMAS = f"{BASE}/schema"
ORDERS = f"{BASE}/listener/productOrderStateChangeEvent"
_HOST = re.compile(r"[A-Za-z0-9._~-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


class Addresses:
    """Addresses under the host that a client asked; under `localhost` where it named none that can be one.

    >>> from starlette.requests import Request
    >>> scope = {"type": "http", "scheme": "https", "headers": [(b"host", b"mia.example")]}
    >>> Addresses(Request(scope)).query("d1")
    'https://mia.example/customer/v4/queryProductRecommendation/d1'
    """

    def __init__(self, request: Request) -> None:
        host = request.headers.get("host", "")
        self._root = f"{request.scope['scheme']}://{host if _HOST.fullmatch(host) else 'localhost'}"

    def query(self, decision_id: str) -> str:
        """Of a query by its id."""
        return f"{self._root}{QUERIES}/{decision_id}"

    def schema(self, name: str) -> str:
        """Of the JSON Schema of an extended type."""
        return f"{self._root}{SCHEMAS}/{name}.json"

    def orders(self) -> str:
        """Of the listener for product orders."""
        return f"{self._root}{ORDERS}"
