"""One archive of a workspace that is at work: everything in it fits together, and nobody has to stop for it.

What the ledger refers to must be in the archive, so what waits for the ledger is taken first, then the ledger, then the
other databases, then the files, which never change once they are there. Databases are taken by SQLite's online backup,
which sees one state while others write. Loads and refreshes are kept out meanwhile, since they also remove files.
"""

import sqlite3
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from mia.errors import InvalidInput
from mia.storage.files import only_writer, sync

Progress = Callable[[str, int, int], None]
SUFFIX = ".tar"
WAITING, LEDGER, LOCKED = "spool", "ledger.db", ("lake", "profiles")
PASSING_FOLDERS = ("spill", "staging-")
PASSING_FILES = ("-wal", "-shm", "-journal", ".lock", ".fresh")


@dataclass(frozen=True, slots=True)
class Backup:
    """What went into an archive."""

    files: int
    size: int
    has_ledger: bool


def write_backup(home: Path, out: Path, progress: Progress | None = None) -> Backup:
    """Write a tar archive of a workspace; it appears whole or not at all.

    Unpacked into an empty folder it is that workspace again. Raises InvalidInput where it cannot be written, and
    WorkspaceBusy while a load or refresh is at work.
    """
    _require_place(home, out)
    part = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    with ExitStack() as stack:
        for name in LOCKED:
            if (home / name).is_dir():
                stack.enter_context(only_writer(home / name))
        stack.callback(part.unlink, missing_ok=True)
        found = sorted(_files(home), key=lambda path: _rank(path.relative_to(home)))
        size = 0
        with tarfile.open(part, "w") as archive:
            for done, path in enumerate(found, start=1):
                size += _add(archive, path, str(path.relative_to(home)), part)
                if progress:
                    progress("backup", done, len(found))
        sync(part)
        part.replace(out)
        sync(out.absolute().parent)
    return Backup(len(found), size, (home / LEDGER).is_file())


def _require_place(home: Path, out: Path) -> None:
    if out.suffix != SUFFIX or out.is_dir():
        raise InvalidInput(f"the archive is a file named {SUFFIX}", file=str(out))
    if not out.absolute().parent.is_dir():
        raise InvalidInput("the folder of the archive does not exist", file=str(out))
    if out.resolve().is_relative_to(home.resolve()):
        raise InvalidInput("the archive must lie outside of the workspace", file=str(out))


def _files(home: Path) -> Iterator[Path]:
    for path in home.rglob("*"):
        inside = path.relative_to(home)
        passing = any(step.startswith(PASSING_FOLDERS) for step in inside.parts) or path.name.endswith(PASSING_FILES)
        if path.is_file() and not passing:
            yield path


def _rank(inside: Path) -> tuple[int, str]:
    if inside.parts[0] == WAITING:
        return 0, str(inside)
    if str(inside) == LEDGER:
        return 1, ""
    return (2 if inside.suffix == ".db" else 3), str(inside)


def _add(archive: tarfile.TarFile, path: Path, name: str, part: Path) -> int:
    if path.suffix == ".db":
        with _state_of(path, part.with_suffix(".db")) as copy:
            archive.add(copy, name)
            return copy.stat().st_size
    if name.startswith(f"{WAITING}/"):
        # What waits may grow, or be delivered and go, while it is read.
        content = path.read_bytes() if path.exists() else b""
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, BytesIO(content))
        return len(content)
    archive.add(path, name)
    return path.stat().st_size


@contextmanager
def _state_of(path: Path, copy: Path) -> Iterator[Path]:
    """One state of a database that others may be writing to, as a file of its own for as long as the context lasts."""
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            # In one step: a copy page by page would begin anew at every commit.
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        yield copy
    finally:
        copy.unlink(missing_ok=True)
