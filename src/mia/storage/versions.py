"""Versions of what the lake keeps one file of each: catalogues and policies."""

from pathlib import Path

from mia.ports import Lake


def kept_since(lake: Lake, table: str) -> dict[str, int]:
    """When each version was written, in microseconds since the epoch, in the order of the lake."""
    files = zip(lake.files(table), lake.paths(table), strict=True)
    return {file.load: Path(path).stat().st_mtime_ns // 1_000 for file, path in files}
