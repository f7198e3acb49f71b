"""Which models there are and what state each is in."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bridge.protocol import MAX_TEXT, Fail, hint, is_text
from vae import registry

LARGEST = 2**31 - 1  # a figure that `/vae/model` can carry

log = logging.getLogger(__name__)


class Version(NamedTuple):
    """What a look at a model folder found.

    stamp: names, sizes and times of its files, by which it is seen that it was exported anew; () when it is gone.
    fault: why it cannot be loaded, "" when nothing speaks against it; the figures are 0 then.
    """

    path: Path
    stamp: tuple
    task: str = ""
    bars: int = 0
    latent: int = 0
    parameters: int = 0
    fault: str = ""


@dataclass
class Entry:
    """A model as the daemon sees it.

    found: what is on disk. serves: what requests meet: the version in memory or on its way there, else the one on disk.
    asked: what the worker was asked for last, or what lay there when the daemon started; None for a model that came later.
    state: loaded, available, loading or failed; a loaded model stays loaded while a newer version is on its way.
    reason: why it failed.
    """

    name: str
    found: Version
    serves: Version
    asked: Version | None = None
    state: str = "available"
    device: str = ""
    reason: str = ""

    @property
    def task(self) -> str:
        return self.serves.task

    @property
    def bars(self) -> int:
        return self.serves.bars

    @property
    def latent(self) -> int:
        return self.serves.latent

    @property
    def parameters(self) -> int:
        return self.serves.parameters

    @property
    def serves_newest(self) -> bool:
        """Whether what is in memory is what is on disk."""
        return self.state == "loaded" and self.serves.stamp == self.found.stamp

    @property
    def changed(self) -> bool:
        """Whether there is a version on disk that nobody has asked for yet."""
        return bool(self.found.stamp) and (self.asked is None or self.asked.stamp != self.found.stamp)

    def see(self, found: Version) -> None:
        """Take in what a new look at the folder found: it changes nothing of what serves."""
        self.found = found
        if self.state in ("available", "failed"):
            self.serves = found
            if found.fault:
                self.state, self.reason = "failed", found.fault


def model_folders(folder: Path) -> list[Path]:
    """The folders in a folder that are models, or were meant to be: a copy may have stopped halfway."""
    return sorted({path.parent for name in (registry.ABOUT, registry.WEIGHTS) for path in folder.glob(f"*/{name}")})


class Catalogue:
    """All entries by name. Scanned by the engine's thread; `entries` is replaced whole, so any thread may read it."""

    def __init__(self, folders: tuple[str, ...]):
        self._folders = folders
        self._looks: dict[Path, tuple[str, Version]] = {}
        self.entries: dict[str, Entry] = {}
        self.scan()
        for entry in self.entries.values():
            entry.asked = entry.found

    def scan(self) -> None:
        """Look at the model folders again; those whose files are as they were are not read again.

        A folder that cannot be used has an entry too, which says why. One that is gone takes nothing away from a
        performance: what is in memory goes on serving.
        """
        looks, found = {}, {}
        for folder in registry.folders(self._folders):
            for place in model_folders(folder):
                name, version = looks[place] = self._look(place)
                if not version.fault or name not in found:
                    found[name] = version
        self._looks = looks
        entries = {}
        for name, version in found.items():
            entries[name] = self.entries.get(name) or Entry(name, version, version)
            entries[name].see(version)
        for name, entry in self.entries.items():
            if name not in found and entry.state in ("loaded", "loading"):
                entries[name] = entry
                entry.see(entry.found._replace(stamp=(), fault=f"{entry.found.path / registry.ABOUT} is gone"))
        self.entries = entries

    def _look(self, folder: Path) -> tuple[str, Version]:
        """The name and the version in a folder: as known, where its files have not changed since the last look."""
        stamp = _stamp(folder)
        known = self._looks.get(folder)
        return known if known is not None and known[1].stamp == stamp else _describe(folder, stamp)

    def get(self, name: str) -> Entry:
        """The entry of that name. Raises Fail("unknown_model") naming the nearest."""
        entry = self.entries.get(name)
        if entry is None:
            known = ", ".join(self.entries) or "none installed"
            raise Fail("unknown_model", f"no model {name!r}{hint(name, self.entries)}; models: {known}")
        return entry

    def usable(self, name: str) -> Entry:
        """The entry of a model that is loaded or on its way. Raises Fail saying why it is not."""
        entry = self.get(name)
        if entry.state == "failed":
            raise Fail("not_loaded", f"model {name!r} could not be loaded: {entry.reason}")
        if entry.state == "available":
            raise Fail("not_loaded", f"model {name!r} is not loaded; send /vae/load with its name")
        return entry

    def loaded(self) -> list[Entry]:
        """The entries that serve."""
        return [entry for entry in self.entries.values() if entry.state == "loaded"]


def _describe(folder: Path, stamp: tuple) -> tuple[str, Version]:
    """What a model folder says of itself, or what is wrong with it: nothing in a folder may stop the others."""
    try:
        info = registry.describe(folder)
        _check(info)
        return info.name, Version(folder, stamp, info.task, info.bars, info.latent, info.parameters)
    except registry.ModelError as error:
        fault = str(error)
    except Exception as error:
        log.exception("model folder fault")
        fault = f"{folder} cannot be read: {type(error).__name__}: {error}"
    name = folder.name if is_text(folder.name) else ascii(folder.name)[1:-1][:MAX_TEXT]
    return name, Version(folder, stamp, fault=fault)


def _check(info: registry.ModelInfo) -> None:
    """Raise ModelError when a model cannot be told of in a message."""
    about = info.path / registry.ABOUT
    if not is_text(info.name):
        raise registry.ModelError(f"{about}: name: must be 1-{MAX_TEXT} bytes of printable UTF-8. "
                                  f"Received: {ascii(info.name)}")
    for figure in ("bars", "latent", "parameters"):
        if getattr(info, figure) > LARGEST:
            raise registry.ModelError(f"{about}: {figure}: must be at most {LARGEST}. Received: {getattr(info, figure)}")


def _stamp(folder: Path) -> tuple:
    try:
        return tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns)
                            for file in folder.iterdir() if file.is_file()))
    except OSError:
        return ()
