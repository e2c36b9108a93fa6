import os
from multiprocessing import get_context
from pathlib import Path

import orjson
import pytest

from mia.errors import RunBusy
from mia.storage.run_lock import run_lock

NOON = 1_625_140_800_000_000


def test_the_second_one_is_told_who_is_at_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "retrain.lock"
    with run_lock(path, NOON):
        with pytest.raises(RunBusy) as caught, run_lock(path, NOON + 1):
            raise AssertionError
        assert (caught.value.pid, caught.value.started) == (os.getpid(), NOON)
        assert str(caught.value) == (
            f"process {os.getpid()} is at it since 2021-07-01 12:00:00 UTC (retrain.lock): "
            "run this again when that one is done"
        )
    with run_lock(path, NOON):
        pass


def hold_and_die(path: Path) -> None:
    with run_lock(path, NOON):
        os._exit(9)


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "retrain.lock"
    process = get_context("spawn").Process(target=hold_and_die, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert orjson.loads(path.read_bytes())["pid"] == process.pid
    with run_lock(path, NOON + 5):
        assert orjson.loads(path.read_bytes()) == {"pid": os.getpid(), "started": NOON + 5}


def test_a_holder_that_has_not_told_yet_is_somebody(tmp_path: Path) -> None:
    path = tmp_path / "retrain.lock"
    with run_lock(path, NOON):
        path.write_bytes(b"")
        with pytest.raises(RunBusy, match="another process is at it"), run_lock(path, NOON):
            raise AssertionError
