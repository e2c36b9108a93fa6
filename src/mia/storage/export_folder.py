"""A folder of tables for other tools that appears whole or not at all, in the place of an earlier one."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from mia.errors import InvalidInput, MiaError, WorkspaceBusy
from mia.storage.files import sync, write_table

MANIFEST = "export.json"
"""Tells what the export was made of and which files belong to it, with the rows and columns of each."""


class ExportFolder:
    """Where the tables of an export are written; `form` is `csv` or `parquet`, `written_by` names who makes it."""

    def __init__(self, folder: Path, form: str, written_by: str) -> None:
        self._folder, self._form = folder, form
        self._content: dict[str, Any] = {"written_by": written_by, "format": form, "files": {}}

    @property
    def files(self) -> int:
        """How many tables were written."""
        return len(self._content["files"])

    def write(self, name: str, table: pa.Table) -> None:
        """Write one table."""
        file = f"{name}.{self._form}"
        write_table(table, self._folder / file)
        self._content["files"][file] = {"rows": table.num_rows, "columns": table.column_names}

    def describe(self, about: Mapping[str, object]) -> None:
        """Tell in the manifest what the tables were made of."""
        self._content |= about

    def close(self) -> None:
        """Write the manifest, and wait until all has reached the disk."""
        (self._folder / MANIFEST).write_bytes(orjson.dumps(self._content, option=orjson.OPT_INDENT_2) + b"\n")
        for file in (*self._folder.iterdir(), self._folder):
            sync(file)


@contextmanager
def export_folder(path: Path, form: str, written_by: str) -> Iterator[ExportFolder]:
    """A folder to write tables to, which takes the place of `path` when the context ends well.

    It lies beside `path` under a hidden name until then, so whoever reads `path` never sees half of it, and what was
    there stays when anything fails. What a process that was killed left behind is put right by the next one.

    Raises InvalidInput when `path` is no folder, the folder around it does not exist or cannot be written, or `path`
    holds anything but an earlier export of the same kind; and WorkspaceBusy while another process writes it.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - a link in the place of the folder is not followed
    if not path.name or not path.parent.is_dir():
        raise InvalidInput("the folder around it does not exist", file=str(path))
    fresh, earlier = (path.with_name(f".{path.name}.{word}") for word in ("writing", "earlier"))
    with _refusals(path), _only_one(fresh):
        try:
            if earlier.exists() and not path.exists():
                earlier.rename(path)
            _require_replaceable(path, written_by)
            folder = ExportFolder(fresh, form, written_by)
            yield folder
            folder.close()
            shutil.rmtree(earlier, ignore_errors=True)
            if path.exists():
                fresh.chmod(path.stat().st_mode)
                path.rename(earlier)
            fresh.rename(path)
            sync(path.parent)
        finally:
            if earlier.exists() and not path.exists():
                earlier.rename(path)
            for rest in (fresh, earlier):
                shutil.rmtree(rest, ignore_errors=True)


def _require_replaceable(path: Path, written_by: str) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InvalidInput("must be a folder", file=str(path))
    strange = sorted({file.name for file in path.iterdir()} - _of_export(path, written_by)) if path.exists() else []
    if strange:
        raise InvalidInput(
            f"holds {strange[0]!r}, which is not of an earlier export; name a new or an empty folder", file=str(path)
        )


def _of_export(path: Path, written_by: str) -> set[str]:
    """Names of the files of the export that a folder holds, none without one."""
    try:
        content = orjson.loads((path / MANIFEST).read_bytes())
        return {MANIFEST, *content["files"]} if content["written_by"] == written_by else set()
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Be the only process that has this folder, made and emptied; the system lets go when the process ends."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have moved it to its place since it was opened.
            own = os.path.samestat(os.fstat(handle), folder.stat())
        except (BlockingIOError, FileNotFoundError):
            own = False
        if not own:
            raise WorkspaceBusy(str(folder))
        for rest in folder.iterdir():
            rest.unlink()
        yield
    finally:
        os.close(handle)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What the system refuses, in words that name the folder."""
    try:
        yield
    except OSError as error:
        if isinstance(error, MiaError):
            raise
        raise InvalidInput(f"cannot be written: {error.strerror or error}", file=str(path)) from error
