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


class DatasetError(ValueError):
    """A folder that is no whole data set; the message says what is wrong."""


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
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: {error}") from error
        expected = (self.meta["examples"][name], self.codec.steps, len(self.codec.parts))
        if array.dtype != np.uint16 or array.shape != expected:
            raise DatasetError(f"{path}: expected uint16 {expected}, received {array.dtype} {array.shape}")
        return array


def open_dataset(path: Path | str) -> Dataset:
    """Open a folder that `dataset build` wrote. Raises DatasetError if it is none."""
    path = Path(path)
    try:
        meta = yaml.safe_load((path / META).read_text(encoding="utf-8"))
        dataset = Dataset(path, codec(meta["task"]).task, meta)
        for name in SPLITS:
            dataset.split(name)
    except FileNotFoundError:
        raise DatasetError(f"{path} is not a data set: it has no {META} (`dataset build` writes one)") from None
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise DatasetError(f"{path / META} is damaged: {error!r}") from error
    except ValueError as error:
        raise error if isinstance(error, DatasetError) else DatasetError(f"{path / META}: {error}") from error
    return dataset
