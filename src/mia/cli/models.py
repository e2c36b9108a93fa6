"""`mia models`: the registered models, and all that is stored of one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from mia.bootstrap import Workspace
from mia.cli.console import new_table, print_table
from mia.cli.workspace import Home, workspace
from mia.errors import InvalidInput
from mia.evaluation.gate import Check
from mia.ports import ModelVersion
from mia.services.promote import VERDICT
from mia.storage.files import replace_durably
from mia.timeline import MICROSECONDS

SHORT = 60


def models(
    version: Annotated[str | None, typer.Argument(help="Show the whole verdict of this version.")] = None,
    card: Annotated[Path | None, typer.Option(help="Write the model card of the version to this .html file.")] = None,
    home: Home = None,
) -> None:
    """List the registered models, newest first; or show one with the verdict of the gate."""
    if card is not None:
        _require_card(version, card)
    with workspace(home) as opened:
        if version is None:
            _list(opened)
        elif card is None:
            _show(opened, opened.version(version))
        else:
            replace_durably(card, opened.card(opened.version(version)))
            typer.echo(f"card of model {version}: {card}")


def _require_card(version: str | None, card: Path) -> None:
    if version is None:
        raise InvalidInput("only goes with a VERSION", option="--card")
    if card.suffix != ".html":
        raise InvalidInput("a card is named .html", file=str(card))
    if not card.absolute().parent.is_dir():
        raise InvalidInput("the folder of the card does not exist", file=str(card))


def _list(opened: Workspace) -> None:
    found = opened.registry.versions()
    if not found:
        typer.echo("No models yet; `mia train` makes one.")
        return
    table = new_table(
        "version", "made (UTC)", "champion", "gate", "AUC", "NDCG@3", "calibration\nerror", "trained\nuntil", "reasons"
    )
    for model in found:
        figures = (f"{model.metrics.get(name, float('nan')):.4f}" for name in ("auc", "ndcg_at_3", "calibration_error"))
        table.add_row(
            model.version,
            _minute(model.created_at * 1_000),
            "yes" if model.champion else "",
            _outcome(model),
            *figures,
            model.tags.get("trained_until", ""),
            _short(model.tags.get("gate_reasons", "")),
        )
    print_table(table)
    for model in found:
        if model.champion and model.tags.get("gate") == "refused" and not model.tags.get("gate_override"):
            typer.echo(f"model {model.version} was refused after it had gone live: it stays champion until another is")
        if model.tags.get("gate_override"):
            typer.echo(f"model {model.version} went live against the gate: {model.tags['gate_override']}")


def _show(opened: Workspace, version: str) -> None:
    stored = opened.registry.attached(version, VERDICT)
    changes = [one for one in opened.registry.champions() if one.version == version]
    live = opened.registry.champion() == version
    typer.echo(f"model {version}{', champion' if live else ''}: {opened.registry.fetch(version)}")
    if stored is None:
        typer.echo(f"the gate was not run; mia promote {version}")
    else:
        verdict = orjson.loads(stored)
        table = new_table("colour", "check", "found", "asked", "amber", "red", "note")
        for one in verdict["checks"]:
            check = Check.from_json({"amber": None, "red": None, "note": "", "colour": _colour(one), **one})
            numbers = ("–" if value is None else f"{value:.4g}" for value in (check.amber, check.red))
            found = "–" if check.found is None else f"{check.found:.4g}"
            table.add_row(check.colour.value, check.name, found, check.asked, *numbers, check.note)
        print_table(table)
        outcome = "passed" if verdict["passed"] else "refused"
        typer.echo(f"{outcome}, judged by {verdict.get('by', '?')} on {_minute(verdict.get('at', 0))} UTC")
        if verdict.get("override"):
            typer.echo(f"went live against the gate: {verdict['override']}")
    for change in changes:
        why = f": {change.reason}" if change.reason else ""
        typer.echo(f"champion since {_minute(change.at)} UTC by {change.by or '?'} ({change.how}){why}")


def _outcome(model: ModelVersion) -> str:
    gate = model.tags.get("gate", "not run")
    if model.tags.get("gate_override"):
        return "overridden"
    colour = model.tags.get("gate_colour", "")
    return f"{gate} {colour}" if colour else gate


def _colour(check: dict[str, object]) -> str:
    """Colour of a check from before there were colours."""
    return "green" if check["passed"] else "red"


def _short(reasons: str) -> str:
    return reasons if len(reasons) <= SHORT else f"{reasons[: SHORT - 3]}..."


def _minute(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / MICROSECONDS, UTC).strftime("%Y-%m-%d %H:%M")
