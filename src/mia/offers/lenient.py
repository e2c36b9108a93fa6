"""Reading a catalogue for what is wrong with it: every fault of every row, and the offers that can be read in spite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mia.domain.offer import Offer
from mia.errors import InvalidInput
from mia.offers.catalogue import BILINGUAL, build_offer
from mia.offers.cells import Cells

TEXTS = ("name", "description")
NEEDED = ("id", "category")


@dataclass(frozen=True, slots=True)
class Blemish:
    """One rule that a row breaks; `error` says where."""

    kind: Literal["malformed", "duplicate", "unknown_link", "translation"]
    error: InvalidInput
    offer_id: str | None


def read_leniently(
    rows: Sequence[Mapping[str, Any]], places: Sequence[tuple[str, int]]
) -> tuple[tuple[Offer, ...], list[Blemish]]:
    """The offers that can be read, by id, and what is wrong with all rows; `places` are file and row number of each.

    A field that breaks a rule is left out, a missing language is filled in from the other one; of offers with the same
    id the first stays. `build_catalogue` takes the same rows exactly where nothing is wrong.
    """
    blemishes: list[Blemish] = []
    offers: dict[str, Offer] = {}
    where: list[tuple[Offer, str, int]] = []
    for row, (file, number) in zip(rows, places, strict=True):
        offer, found = _read(row, file, number)
        blemishes += found
        if offer is None:
            continue
        if offer.id in offers:
            error = InvalidInput(f"the id {offer.id!r} comes twice", file=file, row=number, column="id")
            blemishes.append(Blemish("duplicate", error, offer.id))
        else:
            where.append((offer, file, number))
        offers.setdefault(offer.id, offer)
    for offer, file, number in where:
        for column, named in (("requires", offer.requires), ("excludes", offer.excludes)):
            for other in sorted(named):
                if other not in offers or other == offer.id:
                    rule = "names the offer itself" if other == offer.id else f"names an unknown offer {other!r}"
                    error = InvalidInput(rule, file=file, row=number, column=column)
                    blemishes.append(Blemish("unknown_link", error, offer.id))
    return tuple(offers[offer_id] for offer_id in sorted(offers)), blemishes


def _read(row: Any, file: str, number: int) -> tuple[Offer | None, list[Blemish]]:  # noqa: ANN401 - what a file holds
    blemishes: list[Blemish] = []
    fields = dict(row) if isinstance(row, Mapping) else row
    named = fields.get("id") if isinstance(fields, dict) else None
    offer_id = None if named is None else str(named).strip()
    while True:
        try:
            return build_offer(Cells(fields, file=file, row=number)), blemishes
        except InvalidInput as error:
            column = (error.column or "").partition(".")[0]
            text = next((name for name in TEXTS if column.startswith(name)), None)
            is_translation = text is not None and error.rule == "missing value"
            blemishes.append(Blemish("translation" if is_translation else "malformed", error, offer_id))
            if text is not None:
                fields = _with_text(fields, text, offer_id or "")
            elif isinstance(fields, dict) and column in fields and column not in NEEDED:
                fields = {name: value for name, value in fields.items() if name != column}
            else:
                return None, blemishes


def _with_text(fields: Mapping[str, Any], name: str, offer_id: str) -> dict[str, Any]:
    """The same fields with whatever text there is in both languages."""
    given = fields.get(name)
    texts = [*given.values()] if isinstance(given, Mapping) else [given]
    texts += [fields.get(f"{name}_{language}") for language in ("ru", "en")]
    text = next((text for text in texts if isinstance(text, str) and text.strip()), offer_id)
    rest = {key: value for key, value in fields.items() if key != name and not (key in BILINGUAL and name in key)}
    return rest | {name: {"ru": text, "en": text}}
