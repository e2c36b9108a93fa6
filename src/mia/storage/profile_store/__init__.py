"""Profile snapshots in LMDB: memory-mapped, immutable, one folder each, published by rename."""

from mia.storage.profile_store.store import LmdbProfileStore

__all__ = ["LmdbProfileStore"]
