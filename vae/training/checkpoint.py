"""Checkpoints: arrays and a few plain values in one .npz file that is replaced atomically, and never a pickle."""
import json
import os
import pathlib
import zipfile

import numpy as np

ABOUT = "about.json"


class CheckpointError(ValueError):
    """A checkpoint file that cannot be read."""


def save(path: pathlib.Path, arrays: dict[str, np.ndarray], about: dict) -> None:
    """Write a checkpoint so that a crash at any moment leaves the old one or the new one, whole.

    about: plain values (numbers, text, lists), kept as JSON.
    """
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, **arrays, **{ABOUT: np.frombuffer(json.dumps(about).encode(), np.uint8)})
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict]:
    """(arrays, about) of a checkpoint; raises CheckpointError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays.pop(ABOUT).tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} is not a whole checkpoint: {error}") from None
    return arrays, about
