"""Champions and attachments of the MLflow registry."""

from pathlib import Path
from shutil import copytree

import pytest
from mlflow.tracking import MlflowClient

from mia.errors import RegistryUnavailable, UnknownModel
from mia.ports import ChampionChange
from mia.storage.registered import CHAMPION, DATABASE, NAME, RegisteredModels
from mia.storage.registry import MlflowRegistry


def changed(version: str, how: str = "gate") -> ChampionChange:
    return ChampionChange(version, 7, "ana", how, "why")


@pytest.fixture(scope="module")
def shelf(empty_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with three versions."""
    folder = tmp_path_factory.mktemp("shelf")
    copytree(empty_models, folder / "models")
    (folder / "files").mkdir()
    (folder / "files" / "model.txt").write_text("trees")
    registry = MlflowRegistry(folder / "models")
    for _ in range(3):
        registry.register(folder=folder / "files", parameters={"a": 1}, metrics={"auc": 0.7}, tags={"t": "x"})
    return folder / "models"


@pytest.fixture
def registry(shelf: Path, tmp_path: Path) -> MlflowRegistry:
    return MlflowRegistry(Path(copytree(shelf, tmp_path / "models")))


def test_every_change_of_the_champion_is_kept_in_order(registry: MlflowRegistry) -> None:
    assert (registry.champion(), registry.champions()) == (None, [])
    steps = [changed("1"), changed("3", "override"), changed("1", "rollback"), changed("2")]
    for step in steps:
        registry.make_champion(step)
    assert registry.champions() == steps
    assert registry.champion() == "2"
    with pytest.raises(UnknownModel):
        registry.make_champion(changed("9"))
    assert registry.champions() == steps


def test_a_change_that_was_noted_but_killed_is_none(registry: MlflowRegistry, monkeypatch) -> None:
    registry.make_champion(changed("1"))
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            registry.make_champion(changed("2"))
    assert registry.champions() == [changed("1")]
    registry.make_champion(changed("3"))
    assert registry.champions() == [changed("1"), changed("3")]


def test_an_alias_set_by_another_tool_is_a_champion_too(registry: MlflowRegistry) -> None:
    registry.make_champion(changed("1"))
    registry._client.set_registered_model_alias(NAME, CHAMPION, "2")
    assert [one.version for one in registry.champions()] == ["1", "2"]
    registry.make_champion(changed("3"))
    assert [one.version for one in registry.champions()][-1] == "3"


def test_attachments_are_artifacts_of_the_run_wherever_the_workspace_was(registry: MlflowRegistry) -> None:
    assert registry.attached("1", "card.html") is None
    registry.attach("1", {"card.html": "<p>one", "gate.csv": "a"})
    registry.attach("1", {"card.html": "<p>two"})
    assert registry.attached("1", "card.html") == b"<p>two"
    assert registry.attached("2", "card.html") is None
    (first,) = (one for one in registry.versions() if one.version == "1")
    assert Path(first.tags["card"]).read_text() == "<p>two"
    assert Path(first.tags["card"]).parent == registry.fetch("1").parent
    assert "gate.csv" not in first.tags
    for ask in (lambda: registry.attach("9", {}), lambda: registry.attached("9", "x"), lambda: registry.judge("9", {})):
        with pytest.raises(UnknownModel):
            ask()


def test_a_verdict_is_kept_whole_and_in_short(registry: MlflowRegistry) -> None:
    verdict = {"passed": False, "colour": "red", "reasons": "r" * 3_000, "override": "because", "checks": []}
    registry.judge("2", verdict)
    tags = next(one.tags for one in registry.versions() if one.version == "2")
    assert (tags["gate"], tags["gate_colour"], tags["gate_override"]) == ("refused", "red", "because")
    assert len(tags["gate_reasons"]) == 1_000
    assert b'"reasons"' in registry.attached("2", "gate.json")
    registry.judge("2", {"passed": True, "colour": "green", "reasons": "", "override": None, "checks": []})
    tags = next(one.tags for one in registry.versions() if one.version == "2")
    assert (tags["gate"], tags["gate_override"]) == ("passed", "")


def test_its_tables_tell_what_mlflow_tells(registry: MlflowRegistry, tmp_path: Path) -> None:
    client, read = registry._client, RegisteredModels(tmp_path / "models")
    for version in ("3", "1"):
        client.set_registered_model_alias(NAME, CHAMPION, version)
        assert read.champion() == str(client.get_model_version_by_alias(NAME, CHAMPION).version) == version
    for one in client.search_model_versions(f"name = '{NAME}'"):
        assert read.attachments(str(one.version)).parent.name == one.run_id
    client.delete_model_version(NAME, "1")
    assert read.champion() is None
    for unknown in ("1", "9", "", "one", "9" * 30):
        with pytest.raises(UnknownModel):
            read.fetch(unknown)


def test_a_registry_that_went_away_is_not_one_without_a_champion(registry: MlflowRegistry, tmp_path: Path) -> None:
    never = RegisteredModels(tmp_path / "nothing")
    assert (never.champion(), never.champions()) == (None, [])
    assert not (tmp_path / "nothing").exists()
    read = RegisteredModels(tmp_path / "models")
    assert read.champion() is None
    (tmp_path / "models" / DATABASE).rename(tmp_path / "moved")
    with pytest.raises(RegistryUnavailable, match="no longer there"):
        read.champion()
    (tmp_path / "models" / DATABASE).write_bytes(b"no database" * 1_000)
    with pytest.raises(RegistryUnavailable, match="cannot be read"):
        read.champion()
