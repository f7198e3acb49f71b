"""Examples on their way into a data set: records of bytes in hash partitions, and the journal that makes a build
continue where it stopped.

A record is, in this order, the hash of its tokens (8 bytes), the tokens (uint16), the split (1 byte) and the number of
its source file (4 bytes). Numbers that matter to the order are big-endian, so sorting records as plain bytes brings
equal examples together, the one of the first split (train, validation, test) in front.
"""
import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np

from vae.codecs import Codec
from vae.dataset.splits import SPLITS
from vae.dataset.storage import META, DatasetError

PARTITIONS = 256
FLUSH_BYTES, FLUSH_SECONDS = 64 << 20, 1.0  # what an interruption can cost at most
_HASH, _SPLIT, _FILE = 8, 1, 4  # bytes
_JOURNAL, _NEW_JOURNAL = "journal.json", "journal.json.new"
_OWN = re.compile(rf"{_JOURNAL}|{_NEW_JOURNAL}|{META}|({'|'.join(SPLITS)})\.npy|partition-\d{{3}}([.-][a-z]+)?")


def pack(tokens: np.ndarray, split: int, file: int) -> np.ndarray:
    """The records of one file's examples [n, steps, streams]: uint8 [n, record bytes]."""
    flat = tokens.reshape(len(tokens), -1).astype("<u2")
    tail = np.frombuffer(bytes([split]) + file.to_bytes(_FILE, "big"), np.uint8)
    return np.concatenate([_hash(flat).astype(">u8")[:, None].view(np.uint8), flat.view(np.uint8),
                           np.broadcast_to(tail, (len(flat), len(tail)))], axis=1)


def _hash(rows: np.ndarray) -> np.ndarray:
    """64-bit hash of each row of [n, width]: a random odd weight per column, then splitmix64's finalizer. It places
    and orders examples; whether two are equal is decided by their tokens."""
    weights = np.random.default_rng(0).integers(0, 2**63, rows.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    value = (rows.astype(np.uint64) + np.uint64(1)) @ weights
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return value ^ value >> np.uint64(31)


def by_partition(rows: np.ndarray) -> dict[int, bytes]:
    """Records uint8 [n, record bytes] as bytes by partition, which the leading bits of the hash choose."""
    partition = rows[:, 0].astype(np.int64) * PARTITIONS >> 8
    return {int(index): rows[partition == index].tobytes() for index in np.unique(partition)}


class Records:
    """A file of records, read whole. Shapes: tokens [n, steps, streams]; key [n, bytes], equal exactly for equal
    examples; split, file [n]."""

    def __init__(self, path: Path, codec: Codec):
        self._shape = (codec.steps, len(codec.parts))
        width = 2 * codec.steps * len(codec.parts)
        size = _HASH + width + _SPLIT + _FILE
        self.rows = np.fromfile(path, np.uint8).reshape(-1, size)
        self._end = _HASH + width

    def sort(self) -> None:
        size = self.rows.shape[1]
        self.rows = np.sort(self.rows.view(np.dtype((np.void, size))), axis=0).view(np.uint8).reshape(-1, size)

    @property
    def key(self) -> np.ndarray:
        return self.rows[:, :self._end]

    @property
    def tokens(self) -> np.ndarray:
        return np.ascontiguousarray(self.rows[:, _HASH:self._end]).view("<u2").reshape(-1, *self._shape)

    @property
    def split(self) -> np.ndarray:
        return self.rows[:, self._end]

    @property
    def file(self) -> np.ndarray:
        return np.ascontiguousarray(self.rows[:, self._end + _SPLIT:]).view(">u4").reshape(-1)


class Partitions:
    """The records found so far, in PARTITIONS files of one folder. `counts` is what was counted with them, `chunks`
    how many chunks of files they cover."""

    def __init__(self, folder: Path, fingerprint: str):
        """Open `folder`, where an earlier build with the same fingerprint stopped, or make it.

        Raises:
            DatasetError: the folder is another build's or a user's. Nothing in it is touched.
            OSError: it cannot be written.
        """
        self.folder, self._fingerprint = folder, fingerprint
        self.chunks, self.counts = 0, Counter()
        self._sizes = [0] * PARTITIONS
        self._buffers: dict[int, list[bytes]] = {}
        self._buffered, self._flushed = 0, time.monotonic()
        self._continue(self._read_journal())
        self.flush()  # a folder with files has a journal from its first moment, which says whose they are

    def _read_journal(self) -> dict | None:
        """The journal of the earlier build; None where there was none."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise self._refusal("is no folder: move it away") from None
        names = {path.name for path in self.folder.iterdir()}
        begun = _JOURNAL in names
        foreign = sorted(name for name in names if not (_OWN.fullmatch(name) if begun else name == _NEW_JOURNAL))
        if foreign:
            raise self._refusal(f"holds {foreign[0]!r}, which no unfinished build left there: move it away")
        if not begun:
            return None
        try:
            journal = json.loads((self.folder / _JOURNAL).read_text())
            fingerprint = journal["fingerprint"]
        except (ValueError, KeyError, TypeError):
            raise self._refusal(f"has a damaged {_JOURNAL}: remove it") from None
        if fingerprint != self._fingerprint:
            raise self._refusal("is an unfinished build of other files or options: finish it by the command that began it, "
                                "remove it to give it up")
        return journal

    def _refusal(self, what: str) -> DatasetError:
        return DatasetError(f"{self.folder}, where the build would keep what it has, {what}, or name another --out")

    def _continue(self, journal: dict | None) -> None:
        """Take over what a journal vouches for, and remove the rest. Without all of it, as when a machine lost its power
        or a build was killed in `remove`, that is nothing."""
        if journal and all(self._on_disk(index) >= size for index, size in enumerate(journal["sizes"])):
            self.chunks, self._sizes, self.counts = journal["chunks"], journal["sizes"], Counter(journal["counts"])
        for index, size in enumerate(self._sizes):
            if size:
                os.truncate(self._path(index), size)
            else:
                self._path(index).unlink(missing_ok=True)

    def _on_disk(self, index: int) -> int:
        path = self._path(index)
        return path.stat().st_size if path.exists() else 0

    def _path(self, index: int) -> Path:
        return self.folder / f"partition-{index:03d}"

    @property
    def paths(self) -> list[Path]:
        """The partitions that hold records, in the order of the hash."""
        return [self._path(index) for index, size in enumerate(self._sizes) if size]

    def add(self, records: dict[int, bytes], counts: Counter) -> None:
        """Add the next chunk."""
        for index, data in records.items():
            self._buffers.setdefault(index, []).append(data)
            self._buffered += len(data)
        self.counts.update(counts)
        self.chunks += 1
        if self._buffered >= FLUSH_BYTES or time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was added. The journal comes last: until it is replaced, the longer files count for nothing."""
        for index, pieces in self._buffers.items():
            with open(self._path(index), "ab") as file:
                file.writelines(pieces)
                self._sizes[index] = file.tell()
        temporary = self.folder / _NEW_JOURNAL
        temporary.write_text(json.dumps({"fingerprint": self._fingerprint, "chunks": self.chunks,
                                         "sizes": self._sizes, "counts": self.counts}))
        temporary.replace(self.folder / _JOURNAL)
        self._buffers, self._buffered, self._flushed = {}, 0, time.monotonic()

    def remove(self) -> None:
        """Delete the partitions, whatever was put beside them under their names, and then the journal, until which the
        folder is known as a build's."""
        for path in [*self.folder.glob("partition-*"), self.folder / _JOURNAL]:
            path.unlink(missing_ok=True)


def write_array(path: Path, array: np.ndarray) -> None:
    """`array.tofile(path)`, but a full disk is named as one: tofile says "8192 requested and 0 written"."""
    path.write_bytes(np.ascontiguousarray(array))
