"""What is still to come of months that were played, kept beside the workspace until the next one."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from mia.simulator.living import Happening


def keep_waiting(path: Path, waiting: Sequence[Happening]) -> None:
    """Keep it, in the place of what was kept before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(b"".join(orjson.dumps(asdict(one)) + b"\n" for one in waiting))
    fresh.replace(path)


def read_waiting(path: Path) -> tuple[Happening, ...]:
    """What was kept; nothing where nothing was."""
    if not path.exists():
        return ()
    return tuple(Happening(**orjson.loads(line)) for line in path.read_bytes().splitlines())
