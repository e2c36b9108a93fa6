"""A spool: records kept on the local disk until somebody takes them, in the order they came.

Each process appends to a file of its own and holds a lock on it as long as it lives. A record counts once it has
reached the disk; what a crash leaves of a half-written one is cut off. Files of processes that are gone are taken over
by those that live.
"""

import errno
import fcntl
import logging
import os
import struct
import uuid
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from mia.errors import SpoolFull
from mia.storage.files import sync

_HEADER = struct.Struct("<II")
_PATTERN = "*.spool"
log = logging.getLogger(__name__)


class Spool:
    """Records below a folder, of which this process may write `limit` bytes. For one thread at a time."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._own: _File | None = None
        self._adopted: _File | None = None
        self._taken: tuple[_File, int] | None = None

    @property
    def size(self) -> int:
        """Bytes of this process that wait."""
        return 0 if self._own is None else self._own.size

    def append(self, records: Sequence[bytes], share: float = 1.0) -> None:
        """Write records, all or none; they count after the next `sync`.

        Raises SpoolFull where they go beyond this share of the limit, or the disk takes no more.
        """
        content = b"".join(_HEADER.pack(len(record), _checksum(record)) + record for record in records)
        if self.size + len(content) > self.limit * share:
            raise SpoolFull("the local spool is full")
        try:
            if self._own is None:
                self._own = _File.create(self.folder)
            self._own.append(content)
        except OSError as error:
            raise _unwritable(error) from error

    def sync(self) -> None:
        """Wait until everything written has reached the disk. Raises SpoolFull, and what was written since the last
        time is gone then.
        """
        if self._own is not None:
            try:
                self._own.sync()
            except OSError as error:
                raise _unwritable(error) from error

    def peek(self, most: int) -> list[bytes]:
        """The oldest records that wait here or were left behind by a process that is gone; `drop` takes them away."""
        for file in (self._own, self._adopted or self._adopt()):
            if file is not None:
                records, end = file.read(most)
                if records:
                    self._taken = file, end
                    return records
        return []

    def drop(self) -> None:
        """Forget what `peek` showed last."""
        if self._taken is None:
            return
        (file, end), self._taken = self._taken, None
        file.begin = end
        if end == file.size:
            if file is self._adopted:
                self._adopted = None
                file.remove()
            else:
                file.clear()

    def everything(self) -> Iterator[bytes]:
        """Every record in the folder, also those of other processes at work, in no order."""
        for path in self.folder.glob(_PATTERN):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue
            yield from _records(content)

    def close(self) -> None:
        """Let go of the files; what still waits is for the next process."""
        for file in (self._own, self._adopted):
            if file is not None and file.size == file.begin:
                file.remove()
            elif file is not None:
                file.close()
        self._own = self._adopted = self._taken = None

    def _adopt(self) -> "_File | None":
        """A file with records that nobody holds."""
        for path in sorted(self.folder.glob(_PATTERN)):
            if self._own is not None and path == self._own.path:
                continue
            file = _File.take_over(path)
            if file is not None and file.size:
                self._adopted = file
                return file
            if file is not None:
                file.remove()
        return None


class _File:
    """One file, locked as long as it is open. `begin` is where what still waits begins, `size` where it ends, `synced`
    how much of it is on the disk for certain.
    """

    def __init__(self, path: Path, handle: BinaryIO) -> None:
        self.path, self._handle = path, handle
        self.begin = self.size = self.synced = 0

    @classmethod
    def create(cls, folder: Path) -> "_File":
        """An empty file under a lock."""
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = folder / f"{uuid.uuid4().hex}.spool"
            file = cls(path, path.open("x+b", buffering=0))
            if file._lock():
                sync(folder)
                return file
            # Another process looked for files left behind between our making it and our locking it.
            file.close()

    @classmethod
    def take_over(cls, path: Path) -> "_File | None":
        """A file left behind, its torn end cut off; None while another process holds it."""
        try:
            file = cls(path, path.open("r+b", buffering=0))
        except FileNotFoundError:
            return None
        if not file._lock():
            file.close()
            return None
        content = path.read_bytes()
        file.size = file.synced = sum(_HEADER.size + len(record) for record in _records(content))
        torn = len(content) - file.size
        if torn:
            log.warning("%s: %d bytes of a record that was never acknowledged are cut off", path, torn)
            os.ftruncate(file._handle.fileno(), file.size)
        return file

    def append(self, content: bytes) -> None:
        """Write behind what is there; a write that fails leaves what was there."""
        try:
            if os.pwrite(self._handle.fileno(), content, self.size) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self._handle.fileno(), self.size)
            raise
        self.size += len(content)

    def sync(self) -> None:
        """Wait for the disk; what does not reach it is taken back."""
        if self.size == self.synced:
            return
        try:
            os.fsync(self._handle.fileno())
        except OSError:
            self.size = self.synced
            os.ftruncate(self._handle.fileno(), self.size)
            raise
        self.synced = self.size

    def read(self, most: int) -> tuple[list[bytes], int]:
        """The first records that wait, and where the next one begins."""
        found: list[bytes] = []
        end = self.begin
        while len(found) < most and end < self.size:
            length, _ = _HEADER.unpack(os.pread(self._handle.fileno(), _HEADER.size, end))
            found.append(os.pread(self._handle.fileno(), length, end + _HEADER.size))
            end += _HEADER.size + length
        return found, end

    def clear(self) -> None:
        """Begin again with an empty file."""
        os.ftruncate(self._handle.fileno(), 0)
        self.begin = self.size = self.synced = 0

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._handle.close()

    def _lock(self) -> bool:
        """Lock the file; False where another process holds it or has just removed it."""
        try:
            fcntl.flock(self._handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(self._handle.fileno()), self.path.stat())
        except (BlockingIOError, FileNotFoundError):
            return False


def _checksum(record: bytes) -> int:
    """Of the record and its length, so that the zeros which a power cut may leave are no record."""
    return zlib.crc32(record, len(record) + 1)


def _unwritable(error: OSError) -> SpoolFull:
    return SpoolFull(f"the local spool cannot be written: {error.strerror}")


def _records(content: bytes) -> Iterator[bytes]:
    """Whole records from the beginning of a file."""
    place = 0
    while place + _HEADER.size <= len(content):
        length, checksum = _HEADER.unpack_from(content, place)
        record = content[place + _HEADER.size : place + _HEADER.size + length]
        if len(record) < length or _checksum(record) != checksum:
            return
        yield record
        place += _HEADER.size + length
