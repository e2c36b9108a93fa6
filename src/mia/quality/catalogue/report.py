"""The report on a catalogue: the checks, and what they know of each offer."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mia.quality.catalogue import dates, links, money, people, texts
from mia.quality.catalogue.facts import CatalogueFacts
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Check, Example, Finding, Rule, Status, judge_all, worst_of
from mia.timeline import date_of


def _contradictions(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    examples = [Example(why, {"offer": offer_id}) for offer_id, why in facts.contradictions.items()]
    return Finding(float(len(examples)), "", examples)


RULES: dict[str, Rule[CatalogueFacts, CatalogueLimits]] = {
    "unreadable": Rule("rows with a field that breaks a rule", "offers", texts.unreadable),
    "duplicate_ids": Rule("offers whose id came before", "offers", texts.duplicate_ids),
    "missing_translations": Rule("offers that lack a language", "offers", texts.missing_translations),
    "doubtful_translations": Rule("texts in the letters of the other language", "offers", texts.doubtful_translations),
    "no_description": Rule("offers without a description", "offers", texts.no_description),
    "unknown_links": Rule("requires or excludes what is not there", "offers", texts.unknown_links),
    "contradictions": Rule("conditions that can never hold together", "offers", _contradictions),
    "requires_circles": Rule("circles in which each requires the next", "offers", links.requires_circles),
    "impossible_requires": Rule("requirements that nobody can meet", "offers", links.impossible_requires),
    "exclusion_circles": Rule("circles in which each excludes the next", "offers", links.exclusion_circles),
    "expired": Rule("offers whose last day is over", "offers", dates.expired),
    "none_valid": Rule("offers that are not valid on the day", "share", dates.none_valid),
    "expired_requires": Rule("valid offers that require an expired one", "offers", dates.expired_requires),
    "odd_prices": Rule("price, margin, discount or priority that does not fit", "offers", money.odd_prices),
    "overpriced": Rule("offers that another one beats on both counts", "offers", money.overpriced),
    "unknown_columns": Rule("conditions on columns that nobody has", "offers", people.unknown_columns),
    "unknown_regions": Rule("offers for regions without subscribers", "offers", people.unknown_regions),
    "unreachable": Rule("offers that reach no subscriber", "offers", people.unreachable),
    "always_loses": Rule("offers that arbitration never shows", "offers", people.always_loses),
}


@dataclass(frozen=True)
class CatalogueReport:
    """What was found of a catalogue."""

    facts: CatalogueFacts
    limits: CatalogueLimits
    checks: tuple[Check, ...]

    @property
    def status(self) -> Status:
        """The worst verdict of all checks."""
        return worst_of(self.checks)

    @cached_property
    def offers(self) -> list[dict[str, Any]]:
        """Every offer that can be read: what it costs and earns, whom it reaches, how often it is shown."""
        reach, wins = self.facts.reach, self.facts.wins
        return [
            {
                "offer": offer.id,
                "category": offer.category,
                "price": f"{offer.price:g}",
                "value": f"{offer.value:g}",
                "valid": "yes" if dates.is_valid(offer, self.facts) else "no",
                "reach": None if reach is None else reach.offers[offer.id],
                "reach_share": None if reach is None else reach.offers[offer.id] / max(reach.sampled, 1),
                "shown": None if wins is None else wins.shown.get(offer.id, 0),
                "first": None if wins is None else wins.first.get(offer.id, 0),
            }
            for offer in self.facts.offers
        ]

    @property
    def summary(self) -> str:
        """The catalogue in one line."""
        facts = self.facts
        named = "not loadable" if facts.version is None else f"version {facts.version}"
        people = facts.without if facts.reach is None else f"{facts.reach.subscribers:,} subscribers"
        return f"{len(facts.offers):,} offers, {named}, as of {date_of(facts.as_of)}; {people}"

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        facts = self.facts
        return {
            "file": facts.file,
            "version": facts.version,
            "as_of": date_of(facts.as_of).isoformat(),
            "subscribers": None if facts.reach is None else facts.reach.subscribers,
            "sampled": None if facts.reach is None else facts.reach.sampled,
            "ordered_by": None if facts.wins is None else facts.wins.by,
            "status": self.status.value,
            "checks": [check.to_json() for check in self.checks],
            "offers": [
                row | {"price": offer.price, "value": offer.value, "valid": row["valid"] == "yes"}
                for row, offer in zip(self.offers, facts.offers, strict=True)
            ],
        }


def check_catalogue(facts: CatalogueFacts, limits: CatalogueLimits) -> CatalogueReport:
    """Run every check, in the order of RULES."""
    return CatalogueReport(facts, limits, judge_all(RULES, facts, limits, limits.examples))
