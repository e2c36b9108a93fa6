"""Value maps of a mapping: what another system calls something, and what it is here, as SQL."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mia.intake.quoting import literal, literals


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Foreign values and ours. A value that is nothing here (`left_out`) takes its whole row out of the file, as a
    filter does; one that is not listed stays as it is, so that ours pass and unknown ones are rejected by name.
    """

    known: Mapping[str, str]
    left_out: tuple[str, ...]

    def ours(self, expression: str) -> str:
        """SQL of our value.

        >>> ValueMap({"SHOWN": "impression"}, ()).ours("what")
        "CASE trim(CAST((what) AS VARCHAR)) WHEN 'SHOWN' THEN 'impression' ELSE trim(CAST((what) AS VARCHAR)) END"
        """
        if not self.known:
            return expression
        text = _text(expression)
        cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(mine)}" for theirs, mine in self.known.items())
        return f"CASE {text} {cases} ELSE {text} END"

    def kept(self, expression: str) -> str | None:
        """SQL that is true for rows that stay; None where all do."""
        return f"coalesce({_text(expression)} NOT IN ({literals(self.left_out)}), true)" if self.left_out else None


def build_value_map(pairs: object, choices: Collection[str] = ()) -> ValueMap:
    """A value map from what YAML holds: `{foreign: ours}`, with null for what is nothing here.

    `choices` are all values that ours may be; none for any. Raises ValueError.
    """
    if not isinstance(pairs, dict) or not pairs:
        raise ValueError("values must be a mapping of their values to ours")
    known, left_out = dict[str, str](), list[str]()
    for theirs, mine in pairs.items():
        if isinstance(theirs, bool) or theirs is None or isinstance(mine, (bool, dict, list)):
            # YAML reads yes, no, on, off and null as something other than these words.
            raise ValueError(f"values must be texts; put {theirs!r} and {mine!r} in quotes")
        if mine is None:
            left_out.append(str(theirs).strip())
        elif choices and str(mine) not in choices:
            raise ValueError(f"{str(theirs)!r} cannot become {str(mine)!r}; one of {', '.join(choices)}")
        else:
            known[str(theirs).strip()] = str(mine)
    return ValueMap(known, tuple(left_out))


def _text(expression: str) -> str:
    return f"trim(CAST(({expression}) AS VARCHAR))"
