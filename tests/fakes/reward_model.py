"""A plain model of rewards: the rate of each item at each place, learnt from the other folds."""

import numpy as np

FOLDS = 3
STRENGTH = 100.0


def cross_fitted(item: np.ndarray, place: np.ndarray, reward: np.ndarray, items: int, places: int) -> np.ndarray:
    """Modelled reward of every item and place for each row (R x items x places), by rows of the other folds.

    The rate of an item at a place is shrunk to that of the item, and this to that of all, each worth 100 rows.
    """
    fold = np.random.default_rng(12345).permutation(len(item)) % FOLDS
    models = []
    for one in range(FOLDS):
        others = fold != one
        shown, earned = np.zeros((items, places)), np.zeros((items, places))
        np.add.at(shown, (item[others], place[others]), 1.0)
        np.add.at(earned, (item[others], place[others]), reward[others])
        overall = earned.sum() / shown.sum()
        of_item = (earned.sum(axis=1) + STRENGTH * overall) / (shown.sum(axis=1) + STRENGTH)
        models.append((earned + STRENGTH * of_item[:, None]) / (shown + STRENGTH))
    return np.stack(models)[fold]
