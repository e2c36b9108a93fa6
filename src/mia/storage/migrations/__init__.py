"""Versions of the ledger's tables, carried in the package and run when a ledger is opened."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

NEWEST = "0003"


def upgrade(connection: Connection, version: str = NEWEST) -> None:
    """Bring the tables to a version, the newest by default, inside the transaction of the connection."""
    if _version(connection) == version:
        return
    # It takes a second and 10 MB, and most ledgers that are opened are as they should be.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def _version(connection: Connection) -> str | None:
    """The version that the tables have, None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
