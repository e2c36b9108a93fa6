"""The ledger as learning sees it: without the events of who opted out of personalisation."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from mia.ports import Lake, Ledger
from mia.tables import PERSONALISATION, SUBSCRIBER_ID, SUBSCRIBERS


class WillingLog:
    """`mia.ports.LearningLog` over a ledger and the subscribers of the lake, as they are known now: who opts out takes
    all earlier events along, and who comes back brings them back.
    """

    def __init__(self, ledger: Ledger, lake: Lake) -> None:
        self._ledger, self._lake = ledger, lake

    def events(self, after: int = 0) -> pa.Table:
        """Events after a position, of who is willing."""
        events, out = self._ledger.events(after), self.opted_out()
        return events.filter(pc.invert(pc.is_in(events[SUBSCRIBER_ID], out))) if len(out) else events

    def opted_out(self) -> pa.Array:
        """Ids of the subscribers who refused personalisation."""
        paths = self._lake.paths(SUBSCRIBERS.name)
        known = ds.dataset(paths, format="parquet") if paths else None
        if known is None or PERSONALISATION not in known.schema.names:
            return pa.array([], pa.string())
        found = known.to_table(columns=[SUBSCRIBER_ID], filter=pc.equal(ds.field(PERSONALISATION), False))
        return found[SUBSCRIBER_ID].cast(pa.string()).combine_chunks()

    def decision_contexts(self) -> pa.Table:
        """What decisions were asked with; only those of impressions are ever looked at."""
        return self._ledger.decision_contexts()

    def decision_tally(self, since: int, until: int) -> pa.Table:
        """Decisions counted, of everybody: what is watched there is the service and not the subscribers."""
        return self._ledger.decision_tally(since, until)

    def explored_impressions(self) -> tuple[int, int]:
        """Impressions of decisions that explored, and of all decisions, of everybody."""
        return self._ledger.explored_impressions()
