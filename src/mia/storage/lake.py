"""The lake: immutable parquet files, and one manifest that says which of them count.

A change writes its files first and then replaces the manifest in one rename, so a reader sees all of a change or
nothing of it, and a process that is killed half-way leaves only files that nobody refers to. Those are swept away
when the next change begins.
"""

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from mia.ports import LakeFile

MANIFEST = "manifest.json"


class ParquetLake:
    """The lake in one folder of the local disk; one writer at a time, any number of readers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _manifest(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = orjson.loads((self.folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            return {"files": [], "notes": {}}
        return content

    def files(self, table: str, days: Iterable[int] | None = None) -> list[LakeFile]:
        """Live files of a table, oldest first."""
        wanted = None if days is None else set(days)
        return [
            LakeFile(**entry)
            for entry in self._manifest()["files"]
            if entry["table"] == table and (wanted is None or entry["day"] in wanted)
        ]

    def paths(self, table: str, days: Iterable[int] | None = None) -> list[str]:
        """Absolute paths of the live files."""
        return [str(self.folder.absolute() / file.path) for file in self.files(table, days)]

    def noted(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """A value kept by `Change.note`, or None."""
        return self._manifest()["notes"].get(key)

    def change(self) -> "Change":
        """Begin a change."""
        manifest = self._manifest()
        live = {str(Path(entry["path"]).parts[0]) for entry in manifest["files"]}
        for stray in self.folder.glob("change-*"):
            if stray.name not in live:
                _remove_folder(stray)
        return Change(self.folder, manifest)


class Change:
    """A change of the lake that becomes visible as a whole, or not at all."""

    def __init__(self, lake: Path, manifest: dict[str, Any]) -> None:
        self._lake, self._manifest = lake, manifest
        self._folder = lake / f"change-{uuid.uuid4().hex}"

    def folder(self) -> Path:
        """Where new files of this change are to be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def add(self, table: str, path: Path, *, rows: int, load: str, day: int | None = None) -> None:
        """Take a file written below `folder()` into the lake."""
        relative = str(path.relative_to(self._lake))
        self._manifest["files"].append({"table": table, "path": relative, "rows": rows, "load": load, "day": day})

    def drop(self, table: str, days: Iterable[int] | None = None) -> None:
        """Leave out the files that the table has now (only those of `days` when given)."""
        wanted = None if days is None else set(days)
        self._manifest["files"] = [
            entry
            for entry in self._manifest["files"]
            if entry["table"] != table or (wanted is not None and entry["day"] not in wanted)
        ]

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Keep a small JSON value beside the files."""
        self._manifest["notes"][key] = value

    def commit(self) -> None:
        """Make the change visible, durably and at once."""
        self._lake.mkdir(parents=True, exist_ok=True)
        fresh = self._lake / f"{MANIFEST}.{uuid.uuid4().hex}"
        with fresh.open("wb") as file:
            file.write(orjson.dumps(self._manifest))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._lake / MANIFEST)
        handle = os.open(self._lake, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_folder(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
