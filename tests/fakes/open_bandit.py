"""The Open Bandit sample: 10,000 logged choices with true propensities for each campaign and policy.

The files lie in the wheel `obp` on the package index (CC BY 4.0, ZOZO, Inc.; Saito, Y. et al., 2021), which is fetched
once into build/ and read as an archive; its code is not used. Without it the tests that need it fail.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import yaml

WHEEL = "obp==0.4.1"
FOLDER = Path(__file__).parents[2] / "build" / "open-bandit"
CAMPAIGNS = {"all": 80, "men": 34, "women": 46}
PLACES = 3


@dataclass(frozen=True)
class OpenBandit:
    """Rows of one log: `item`, `place` from 0, `click`, `propensity`, and a number for each kind of user."""

    item: np.ndarray
    place: np.ndarray
    click: np.ndarray
    propensity: np.ndarray
    user: np.ndarray

    def __len__(self) -> int:
        return len(self.item)


def open_bandit_wheel() -> Path:
    """The wheel, downloaded when it is not there yet."""
    found = sorted(FOLDER.glob("obp-*.whl"))
    if not found:
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = ("--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--quiet", "--dest", str(FOLDER))
        subprocess.run([sys.executable, "-m", "pip", "download", *options, WHEEL], check=True)
        found = sorted(FOLDER.glob("obp-*.whl"))
    return found[0]


def load_open_bandit(policy: str, campaign: str) -> OpenBandit:
    """The log of `random` or `bts` in a campaign."""
    with (
        zipfile.ZipFile(open_bandit_wheel()) as wheel,
        wheel.open(f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv") as file,
    ):
        table = pacsv.read_csv(file)
    users = np.stack([table[f"user_feature_{n}"].to_numpy(zero_copy_only=False).astype(str) for n in range(4)], axis=1)
    return OpenBandit(
        table["item_id"].to_numpy(),
        table["position"].to_numpy() - 1,
        table["click"].to_numpy().astype(float),
        table["propensity_score"].to_numpy(),
        np.unique(users, axis=0, return_inverse=True)[1],
    )


def load_posterior(campaign: str) -> tuple[np.ndarray, np.ndarray]:
    """Parameters alpha and beta of the Beta posteriors that Bernoulli Thompson sampling drew from, one an item."""
    with zipfile.ZipFile(open_bandit_wheel()) as wheel:
        found = yaml.safe_load(wheel.read("obp/policy/conf/prior_bts.yaml"))[campaign]
    return np.asarray(found["alpha"]), np.asarray(found["beta"])
