"""Many files to one data set: on all cores, in bounded memory, to be interrupted and continued at any time.

    walk the folders -> chunks of files -> workers extract -> records appended to 256 partitions by their hash
    -> workers sort each partition, where equal examples meet (merging.py) -> one .npy file per split

Chunks are taken in the order of the walk and added in that order, so neither the number of workers nor an
interruption changes the result.
"""
import hashlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path

import numpy as np
import yaml

from vae.codecs import Codec, codec
from vae.dataset.extraction import Examples, Rules, extract
from vae.dataset.merging import Merged, merge
from vae.dataset.records import Partitions, by_partition, pack
from vae.dataset.splits import SPLITS, split_of
from vae.dataset.storage import META
from vae.midi import MidiError, read_song

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
CHUNK = 32  # files per piece of work
Progress = Callable[[str, int, int], None]  # stage, done, total


@dataclass(frozen=True)
class Plan:
    """What to build. folders: sources of MIDI files; validation, test: shares of the songs, 0-1."""

    folders: tuple[Path, ...]
    task: str
    rules: Rules
    validation: float = 0.05
    test: float = 0.05

    @property
    def codec(self) -> Codec:
        return codec(self.task)

    def files(self, unreadable: Callable[[OSError], None] | None = None) -> Iterator[tuple[int, int, Path]]:
        """(number of the file, number of its folder, path) of every MIDI file, in an order that names alone decide.

        Links to folders are followed, but a folder is read once in each source: links may lead in circles.
        unreadable: told of every folder that cannot be read."""
        number = itertools.count()
        for index, folder in enumerate(self.folders):
            read = set()
            for root, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
                place = os.path.realpath(root)
                if place in read:
                    folders.clear()
                    continue
                read.add(place)
                folders.sort()
                for name in sorted(names):
                    if name.lower().endswith(SUFFIXES):
                        yield next(number), index, Path(root, name)

    def survey(self) -> tuple[int, int, str]:
        """How many files there are, how many folders cannot be read, and a fingerprint of the plan and all names."""
        digest, count, unreadable = hashlib.blake2b(repr(self).encode(), digest_size=16), 0, []
        for _, _, path in self.files(unreadable.append):
            digest.update(os.fsencode(path) + b"\0")
            count += 1
        return count, len(unreadable), digest.hexdigest()


def build(plan: Plan, out: Path, workers: int, progress: Progress) -> dict:
    """Build the data set and return its meta data, as `meta.yaml` holds it.

    Continues what an interrupted call for the same plan and files left in `out`.partial. `out` itself appears when the
    data set is whole, and not at all when there is no example.

    Raises:
        DatasetError: something else is at `out`.partial.
        OSError: `out` cannot be written, or not any further: the same call goes on when it can be.
        BrokenProcessPool, MemoryError: a worker died, or the memory was used up; the same call goes on likewise.
    """
    partial = partial_folder(out)
    total, unreadable, fingerprint = plan.survey()
    partitions = Partitions(partial, fingerprint)
    if out.exists():
        out.rmdir()  # an empty folder, which Windows would not replace; a mount point, which nothing can, is said here
    with ProcessPoolExecutor(workers, _Context(), _start_worker) as pool:
        try:
            _extract_all(plan, partitions, pool, 4 * workers, total, progress)
            if unreadable:
                partitions.counts["rejected/folder that cannot be read"] = unreadable
            meta = _describe(plan, partitions.counts, merge(partitions, plan.codec, pool, progress))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not sum(meta["examples"].values()):
        for name in SPLITS:
            (partial / f"{name}.npy").unlink()
        partitions.remove()
        partial.rmdir()
        return meta
    (partial / META).write_text(yaml.safe_dump(meta, sort_keys=False, allow_unicode=True), encoding="utf-8")
    partitions.remove()
    partial.rename(out)
    return meta


def partial_folder(out: Path) -> Path:
    """Where a data set is until it is whole."""
    return out.with_name(out.name + ".partial")


class _Worker(SpawnProcess):
    """A process that Ctrl-C does not reach from its first moment: in the second that its imports take, it would print
    its traceback into the terminal."""

    def start(self) -> None:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # on POSIX a child inherits that, and keeps it
        try:
            super().start()
        finally:
            signal.signal(signal.SIGINT, handler)


class _Context(SpawnContext):
    Process = _Worker


def _start_worker() -> None:
    """Ctrl-C is the parent's to handle (Windows' children do not inherit that); and when it is killed, its workers must
    not wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _extract_all(plan: Plan, partitions: Partitions, pool: ProcessPoolExecutor, ahead: int, total: int,
                 progress: Progress) -> None:
    files = itertools.islice(plan.files(), partitions.chunks * CHUNK, None)
    waiting: deque = deque()  # at most `ahead` chunks in flight, so results cannot pile up
    while True:
        progress("reading", min(partitions.chunks * CHUNK, total), total)
        while len(waiting) < ahead and (chunk := list(itertools.islice(files, CHUNK))):
            waiting.append(pool.submit(_extract_chunk, plan, chunk))
        if not waiting:
            break
        partitions.add(*waiting.popleft().result())
    partitions.flush()


def _extract_chunk(plan: Plan, files: list[tuple[int, int, Path]]) -> tuple[dict[int, bytes], Counter]:
    """The records of some files by partition, and what was counted on the way."""
    counts: Counter = Counter()
    records = []
    for number, folder, path in files:
        examples = _extract_file(plan, path)
        split = split_of(path, plan.validation, plan.test)
        counts.update(examples.counts)
        counts.update({"files": 1, f"source/{folder}/files": 1})
        if examples.reason:
            counts[f"rejected/{examples.reason}"] += 1
        else:
            counts.update({f"kept/{SPLITS[split]}": 1, f"source/{folder}/kept": 1,
                           f"source/{folder}/examples": len(examples.tokens)})
            records.append(pack(examples.tokens, split, number))
    return by_partition(np.concatenate(records)) if records else {}, counts


def _extract_file(plan: Plan, path: Path) -> Examples:
    if os.path.exists(path) and not os.path.isfile(path):
        return Examples(None, Counter(), "not a regular file")  # reading a pipe would wait for ever
    try:
        song = read_song(path)
    except MidiError as error:
        return Examples(None, Counter(), error.reason)
    seed = int.from_bytes(hashlib.blake2b(os.fsencode(path.name), digest_size=8).digest(), "big")
    return extract(song, plan.codec, plan.rules, seed)


def _describe(plan: Plan, counts: Counter, merged: Merged) -> dict:
    def below(prefix: str) -> dict:
        return {key.removeprefix(prefix): counts[key] for key in sorted(counts) if key.startswith(prefix)}

    return {
        "task": plan.task,
        "examples": merged.examples,
        "files": {"read": counts["files"], "kept": below("kept/"), "rejected": below("rejected/"),
                  "versions of songs in train": merged.versions},
        "counts": below("count/"),
        "dropped": merged.dropped,
        "rules": {**asdict(plan.rules), "validation": plan.validation, "test": plan.test},
        "sources": [{"folder": folder.name, **{key: counts[f"source/{index}/{key}"] for key in ("files", "kept", "examples")}}
                    for index, folder in enumerate(plan.folders)],
    }
