"""Calls within a time budget."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mia.services.decide import Budget


def test_what_a_call_returns_and_raises_comes_back() -> None:
    budget = Budget(60.0)
    assert budget.run(lambda: 7) == 7
    with pytest.raises(LookupError, match="gone"):
        budget.run(raising)
    assert budget.run(lambda: 8) == 8


def raising() -> int:
    raise LookupError("gone")


def test_a_call_that_hangs_is_given_up_and_nobody_waits_behind_it() -> None:
    budget, door, entered = Budget(0.01), threading.Event(), threading.Event()

    def hang() -> str:
        entered.set()
        door.wait()
        return "late"

    with pytest.raises(TimeoutError, match="10 ms"):
        budget.run(hang)
    assert entered.wait(60)
    calls: list[int] = []
    for _ in range(3):
        with pytest.raises(TimeoutError, match="an earlier call"):
            budget.run(lambda: calls.append(1))
    assert not calls
    door.set()
    answers = iter(lambda: attempt(budget, lambda: "own"), None)
    # What the late call answered is nobody's: the next one gets its own.
    assert next(answer for answer in answers if answer != "not yet") == "own"


def attempt(budget: Budget, call: Callable[[], Any]) -> Any:
    try:
        return budget.run(call)
    except TimeoutError:
        return "not yet"


def test_a_trusted_call_runs_in_place_until_one_is_slow() -> None:
    budget, here = Budget(0.01, trusting=True), threading.get_ident()
    assert budget.run(threading.get_ident) == here
    with pytest.raises(TimeoutError, match="done, but not within 10 ms"):
        budget.run(lambda: time.sleep(0.02))
    apart = [attempt(budget, threading.get_ident) for _ in range(50)]
    assert here not in apart
    while attempt(budget, threading.get_ident) != here:
        pass
    assert budget.run(threading.get_ident) == here


def test_threads_that_share_a_budget_get_their_own_answers() -> None:
    budget = Budget(60.0)
    found: dict[int, int] = {}

    def ask(number: int) -> None:
        for _ in range(50):
            found[number] = budget.run(lambda: number)
            assert found[number] == number

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(4)}
