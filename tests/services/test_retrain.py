from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from tests.fakes.world import World

from mia.bootstrap import open_workspace
from mia.errors import GateRefused, RunBusy
from mia.ports import LakeFile, ModelVersion
from mia.services.retrain import TAG, Steps, retrain, state_of
from mia.storage.run_lock import run_lock


@dataclass
class Work:
    """Steps that tell what was done, on a shelf of versions; it may be killed before one of them."""

    done: list[str] = field(default_factory=list)
    shelf: list[ModelVersion] = field(default_factory=list)
    killed_before: str = ""
    refuses: bool = False

    def steps(self) -> Steps:
        return Steps(lambda: self.step("refresh"), self.train, self.promote)

    def versions(self) -> list[ModelVersion]:
        return self.shelf[::-1]

    def step(self, name: str) -> None:
        if name == self.killed_before:
            raise KeyboardInterrupt
        self.done.append(name)

    def train(self, tags: Mapping[str, str]) -> str:
        self.step("train")
        self.shelf.append(ModelVersion(str(len(self.shelf) + 1), "r", 0, False, {}, dict(tags)))
        return self.shelf[-1].version

    def promote(self, version: str) -> None:
        self.step("promote")
        self.shelf[int(version) - 1].tags["gate"] = "refused" if self.refuses else "passed"
        if self.refuses:
            raise GateRefused(version, ["one"])


def test_the_second_time_nothing_is_done() -> None:
    work = Work()
    first = retrain(work.steps(), work, "a")
    assert (first.version, first.made, first.judged) == ("1", True, True)
    again = retrain(work.steps(), work, "a")
    assert (again.version, again.made, again.judged, again.outcome) == ("1", False, False, "passed")
    assert work.done == ["refresh", "train", "promote"]
    assert retrain(work.steps(), work, "b").version == "2"
    assert retrain(work.steps(), work, "a").judged is False


def test_a_refusal_is_told_once_and_is_nothing_new_then() -> None:
    work = Work(refuses=True)
    with pytest.raises(GateRefused):
        retrain(work.steps(), work, "a")
    again = retrain(work.steps(), work, "a")
    assert (again.judged, again.outcome) == (False, "refused")


@pytest.mark.parametrize("step", ["refresh", "train", "promote"])
def test_killed_before_any_step_the_next_run_ends_the_work(step: str) -> None:
    work = Work(killed_before=step)
    with pytest.raises(KeyboardInterrupt):
        retrain(work.steps(), work, "a")
    work.killed_before = ""
    done = retrain(work.steps(), work, "a")
    assert (done.version, done.judged, len(work.shelf)) == ("1", True, 1)
    assert work.done.count("train") == work.done.count("promote") == 1
    assert done.made == (step != "promote")
    assert work.shelf[0].tags == {TAG: "a", "gate": "passed"}


class Files:
    """A lake of which only the names of files count."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def files(self, table: str) -> list[LakeFile]:
        return [LakeFile(table, path, 1, "l") for path in self.paths]


def events(*times: int) -> pa.Table:
    return pa.table({"occurred_at": pa.array(times, pa.int64()), "seq": pa.array(range(1, len(times) + 1), pa.int64())})


def test_the_state_moves_with_data_and_settings_only() -> None:
    def state(lake=Files("a", "b"), known=events(1, 2), until=None, parts=None):
        return state_of(lake, known, until=until, parts=parts or {"x": 1})

    assert state() == state(Files("b", "a"))
    assert state(until=2) == state(known=events(1, 2, 9), until=2)
    others = [state(Files("a")), state(known=events(1, 2, 3)), state(until=2), state(parts={"x": 2})]
    assert len({state(), *others}) == 5
    assert state(known=events()) != state()


def test_on_a_workspace(world: World, tmp_path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    with (
        run_lock(opened.home / "retrain.lock", 0),
        pytest.raises(RunBusy, match="since 1970-01-01 00:00:00 UTC"),
    ):
        opened.retrain()
    done = opened.retrain()
    assert (done.version, done.made, opened.registry.champion()) == ("2", True, "2")
    again = opened.retrain()
    assert (again.version, again.judged) == ("2", False)
    # A rollback is not undone by the next run of the scheduler.
    opened.roll_back()
    assert opened.retrain().judged is False
    assert opened.registry.champion() == "1"
    opened.close()
