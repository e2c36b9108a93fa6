"""A door on a free port of this machine, behind the server that `mia serve` runs."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from tests.fakes.door import Door

from mia.api.protocol import PatientProtocol


@contextmanager
def serving(door: Door) -> Iterator[int]:
    """The port, for as long as the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            door.app, lifespan="on", http=PatientProtocol, log_config=None, access_log=False, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
