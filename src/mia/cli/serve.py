"""`mia serve`: the HTTP door and the dashboard."""

import errno
import os
import socket
from typing import Annotated

import typer
import uvicorn

from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput

APPLICATION = "mia.api.serve:serve_factory"
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
    # Workers are new processes: the environment is what they share with this one.
    os.environ["MIA_HOME"] = str(opened.home)
    uvicorn.run(
        APPLICATION,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


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
