"""Checks of how a catalogue reads: its fields, its ids, and its texts in both languages."""

import re
from functools import partial

from mia.quality.catalogue.facts import CatalogueFacts, Fault, FaultKind
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Example, Finding

_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_LATIN = re.compile(r"[A-Za-z]")


def _faults(kind: FaultKind, facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    found = [fault for fault in facts.faults if fault.kind == kind]
    examples = [Example(fault.rule, _place(fault)) for fault in found]
    return Finding(float(len({(fault.file, fault.row) for fault in found})), f"of {facts.rows:,} rows", examples)


unreadable = partial(_faults, "malformed")
duplicate_ids = partial(_faults, "duplicate")
unknown_links = partial(_faults, "unknown_link")
missing_translations = partial(_faults, "translation")


def doubtful_translations(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """English with Cyrillic letters, Russian descriptions without."""
    examples = []
    for offer in facts.offers:
        for column, text in (("name", offer.name), ("description", offer.description)):
            if _CYRILLIC.search(text.en):
                examples.append(Example("the English is written in Cyrillic", {"offer": offer.id, "column": column}))
        told = offer.description.ru
        if _LATIN.search(told) and not _CYRILLIC.search(told):
            place = {"offer": offer.id, "column": "description"}
            examples.append(Example("the Russian has no Cyrillic letter", place))
    return Finding(float(len({example.place["offer"] for example in examples})), "", examples)


def no_description(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Offers that say nothing of themselves."""
    bare = [offer.id for offer in facts.offers if not offer.description.ru and not offer.description.en]
    return Finding(float(len(bare)), "", [Example("has none", {"offer": offer_id}) for offer_id in bare])


def _place(fault: Fault) -> dict[str, str]:
    place = {"file": fault.file, "row": f"row {fault.row}"}
    place |= {} if fault.column is None else {"column": fault.column}
    return place if fault.offer is None else place | {"offer": fault.offer}
