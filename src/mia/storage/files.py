"""Files written whole or not at all: results for people and their tools, and the small ones that say what counts."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from mia.errors import InvalidInput, WorkspaceBusy

LOCK = "writer.lock"


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table to a `.parquet` or `.csv` file; raises InvalidInput for any other name or a missing folder."""
    with table_writer(path) as write:
        write(table)


@contextmanager
def table_writer(path: Path) -> Iterator[Callable[[pa.Table], None]]:
    """Write a `.parquet` or `.csv` file table by table, all of one schema; the file appears when the context ends well.

    Raises InvalidInput for any other name or a missing folder.
    """
    require_writable(path)
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    opened: list[Any] = []

    def write(table: pa.Table) -> None:
        if not opened:
            csv = path.suffix == ".csv"
            opened.append(
                pyarrow.csv.CSVWriter(staging, table.schema)
                if csv
                else pyarrow.parquet.ParquetWriter(staging, table.schema, compression="zstd")
            )
        opened[0].write_table(table)

    try:
        yield write
        for writer in opened:
            writer.close()
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Raise InvalidInput unless a result can be written there."""
    if path.suffix not in {".csv", ".parquet"}:
        raise InvalidInput("a result file is named .parquet or .csv", file=str(path))
    if path.is_dir():
        raise InvalidInput("the result file is a folder", file=str(path))
    if not path.absolute().parent.is_dir():
        raise InvalidInput("the folder of the result file does not exist", file=str(path))


def replace_durably(path: Path, content: bytes) -> None:
    """Put a small file in the place of another in one step that outlives a power cut.

    Only one process may do so at a time. What it leaves when it is killed has the one name that the next writes over.
    """
    fresh = path.with_name(f"{path.name}.fresh")
    fresh.write_bytes(content)
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)


def keep_secret(path: Path) -> bytes:
    """The 32 random bytes of a file that only its owner may read, made when it is first asked for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    if not path.exists():
        fresh.touch(0o600)
        fresh.write_bytes(os.urandom(32))
        try:
            # Of several processes that begin at once, one makes it, and all of them use that one.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, have reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """An empty folder of this name for as long as the context lasts; only one process may use it at a time.

    What another one that was killed left there is swept away.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only process that writes to a folder, which is made; raises WorkspaceBusy while another one does.

    The system lets go of the lock when the process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceBusy(str(folder)) from error
        yield
