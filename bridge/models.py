"""Which models there are and what state each is in."""

from dataclasses import dataclass
from pathlib import Path

from bridge.protocol import Fail, hint
from vae import registry


@dataclass
class Entry:
    """A model folder as the daemon sees it.

    state: loaded, available, loading or failed; a loaded model stays loaded while a newer version is on its way.
    reason: why it failed. stamp: names, sizes and times of its files, to see that it was exported anew; those that the
    worker was asked to load, and those it has loaded.
    """

    name: str
    task: str
    bars: int
    latent: int
    parameters: int
    path: Path
    stamp: tuple
    state: str = "available"
    device: str = ""
    reason: str = ""
    asked_stamp: tuple = ()
    loaded_stamp: tuple = ()

    @property
    def serves_newest(self) -> bool:
        """Whether what is in memory is what is on disk."""
        return self.state == "loaded" and self.loaded_stamp == self.stamp

    def update(self, found: "Entry") -> bool:
        """Take over what a new look at the folder found; whether it differs. A broken description says only that."""
        if self.stamp == found.stamp:
            return False
        self.path, self.stamp = found.path, found.stamp
        if found.task:
            self.task, self.bars, self.latent, self.parameters = found.task, found.bars, found.latent, found.parameters
        return True


class Catalogue:
    """All entries by name. Scanned by the engine's thread; `entries` is replaced whole, so any thread may read it."""

    def __init__(self, folders: tuple[str, ...]):
        self._folders = folders
        self._looks: dict[Path, tuple[tuple, registry.ModelInfo | None]] = {}
        self.entries: dict[str, Entry] = {}
        self.scan()

    def scan(self) -> list[str]:
        """Look at the model folders again. Returns the names of new models and of those whose files changed.

        A folder whose description cannot be read has an entry too: loading it says what is wrong.
        """
        found: dict[str, Entry] = {}
        for folder in registry.folders(self._folders):
            for about in sorted(folder.glob(f"*/{registry.ABOUT}")):
                entry = self._look(about.parent)
                if entry.task or entry.name not in found:
                    found[entry.name] = entry
        # A folder that is gone takes nothing away from a performance: what is in memory goes on serving.
        entries = {name: entry for name, entry in self.entries.items()
                   if name in found or entry.state in ("loaded", "loading")}
        for name in entries.keys() - found.keys():
            entries[name].stamp = ()
        changed = [name for name, entry in found.items() if name not in entries or entries[name].update(entry)]
        self.entries = found | entries
        return changed

    def _look(self, folder: Path) -> Entry:
        """What a model folder says of itself; only its name when that cannot be read.

        Its files are read only when they changed: clients may ask for loads as often as they like.
        """
        stamp = _stamp(folder)
        if self._looks.get(folder, (None,))[0] != stamp:
            try:
                self._looks[folder] = stamp, registry.describe(folder)
            except registry.ModelError:
                self._looks[folder] = stamp, None
        info = self._looks[folder][1]
        if info is None:
            return Entry(folder.name, "", 0, 0, 0, folder, stamp)
        return Entry(info.name, info.task, info.bars, info.latent, info.parameters, folder, stamp)

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


def _stamp(folder: Path) -> tuple:
    try:
        return tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns)
                            for file in folder.iterdir() if file.is_file()))
    except OSError:
        return ()
