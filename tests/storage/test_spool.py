"""The spool: what was acknowledged is there after any end of the process, once; what was not is not."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mia.errors import SpoolFull
from mia.storage.spool import Spool

LIMIT = 2**20
MODEST = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def spool(tmp_path: Path):
    found = Spool(tmp_path / "spool", LIMIT)
    yield found
    found.close()


def keep(spool: Spool, *records: bytes) -> None:
    spool.append(records)
    spool.sync()


def drain(spool: Spool, most: int = 2) -> list[bytes]:
    found = []
    while records := spool.peek(most):
        found += records
        spool.drop()
    return found


def files(spool: Spool) -> list[Path]:
    return sorted(spool.folder.glob("*.spool"))


def test_records_come_back_in_order_and_once(spool: Spool) -> None:
    assert spool.peek(5) == []
    keep(spool, b"a", b"", b"b" * 1_000)
    keep(spool, b"c")
    assert spool.peek(2) == spool.peek(2) == [b"a", b""]
    assert drain(spool) == [b"a", b"", b"b" * 1_000, b"c"]
    assert drain(spool) == []
    keep(spool, b"d")
    assert drain(spool) == [b"d"]
    assert spool.size == 0


def test_what_comes_during_a_delivery_waits_for_the_next(spool: Spool) -> None:
    keep(spool, b"a")
    assert spool.peek(5) == [b"a"]
    keep(spool, b"b")
    spool.drop()
    assert drain(spool) == [b"b"]


def test_the_limit_takes_all_records_or_none(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100)
    with pytest.raises(SpoolFull):
        spool.append([b"x" * 60], share=0.5)
    keep(spool, b"x" * 30)
    with pytest.raises(SpoolFull):
        spool.append([b"y", b"x" * 60])
    keep(spool, b"x" * 40)
    assert drain(spool) == [b"x" * 30, b"x" * 40]
    keep(spool, b"x" * 90)
    spool.close()


def test_what_is_left_behind_is_taken_over(tmp_path: Path) -> None:
    first = Spool(tmp_path, LIMIT)
    keep(first, b"a", b"b")
    second = Spool(tmp_path, LIMIT)
    keep(second, b"c")
    assert drain(second) == [b"c"]
    assert sorted(second.everything()) == [b"a", b"b"]
    first.close()
    assert second.peek(1) == [b"a"]
    keep(second, b"d")
    second.drop()
    assert sorted(drain(second)) == [b"b", b"d"]
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_under_a_lock_is_left_alone(tmp_path: Path) -> None:
    first, second = Spool(tmp_path, LIMIT), Spool(tmp_path, LIMIT)
    keep(first, b"a")
    assert second.peek(1) == []
    assert drain(first) == [b"a"]
    assert second.peek(1) == []
    first.close()
    second.close()


@MODEST
@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=6),
    st.integers(0, 200),
    st.binary(max_size=12) | st.just(bytes(64)),
)
def test_a_torn_end_is_cut_off_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], cut: int, garbage: bytes
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    before = Spool(folder, LIMIT)
    keep(before, *records)
    assert before._own is not None
    before._own.close()  # the process is gone without a word
    (path,) = folder.glob("*.spool")
    content = path.read_bytes()
    whole = []
    end = 0
    for record in records:
        end += 8 + len(record)
        whole += [record] if end <= cut else []
    path.write_bytes(content[:cut] + garbage)
    after = Spool(folder, LIMIT)
    found = drain(after)
    assert found[: len(whole)] == whole
    assert found == records[: len(found)]
    after.close()


def test_a_disk_that_is_full_keeps_what_it_had(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(spool, b"a")
    write, sync = os.pwrite, os.fsync

    def half(handle: int, content: bytes, place: int) -> int:
        return write(handle, content[: len(content) // 2], place)

    def fails(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(SpoolFull, match="No space left"):
        spool.append([b"lost"])
    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fsync", fails)
    spool.append([b"lost too"])
    with pytest.raises(SpoolFull, match="Input/output"):
        spool.sync()
    monkeypatch.setattr(os, "fsync", sync)
    keep(spool, b"b")
    assert drain(spool) == [b"a", b"b"]


WRITER = """
import sys
from pathlib import Path
from mia.storage.spool import Spool

spool = Spool(Path(sys.argv[1]), 2**30)
number = 0
while True:
    spool.append([f"{sys.argv[2]} {number + place}".encode() for place in range(3)])
    spool.sync()
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 3
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": f"{root}/src"},
        )
        for name in ("one", "two")
    ]
    said: dict[str, int] = {}
    for name, writer in zip(("one", "two"), writers, strict=True):
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().split(b"\n")
        writer.stdout.close()
        writer.wait()
        said[name] = max(int(line) for line in lines if line.strip()) + 3
    spool = Spool(tmp_path, LIMIT)
    found = [record.decode().split() for record in drain(spool, 100)]
    for name, acknowledged in said.items():
        numbers = [int(number) for who, number in found if who == name]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= acknowledged >= 90
    spool.close()
