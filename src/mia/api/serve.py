"""The application that `mia serve` runs: a workspace behind the door. Every worker process makes its own."""

from fastapi import FastAPI

from mia.api.app import create_app
from mia.api.heap import settle_heap
from mia.api.services import Services
from mia.api.traces import build_traces
from mia.bootstrap import Parts
from mia.services.record import Recorder
from mia.settings import load_settings


def serve_factory() -> FastAPI:
    """The application over the workspace of this process's settings (MIA_HOME and the other MIA_* variables)."""
    settings = load_settings()
    traces = build_traces() if settings.traces else None
    app = create_app(services_of(Parts(settings)), settings.door, settings.tokens, traces=traces)
    settle_heap()
    return app


def services_of(workspace: Parts) -> Services:
    """What the door needs of a workspace; what decides is warm."""
    workspace.decisions.warm()
    return Services(
        decisions=workspace.decisions,
        catalogue=workspace.catalogue,
        recorder=Recorder(workspace.decisions, workspace.clock, workspace.regions),
        ledger=workspace.ledger,
        writer=workspace.writer,
        keys=workspace.keys,
        uptake=workspace.uptake_report(on_read=False),
        lift=workspace.lift,
        card=workspace.card,
        health=workspace.health,
        headline=workspace.settings.headline,
        clock=workspace.clock,
        sign_in=workspace.sign_in,
        ages=workspace.ages,
        changes=workspace.changes,
        close=workspace.close,
    )
