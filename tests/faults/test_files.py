"""Files that are gone, cut short or another's: at the start a clear refusal or a fallback that is named; while serving
the set in force stays, and says why nothing newer is.
"""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.fakes.door import FakeClock
from tests.fakes.world import AS_OF, NOON, World

from mia.api.app import create_app
from mia.api.serve import services_of
from mia.bootstrap import Workspace, open_workspace
from mia.bootstrap.parts import wall_clock
from mia.cli.serve import serve
from mia.errors import InvalidInput, MiaError
from mia.ports import ChampionChange
from mia.settings import ArmSettings, DecisionSettings
from mia.timeline import MICROSECONDS

pytestmark = pytest.mark.slow
ASK = {"subscriber_id": "s0000001", "channel": "app"}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def model_files(home: Path) -> list[Path]:
    """What rankers are loaded from, the newest version last."""
    return sorted((home / "models" / "artifacts").glob("*/artifacts/model"), key=lambda path: path.stat().st_mtime_ns)


def cut_model(home: Path) -> None:
    cut(model_files(home)[-1] / "model-0.txt")


def empty_model(home: Path) -> None:
    (model_files(home)[-1] / "model-0.txt").write_bytes(b"")


def forge_fingerprint(home: Path) -> None:
    path = model_files(home)[-1] / "ranker.json"
    text = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(_forged(text)))


def _forged(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: "0" * 12 if name == "fingerprint" else _forged(one) for name, one in value.items()}


def without_registry(home: Path) -> None:
    shutil.rmtree(home / "models")


def garbled_registry(home: Path) -> None:
    for path in (home / "models").glob("mlflow.db*"):
        path.write_bytes(b"no database" * 1_000)


def newest_snapshot(home: Path) -> Path:
    return home / "profiles" / (home / "profiles" / "current").read_text()


def half_a_snapshot(home: Path) -> None:
    cut(newest_snapshot(home) / "data.mdb")


def snapshot_without_manifest(home: Path) -> None:
    (newest_snapshot(home) / "snapshot.json").unlink()


def broken_catalogue(home: Path) -> None:
    for path in home.rglob("catalogue-*.json"):
        cut(path)


class Door:
    """The application over a workspace, without a server."""

    def __init__(self, opened: Workspace) -> None:
        self.app, self.key = create_app(services_of(opened)), opened.keys.create("of this test", ["admin"])

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://mia") as client:
                return await client.request(method, path, headers={"X-API-Key": self.key}, **options)

        return asyncio.run(exchange())

    def decide(self) -> dict[str, Any]:
        answer = self.call("POST", "/v1/decisions", json=ASK)
        assert answer.status_code == 200
        assert answer.json()["offers"]
        return dict(answer.json())

    def ready(self) -> dict[str, Any]:
        return dict(self.call("GET", "/readyz").json())


@contextmanager
def opened_at(world: World, home: Path, clock: Callable[[], int] = wall_clock) -> Iterator[Workspace]:
    """The workspace, in which everybody gets the personal order."""
    arms, patient = ArmSettings(control_share=0.0), DecisionSettings(scorer_budget_ms=60_000, ledger_budget_ms=60_000)
    settings = world.settings(home).model_copy(update={"arms": arms, "decisions": patient})
    opened = open_workspace(settings, clock)
    try:
        yield opened
    finally:
        opened.close()


AT_START: dict[Callable[[Path], None], str] = {
    cut_model: "model_failed",
    empty_model: "model_failed",
    forge_fingerprint: "feature_mismatch",
    without_registry: "no_model",
    garbled_registry: "model_failed",
    half_a_snapshot: "unknown_subscriber",
    snapshot_without_manifest: "unknown_subscriber",
}


@pytest.mark.parametrize("damage", AT_START)
def test_a_start_on_damage_answers_and_says_so(
    world: World, tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    home = world.copy(tmp_path)
    damage(home)
    with opened_at(world, home) as opened:
        door = Door(opened)
        assert door.decide()["fallback"] == AT_START[damage]
        ready = door.ready()
        assert ready["ready"]
        assert not ready["personalised"]
        if damage is without_registry:
            return
        assert [record for record in caplog.records if record.levelname == "ERROR"]
        if damage in (half_a_snapshot, snapshot_without_manifest):
            assert "snapshot" in ready["newer_refused"]


def test_a_start_without_a_catalogue_is_refused_in_words(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    broken_catalogue(home)
    with pytest.raises(MiaError, match="catalogue-"):
        serve(port=0, home=home)


def test_a_snapshot_that_is_whole_again_comes_into_force(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    whole = (newest_snapshot(home) / "data.mdb").read_bytes()
    half_a_snapshot(home)
    clock = FakeClock(NOON)
    with opened_at(world, home, clock) as opened:
        door = Door(opened)
        assert door.decide()["fallback"] == "unknown_subscriber"
        (newest_snapshot(home) / "data.mdb").write_bytes(whole)
        clock.now += 60 * MICROSECONDS
        opened.decisions.reload()
        assert door.decide()["fallback"] is None
        assert door.ready()["newer_refused"] is None


def newer_model(opened: Workspace) -> None:
    again = opened.registry.register(folder=opened.registry.fetch("1"), parameters={}, metrics={}, tags={})
    opened.registry.make_champion(ChampionChange(again, 0, "tests", "gate"))


def newer_snapshot(opened: Workspace) -> None:
    current = str(opened.profiles.current())
    people = [part.profiles for part in opened.builder.of_day(opened.current_offers(), AS_OF + 1)]
    history, fitted = opened.profiles.history(current), opened.profiles.fingerprint(current)
    opened.profiles.publish(AS_OF + 1, people, history, fitted)


def newer_catalogue(opened: Workspace) -> None:
    path = opened.home / "offers.yaml"
    one = "{id: fresh, name: {ru: Новое, en: New}, category: data_pack, kind: pack, price: 1, value: 9}"
    path.write_text(f"offers:\n  - {one}\n", "utf-8")
    opened.ingest(path)


def nothing_newer(_: Workspace) -> None:
    """Only what is there gets damaged."""


LIVE: list[tuple[Callable[[Workspace], None], Callable[[Path], None], str | None]] = [
    (newer_model, cut_model, "model 2 fails; model 1 stays in force"),
    (newer_model, empty_model, "model 2 fails; model 1 stays in force"),
    (newer_snapshot, half_a_snapshot, "could not be loaded"),
    (newer_snapshot, snapshot_without_manifest, "could not be loaded"),
    (newer_catalogue, broken_catalogue, "could not be loaded"),
    (nothing_newer, garbled_registry, "could not be loaded"),
    (nothing_newer, without_registry, None),
]


@pytest.mark.parametrize(("change", "damage", "said"), LIVE, ids=[damage.__name__ for _, damage, _ in LIVE])
def test_damage_while_serving_leaves_the_set_in_force(
    world: World,
    tmp_path: Path,
    change: Callable[[Workspace], None],
    damage: Callable[[Path], None],
    said: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    home = world.copy(tmp_path)
    with opened_at(world, home) as opened:
        door = Door(opened)
        before, versions = door.decide(), door.ready()["versions"]
        assert before["fallback"] is None
        change(opened)
        damage(home)
        opened.decisions.reload()
        after, ready = door.decide(), door.ready()
        assert (after["fallback"], after["model_version"]) == (None, "1")
        assert [offer["offer_id"] for offer in after["offers"]]
        assert (ready["ready"], ready["versions"]) == (True, versions)
        if said is not None:
            assert said in ready["newer_refused"]
            assert said in caplog.text


def test_a_broken_catalogue_or_policy_never_gets_in(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    with opened_at(world, home) as opened:
        before = opened.newest_versions()
        path = tmp_path / "offers.yaml"
        path.write_text("offers:\n  - {id: fresh, name: {ru: Новое", "utf-8")
        with pytest.raises(InvalidInput, match=r"offers\.yaml"):
            opened.ingest(path)
        path = tmp_path / "policy.yaml"
        path.write_text("exploration: {policy: none", "utf-8")
        with pytest.raises(InvalidInput, match=r"policy\.yaml"):
            opened.set_policy(path)
        assert opened.newest_versions() == before
