"""The catalogue: a versioned, validated set of offers.

The same fields come as YAML (nested) or as a table, whose cells hold lists as `a;b` and nested values as JSON text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from mia.domain.offer import Condition, Limits, Offer, Text
from mia.errors import InvalidInput, UnknownOffer
from mia.offers.cells import Cells

FIELDS = frozenset(item.name for item in fields(Offer)) - {"attributes"}
BILINGUAL = frozenset({"name_ru", "name_en", "description_ru", "description_en"})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Offers by ascending id; `version` is a hash of their content, 12 hex digits."""

    version: str
    offers: tuple[Offer, ...]
    _by_id: Mapping[str, Offer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {offer.id: offer for offer in self.offers})

    def __len__(self) -> int:
        return len(self.offers)

    def __contains__(self, offer_id: object) -> bool:
        return offer_id in self._by_id

    def offer(self, offer_id: str) -> Offer:
        """One offer; raises UnknownOffer."""
        try:
            return self._by_id[offer_id]
        except KeyError as error:
            raise UnknownOffer(offer_id) from error


def load_catalogue(path: Path) -> Catalogue:
    """Read and validate a YAML catalogue; raises InvalidInput naming file, row, column and rule."""
    return build_catalogue(load_rows(path), file=path.name)


def load_rows(path: Path, called: str | None = None) -> list[Mapping[str, Any]]:
    """Offers of a YAML file as it holds them: a list under `offers:`. Messages call the file `called`."""
    file = called or path.name
    try:
        text = path.read_text("utf-8-sig")
        content = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    except UnicodeDecodeError as error:
        raise InvalidInput("is not encoded in UTF-8", file=file) from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML: {' '.join(str(error).split())}", file=file) from error
    if content is None:
        raise InvalidInput("the file is empty", file=file)
    offers = content.get("offers") if isinstance(content, dict) else None
    if not isinstance(offers, list):
        raise InvalidInput("needs a list under `offers:`", file=file)
    return offers


def build_catalogue(
    rows: Sequence[Mapping[str, Any]], *, file: str, places: Sequence[tuple[str, int]] | None = None
) -> Catalogue:
    """Validate offers and make them a catalogue.

    Messages name `file` and the row from 1, or what `places` says of each row when they come from several files.
    Raises InvalidInput on the first rule that is broken: a missing or malformed field, an id that comes twice,
    `requires` or `excludes` of an offer that is not there.
    """
    if not rows:
        raise InvalidInput("a catalogue needs at least one offer", file=file)
    where = list(places) if places is not None else [(file, number) for number in range(1, len(rows) + 1)]
    offers = [build_offer(Cells(row, file=name, row=number)) for row, (name, number) in zip(rows, where, strict=True)]
    seen: set[str] = set()
    for offer, (name, number) in zip(offers, where, strict=True):
        if offer.id in seen:
            raise InvalidInput(f"the id {offer.id!r} comes twice", file=name, row=number, column="id")
        seen.add(offer.id)
    for offer, (name, number) in zip(offers, where, strict=True):
        for column, named in (("requires", offer.requires), ("excludes", offer.excludes)):
            for other in sorted(named):
                if other not in seen or other == offer.id:
                    rule = "names the offer itself" if other == offer.id else f"names an unknown offer {other!r}"
                    raise InvalidInput(rule, file=name, row=number, column=column)
    ordered = tuple(sorted(offers, key=lambda offer: offer.id))
    return Catalogue(_version(ordered), ordered)


def catalogue_rows(catalogue: Catalogue) -> list[dict[str, Any]]:
    """The offers as plain JSON values; `build_catalogue` makes the same catalogue of them."""
    return [_row(offer) for offer in catalogue.offers]


def build_offer(cells: Cells) -> Offer:
    """One offer of its fields; raises InvalidInput on the first that is missing or malformed."""
    known = Offer(
        id=cells.text("id"),
        name=cells.both("name"),
        description=cells.both("description", default=Text("", "")),
        category=cells.text("category"),
        kind=cells.text("kind", default="offer"),
        price=cells.number("price", 0.0, minimum=0.0),
        value=cells.number("value", 1.0),
        discount=cells.number("discount", 0.0, minimum=0.0, maximum=1.0),
        gives=cells.amounts("gives"),
        items=cells.texts("items"),
        tags=cells.texts("tags"),
        valid_from=cells.day("valid_from"),
        valid_to=cells.day("valid_to"),
        channels=frozenset(cells.channels("channels")),
        regions=frozenset(cells.texts("regions")),
        eligible_if=cells.conditions("eligible_if"),
        requires=frozenset(cells.texts("requires")),
        excludes=frozenset(cells.texts("excludes")),
        limits=Limits(**cells.counts("limits", ("per_subscriber", "total"))),
        priority=cells.number("priority", 1.0, minimum=0.0),
        mandatory=cells.truth("mandatory"),
        attributes=cells.attributes(FIELDS | BILINGUAL),
    )
    if known.valid_from is not None and known.valid_to is not None and known.valid_to < known.valid_from:
        raise cells.refusal("valid_to", "lies before valid_from")
    return known


def _row(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.id,
        "name": _text(offer.name),
        "description": _text(offer.description),
        "category": offer.category,
        "kind": offer.kind,
        "price": offer.price,
        "value": offer.value,
        "discount": offer.discount,
        "gives": dict(offer.gives),
        "items": list(offer.items),
        "tags": list(offer.tags),
        "valid_from": None if offer.valid_from is None else offer.valid_from.isoformat(),
        "valid_to": None if offer.valid_to is None else offer.valid_to.isoformat(),
        "channels": sorted(offer.channels),
        "regions": sorted(offer.regions),
        "eligible_if": [_condition(condition) for condition in offer.eligible_if],
        "requires": sorted(offer.requires),
        "excludes": sorted(offer.excludes),
        "limits": {"per_subscriber": offer.limits.per_subscriber, "total": offer.limits.total},
        "priority": offer.priority,
        # Left out where false, so that catalogues that know nothing of it keep their version.
        **({"mandatory": True} if offer.mandatory else {}),
        **offer.attributes,
    }


def _text(text: Text) -> dict[str, str]:
    return {"ru": text.ru, "en": text.en}


def _condition(condition: Condition) -> dict[str, dict[str, Any]]:
    value = condition.value
    return {condition.column: {condition.op.value: list(value) if isinstance(value, tuple) else value}}


def _version(offers: Iterable[Offer]) -> str:
    content = json.dumps([_row(offer) for offer in offers], sort_keys=True, ensure_ascii=False)
    return sha256(content.encode()).hexdigest()[:12]


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
