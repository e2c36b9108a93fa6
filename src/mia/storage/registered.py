"""What is registered: the champion, how it came to be, and the files of each version, read from MLflow's own database.

MLflow takes seconds and 65 MB to import, which every server process would pay to hear one number; so what only reads
asks the tables themselves. Whatever is written goes through MLflow, see `mia.storage.registry`.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from mia.errors import RegistryUnavailable, UnknownModel
from mia.ports import ChampionChange

NAME = "mia"
CHAMPION = "champion"
CHANGE = "champion."
"""Tags of the registered model that tell who was champion when, numbered in order."""
DATABASE, MODEL, ARTIFACTS = "mlflow.db", "model", "artifacts"
WAIT_SECONDS = 10.0

_ALIAS = """
    SELECT version FROM registered_model_aliases JOIN model_versions USING (workspace, name, version)
    WHERE name = :name AND alias = :alias AND current_stage <> 'Deleted_Internal'
"""
_RUN = """
    SELECT run_id FROM model_versions
    WHERE name = :name AND CAST(version AS TEXT) = :version AND current_stage <> 'Deleted_Internal'
"""
_TAGS = """
    SELECT value FROM registered_model_tags
    WHERE name = :name AND substr(key, 1, length(:prefix)) = :prefix ORDER BY key
"""


class RegisteredModels:
    """The versions of the one model of a workspace. Every question but those of a folder without a database raises
    RegistryUnavailable where it cannot be read, or is no longer there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._was_there = False

    def champion(self) -> str | None:
        """Version behind the alias `champion`, None when there is none."""
        found = self._ask(_ALIAS, alias=CHAMPION)
        return str(found[0][0]) if found else None

    def champions(self) -> list[ChampionChange]:
        """Every change of the champion, oldest first, the present one last."""
        champion = self.champion()
        if champion is None:
            return []
        changes = [ChampionChange(**orjson.loads(value)) for (value,) in self._ask(_TAGS, prefix=CHANGE)]
        if all(one.version != champion for one in changes):
            return [*changes, ChampionChange(champion, 0, "", "alias")]
        # What was noted and did not come to pass, since the process was killed between the two, is no change.
        while changes[-1].version != champion:
            changes.pop()
        return changes

    def fetch(self, version: str) -> Path:
        """Folder with the artifacts of a version; raises UnknownModel."""
        folder = self.attachments(version) / MODEL
        if not folder.is_dir():
            raise UnknownModel(version)
        return folder

    def attached(self, version: str, name: str) -> bytes | None:
        """One of the small files beside a version, None where there is none; raises UnknownModel."""
        path = self.attachments(version) / name
        return path.read_bytes() if path.is_file() else None

    def attachments(self, version: str) -> Path:
        """Where the artifacts of a version lie: in this folder, wherever the workspace was when it was made. Raises
        UnknownModel.
        """
        found = self._ask(_RUN, version=version)
        if not found:
            raise UnknownModel(version)
        return self._folder / ARTIFACTS / str(found[0][0]) / ARTIFACTS

    def _ask(self, query: str, **given: Any) -> Sequence[tuple[Any, ...]]:  # noqa: ANN401 - what SQLite takes
        path = self._folder / DATABASE
        if not path.exists():
            if self._was_there:
                # A registry that is away is not one without a champion.
                raise RegistryUnavailable(f"the registry {path} is no longer there")
            return []
        try:
            with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
                found = connection.execute(query, {"name": NAME, **given}).fetchall()
        except sqlite3.DatabaseError as error:
            raise RegistryUnavailable(f"the registry {path} cannot be read: {error}") from error
        self._was_there = True
        return found
