"""The only place that builds adapters: a workspace folder and its settings become lake, ledger, models and services."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mia.bootstrap.parts import Parts, is_workspace, wall_clock

if TYPE_CHECKING:
    from mia.bootstrap.catalogue_check import check_catalogue_file
    from mia.bootstrap.workspace import EVENTS_OF_CONTACT, Workspace, open_workspace, require_workspace

__all__ = [
    "EVENTS_OF_CONTACT",
    "Parts",
    "Workspace",
    "check_catalogue_file",
    "is_workspace",
    "open_workspace",
    "require_workspace",
    "wall_clock",
]

_USE_CASES = {
    "check_catalogue_file": "catalogue_check",
    **dict.fromkeys(("EVENTS_OF_CONTACT", "Workspace", "open_workspace", "require_workspace"), "workspace"),
}
"""What brings along everything that trains, builds profiles and draws, imported when it is first asked for: a server,
which needs the parts alone, would start later and hold 100 MB more in each of its processes.
"""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    if name not in _USE_CASES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_USE_CASES[name]}"), name)
