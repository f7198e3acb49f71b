"""Which models there are and what state each is in."""

from dataclasses import dataclass
from pathlib import Path

from bridge.protocol import Fail, did_you_mean
from vae import registry


@dataclass
class Entry:
    """A model folder as the daemon sees it.

    state: loaded, available, loading or failed; a loaded model stays loaded while a newer version is on its way.
    stamp: names, sizes and times of its files, to see that it was exported anew. reason: why it failed.
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


class Catalogue:
    """All entries by name. Scanned by the engine's thread; `entries` is replaced whole, so any thread may read it."""

    def __init__(self, folders: tuple[str, ...]):
        self._folders = folders
        self.entries: dict[str, Entry] = {}
        self.scan()

    def scan(self) -> list[str]:
        """Look at the model folders again. Returns the names of new models and of those whose files changed.

        A folder whose description cannot be read has an entry too: loading it says what is wrong.
        """
        entries, changed = {}, []
        for folder in registry.folders(self._folders):
            for about in sorted(folder.glob(f"*/{registry.ABOUT}")):
                entry = self._entry(about.parent)
                entries[entry.name] = entry
        for name, entry in entries.items():
            old = self.entries.get(name)
            if old is None or old.stamp != entry.stamp:
                changed.append(name)
            if old is not None:
                entry.state, entry.device, entry.reason = old.state, old.device, old.reason
        # A folder that is gone takes nothing away from a performance: what is in memory goes on serving.
        kept = {name: entry for name, entry in self.entries.items() if entry.state in ("loaded", "loading")}
        self.entries = kept | entries
        return changed

    def _entry(self, path: Path) -> Entry:
        try:
            info = registry.describe(path)
        except registry.ModelError:
            return Entry(path.name, "", 0, 0, 0, path, _stamp(path))
        return Entry(info.name, info.task, info.bars, info.latent, info.parameters, path, _stamp(path))

    def get(self, name: str) -> Entry:
        """The entry of that name. Raises Fail("unknown_model") naming the nearest."""
        entry = self.entries.get(name)
        if entry is None:
            known = ", ".join(self.entries) or "none installed"
            raise Fail("unknown_model", f"no model {name!r}; models: {known}{did_you_mean(name, self.entries)}")
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
