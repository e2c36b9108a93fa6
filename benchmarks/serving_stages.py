"""Where the time of a decision goes: the stages one by one in this process, beside LightGBM on the same rows."""

import time
from collections import defaultdict
from collections.abc import Callable
from queue import SimpleQueue
from statistics import median

import numpy as np

from mia.api.encode import encode_decision
from mia.bootstrap import Workspace
from mia.domain.decision import Decision, DecisionRequest
from mia.domain.offer import Language
from mia.ports import Proposal
from mia.ranking.explanation import explain
from mia.ranking.exploration import Prospects
from mia.ranking.pairs import Context, build_pairs, numbers_of
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.services.decide.histories import contact_history
from mia.storage.ledger import GroupCommit
from mia.timeline import timestamp_of


class Stopwatch:
    """Wall and processor microseconds of each stage."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def time(self, stage: str, work: Callable[[], object]):
        begun, spent = time.perf_counter(), time.process_time()
        found = work()
        self._taken[stage].append((time.perf_counter() - begun, time.process_time() - spent))
        return found

    def medians(self) -> dict[str, tuple[float, float]]:
        """By stage, in the order in which they were first met."""
        return {
            stage: (1e6 * median(wall for wall, _ in runs), 1e6 * median(cpu for _, cpu in runs))
            for stage, runs in self._taken.items()
        }


def measure_stages(workspace: Workspace, ids: list[str]) -> dict[str, tuple[float, float]]:
    """Wall and processor microseconds of every stage, medians over some subscribers."""
    watch, maker, writer = Stopwatch(), workspace.decisions, workspace.writer
    live, ledger = maker.live, workspace.ledger
    model = live.model
    assert isinstance(model, LightGBMRanker)
    (booster,) = model._boosters
    maker.warm()

    def once(number: int, one: str) -> None:
        request = DecisionRequest(one, "app", workspace.clock())
        moment = timestamp_of(request.at)
        profile = watch.time("profile read", lambda: live.find(one))
        past = watch.time("history, reading", lambda: ledger.pasts([(one, request.at)], budgets=live.budgets))
        history = watch.time("history, counting", lambda: contact_history(live, [request], past))
        checked = watch.time(
            "eligibility", lambda: live.eligibility.check(profile, history, channel="app", on=moment.date())
        )
        cols = np.flatnonzero(checked.passed[0])
        rows, context = np.zeros(len(cols), np.int64), Context.constant(len(cols), "app", None, numbers_of(moment, {}))
        pairs = watch.time("features", lambda: build_pairs(profile, live.table, live.rates, rows, cols, context))
        acceptance = watch.time("scoring", lambda: model.score(pairs))
        matrix = model.matrix(pairs)
        watch.time("(Booster.predict on these rows)", lambda: booster.predict(matrix, num_threads=1))
        worth = live.arbitration.worth(acceptance, cols, request.channel, request.placement)
        prospects = Prospects(worth, acceptance, live.doubt[cols])
        slate = watch.time("exploration", lambda: live.exploration.draw(prospects, request.limit, number))
        watch.time("reasons", lambda: explain(model, pairs, slate.order, Language.RU))
        decision = watch.time("(whole decision)", lambda: maker.decide(request))
        watch.time("commit, alone", lambda: _commit(writer, decision))
        watch.time("encoding", lambda: encode_decision(decision, live.catalogue))

    for number, one in enumerate(ids):
        once(number, one)
    return watch.medians()


def _commit(writer: GroupCommit, decision: Decision) -> None:
    """Hand in a decision and wait until it stands."""
    answers: SimpleQueue[object] = SimpleQueue()
    writer.submit([Proposal(decision)], answers.put)
    answers.get()
