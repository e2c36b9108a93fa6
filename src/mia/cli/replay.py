"""`mia replay`: rebuild a decision and compare."""

from typing import Annotated

import typer

from mia.cli.console import new_table, print_table
from mia.cli.workspace import Home, workspace
from mia.domain.decision import Rule
from mia.errors import InvalidInput

MEANINGS: dict[Rule, str] = {
    Rule.NOT_YET_VALID: "the offer begins on a later day",
    Rule.EXPIRED: "the last day of the offer has passed",
    Rule.CHANNEL: "the offer is not for this channel",
    Rule.CONSENT: "the channel is outbound and the subscriber has not agreed to it",
    Rule.REGION: "the offer is not for the region of the subscriber",
    Rule.CONDITION: "a condition on the profile does not hold, or nothing is known to check it on",
    Rule.REQUIRES: "an offer that it builds on is not connected",
    Rule.EXCLUDES: "an offer that it excludes is connected",
    Rule.CONNECTED: "the subscriber has it already",
    Rule.SUBSCRIBER_LIMIT: "the subscriber connected it as often as the offer allows",
    Rule.TOTAL_LIMIT: "its budget of connections is used up",
    Rule.QUIET_HOURS: "the channel is outbound and it is quiet hours where the subscriber is",
    Rule.DECLINED: "the subscriber declined it not long ago",
    Rule.RECENTLY_CONNECTED: "the subscriber connected it not long ago",
    Rule.UNANSWERED: "it was shown many times without an answer and rests",
    Rule.SEEN_TOO_OFTEN: "it was shown to the subscriber often enough for now",
    Rule.CATEGORY_CAP: "enough offers of its category were shown for now, or fill this answer",
    Rule.CHANNEL_CAP: "enough was shown in this channel for now",
    Rule.TOTAL_CAP: "enough was shown in all channels for now",
    Rule.RANK: "it could have been shown, but others came first",
}


def replay(
    decision_id: Annotated[str, typer.Argument(help="Id of the decision.")],
    why: Annotated[str | None, typer.Option(metavar="OFFER", help="Say why this offer was not shown.")] = None,
    home: Home = None,
) -> None:
    """Rebuild a decision from its versions, seed and ledger position, and compare it with what was answered."""
    with workspace(home) as opened:
        found = opened.decisions.replay(decision_id)
        if why is not None:
            kept_by, figures = found.why(why)
            typer.echo(f"{why} was not shown: {MEANINGS[kept_by]}{f' ({figures})' if figures else ''}.\n")
    differences = ", ".join(found.differences)
    typer.echo(f"decision {decision_id}: {f'differs in {differences}' if differences else 'rebuilt identically'}\n")
    table = new_table("position", "offer", "acceptance", "expected\nvalue", "propensity", numbers=3)
    for offer in found.rebuilt.offers:
        table.add_row(
            str(offer.position),
            offer.offer_id,
            f"{offer.acceptance:.6f}",
            f"{offer.expected_value:.4f}",
            f"{offer.propensity:.6f}",
        )
    print_table(table)
    dropped = new_table("not shown", "rule")
    for offer_id, rule in found.rebuilt.dropped.items():
        dropped.add_row(offer_id, rule)
    print_table(dropped)
    legend = new_table("rule", "what it says")
    for rule in sorted({Rule(name) for name in found.rebuilt.dropped.values()}, key=list(Rule).index):
        legend.add_row(rule, MEANINGS[rule])
    print_table(legend)
    if differences:
        raise InvalidInput(f"decision {decision_id}: the rebuilt one differs in {differences}")
