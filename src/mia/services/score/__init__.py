"""Score: acceptance of given pairs as of their own time, or the best K offers of every subscriber."""

from mia.services.score.best import BestOffers, score_best
from mia.services.score.pairs import PairScorer

__all__ = ["BestOffers", "PairScorer", "score_best"]
