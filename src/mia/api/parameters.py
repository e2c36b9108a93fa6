"""Query parameters of a route: those that it does not know are refused."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request

from mia.errors import InvalidInput


def require_known(names: Sequence[str]) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses what would be passed over without a word: `start=` is no `from=`."""

    async def check(request: Request) -> None:
        for name in request.query_params:
            if name not in names:
                raise InvalidInput(f"there is no such parameter; there are {', '.join(names)}", parameter=name)

    return check
