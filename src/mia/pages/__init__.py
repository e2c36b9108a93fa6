"""The frame of every HTML page: one head for all, and one style for the reports that stand alone in a single file.

`frame.html` is the head that all pages extend; `report.html` extends it with the style of those that need nothing from
anywhere else.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mia.drawing import THEMES


def open_pages(folder: Path) -> Environment:
    """Templates of a folder, which may extend the shared ones; a name that a template lacks raises."""
    pages = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    pages.globals |= {"light": THEMES["light"].variables(), "dark": THEMES["dark"].variables()}
    return pages
