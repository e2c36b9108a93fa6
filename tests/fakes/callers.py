"""Callers of the ledger's writer."""

from collections.abc import Sequence
from concurrent.futures import Future

from mia.domain.decision import Decision
from mia.ports import Proposal
from mia.storage.ledger import GroupCommit


def hand_in(writer: GroupCommit, proposal: Proposal) -> "Future[Decision]":
    """Hand in one decision; its future is done when the writer has answered."""
    future: Future[Decision] = Future()

    def answered(found: Sequence[tuple[int, Decision | Exception]]) -> None:
        ((place, answer),) = found
        assert place == 0
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    writer.submit([proposal], answered)
    return future
