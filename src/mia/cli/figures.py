"""Tables of model figures, as the analyst's commands print them."""

from collections.abc import Mapping

from rich.table import Table

from mia.cli.console import console
from mia.evaluation.measures import Measures
from mia.evaluation.off_policy import OffPolicy


def print_measures(table: Mapping[str, Measures], title: str) -> None:
    """One row a ranker."""
    shown = Table("ranker", "AUC [95 %]", "log loss", "NDCG@3", "calibration error", title=title)
    for name, found in table.items():
        shown.add_row(
            name,
            str(found.auc),
            f"{found.log_loss:.4f}",
            f"{found.ndcg_at_3:.4f}",
            f"{found.calibration_error:.4f}",
        )
    console.print(shown)


def print_policies(policies: Mapping[str, OffPolicy]) -> None:
    """One row a policy, or why there is none."""
    if not policies:
        console.print("no off-policy value: the log carries no propensities for first positions")
        return
    shown = Table(
        "policy",
        "IPS [95 %]",
        "SNIPS [95 %]",
        "effective size",
        "matched",
        title="Connections an impression in first place",
    )
    for name, found in policies.items():
        shown.add_row(name, str(found.ips), str(found.snips), f"{found.effective_size:.0f}", f"{found.matched:.1%}")
    console.print(shown)
