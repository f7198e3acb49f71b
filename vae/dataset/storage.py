"""A data set on disk: a folder of `meta.yaml` and one .npy file per split.

Examples are uint16 [examples, steps, streams], 64 bytes for two bars, and they are stored in the order of their hash:
any stretch is a random sample. The files are plain NumPy arrays rather than TFRecords because they are opened in no
time at any size (memory-mapped: only the rows that a batch asks for are read), are shuffled by indexing instead of
through a buffer, and need no TensorFlow to be written or looked at. They are read without pickle.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from vae.codecs import Codec, codec
from vae.dataset.splits import SPLITS

META = "meta.yaml"


REBUILD = "build the data set anew (`dataset build`)"
_SCHEMA = {  # of meta.yaml: the type of each value, the keys of a mapping, the items of a list
    "task": str, "examples": {name: int for name in SPLITS},
    "files": {"read": int, "kept": dict, "rejected": dict, "versions of songs in train": dict},
    "counts": dict, "dropped": dict, "rules": dict,
    "sources": [{"folder": str, "files": int, "kept": int, "examples": int}]}


class DatasetError(ValueError):
    """A folder that is no whole data set, or none that a build may write; the message says what is wrong."""


@dataclass(frozen=True)
class Dataset:
    """An opened data set. meta: what `meta.yaml` says (task, examples, files, counts, rules, sources)."""

    path: Path
    task: str
    meta: dict

    @property
    def codec(self) -> Codec:
        return codec(self.task)

    def split(self, name: str) -> np.ndarray:
        """The examples of "train", "validation" or "test", memory-mapped: uint16 [examples, steps, streams]."""
        if name not in SPLITS:
            raise DatasetError(f"splits are {', '.join(SPLITS)}, received {name!r}")
        path = self.path / f"{name}.npy"
        try:
            array = np.lib.format.open_memmap(path, mode="r")
        except OSError as error:
            raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error
        except Exception as error:  # NumPy evaluates the header as Python, so a damaged one can raise anything
            raise DatasetError(f"{path} is damaged ({str(error).splitlines()[0]}): {REBUILD}") from error
        expected = (self.meta["examples"][name], self.codec.steps, len(self.codec.parts))
        if array.dtype != np.uint16 or array.shape != expected:
            raise DatasetError(f"{path} is damaged: expected uint16 {expected}, received {array.dtype} {array.shape}; "
                               f"{REBUILD}")
        return array


def open_dataset(path: Path | str) -> Dataset:
    """Open a folder that `dataset build` wrote. Raises DatasetError if it is none."""
    path = Path(path)
    try:
        meta = yaml.safe_load((path / META).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is not a data set: it has no {META} (`dataset build` writes one)") from None
    except OSError as error:
        raise DatasetError(f"{path / META} cannot be read: {error.strerror or error}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise DatasetError(f"{path / META} is damaged, it is no YAML: {REBUILD}") from error
    if fault := _fault(meta, _SCHEMA):
        raise DatasetError(f"{path / META} is damaged, {fault}: {REBUILD}")
    try:
        dataset = Dataset(path, codec(meta["task"]).task, meta)
    except ValueError as error:
        raise DatasetError(f"{path / META}: {error}") from None
    for name in SPLITS:
        dataset.split(name)
    return dataset


def _fault(found, wanted, place: str = "its content") -> str:
    """Where a value first departs from a schema, in words; "" where it does not."""
    kind = wanted if isinstance(wanted, type) else type(wanted)
    if not isinstance(found, kind):
        return f"{place} should be of type {kind.__name__}, received {found!r:.40}"
    if isinstance(wanted, dict):
        parts = [(found.get(key), inner, f"{key!r} of {place}") for key, inner in wanted.items()]
    elif isinstance(wanted, list):
        parts = [(item, wanted[0], f"item {index} of {place}") for index, item in enumerate(found)]
    else:
        return ""
    return next(filter(None, (_fault(*part) for part in parts)), "")
