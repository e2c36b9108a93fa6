"""`mia serve`: the HTTP door and the dashboard."""

import errno
import os
import socket
from ipaddress import ip_address
from typing import Annotated

import typer
import uvicorn

from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput, InvalidSettings
from mia.logs import log_config
from mia.settings import Settings

APPLICATION = "mia.api.serve:serve_factory"
PROTOCOL = "mia.api.protocol:PatientProtocol"
DRAIN_SECONDS = 30


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes; each keeps its own metrics.")] = 1,
    home: Home = None,
) -> None:
    """Serve the API and the dashboard until interrupted; what was taken is committed before the end."""
    require_free(host, port)
    with workspace(home) as opened:
        # Refuse here, in words, what every worker would otherwise refuse with a traceback.
        opened.catalogue()
        _ = opened.ledger
        # One process makes the secret of sessions, before workers begin at once.
        _ = opened.sign_in
    listen(APPLICATION, opened.settings, host=host, port=port, workers=workers)


def listen(application: str, settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Run an application over the workspace of these settings until interrupted."""
    if not settings.door.dashboard_login and not is_loopback(host):
        raise InvalidSettings(f"door.dashboard_login may be false on loopback only, not on {host}")
    # Workers are new processes: the environment is what they share with this one.
    os.environ["MIA_HOME"] = str(settings.home)
    uvicorn.run(
        application,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=PROTOCOL,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=log_config(settings.logging.format, settings.logging.level, access=settings.logging.access),
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_free(host: str, port: int) -> None:
    """Raise InvalidInput when nothing can listen on this address, before any work is done for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                rule = f"port {port} of {host} is taken; name another one, for example --port {port + 1}"
                raise InvalidInput(rule, option="--port") from error
            raise InvalidInput(f"cannot listen on {host}: {error.strerror}", option="--host") from error
