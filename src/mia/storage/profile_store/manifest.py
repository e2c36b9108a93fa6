"""What stands beside the rows of a snapshot: how to read them, and what whole files look like."""

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mia.errors import BrokenSnapshot
from mia.frames import OfferHistory
from mia.storage.files import replace_durably
from mia.storage.profile_store.packing import Layout

FORMAT = 1
DATA, MANIFEST = "data.mdb", "snapshot.json"
SAMPLES, SAMPLE_BYTES = 64, 4096


@dataclass(frozen=True, slots=True)
class Manifest:
    """Written last, read first. `attributes`, `usage_keys` and `response_keys` are vocabularies by number."""

    as_of: int
    rows: int
    fingerprint: str
    names: tuple[str, ...]
    usage: tuple[str, ...]
    responses: tuple[str, ...]
    attributes: dict[str, list[str | int | None]]
    usage_keys: list[str]
    response_keys: list[str]
    history: OfferHistory

    @property
    def layout(self) -> Layout:
        """What a row holds."""
        return Layout.of(self.names, self.attributes, self.usage, self.responses)

    def write(self, folder: Path) -> None:
        """Put the manifest beside the finished rows."""
        data = folder / DATA
        history = self.history
        content = {
            "format": FORMAT,
            "bytes": data.stat().st_size,
            "digest": spread_digest(data),
            "as_of": self.as_of,
            "rows": self.rows,
            "fingerprint": self.fingerprint,
            "names": self.names,
            "usage": self.usage,
            "responses": self.responses,
            "attributes": self.attributes,
            "usage_keys": self.usage_keys,
            "response_keys": self.response_keys,
            "history": {
                "days": history.days,
                "regions": history.regions,
                "offer_ids": history.offer_ids,
                "impressions": history.impressions,
                "connections": history.connections,
            },
        }
        replace_durably(folder / MANIFEST, orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a whole snapshot; raises BrokenSnapshot for one that is half there."""
        try:
            content = orjson.loads((folder / MANIFEST).read_bytes())
        except FileNotFoundError as error:
            raise BrokenSnapshot(folder.name, f"{MANIFEST} is missing") from error
        except orjson.JSONDecodeError as error:
            raise BrokenSnapshot(folder.name, f"{MANIFEST} cannot be read") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise BrokenSnapshot(folder.name, "it was written by another version of MIA")
        _require_whole(folder, content)
        return cls(
            content["as_of"],
            content["rows"],
            content["fingerprint"],
            tuple(content["names"]),
            tuple(content["usage"]),
            tuple(content["responses"]),
            content["attributes"],
            content["usage_keys"],
            content["response_keys"],
            _history(content["history"]),
        )


def _require_whole(folder: Path, content: dict[str, Any]) -> None:
    """A memory map of a file that is too short kills the process that reads it, so look before mapping."""
    try:
        size = (folder / DATA).stat().st_size
    except FileNotFoundError as error:
        raise BrokenSnapshot(folder.name, f"{DATA} is missing") from error
    if size != content["bytes"]:
        raise BrokenSnapshot(folder.name, f"{DATA} has {size:,} bytes instead of {content['bytes']:,}")
    if spread_digest(folder / DATA) != content["digest"]:
        raise BrokenSnapshot(folder.name, f"{DATA} is not the file that was published")


def spread_digest(path: Path) -> str:
    """Digest of pages spread over a file: finds the wrong file, and the one with holes, without reading all of it."""
    size = path.stat().st_size
    found = blake2b(digest_size=16)
    with path.open("rb") as file:
        for sample in range(SAMPLES):
            start = (size - SAMPLE_BYTES) * sample // (SAMPLES - 1)
            found.update(os.pread(file.fileno(), SAMPLE_BYTES, max(start, 0)))
    return found.hexdigest()


def _history(known: dict[str, Any]) -> OfferHistory:
    shape = (len(known["days"]), len(known["regions"]), len(known["offer_ids"]))
    return OfferHistory(
        np.asarray(known["days"], np.int64),
        tuple(known["regions"]),
        tuple(known["offer_ids"]),
        np.asarray(known["impressions"], float).reshape(shape),
        np.asarray(known["connections"], float).reshape(shape),
    )
