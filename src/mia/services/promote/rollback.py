"""Rollback: the last champion goes live again, at once and without a gate, for it had passed one."""

from collections.abc import Callable, Sequence

from mia.errors import InvalidInput, NotEnoughData
from mia.ports import ChampionChange, Registry

ROLLBACK = "rollback"


def roll_back(
    registry: Registry, *, to: str | None, by: str, clock: Callable[[], int], require: Callable[[str], object]
) -> ChampionChange:
    """Make the champion before the present one, or the version `to`, champion again; what was changed is stored.

    `require` raises for a version that cannot serve. Raises NotEnoughData when there was no earlier champion,
    InvalidInput for a version that was never champion, and what `require` raises.
    """
    present, history = registry.champion(), registry.champions()
    stack = champion_stack(history)
    if to is None:
        if len(stack) < 2:
            raise NotEnoughData("there was no champion before the present one")
        to = stack[-2]
    elif to == present:
        raise InvalidInput(f"model {to} is champion already", option="--to")
    elif all(one.version != to for one in history):
        raise InvalidInput(f"model {to} was never champion; `mia promote {to}` runs the gate", option="--to")
    require(to)
    change = ChampionChange(to, clock(), by, ROLLBACK, f"back from {present}")
    registry.make_champion(change)
    return change


def champion_stack(history: Sequence[ChampionChange]) -> list[str]:
    """The champions below the present one, oldest first and the present one last.

    A rollback takes off what lay above the version that it returned to, so that two of them go back two champions
    and not to and fro.

    >>> steps = [("1", "gate"), ("2", "gate"), ("3", "gate"), ("2", ROLLBACK)]
    >>> champion_stack([ChampionChange(version, 0, "", how) for version, how in steps])
    ['1', '2']
    """
    stack: list[str] = []
    for one in history:
        if one.how == ROLLBACK and one.version in stack:
            del stack[len(stack) - stack[::-1].index(one.version) :]
        else:
            stack.append(one.version)
    return stack
