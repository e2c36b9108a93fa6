"""Profile snapshots in LMDB: memory-mapped, immutable, one folder each, published by rename."""

from mia.storage.profile_store.store import LmdbProfileStore, day_of_snapshot

__all__ = ["LmdbProfileStore", "day_of_snapshot"]
