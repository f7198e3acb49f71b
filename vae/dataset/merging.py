"""From partitions of records to the splits: every example once, and nothing of train in validation or test.

Equal examples have equal hashes, so uniqueness over the whole data set needs one partition in memory at a time. Two
rules keep the splits apart, and both only take away from validation and test:
- an example that several splits found stays in the first of train, validation, test;
- a file that shares more than half of its examples with train is a version of a trained song, whatever its name
  (`splits.py` can only see names), and leaves with all of its examples: what it does not share is still nearly
  the same music.
"""
import shutil
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae.codecs import Codec
from vae.dataset.records import Partitions, Records, write_array
from vae.dataset.splits import SPLITS

VERSION_SHARE = 0.5
REPEATED = "repeated in another song"  # the reasons for which examples are dropped
IN_TRAIN = "in validation or test, but also in train"
IN_VALIDATION = "in test, but also in validation"
VERSION = "in a version of a song in train"
TRAIN = SPLITS.index("train")


class Merged(NamedTuple):
    """examples: by split. dropped: examples by reason. versions: files of validation and test left out whole, by
    split."""

    examples: dict[str, int]
    dropped: dict[str, int]
    versions: dict[str, int]


def merge(partitions: Partitions, codec: Codec, pool: Executor, progress) -> Merged:
    """Write train.npy, validation.npy and test.npy into the folder of the partitions, in the order of the hash.

    Args:
        progress: called with (stage, done, total).
    """
    paths = partitions.paths
    shared, found = Counter(), Counter()
    for done, (more_shared, more_found) in enumerate(pool.map(_sort, paths, [codec] * len(paths)), 1):
        shared.update(more_shared)
        found.update(more_found)
        progress("sorting", done, len(paths))
    versions = sorted(key for key, count in shared.items() if count > VERSION_SHARE * found[key])
    files = np.array([file for _, file in versions], np.int64)

    counts: Counter = Counter()
    tasks = len(paths)
    for done, more in enumerate(pool.map(_write_unique, paths, [codec] * tasks, [files] * tasks), 1):
        counts.update(more)
        progress("removing duplicates", done, tasks)
    for name in SPLITS:
        _concatenate([_unique_path(path, name) for path in paths], partitions.folder / f"{name}.npy",
                     (counts[name], codec.steps, len(codec.parts)))
    return Merged({name: counts[name] for name in SPLITS},
                  {reason: counts[reason] for reason in (REPEATED, IN_TRAIN, IN_VALIDATION, VERSION)},
                  {name: sum(split == index for split, _ in versions) for index, name in enumerate(SPLITS) if index})


def _sort(path: Path, codec: Codec) -> tuple[Counter, Counter]:
    """Sort one partition in place. Returns, by (split, file) outside train, how many examples train has too, and how
    many there are."""
    records = Records(path, codec)
    records.sort()
    temporary = path.with_suffix(".new")
    write_array(temporary, records.rows)
    temporary.replace(path)
    first, group = _groups(records)
    outside = records.split != TRAIN
    shared = outside & (records.split[first][group] == TRAIN)
    return _count_files(records, shared), _count_files(records, outside)


def _groups(records: Records) -> tuple[np.ndarray, np.ndarray]:
    """The first record of each different example [m], and which example each record is [n], of sorted records."""
    new = np.ones(len(records.rows), bool)
    new[1:] = np.any(records.key[1:] != records.key[:-1], axis=1)
    return np.flatnonzero(new), np.cumsum(new) - 1


def _count_files(records: Records, chosen: np.ndarray) -> Counter:
    pairs, counts = np.unique(np.stack([records.split[chosen], records.file[chosen]]), axis=1, return_counts=True)
    return Counter({(int(split), int(file)): int(count) for (split, file), count in zip(pairs.T, counts)})


def _write_unique(path: Path, codec: Codec, versions: np.ndarray) -> Counter:
    """Write the examples that each split keeps of one sorted partition beside it, and count all others."""
    records = Records(path, codec)
    from_version = np.isin(records.file, versions)
    records.rows = records.rows[~from_version]
    first, group = _groups(records)
    new_in_split = np.ones(len(group), bool)  # the first of its split among equal examples
    new_in_split[1:] = (group[1:] != group[:-1]) | (records.split[1:] != records.split[:-1])
    beaten = new_in_split.copy()
    beaten[first] = False
    by_train = records.split[first][group] == TRAIN
    counts = Counter({REPEATED: int(np.sum(~new_in_split)), IN_TRAIN: int(np.sum(beaten & by_train)),
                      IN_VALIDATION: int(np.sum(beaten & ~by_train)), VERSION: int(np.sum(from_version))})
    for index, name in enumerate(SPLITS):
        chosen = first[records.split[first] == index]
        write_array(_unique_path(path, name), records.tokens[chosen])
        counts[name] = len(chosen)
    return counts


def _unique_path(partition: Path, split: str) -> Path:
    return partition.with_name(f"{partition.name}-{split}")


def _concatenate(pieces: list[Path], path: Path, shape: tuple[int, ...]) -> None:
    """Write files of raw tokens as one .npy file. By ordinary writes: a full disk is an OSError to them, while a mapped
    file would end the process with SIGBUS."""
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<u2", "fortran_order": False, "shape": shape})
        for piece in pieces:
            with open(piece, "rb") as rows:
                shutil.copyfileobj(rows, file)
