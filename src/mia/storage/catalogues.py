"""Catalogues in the lake: one JSON file a version, and a note of which one is current."""

import json
from pathlib import Path

from mia.domain.offer import Offer
from mia.offers.catalogue import Catalogue, build_catalogue, catalogue_rows
from mia.ports import Lake, LakeChange
from mia.storage.versions import kept_since

CATALOGUE = "catalogue"


def load_catalogue_of(lake: Lake, version: str | None = None) -> Catalogue | None:
    """Read a version back, the current one unless named; None when the lake has none such."""
    wanted = version or lake.noted(CATALOGUE)
    found = [
        path
        for file, path in zip(lake.files(CATALOGUE), lake.paths(CATALOGUE), strict=True)
        if wanted is not None and file.load == wanted
    ]
    if not found:
        return None
    return build_catalogue(json.loads(Path(found[-1]).read_bytes()), file=found[-1])


def catalogue_loaded_at(lake: Lake) -> int | None:
    """When the current catalogue was written, in microseconds since the epoch; None where there is none."""
    return kept_since(lake, CATALOGUE).get(lake.noted(CATALOGUE))


def load_offers_ever(lake: Lake) -> dict[str, Offer]:
    """Every offer that the lake ever held, as the newest catalogue with it says; the current catalogue counts last."""
    found: dict[str, Offer] = {}
    versions = [file.load for file in lake.files(CATALOGUE)]
    for version in [*versions, lake.noted(CATALOGUE)]:
        catalogue = None if version is None else load_catalogue_of(lake, version)
        found |= {} if catalogue is None else {offer.id: offer for offer in catalogue.offers}
    return found


def store_catalogue(lake: Lake, change: LakeChange, catalogue: Catalogue) -> None:
    """Make a catalogue the current one, and keep its content unless the lake holds it already."""
    if all(file.load != catalogue.version for file in lake.files(CATALOGUE)):
        path = change.folder() / f"catalogue-{catalogue.version}.json"
        path.write_text(json.dumps(catalogue_rows(catalogue), ensure_ascii=False, indent=1), "utf-8")
        change.add(CATALOGUE, path, rows=len(catalogue), load=catalogue.version)
    change.note(CATALOGUE, catalogue.version)
