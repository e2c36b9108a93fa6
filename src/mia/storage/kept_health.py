"""The last report on the live model, kept in the workspace for the dashboard and the metrics of all workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mia.errors import NoReport
from mia.storage.files import replace_durably

REPORT, PAGE = "report.json", "page.html"


@dataclass(frozen=True, slots=True)
class KeptHealth:
    """Files of one folder, each replaced as a whole; it appears with the first report."""

    folder: Path

    def keep(self, report: Mapping[str, Any], page: bytes) -> None:
        """Put a report and its page in the place of the last ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_durably(self.folder / PAGE, page)
        replace_durably(self.folder / REPORT, orjson.dumps(report, option=orjson.OPT_INDENT_2))

    def report(self) -> dict[str, Any] | None:
        """The last report; None before the first."""
        try:
            found: dict[str, Any] = orjson.loads((self.folder / REPORT).read_bytes())
        except FileNotFoundError:
            return None
        return found

    def page(self) -> bytes:
        """The last page; raises NoReport before the first."""
        try:
            return (self.folder / PAGE).read_bytes()
        except FileNotFoundError as error:
            raise NoReport("the live model was not looked at yet; `mia monitor` does it") from error
