"""A disk without room for the ledger, and then for the spool: honest refusals, and nothing that was acknowledged is
lost. A file may grow no further by a limit of the process, which works everywhere; or the workspace lies on a small
disk of its own, where one may be mounted.
"""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree, which

import pytest
from tests.fakes.load import Load, require_kept
from tests.fakes.served import Served, eventually

pytestmark = pytest.mark.slow
ROOM = 2**20
DECISIONS, EVENTS = "/v1/decisions", "/v1/events"


def run_out_of_room(home: Path, fill: Callable[[Served], None], free: Callable[[Served], None]) -> str:
    """Fill the disk under load until both ledger and spool are full, make room again, and compare."""
    with Served(home) as service:
        with Load(service, clients=2, batch=100) as load:
            told = load.account
            load.goes_on(200)
            fill(service)
            try:
                eventually(lambda: told.count(EVENTS, 503), "events are refused")
                eventually(lambda: told.not_stored, "decisions can be kept nowhere, and say so")
            finally:
                free(service)
            eventually(lambda: not service.waits(), "all that waited is delivered")
            load.goes_on(200)
        load.settle()
        eventually(lambda: not service.waits(), "all that waited is delivered")
        require_kept(service, told)
    assert {(path, status) for path, status, _ in told.statuses if status >= 500} == {(EVENTS, 503)}
    assert told.retry_after == {"1"}
    return f"{told.acknowledged:,} acknowledged and there once, {told.count(EVENTS, 503):,} events refused\n"


def test_files_that_may_not_grow(tiny_home: Path, tmp_path: Path) -> None:
    home = copytree(tiny_home, tmp_path / "home")

    def limit(service: Served, room: int) -> None:
        most = resource.prlimit(service.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(service.pid, resource.RLIMIT_FSIZE, (room, most))

    said = run_out_of_room(
        home, lambda service: limit(service, ROOM), lambda service: limit(service, resource.RLIM_INFINITY)
    )
    sys.stdout.write(f"files of at most {ROOM:,} bytes: {said}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk; files that may not grow are tested without")
    yield folder
    subprocess.run([str(which("umount")), "--lazy", str(folder)], check=True)


def test_a_small_disk(tiny_home: Path, small_disk: Path) -> None:
    home = copytree(tiny_home, small_disk / "home")
    filler = small_disk / "filler"

    def fill(_: Served) -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    said = run_out_of_room(home, fill, lambda _: filler.unlink())
    sys.stdout.write(f"a disk without room: {said}")
