"""Tables of model figures, as the analyst's commands print them."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from mia.cli.console import new_table, print_table
from mia.evaluation.measures import Measures
from mia.evaluation.off_policy import OffPolicy, PolicyValue
from mia.services.train import LOGGED

ESTIMATORS = {
    "ips": "IPS",
    "snips": "SNIPS",
    "dm": "DM",
    "dr": "DR",
    "switch_dr": "Switch-DR",
    "dr_os": "DRos",
}


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


def print_policies(policies: Mapping[str, PolicyValue], warnings: Mapping[str, Sequence[str]]) -> None:
    """What each policy would have earned, how much of the log speaks for it, and why not to believe it."""
    if not policies:
        Console().print("no off-policy value: the log carries no propensities for first positions")
        return
    _print_values("What an impression in first place would have earned", {n: v.first for n, v in policies.items()})
    slates = {name: value.slate for name, value in policies.items() if value.slate is not None}
    if slates:
        _print_values(
            "What a slate would have earned (an offer's answer depends on its place, not on the others)", slates
        )
    shown = new_table(
        "policy",
        "rows",
        "effective\nsize",
        "matched",
        "support\n[95 %]",
        "heaviest\nrow",
        "answers",
        title="How much of the log speaks for it, in first place",
        numbers=6,
    )
    for name, found in policies.items():
        overlap = found.first.overlap
        shown.add_row(
            name,
            f"{overlap.rows:,}",
            f"{overlap.effective_size:,.0f}",
            f"{overlap.matched:.1%}",
            f"{overlap.support.value:.2f} [{overlap.support.low:.2f}, {overlap.support.high:.2f}]",
            f"{overlap.heaviest:.2%}",
            f"{overlap.answers:,}",
        )
    print_table(shown)
    for name, reasons in warnings.items():
        for reason in reasons:
            Console().print(
                f"warning: the log cannot answer well for {name}: {reason}", highlight=False, soft_wrap=True
            )


def _print_values(title: str, values: Mapping[str, OffPolicy]) -> None:
    """One row a policy and estimator; of the log's own policy, where all estimators agree, one."""
    shown = new_table("policy", "estimator", "connections [95 %]", "margin [95 %]", title=title, numbers=2)
    for policy, found in values.items():
        names = ("ips",) if policy == LOGGED else tuple(found.connections)
        for place, name in enumerate(names):
            margin = found.margin.get(name)
            shown.add_row(
                policy if place == 0 else "",
                "as it was" if policy == LOGGED else ESTIMATORS[name],
                str(found.connections[name]),
                "" if margin is None else f"{margin.value:.2f} [{margin.low:.2f}, {margin.high:.2f}]",
            )
    print_table(shown)
