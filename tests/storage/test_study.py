"""Searches: what is tried depends on what was tried before and on nothing else, also after a kill."""

from pathlib import Path

import pytest

from mia.ports import Dimension
from mia.storage.study import OptunaStudy

SPACE = {
    "width": Dimension(0.01, 10.0, log=True),
    "leaves": Dimension(2, 64, log=True, whole=True),
    "extra": Dimension(choices=(False, True)),
}


def open_study(path: Path, seed: int = 7, name: str = "one") -> OptunaStudy:
    return OptunaStudy(path, name, SPACE, seed=seed)


def go_on(study: OptunaStudy, trials: int) -> None:
    for _ in range(trials):
        found = study.propose()
        study.tell(abs(found["width"] - 1.0) + found["leaves"] / 100)


def test_parameters_lie_in_the_space(tmp_path: Path) -> None:
    study = open_study(tmp_path / "deep" / "tuning.db")
    go_on(study, 12)
    done = study.done()
    assert [one.number for one in done] == list(range(12))
    for one in done:
        assert 0.01 <= one.parameters["width"] <= 10.0
        assert 2 <= one.parameters["leaves"] <= 64
        assert isinstance(one.parameters["leaves"], int)
        assert isinstance(one.parameters["extra"], bool)
        assert one.loss == pytest.approx(abs(one.parameters["width"] - 1.0) + one.parameters["leaves"] / 100)


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole.db", tmp_path / "parts.db"
    go_on(open_study(whole), 14)
    go_on(open_study(parts), 5)
    # Killed in the middle of a trial.
    open_study(parts).propose()
    go_on(open_study(parts), 9)
    assert open_study(parts).done() == open_study(whole).done()


def test_another_seed_or_name_is_another_search(tmp_path: Path) -> None:
    path = tmp_path / "tuning.db"
    go_on(open_study(path), 3)
    assert open_study(path, name="other").done() == []
    other = tmp_path / "other.db"
    go_on(open_study(other, seed=8), 3)
    assert open_study(other, seed=8).done() != open_study(path).done()


def test_a_search_finds_its_way(tmp_path: Path) -> None:
    study = open_study(tmp_path / "tuning.db")
    go_on(study, 40)
    losses = [one.loss for one in study.done()]
    assert min(losses[8:]) < min(losses[:8])
