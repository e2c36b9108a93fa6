"""The life of the application."""

import asyncio

import pytest
from tests.fakes.door import Door

from mia.api.app import create_app
from mia.errors import LedgerUnavailable


def test_shutdown_drains_the_writer(door: Door) -> None:
    app = create_app(door.services)

    async def live() -> None:
        async with app.router.lifespan_context(app):
            pass

    asyncio.run(live())
    with pytest.raises(LedgerUnavailable, match="closed"):
        door.services.writer.submit_events([])


@pytest.mark.parametrize("error", [None, RuntimeError("the registry is away")])
def test_newer_versions_are_looked_for_again_and_again(
    door: Door, error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(door.services, renew_seconds=0.0)
    seen, loops = asyncio.Event(), []

    def reload() -> None:
        door.decisions.reloads += 1
        if door.decisions.reloads > 2:
            loops[0].call_soon_threadsafe(seen.set)
        if error is not None:
            raise error

    door.decisions.reload = reload

    async def live() -> None:
        loops.append(asyncio.get_running_loop())
        async with app.router.lifespan_context(app):
            await asyncio.wait_for(seen.wait(), timeout=30)

    asyncio.run(live())
    assert ("the registry is away" in caplog.text) == (error is not None)
