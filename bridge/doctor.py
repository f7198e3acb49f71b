"""A look at a whole installation: each check says what it found and, if that is a fault, what to do about it."""

import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.config import Config
from bridge.daemon import bind
from bridge.holder import ask_daemon, describe_holder
from bridge.models import model_folders
from vae.program import program

OK, NOTE, FAULT = "ok", "note", "fault"
PYTHONS = ((3, 11), (3, 13))
TENSORFLOW_TEST = ("import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import tensorflow as tf; "
                   "print(tf.__version__, len(tf.config.list_physical_devices('GPU')))")


@dataclass(frozen=True)
class Finding:
    """state: ok, note (works, but something is missing that one may want) or fault. todo: what to do about it."""

    what: str
    state: str
    found: str
    todo: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """All checks, quick ones first."""
    yield _python()
    yield from _tensorflow()
    yield _port(config)
    yield from _models(config)
    yield _library()
    yield _ableton_osc()


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    (low, high), version = PYTHONS, sys.version_info[:2]
    if low <= version <= high:
        return Finding("Python", OK, found)
    return Finding("Python", FAULT, found, f"use Python {low[0]}.{low[1]} to {high[0]}.{high[1]}: TensorFlow 2.21 has no other")


def _tensorflow() -> Iterator[Finding]:
    """TensorFlow is imported in a process of its own: a broken installation can end the one that imports it."""
    if importlib.util.find_spec("tensorflow") is None:
        yield Finding("TensorFlow", FAULT, "not installed", "run `python3 cli.py start`, which installs everything")
        return
    try:
        done = subprocess.run([sys.executable, "-c", TENSORFLOW_TEST], check=False, capture_output=True, text=True,
                              timeout=120)
    except subprocess.TimeoutExpired:
        yield Finding("TensorFlow", FAULT, "did not import within 120 s", "see whether the machine is overloaded")
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield Finding("TensorFlow", FAULT, f"does not import: {last}",
                      "install it anew: python -m pip install --force-reinstall 'tensorflow==2.21.*'; "
                      "processors without AVX cannot run it")
        return
    version, gpus = done.stdout.split()[-2:]
    yield Finding("TensorFlow", OK, version)
    yield _gpu(int(gpus))


def _gpu(count: int) -> Finding:
    if count:
        return Finding("GPU", OK, f"TensorFlow sees {count}")
    if sys.platform == "linux" and Path("/proc/driver/nvidia/version").exists():
        return Finding("GPU", NOTE, "there is an NVIDIA driver, but TensorFlow sees no GPU",
                       "install with the extra `gpu`: python -m pip install '.[gpu]'")
    reason = "" if sys.platform == "linux" else f" (TensorFlow has none on {platform.system()})"
    return Finding("GPU", OK, f"none{reason}: the CPU serves")


def _port(config: Config) -> Finding:
    what = f"Port {config.port}"
    daemon = ask_daemon(config.host, config.port)
    if daemon:
        return Finding(what, OK, f"{daemon} answers")
    try:
        bind(config.host, config.port).close()
    except OSError as error:
        return Finding(what, FAULT, f"cannot be used: {error.strerror}", describe_holder(config.host, config.port))
    return Finding(what, OK, f"free; no daemon runs (`{program()} serve` starts one)")


def _models(config: Config) -> Iterator[Finding]:
    from vae import registry

    places = registry.folders(config.folders)
    found = 0
    for place in sorted(place for folder in places for place in model_folders(folder)):
        try:
            info = registry.describe(place)
            registry.arrays(info)
        except registry.ModelError as error:
            yield Finding(f"Model {place.name}", FAULT, str(error), f"export it anew, or remove {place}")
            continue
        found += 1
        yield Finding(f"Model {info.name}", OK, f"{info.task}, {info.parameters / 1e6:.1f} M parameters, weights as they should be")
    if not found:
        yield Finding("Models", FAULT, "none in " + ", ".join(map(str, places)),
                      f"take a checkout with vae/pretrained, or train one and `{program()} export` it")


def _library() -> Finding:
    from ableton.library import LibraryError, find_library, installed

    try:
        library = find_library()
    except LibraryError as error:
        return Finding("Live's library", NOTE, str(error))
    devices = installed(library)
    if not devices:
        return Finding("Live's library", NOTE, f"{library}, without our devices", f"{program()} live install")
    return Finding("Live's library", OK, f"{library}, {len(devices)} devices installed")


def _ableton_osc() -> Finding:
    from ableton.live_osc import AbletonOsc, LiveError

    try:
        with AbletonOsc() as osc:
            return Finding("AbletonOSC", OK, f"Live {osc.version()} answers")
    except LiveError as error:
        return Finding("AbletonOSC", NOTE, str(error), "needed only to write clips into Live without Max for Live")


def versions() -> str:
    """The versions of what matters, for a report of a fault."""
    names = ("tensorflow", "numpy", "mido", "click")
    installed = {name: importlib.metadata.version(name) for name in names if importlib.util.find_spec(name)}
    return ", ".join([platform.platform(), *(f"{name} {version}" for name, version in installed.items())])
