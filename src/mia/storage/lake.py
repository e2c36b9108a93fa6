"""The lake: immutable parquet files, and one manifest that says which of them count.

A change writes its files first and then replaces the manifest in one rename, so a reader sees all of a change or
nothing of it, and a process that is killed half-way leaves only files that nobody refers to. Those are swept away
when the next change begins. Only one change is at work at a time.
"""

import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from mia.ports import LakeFile
from mia.storage.files import only_writer, replace_durably, sync

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

    def files(self, table: str | None, days: Iterable[int] | None = None) -> list[LakeFile]:
        """Live files of a table, or of all tables, oldest first."""
        wanted = None if days is None else set(days)
        return [
            LakeFile(**entry)
            for entry in self._manifest()["files"]
            if table in (None, entry["table"]) and (wanted is None or entry["day"] in wanted)
        ]

    def paths(self, table: str, days: Iterable[int] | None = None) -> list[str]:
        """Absolute paths of the live files."""
        return [str(self.folder.absolute() / file.path) for file in self.files(table, days)]

    def noted(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """A value kept by `Change.note`, or None."""
        return self._manifest()["notes"].get(key)

    @contextmanager
    def change(self) -> Iterator["Change"]:
        """The only change at work, as a context; left without a commit it changes nothing. Raises WorkspaceBusy."""
        with only_writer(self.folder):
            manifest = self._manifest()
            live = {Path(entry["path"]) for entry in manifest["files"]}
            folders = {path.parts[0] for path in live}
            for stray in self.folder.glob("change-*"):
                if stray.name not in folders:
                    shutil.rmtree(stray)
                    continue
                # Files that were dropped while others of their change stayed.
                for file in stray.rglob("*"):
                    if file.is_file() and file.relative_to(self.folder) not in live:
                        file.unlink()
            yield Change(self.folder, manifest)


class Change:
    """A change of the lake that becomes visible as a whole, or not at all."""

    def __init__(self, lake: Path, manifest: dict[str, Any]) -> None:
        self._lake, self._manifest = lake, manifest
        self._folder = lake / f"change-{uuid.uuid4().hex}"
        self._rewritten: list[tuple[Path, Path]] = []

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

    def rewrite(self, file: LakeFile, path: Path, rows: int) -> None:
        """Put a file written below `folder()`, with fewer rows, in the place of a live one and under its name.

        Its name says what others were made of, so they stay what they are. Killed half-way, a change has put some of
        its files in place; done again, it does the rest.
        """
        self._rewritten.append((path, self._lake / file.path))
        for entry in self._manifest["files"]:
            if entry["path"] == file.path:
                entry["rows"] = rows

    def note(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Keep a small JSON value beside the files."""
        self._manifest["notes"][key] = value

    def commit(self) -> None:
        """Make the change visible, durably and at once."""
        if self._folder.exists():
            for path in (*self._folder.rglob("*"), self._folder):
                sync(path)
        for fresh, live in self._rewritten:
            fresh.replace(live)
            sync(live.parent)
        replace_durably(self._lake / MANIFEST, orjson.dumps(self._manifest))
