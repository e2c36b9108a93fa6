"""The kinds of rankers by name, and loading whichever kind was saved."""

from collections.abc import Mapping
from pathlib import Path

from mia.errors import UnreadableModel
from mia.ranking.rankers.base import Ranker, read_head
from mia.ranking.rankers.lambdarank import LambdaRanker
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.rankers.logistic import LogisticRanker
from mia.ranking.rankers.popular import Popular, PopularByRegion

RANKERS: Mapping[str, type[Ranker]] = {
    kind.name: kind for kind in (LightGBMRanker, LambdaRanker, LogisticRanker, Popular, PopularByRegion)
}


def load_ranker(folder: Path) -> Ranker:
    """The ranker that was saved in a folder, of whichever kind; raises UnreadableModel."""
    kind = RANKERS.get(str(read_head(folder).get("kind")))
    if kind is None:
        raise UnreadableModel(str(folder))
    return kind.load(folder)
