"""What collaborative filtering makes of the coupons of Complete Journey, beside MIA.

    python benchmarks/complete_journey_peers.py FILES PAIRS OUT

Runs in an environment of its own, since RecTools asks for an older NumPy. Coupons are new in every campaign, so models
of users and items cannot know them: they learn which types of products each household buys, from purchases before the
campaign, and a coupon is worth the mean score of its products' types. OUT gets a column for each model.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, TFIDFRecommender
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import EASEModel, ImplicitALSWrapperModel, ImplicitItemKNNWrapperModel, PopularModel
from rectools.models.base import ModelBase

SEED = 7


def models() -> dict[str, ModelBase]:
    """Models without neural networks, those of `implicit` through RecTools."""
    return {
        "popular types": PopularModel(),
        "implicit ALS": ImplicitALSWrapperModel(
            AlternatingLeastSquares(factors=64, regularization=0.05, alpha=2.0, iterations=15, random_state=SEED)
        ),
        "RecTools ItemKNN, TF-IDF": ImplicitItemKNNWrapperModel(TFIDFRecommender(K=100)),
        "RecTools ItemKNN, BM25": ImplicitItemKNNWrapperModel(BM25Recommender(K=100)),
        "RecTools EASE": EASEModel(regularization=300.0),
    }


def main() -> None:
    """Score the pairs of each campaign by models of the purchases before it."""
    files, pairs_file, out = (Path(given) for given in sys.argv[1:])
    usage = pd.read_parquet(
        files / "usage.parquet", columns=["household_id", "product_id", "transaction_timestamp", "tags"]
    )
    usage["type"] = [_type_of(tags) for tags in usage["tags"]]
    types = usage.drop_duplicates("product_id").set_index("product_id")["type"]
    offers = pd.read_parquet(files / "offers.parquet", columns=["campaign_id", "coupon_upc", "products"])
    pairs = pd.read_parquet(pairs_file)
    scores = pd.DataFrame({name: np.zeros(len(pairs)) for name in models()})
    for start, of_start in pairs.groupby("occurred_at"):
        before = usage[(usage["transaction_timestamp"] < start) & usage["type"].notna()]
        bought = before.groupby(["household_id", "type"]).size().reset_index(name=Columns.Weight)
        bought[Columns.Weight] = np.log1p(bought[Columns.Weight])
        bought[Columns.Datetime] = start
        dataset = Dataset.construct(bought.rename(columns={"household_id": Columns.User, "type": Columns.Item}))
        made_of = _coupons(offers, types, of_start)
        for name, model in models().items():
            table = _scores(model.fit(dataset), dataset, of_start["household_id"].unique())
            scores.loc[of_start.index, name] = _of_pairs(table, made_of, of_start)
        print(f"{start:%Y-%m-%d}: {len(bought):,} households x types, {len(of_start):,} pairs", flush=True)
    keys = ["campaign_id", "household_id", "coupon_upc"]
    pd.concat([pairs[keys], scores], axis=1).to_parquet(out)


def _type_of(tags: object) -> str | None:
    found = [] if tags is None else [tag for tag in tags if tag.startswith("type:")]
    return found[0] if found else None


def _coupons(offers: pd.DataFrame, types: pd.Series, pairs: pd.DataFrame) -> pd.DataFrame:
    """Share of each type among the products of each coupon: coupon x type."""
    mine = offers.merge(pairs[["campaign_id", "coupon_upc"]].drop_duplicates())
    listed = mine.explode("products")
    listed["type"] = listed["products"].map(types)
    counts = listed.groupby(["campaign_id", "coupon_upc", "type"]).size()
    return (counts / counts.groupby(level=[0, 1]).transform("sum")).rename("share").reset_index()


def _scores(model: ModelBase, dataset: Dataset, households: np.ndarray) -> pd.DataFrame:
    """Score of every type for every household that bought before; household x type."""
    known = np.intersect1d(households, dataset.user_id_map.external_ids)
    found = model.recommend(known, dataset, k=dataset.item_id_map.size, filter_viewed=False)
    return found.pivot(index=Columns.User, columns=Columns.Item, values=Columns.Score)


def _of_pairs(table: pd.DataFrame, made_of: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """Mean score of each coupon's products; what is not known counts as the least score."""
    least = float(np.nanmin(table.to_numpy()))
    shares = made_of.pivot_table(index=["campaign_id", "coupon_upc"], columns="type", values="share", fill_value=0.0)
    both = table.columns.intersection(shares.columns)
    whole = pd.DataFrame(
        table[both].fillna(least).to_numpy() @ shares[both].to_numpy().T, index=table.index, columns=shares.index
    )
    rows = whole.index.get_indexer(pairs["household_id"])
    cols = whole.columns.get_indexer(pd.MultiIndex.from_frame(pairs[["campaign_id", "coupon_upc"]]))
    values = whole.to_numpy()[rows, cols]
    return np.where((rows >= 0) & (cols >= 0), values, least)


if __name__ == "__main__":
    main()
