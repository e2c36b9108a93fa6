"""Calls within a time budget."""

import threading

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
    answers = iter(lambda: attempt(budget), None)
    # What the late call answered is nobody's: the next one gets its own.
    assert next(answer for answer in answers if answer != "not yet") == "own"


def attempt(budget: Budget) -> str:
    try:
        return budget.run(lambda: "own")
    except TimeoutError:
        return "not yet"


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
