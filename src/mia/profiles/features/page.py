"""The declarations as tables of a page for people."""

from mia.errors import InvalidInput
from mia.profiles.features.declared import GROUPS, describe

BEGIN, END = "<!-- features: made by `make docs` -->", "<!-- end of features -->"


def feature_tables() -> str:
    """Markdown: a heading and a table for each group of features."""
    rows = describe()
    lines = [f"{len(rows)} features."]
    for group, _ in GROUPS:
        lines += ["", f"### {group}", "", "| name | unit | window | description |", "|---|---|---|---|"]
        lines += [
            f"| `{row['name']}` | {row['unit']} | {row['window']} | {row['description']} |"
            for row in rows
            if row["group"] == group
        ]
    return "\n".join(lines)


def with_feature_tables(page: str, file: str) -> str:
    """A page with the tables between its two markers made anew; raises InvalidInput, naming the file, without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InvalidInput(f"the page needs the lines {BEGIN} and {END}", file=file)
    return f"{before}{BEGIN}\n\n{feature_tables()}\n\n{END}{after}"
