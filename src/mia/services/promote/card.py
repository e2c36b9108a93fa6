"""The card of a version, written anew whenever something about it has changed."""

import csv
import io
from typing import Any

import orjson

from mia.evaluation.card import render_card
from mia.evaluation.figures import slices_figure
from mia.evaluation.slices import Slice
from mia.ports import CARD, Registry

VERDICT, CHECKS, SLICES = "gate.json", "gate.csv", "slices.svg"
EVALUATION = "evaluation.json"
COLUMNS = ("name", "colour", "found", "asked", "amber", "red", "note")


def write_card(registry: Registry, version: str) -> None:
    """Store card, table of checks and plot of slices beside the verdict; raises UnknownModel."""
    evaluation: dict[str, Any] = orjson.loads((registry.fetch(version) / EVALUATION).read_bytes())
    judged = registry.attached(version, VERDICT)
    verdict: dict[str, Any] | None = None if judged is None else orjson.loads(judged)
    files = {CARD: render_card(version, evaluation, verdict)}
    slices = [Slice.from_json(one) for one in evaluation.get("slices", ())]
    if any(one.auc_gain is not None for one in slices):
        files[SLICES] = slices_figure(slices, str(evaluation["reference"]["name"]))
    if verdict is not None:
        files[CHECKS] = _table(verdict)
    registry.attach(version, files)


def read_card(registry: Registry, version: str) -> bytes:
    """The stored card as HTML, written now where the version has none yet; raises UnknownModel."""
    found = registry.attached(version, CARD)
    if found is None:
        write_card(registry, version)
        found = registry.attached(version, CARD)
    return found or b""


def _table(verdict: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(verdict["checks"])
    return out.getvalue()
