"""The rankers on the sample's later window, beside the truth that the simulator knows: `make bench-ranking`."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mia.bootstrap import Workspace, open_workspace
from mia.evaluation.intervals import clusters
from mia.evaluation.measures import Measures, Scored, measure
from mia.ranking.training_set import build_impressions
from mia.services.train import Trained
from mia.settings import load_settings

SAMPLE = Path("data/sample")


def main() -> None:
    """Train on the sample in a workspace of its own and print the table with a row for the truth."""
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(load_settings(Path(home)))
        workspace.ingest(SAMPLE)
        trained = workspace.train()
        rows = {**trained.table, "truth": _measure_truth(workspace, trained)}
        workspace.close()
    print(f"{trained.test_rows:,} impressions {' to '.join(trained.test_window)}, {trained.test_positives} connections")
    print(f"{'ranker':<20}{'AUC':<28}{'log loss':<12}{'NDCG@3':<10}calibration error")
    for name, found in rows.items():
        print(
            f"{name:<20}{found.auc!s:<28}{found.log_loss:<12.4f}{found.ndcg_at_3:<10.4f}{found.calibration_error:.4f}"
        )


def _measure_truth(workspace: Workspace, trained: Trained) -> Measures:
    """The same figures for the true probabilities, position and channel included."""
    events = workspace.ledger.events()
    impressions = build_impressions(
        events,
        attribution_days=workspace.settings.training.attribution_days,
        until=workspace.end_of_events(),
    )
    first, last = (np.datetime64(text, "D").astype(int) for text in trained.test_window)
    kept = impressions.take(np.flatnonzero((impressions.local_day >= first) & (impressions.local_day <= last)))
    truth = pq.read_table(SAMPLE / "truth" / "impressions.parquet")
    shown = events.filter(pc.equal(events["kind"], "impression"))
    chance = pc.take(truth["acceptance"], pc.index_in(shown["event_id"], truth["event_id"].combine_chunks()))
    place = pc.index_in(_keys(kept.subscriber_ids, kept.offer_ids, kept.occurred_at), _keys_of(shown))
    scores = chance.take(place).to_numpy().astype(float)
    return measure(scores, Scored(kept.labels, kept.slate, clusters(kept.subscriber_ids)))


def _keys_of(table: pa.Table) -> pa.Array:
    columns = (table[name].to_numpy(zero_copy_only=False) for name in ("subscriber_id", "offer_id", "occurred_at"))
    return _keys(*columns)


def _keys(subscribers: np.ndarray, offers: np.ndarray, times: np.ndarray) -> pa.Array:
    parts = (pa.array(subscribers, pa.string()), pa.array(offers, pa.string()), pa.array(times).cast(pa.string()))
    return pc.binary_join_element_wise(*parts, "|")


if __name__ == "__main__":
    main()
