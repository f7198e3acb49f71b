"""What the daemon keeps for its clients, in one budget: when all is too much, the client that has the most loses first.

So no client can take what another still needs, however much it sends. Stores are filled by the engine's thread and by the
receive thread; only the latter sheds, since what is shed may have to be answered for.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol


class Owner(Protocol):
    """Whoever has stores."""

    stores: tuple["Store", ...]


class Shed(NamedTuple):
    """Something that was taken from its owner."""

    owner: Owner
    name: object
    value: object


class Budget:
    """How much memory the stores of all owners may take up together. limit: in bytes."""

    def __init__(self, limit: int):
        self.lock = threading.RLock()
        self.used = 0
        self._limit = limit
        self._owners: set[Owner] = set()

    def join(self, owner: Owner) -> None:
        """From now on the owner's stores may be taken from."""
        with self.lock:
            self._owners.add(owner)

    def leave(self, owner: Owner) -> None:
        """Let go of all that an owner has; what is put into its stores later is not kept."""
        with self.lock:
            self._owners.discard(owner)
            for store in owner.stores:
                store.close()

    def shed(self) -> list[Shed]:
        """Take from the owner with the most what it has not used for longest, until all is within the limit."""
        taken = []
        with self.lock:
            while self.used > self._limit and self._owners:
                owner = max(self._owners, key=lambda each: sum(store.bytes for store in each.stores))
                store = min((store for store in owner.stores if len(store)), key=lambda each: each.oldest, default=None)
                if store is None:
                    break
                taken.append(Shed(owner, *store.pop_oldest()))
        return taken


class _Kept(NamedTuple):
    value: Any
    size: int
    used: float


class Store:
    """Things of one owner by name, that not used for longest first.

    most: how many there may be, most_bytes: how large they may be together; then the first goes, but never the newest.
    """

    def __init__(self, budget: Budget, most: int | None = None, most_bytes: int | None = None):
        self.bytes = 0
        self._budget = budget
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[object, _Kept] = OrderedDict()
        self._closed = False

    def put(self, name: object, value: object, size: int) -> None:
        """Keep a thing of so many bytes; it replaces another of that name."""
        with self._budget.lock:
            if self._closed:
                return
            self.pop(name)
            self._kept[name] = _Kept(value, size, time.monotonic())
            self._count(size)
            while len(self._kept) > 1 and (self._most is not None and len(self._kept) > self._most
                                           or self._most_bytes is not None and self.bytes > self._most_bytes):
                self.pop_oldest()

    def get(self, name: object) -> Any:
        """The thing of that name, or None."""
        with self._budget.lock:
            kept = self._kept.get(name)
            return kept.value if kept else None

    def use(self, name: object) -> Any:
        """The same, and it goes later now than all others."""
        with self._budget.lock:
            kept = self._kept.get(name)
            if kept is None:
                return None
            self._kept[name] = kept._replace(used=time.monotonic())
            self._kept.move_to_end(name)
            return kept.value

    def grow(self, name: object, size: int) -> None:
        """Count so many bytes more for a thing, and as used."""
        with self._budget.lock:
            kept = self._kept.get(name)
            if kept is not None:
                self._kept[name] = kept._replace(size=kept.size + size, used=time.monotonic())
                self._kept.move_to_end(name)
                self._count(size)

    def pop(self, name: object) -> Any:
        """Take out the thing of that name, or None."""
        with self._budget.lock:
            kept = self._kept.pop(name, None)
            if kept is None:
                return None
            self._count(-kept.size)
            return kept.value

    def pop_oldest(self) -> tuple[object, Any]:
        """Take out the first; its name and itself. Raises StopIteration when there is none."""
        with self._budget.lock:
            name = next(iter(self._kept))
            return name, self.pop(name)

    def expire(self, seconds: float) -> list[tuple[object, Any]]:
        """Take out what was not used for so long; the names and the things."""
        with self._budget.lock:
            taken = []
            while self._kept and self.oldest < time.monotonic() - seconds:
                taken.append(self.pop_oldest())
            return taken

    def close(self) -> None:
        """Keep nothing, now and later."""
        with self._budget.lock:
            self._count(-self.bytes)
            self._kept.clear()
            self._closed = True

    @property
    def oldest(self) -> float:
        """When the first was put or used, by `time.monotonic`. Raises StopIteration when there is none."""
        return next(iter(self._kept.values())).used

    def _count(self, size: int) -> None:
        self.bytes += size
        self._budget.used += size

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[object]:
        with self._budget.lock:
            return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)
