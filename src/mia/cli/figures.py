"""Tables of model figures, as the analyst's commands print them."""

from collections.abc import Mapping

from mia.cli.console import console, new_table, print_table
from mia.evaluation.measures import Measures
from mia.evaluation.off_policy import OffPolicy


def print_measures(table: Mapping[str, Measures], title: str) -> None:
    """One row a ranker."""
    shown = new_table("ranker", "AUC [95 %]", "log loss", "NDCG@3", "calibration\nerror", title=title, numbers=3)
    for name, found in table.items():
        shown.add_row(
            name,
            str(found.auc),
            f"{found.log_loss:.4f}",
            f"{found.ndcg_at_3:.4f}",
            f"{found.calibration_error:.4f}",
        )
    print_table(shown)


def print_policies(policies: Mapping[str, OffPolicy]) -> None:
    """One row a policy, or why there is none."""
    if not policies:
        console.print("no off-policy value: the log carries no propensities for first positions")
        return
    shown = new_table(
        "policy",
        "IPS\n[95 %]",
        "SNIPS\n[95 %]",
        "effective\nsize",
        "matched",
        title="Connections an impression in first place",
        numbers=2,
    )
    for name, found in policies.items():
        values = (str(value).replace(" [", "\n[") for value in (found.ips, found.snips))
        shown.add_row(name, *values, f"{found.effective_size:,.0f}", f"{found.matched:.1%}")
    print_table(shown)
