"""A phone number that is handed to a new subscriber brings none of the old one's history along."""

from pathlib import Path

import numpy as np
import pytest
from tests.fakes.intake import EVENT, NOW, SUBSCRIBER, USAGE, write_csv

from mia.bootstrap import Workspace, open_workspace
from mia.settings import Settings
from mia.timeline import DAY_SECONDS, MICROSECONDS

NUMBER = "d1f3"
AS_OF = NOW // MICROSECONDS // DAY_SECONDS


@pytest.fixture
def opened(tmp_path: Path):
    source = tmp_path / "source"
    # The number changed hands on 10 June; contracts, not numbers, are subscribers.
    write_csv(
        source / "subscribers.csv",
        [
            {**SUBSCRIBER, "subscriber_id": "before", "number_digest": NUMBER, "activated_on": "2020-01-01"},
            {**SUBSCRIBER, "subscriber_id": "after", "number_digest": NUMBER, "activated_on": "2021-06-10"},
            {**SUBSCRIBER, "subscriber_id": "nobody", "number_digest": "7ab0", "activated_on": "2021-06-10"},
        ],
    )
    catalogue = "offers:\n  - {id: music, name: {ru: Музыка, en: Music}, category: music, kind: pack, value: 40}\n"
    (source / "offers.yaml").write_text(catalogue, "utf-8")
    usage = {**USAGE, "subscriber_id": "before", "category": "films", "item": "cinema"}
    write_csv(
        source / "usage.csv",
        [
            {**usage, "record_id": "r1"},
            # The old contract's record still comes in after the number changed hands, and is corrected later still.
            {**usage, "record_id": "r2", "arrived_at": "2021-06-12T10:00:00Z", "version": "1"},
            {**usage, "record_id": "r2", "arrived_at": "2021-06-20T10:00:00Z", "version": "2", "quantity": "90"},
        ],
    )
    write_csv(source / "events.csv", [{**EVENT, "subscriber_id": "before"}])
    workspace = open_workspace(Settings(home=tmp_path / "home", threads=1), lambda: NOW)
    workspace.ingest(source)
    yield workspace
    workspace.close()


def test_the_new_subscriber_of_a_number_has_no_history(opened: Workspace) -> None:
    snapshot = opened.refresh(AS_OF).snapshot
    before, after, nobody = (opened.profiles.find(snapshot, one) for one in ("before", "after", "nobody"))
    assert before is not None
    assert after is not None
    assert nobody is not None
    assert before.numeric[0, before.names.index("voice_minutes_30d")] > 0
    assert len(before.usage.codes) > 0
    assert len(before.responses.codes) > 0
    # Like a subscriber who was activated on the same day and never had anything.
    np.testing.assert_array_equal(after.numeric, nobody.numeric)
    assert (len(after.usage.codes), len(after.responses.codes)) == (0, 0)
