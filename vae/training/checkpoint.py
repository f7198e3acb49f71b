"""Checkpoints: arrays and a few plain values in one .npz file that is replaced atomically, and never a pickle."""
import json
import os
import pathlib
from collections.abc import Callable

import numpy as np

from vae import config as configs
from vae import registry
from vae.config import Config

ABOUT = "about.json"
CHECKPOINT, BEST = "checkpoint.npz", "best.npz"  # of a run: what it goes on from, and its best weights


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that is of another training; the message says why."""


def stage_folder(run: pathlib.Path, number: int) -> pathlib.Path:
    """Where a run in stages has the one of that number, from 1: a run of its own."""
    return run / f"stage{number}"


def latest(run: pathlib.Path) -> pathlib.Path:
    """The run that has the best weights so far: this one, or the last of its stages that came to its first validation."""
    number = 1
    while (stage_folder(run, number + 1) / BEST).exists():
        number += 1
    return stage_folder(run, number) if stage_folder(run, 1).exists() else run


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


def load(path: pathlib.Path, shapes: Callable[[Config], dict[str, tuple[int, ...]]]) -> tuple[dict, Config, dict]:
    """(arrays, config, about) of a checkpoint: float32 arrays by name, what they were trained by, and the plain values,
    of which `step`, `best`, `data` and `commands` are there. Raises CheckpointError, whatever is wrong with the file.

    shapes: name to shape of the arrays that it must hold, with a given config.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] if name == ABOUT else file[name].astype(np.float32) for name in file.files}
        about = json.loads(arrays.pop(ABOUT).tobytes())
        about["commands"] = about["commands"] if "commands" in about else [about["command"]]  # as the first runs have it
        about |= {"step": int(about["step"]), "best": float(about["best"]),
                  "data": [{"meta": dict(one["meta"]), "weight": float(one["weight"])} for one in about["data"]]}
        config = configs.parse(about["config"])
        registry.check_shapes(arrays, shapes(config), "its arrays")
        for name, value in arrays.items():
            if not np.isfinite(value).all():
                raise ValueError(f"{name} holds values that are not finite: the training diverged. Begin a new run with a "
                                 f"lower learning_rate or with clip_norm")
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist: the run has not come to its first validation") from None
    except Exception as error:  # noqa: BLE001 - what a damaged archive raises has no end: RuntimeError, TokenError ...
        reason = str(error) if isinstance(error, (OSError, ValueError)) else repr(error)
        raise CheckpointError(f"{path} cannot be used: {reason}") from None
    return arrays, config, about


def check_same(path: pathlib.Path, config: Config, about: dict, own_config: Config, own: dict) -> None:
    """Raise CheckpointError unless a training goes on from a checkpoint as it began: with its config (but for the number
    of steps, which may be raised), its data (wherever they lie now) and its starting weights.

    config, about: as from `load`.  own_config, own: those of the training; without a `start` it asks for none.
    """
    def refuse(what: str, advice: str):
        raise CheckpointError(f"{path} was trained {what}; {advice}, or choose another run folder")

    if _but_steps(config) != _but_steps(own_config):
        refuse("with another config", "continue with that one")
    if _mixture(about) != _mixture(own):
        refuse(f"on other data ({_words(about)}) than the given ({_words(own)})", "continue with the former")
    start = own.get("start")
    if start is None:
        return
    if "start" in about:
        same = about["start"] is not None and about["start"]["sha256"] == start["sha256"]
    else:  # a checkpoint from before it was kept
        same = about["commands"][:-1] == own["commands"][:-1]
    if not same:
        refuse(f"from other weights than those of {start['name']}", "continue without --fine-tune")


def _but_steps(config: Config) -> dict:
    values = config.as_dict()
    del values["training"]["steps"]
    return values


def _mixture(about: dict) -> list[tuple[str, float]]:
    """What the data sets say of themselves, as JSON keeps it, and the share of each."""
    total = sum(one["weight"] for one in about["data"])
    return [(json.dumps(one["meta"], sort_keys=True), round(one["weight"] / total, 9)) for one in about["data"]]


def _words(about: dict) -> str:
    return "; ".join(f"{one['meta']['examples']['train']:,} examples of {len(one['meta'].get('sources', ()))} sources, weight "
                     f"{one['weight']:g}" for one in about["data"])
