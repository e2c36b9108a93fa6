"""The value of Bernoulli Thompson sampling, read off the log of the random policy, on the Open Bandit sample.

    make bench-open-bandit

The rows are those of the table in docs/ranking.md. The sample comes with the wheel `obp`, of which only the files are
used. Chances of the target are exact marginals, the model of rewards is cross-fitted in three folds.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.open_bandit import CAMPAIGNS, load_open_bandit
from tests.statistics.test_open_bandit import logged_and_target

from mia.evaluation.intervals import mean_interval
from mia.evaluation.off_policy import estimates_of, overlap_of

DRAWS = 10_000


def main() -> None:
    for campaign in CAMPAIGNS:
        log, target = logged_and_target("random", campaign)
        weight = target.weight(log)
        every = np.arange(len(log))
        print(f"\n{campaign}: {len(log):,} rows, {int(log.reward.sum())} clicks")
        print(f"  random, as it was     {log.reward.mean():.6f} {mean_interval(log.reward, every)}")
        for name, found in estimates_of(log, target, draws=DRAWS).items():
            print(f"  {name:<21} {found.value:.6f} [{found.low:.6f}, {found.high:.6f}]")
        overlap = overlap_of(log, target, mean_interval(weight, every))
        print(f"  effective size {overlap.effective_size:,.0f}, mean weight {overlap.support}")
        clicks = load_open_bandit("bts", campaign).click
        print(f"  Thompson, as it was   {clicks.mean():.6f} {mean_interval(clicks, every)}")


if __name__ == "__main__":
    main()
