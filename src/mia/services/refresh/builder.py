"""Builds profiles from the lake and the ledger: of a day range by range, or of a training spine."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from ibis.expr.types import Table

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.frames import Profiles
from mia.ports import Engine, Lake, Ledger, ProfilePart, Session
from mia.profiles.assemble import assemble_profiles
from mia.profiles.daily import BY_KEY, BY_KIND, merge_known
from mia.profiles.features import WINDOW_COLUMNS, build_features, spine_of_day
from mia.profiles.keys import USAGE_HORIZON, build_response_keys, build_usage_keys, sum_keys
from mia.profiles.windows import LONGEST, sum_windows
from mia.services.refresh.fold import fold
from mia.services.refresh.sums import WindowSums
from mia.services.refresh.tables import DAILY, DAILY_KEYS, KEY_SUMS, SUBSCRIBERS, WINDOW_SUMS, Progress
from mia.tables import AS_OF, KNOWN_DAY, LOCAL_DAY, SUBSCRIBER_ID

SPINE = pa.schema([(SUBSCRIBER_ID, pa.string()), (AS_OF, pa.int64())])
ANSWERS = (SUBSCRIBER_ID, LOCAL_DAY, "offer_id", "kind")


@dataclass(frozen=True, slots=True)
class Built:
    """Profiles, and their features in double precision as a table: subscriber_id, as_of, then the features."""

    profiles: Profiles
    features: pa.Table


@dataclass(frozen=True, slots=True)
class ProfileBuilder:
    """Builds profiles for whole days and for training spines alike."""

    lake: Lake
    ledger: Ledger
    engine: Engine

    def fold(self, progress: Progress | None = None) -> int:
        """Roll up the days that changed; see `mia.services.refresh.fold`."""
        return fold(self.lake, self.engine, progress)

    def of_day(self, offers: tuple[Offer, ...], as_of: int, progress: Progress | None = None) -> Iterator[Built]:
        """Profiles of every subscriber as of a day, by subscriber_id, in parts of bounded size.

        Raises NotEnoughData without subscribers or usage.
        """
        for part in self.parts_of_day(offers, as_of, progress):
            found = {name: part.session.fetch(table) for name, table in part.tables.items()}
            yield Built(assemble_profiles(**found), found["features"])

    def features_of_day(self, offers: tuple[Offer, ...], as_of: int) -> pa.Table:
        """Features of every subscriber as of a day in one table in memory: to look at, not to serve from."""
        return pa.concat_tables(part.features for part in self.of_day(offers, as_of))

    def parts_of_day(
        self, offers: tuple[Offer, ...], as_of: int, progress: Progress | None = None
    ) -> Iterator[ProfilePart]:
        """The tables of `assemble_profiles` as expressions, range by range of subscribers."""
        self._require_usage()
        sums = WindowSums(self.lake, self.engine)
        ranges = sums.bring(as_of, progress)
        answers = self.ledger.events(columns=ANSWERS)
        for place, only in enumerate(ranges):
            with self.engine.open() as session:
                people = only.of(session.read(self.lake.paths(SUBSCRIBERS)))
                windows = session.read(sums.files(WINDOW_SUMS, as_of, place))
                keys = session.read(sums.files(KEY_SUMS, as_of, place))
                spine = session.table(session.fetch(spine_of_day(people, windows, as_of)).cast(SPINE))
                tables = _tables(session, windows, keys, people, spine, answers, offers)
                yield ProfilePart(session, tables, only.of)
            if progress:
                progress("building profiles", place + 1, len(ranges))

    def of_spine(self, offers: tuple[Offer, ...], spine: pa.Table) -> Profiles:
        """Profiles of the distinct (subscriber_id, as_of) rows of `spine`, sorted by (as_of, subscriber_id).

        Raises NotEnoughData without subscribers or usage, and ValueError when the spine names a profile twice.
        """
        self._require_usage()
        with self.engine.open() as session:
            people = session.read(self.lake.paths(SUBSCRIBERS))
            rows = session.table(spine.select([SUBSCRIBER_ID, AS_OF]).cast(SPINE))
            days = spine[AS_OF].to_numpy()
            first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
            sums = WindowSums(self.lake, self.engine)
            daily = sums.read_days(session, DAILY, list(range(first - LONGEST, last)))
            used = sums.read_days(session, DAILY_KEYS, list(range(first - USAGE_HORIZON, last)))
            late = sums.are_late(range(first - USAGE_HORIZON, last))
            windows = sum_windows(_joined(daily, rows, BY_KIND, LONGEST, late=late), WINDOW_COLUMNS, first, last)
            # Once for the features and once as keys of their own.
            keys = session.table(session.fetch(sum_keys(_joined(used, rows, BY_KEY, USAGE_HORIZON, late=late))))
            answers = self.ledger.events(columns=ANSWERS)
            tables = _tables(session, windows, keys, people, rows, answers, offers)
            return assemble_profiles(**{name: session.fetch(table) for name, table in tables.items()})

    def _require_usage(self) -> None:
        for table, what in ((SUBSCRIBERS, "subscribers"), (DAILY, "usage records")):
            if not self.lake.files(table):
                raise NotEnoughData(f"the lake holds no {what}; `mia ingest` loads them")


def _joined(days: Table, spine: Table, by: tuple[str, ...], horizon: int, *, late: bool) -> Table:
    """Roll-up rows with each as_of of the spine that sees them, one a day."""
    joined = days.inner_join(
        spine,
        [
            days[SUBSCRIBER_ID] == spine[SUBSCRIBER_ID],
            days[LOCAL_DAY] < spine[AS_OF],
            days[LOCAL_DAY] >= spine[AS_OF] - horizon,
            days[KNOWN_DAY] < spine[AS_OF],
        ],
    )
    rows = joined.select(*(days[name] for name in days.columns), spine[AS_OF])
    return merge_known(rows, by=(*by, AS_OF)) if late else rows


def _tables(
    session: Session,
    windows: Table,
    keys: Table,
    people: Table,
    spine: Table,
    answers: pa.Table,
    offers: tuple[Offer, ...],
) -> dict[str, Table]:
    categories = pa.table(
        {
            "offer_id": pa.array([offer.id for offer in offers], pa.string()),
            "category": pa.array([offer.category for offer in offers], pa.string()),
        }
    )
    return {
        "features": build_features(windows, keys, people, spine),
        "usage_keys": build_usage_keys(keys),
        "response_keys": build_response_keys(session.table(answers), session.table(categories), spine),
        "subscribers": people,
    }
