"""Play simulated subscribers against a service: they come, see offers, and do what people do."""

from mia.services.play.door import Decided, Door
from mia.services.play.http_door import HttpDoor
from mia.services.play.player import Played, play
from mia.services.play.usage import write_usage
from mia.services.play.waiting import keep_waiting, read_waiting

__all__ = [
    "Decided",
    "Door",
    "HttpDoor",
    "Played",
    "keep_waiting",
    "play",
    "read_waiting",
    "write_usage",
]
