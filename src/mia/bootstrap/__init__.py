"""The only place that builds adapters: a workspace folder and its settings become lake, ledger, models and services."""

from mia.bootstrap.catalogue_check import check_catalogue_file
from mia.bootstrap.parts import is_workspace, wall_clock
from mia.bootstrap.workspace import EVENTS_OF_CONTACT, Workspace, open_workspace, require_workspace

__all__ = [
    "EVENTS_OF_CONTACT",
    "Workspace",
    "check_catalogue_file",
    "is_workspace",
    "open_workspace",
    "require_workspace",
    "wall_clock",
]
