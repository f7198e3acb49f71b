"""Many files to one data set: on all cores, in bounded memory, to be interrupted and continued at any time.

    walk the folders -> chunks of files -> workers extract -> examples appended to 256 partitions by their hash
    -> workers sort each partition: equal examples meet there and one is kept -> train.npy, validation.npy, test.npy

Equal examples have equal hashes, so uniqueness over the whole data set needs one partition in memory at a time, not
all examples. One process writes the partitions and, after every flush, a journal of how long each file is and how
many chunks it covers; continuing cuts the files back to the journal and skips those chunks. Chunks are taken in the
order of the walk and the result does not depend on which worker was faster.
"""
import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from vae.codecs import codec
from vae.dataset.extraction import Rules, extract
from vae.dataset.splits import SPLITS, split_of
from vae.dataset.storage import META
from vae.midi import MidiError, read_song

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
PARTITIONS = 256
CHUNK = 32  # files per piece of work
FLUSH_BYTES, FLUSH_SECONDS = 64 << 20, 5.0
_JOURNAL = "journal.json"


@dataclass(frozen=True)
class Plan:
    """What to build. folders: sources of MIDI files; validation, test: shares of the songs, 0-1."""

    folders: tuple[Path, ...]
    task: str
    rules: Rules
    validation: float = 0.05
    test: float = 0.05

    def files(self) -> Iterator[tuple[int, Path]]:
        """(index of the folder, path) of every MIDI file, in an order that depends on names only."""
        for index, folder in enumerate(self.folders):
            for root, folders, names in os.walk(folder):
                folders.sort()
                for name in sorted(names):
                    if name.lower().endswith(SUFFIXES):
                        yield index, Path(root, name)

    def survey(self) -> tuple[int, str]:
        """The number of files and a fingerprint of the plan and of all their names."""
        digest, count = hashlib.blake2b(repr(self).encode(), digest_size=16), 0
        for _, path in self.files():
            digest.update(os.fsencode(path) + b"\0")
            count += 1
        return count, digest.hexdigest()


Progress = Callable[[str, int, int], None]  # stage, done, total


def build(plan: Plan, out: Path, workers: int, progress: Progress) -> dict:
    """Build the data set and return its meta data. Continues what an interrupted call for the same plan left behind.

    Nothing is left at `out` unless the data set is whole and has an example; the work in between is in a folder
    beside it, named like `out` with ".partial" behind.
    """
    partial = out.with_name(out.name + ".partial")
    total, fingerprint = plan.survey()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=signal.signal,
                             initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            store = _Partitions(partial, fingerprint)
            _extract_all(plan, store, pool, workers, total, progress)
            meta = _describe(plan, store.counts)
            width = codec(plan.task).steps * len(codec(plan.task).parts)
            _merge(store, width, pool, progress, meta)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not sum(meta["examples"].values()):
        shutil.rmtree(partial)
        return meta
    (partial / META).write_text(yaml.safe_dump(meta, sort_keys=False, allow_unicode=True), encoding="utf-8")
    store.remove()
    if out.exists():
        shutil.rmtree(out)
    partial.rename(out)
    return meta


def _extract_all(plan: Plan, store: "_Partitions", pool: ProcessPoolExecutor, workers: int, total: int,
                 progress: Progress) -> None:
    files = itertools.islice(plan.files(), store.chunks * CHUNK, None)
    waiting: deque = deque()
    progress("reading", store.chunks * CHUNK, total)
    while True:
        while len(waiting) < 4 * workers and (chunk := list(itertools.islice(files, CHUNK))):
            waiting.append(pool.submit(_extract_chunk, plan, chunk))
        if not waiting:
            break
        store.add(*waiting.popleft().result())
        progress("reading", min(store.chunks * CHUNK, total), total)
    store.flush()


def _extract_chunk(plan: Plan, files: list[tuple[int, Path]]) -> tuple[dict[int, bytes], Counter]:
    """Examples of some files as records by partition, and what was counted on the way."""
    counts: Counter = Counter()
    records = []
    for folder, path in files:
        tokens, counted, reason = _extract_file(plan, path)
        split = split_of(path, plan.validation, plan.test)
        counts.update(counted)
        counts.update({"files": 1, f"source/{folder}/files": 1})
        if reason:
            counts[f"rejected/{reason}"] += 1
        else:
            counts.update({f"files/{SPLITS[split]}": 1, f"source/{folder}/kept": 1,
                           f"source/{folder}/examples": len(tokens), "examples found": len(tokens)})
            records.append(_records(tokens, split))
    if not records:
        return {}, counts
    rows = np.concatenate(records)
    partition = rows[:, 0].astype(np.int64) * PARTITIONS >> 8
    return {int(index): rows[partition == index].tobytes() for index in np.unique(partition)}, counts


def _extract_file(plan: Plan, path: Path):
    try:
        song = read_song(path)
    except MidiError as error:
        return (), Counter(), error.reason
    seed = int.from_bytes(hashlib.blake2b(path.name.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")
    return extract(song, codec(plan.task), plan.rules, seed)


def _records(tokens: np.ndarray, split: int) -> np.ndarray:
    """Rows to sort as bytes, uint8 [n, 8 + 2 * steps * streams + 1]: hash, tokens, split. Sorted, equal examples
    stand together, the one of the first split (train before validation before test) in front."""
    flat = tokens.reshape(len(tokens), -1).astype("<u2")
    hashes = _hash(flat).astype(">u8")[:, None].view(np.uint8)
    return np.concatenate([hashes, flat.view(np.uint8), np.full((len(flat), 1), split, np.uint8)], axis=1)


def _hash(rows: np.ndarray) -> np.ndarray:
    """64-bit hash of each row of [n, width]: a random odd weight per column, then splitmix64's finalizer. It places
    and orders examples; whether two are equal is decided by their tokens."""
    weights = np.random.default_rng(0).integers(0, 2**63, rows.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    value = (rows.astype(np.uint64) + np.uint64(1)) @ weights
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return value ^ value >> np.uint64(31)


class _Partitions:
    """The records found so far, in PARTITIONS files, with a journal from which an interrupted build goes on."""

    def __init__(self, folder: Path, fingerprint: str):
        self.folder, self.fingerprint = folder, fingerprint
        self.chunks, self.sizes, self.counts = 0, [0] * PARTITIONS, Counter()
        self._buffers: dict[int, list[bytes]] = {}
        self._buffered, self._flushed = 0, time.monotonic()
        if not self._continue():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def _continue(self) -> bool:
        try:
            journal = json.loads((self.folder / _JOURNAL).read_text())
        except (OSError, ValueError):
            return False
        if journal["fingerprint"] != self.fingerprint:
            return False
        self.chunks, self.sizes, self.counts = journal["chunks"], journal["sizes"], Counter(journal["counts"])
        for index, size in enumerate(self.sizes):
            if self.path(index).exists():
                os.truncate(self.path(index), size)
        return True

    def path(self, index: int) -> Path:
        return self.folder / f"partition-{index:03d}"

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
        for index, pieces in self._buffers.items():
            with open(self.path(index), "ab") as file:
                file.writelines(pieces)
                self.sizes[index] = file.tell()
        journal = {"fingerprint": self.fingerprint, "chunks": self.chunks, "sizes": self.sizes, "counts": self.counts}
        temporary = self.folder / (_JOURNAL + ".new")
        temporary.write_text(json.dumps(journal))
        temporary.replace(self.folder / _JOURNAL)
        self._buffers, self._buffered, self._flushed = {}, 0, time.monotonic()

    def remove(self) -> None:
        for path in [*self.folder.glob("partition-*"), self.folder / _JOURNAL]:
            path.unlink(missing_ok=True)


def _merge(store: _Partitions, width: int, pool: ProcessPoolExecutor, progress: Progress, meta: dict) -> None:
    """Keep one of all equal examples and write the splits; fills in the counts of `meta`."""
    task = codec(meta["task"])
    totals: Counter = Counter()
    work = [(store.path(index), width) for index in range(PARTITIONS) if store.sizes[index]]
    for done, counted in enumerate(pool.map(_unique, work), 1):
        totals.update(counted)
        progress("removing duplicates", done, len(work))
    meta["examples"] = {name: totals[name] for name in SPLITS}
    meta["counts"]["repeated between songs"] = totals["repeated"]
    meta["counts"]["in validation or test and also in train"] = totals["leaked from train"]
    meta["counts"]["in test and also in validation"] = totals["leaked from validation"]
    for name in SPLITS:
        array = np.lib.format.open_memmap(store.folder / f"{name}.npy", "w+", np.uint16,
                                          (totals[name], task.steps, len(task.parts)))
        start = 0
        for path, _ in work:
            rows = np.fromfile(_unique_path(path, name), "<u2").reshape(-1, *array.shape[1:])
            array[start:start + len(rows)] = rows
            start += len(rows)
        array.flush()


def _unique_path(partition: Path, split: str) -> Path:
    return partition.with_name(f"{partition.name}-{split}")


def _unique(work: tuple[Path, int]) -> Counter:
    """Sort one partition and write the different examples of each split beside it."""
    path, width = work
    size = 8 + 2 * width + 1
    rows = np.sort(np.fromfile(path, np.dtype((np.void, size)))).view(np.uint8).reshape(-1, size)
    same_tokens = np.all(rows[1:, :-1] == rows[:-1, :-1], axis=1)
    split = rows[:, -1]
    kept = np.concatenate([[True], ~same_tokens])
    leaked = np.concatenate([[False], same_tokens & (split[1:] != split[:-1])])
    winner = split[kept][np.cumsum(kept) - 1]  # the split that keeps the example of each row
    counts = Counter({"repeated": int(np.sum(~kept & ~leaked)), "leaked from train": int(np.sum(leaked & (winner == 0))),
                      "leaked from validation": int(np.sum(leaked & (winner == 1)))})
    for index, name in enumerate(SPLITS):
        chosen = rows[kept & (split == index), 8:-1]
        chosen.tofile(_unique_path(path, name))
        counts[name] = len(chosen)
    return counts


def _describe(plan: Plan, counts: Counter) -> dict:
    """What is known before the duplicates are removed, as `meta.yaml` holds it."""
    def below(prefix: str) -> dict:
        return {key.removeprefix(prefix): counts[key] for key in sorted(counts) if key.startswith(prefix)}

    sources = [{"folder": folder.name, **{key: counts[f"source/{index}/{key}"] for key in ("files", "kept", "examples")}}
               for index, folder in enumerate(plan.folders)]
    return {
        "task": plan.task,
        "examples": {},
        "files": {"read": counts["files"], "kept": below("files/"), "rejected": below("rejected/")},
        "counts": {key: counts[key] for key in sorted(counts) if "/" not in key and key != "files"},
        "rules": {**asdict(plan.rules), "validation": plan.validation, "test": plan.test},
        "sources": sources,
    }
