"""Loading and unloading of models while others serve, and who waits for it.

A model that is loaded goes on serving until its newer version is warm; one that cannot be loaded changes nothing but its
own state. Each model has one operation at a time; what is asked meanwhile comes next, and of several only the last is
carried out, since what counts is the state they end in. Requests come from any thread, the rest happens in the engine's.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.cache import Answer, Answers
from bridge.clients import Client
from bridge.models import Catalogue, Entry
from bridge.protocol import Fail
from bridge.replies import Replies

MAX_CRASHES = 2  # of the worker while it loads the same model, then the model is taken to be the cause
MAX_WAITING = 64  # clients' requests

log = logging.getLogger(__name__)


class Waiter(NamedTuple):
    """A client's `/vae/load` or `/vae/unload`."""

    client: Client
    rid: int
    address: str
    asked: tuple
    name: str

    @property
    def unload(self) -> bool:
        return self.address == "/vae/unload"


@dataclass
class _Operation:
    """What the worker does with a model now, who waits for it, and who for the one after it."""

    unload: bool
    waiters: list[Waiter]
    next: list[Waiter] = field(default_factory=list)


class Loading:
    """Drives the worker's loads through `send` and tells those who wait, and everybody by `notice`."""

    def __init__(self, catalogue: Catalogue, replies: Replies, answers: Answers, notice: Callable[[str, str], None],
                 send: Callable[..., None]):
        self._catalogue = catalogue
        self._replies = replies
        self._answers = answers
        self._notice = notice
        self._send = send
        self._lock = threading.Lock()
        self._waiting: dict[tuple, Waiter] = {}  # by client and rid: those not answered yet
        self._asked: deque[Waiter | str | None] = deque()  # a client's request, a model, or None: look for changes
        self._operations: dict[str, _Operation] = {}  # by model, in the order in which the worker got them
        self._again: list[tuple[str, list[Waiter]]] = []  # models that a worker took with it when it died
        self._first: set[str] | None = None  # models that "ready" waits for
        self._crashes: Counter[str] = Counter()

    def begin(self, names: list[str]) -> None:
        """Load the models that the daemon starts with; then the notice `ready` is given."""
        self._first = set(names)
        for name in names:  # from now on, so that requests which come before the worker is up wait for it
            self._catalogue.get(name).state = "loading"
        self._asked.extend(names)

    def ask(self, waiter: Waiter) -> None:
        """Take in a client's request. Raises Fail when too many wait."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise Fail("busy", f"at most {MAX_WAITING} requests to load or unload wait at a time")
            self._waiting[waiter.client.source, waiter.rid] = waiter
        self._asked.append(waiter)

    def ask_changed(self) -> None:
        """Have models loaded that are new, that were exported anew, or that failed before."""
        self._asked.append(None)

    def running(self, client: Client, rid: int, asked: tuple) -> bool:
        """Whether this very request of a client still waits. Raises Fail when another with this rid does."""
        waiter = self._waiting.get((client.source, rid))
        if waiter is not None and waiter.asked != asked:
            raise Fail("bad_arguments", f"rid {rid} belongs to a {waiter.address} that is still being served")
        return waiter is not None

    def cancel(self, client: Client, rid: int) -> bool:
        """Let a client wait no longer (what is being loaded is loaded all the same); whether it did."""
        waiter = self._waiting.get((client.source, rid))
        return waiter is not None and self._fail(waiter, Fail("cancelled", "cancelled; the model goes on loading"))

    def stop(self, fail: Fail) -> None:
        """Let nobody wait any longer."""
        for waiter in list(self._waiting.values()):
            self._fail(waiter, fail)

    def run(self) -> None:
        """Pass on to the worker what was asked since the last turn."""
        again, self._again = self._again, []
        if again or any(isinstance(asked, Waiter) for asked in list(self._asked)):
            self._catalogue.scan()
        for name, waiters in again:
            self._begin(self._catalogue.get(name), False, waiters)
        while self._asked:
            asked = self._asked.popleft()
            if asked is None:
                failed = [entry.name for entry in self._catalogue.entries.values() if entry.state == "failed"]
                for name in dict.fromkeys([*self._catalogue.scan(), *failed]):
                    self._begin(self._catalogue.get(name), False, [])
            elif isinstance(asked, str):
                self._begin(self._catalogue.get(asked), False, [])
            else:
                try:
                    self._begin(self._catalogue.get(asked.name), asked.unload, [asked])
                except Fail as fail:
                    self._fail(asked, fail)
        if self._first is not None and not self._first & self._operations.keys():
            self._first = None
            self._notice("ready", ", ".join(entry.name for entry in self._catalogue.loaded()) or "no model is loaded")

    def handle(self, kind: str, name: str, detail: object = None) -> None:
        """Take in what the worker says of a model."""
        operation, entry = self._operations[name], self._catalogue.get(name)
        if kind == "progress":
            for waiter in operation.waiters:
                self._replies.say(waiter.client, "/vae/progress", waiter.rid, detail)
            return
        del self._operations[name]
        if kind == "failed":
            self._failed(entry, detail, operation.waiters)
        else:
            self._succeeded(entry, kind, detail, operation.waiters)
        if operation.next:
            self._begin(entry, operation.next[-1].unload, operation.next)

    def worker_died(self, how: str) -> None:
        """Load again all that was in memory, but not a model whose loading ends the worker time after time."""
        operations, self._operations = self._operations, {}
        loading = [name for name, operation in operations.items() if not operation.unload]
        self._crashes.update(loading[:1])  # the worker loads one at a time, in order
        for entry in self._catalogue.loaded():
            entry.state = "loading"
            operations.setdefault(entry.name, _Operation(False, []))
        for name, operation in operations.items():
            entry = self._catalogue.get(name)
            waiters = [*operation.waiters, *operation.next]
            if operation.unload:
                self._succeeded(entry, "unloaded", None, waiters)
            elif self._crashes[name] >= MAX_CRASHES:
                self._crashes.pop(name)
                self._failed(entry, how, waiters)
            else:
                self._again.append((name, waiters))

    def _begin(self, entry: Entry, unload: bool, waiters: list[Waiter]) -> None:
        """Start an operation, or let it wait for the one that runs."""
        running = self._operations.get(entry.name)
        if running is not None:
            running.next += waiters
        elif unload and entry.state != "loaded" or not unload and entry.serves_newest:
            self._done(waiters)
        else:
            if not unload and entry.state != "loaded":
                entry.state = "loading"
            entry.asked_stamp = entry.stamp
            self._operations[entry.name] = _Operation(unload, waiters)
            self._send("load", entry.name, None if unload else str(entry.path))

    def _succeeded(self, entry: Entry, kind: str, device: str | None, waiters: list[Waiter]) -> None:
        if kind == "unloaded":
            entry.state, entry.device = "available", ""
            log.info("unloaded", extra={"model": entry.name})
        else:
            entry.state, entry.device, entry.reason = "loaded", device, ""
            entry.loaded_stamp = entry.asked_stamp
            self._crashes.pop(entry.name, None)
            self._notice("model loaded", entry.name)
        self._done(waiters)

    def _failed(self, entry: Entry, reason: str, waiters: list[Waiter]) -> None:
        served = entry.state == "loaded"
        kept = "; the version loaded before goes on serving" if served else ""
        if not served:
            entry.state, entry.reason = "failed", reason
        self._notice("model failed", f"{entry.name}: {reason}{kept}")
        fail = Fail("not_loaded", f"model {entry.name!r} could not be loaded: {reason}{kept}")
        for waiter in waiters:
            self._fail(waiter, fail)

    def _take(self, waiter: Waiter) -> bool:
        """Take out one who waits, so that it is answered once whichever thread comes first."""
        with self._lock:
            if self._waiting.get((waiter.client.source, waiter.rid)) is not waiter:
                return False
            del self._waiting[waiter.client.source, waiter.rid]
            return True

    def _done(self, waiters: list[Waiter]) -> None:
        for waiter in waiters:
            if self._take(waiter):
                self._replies.say(waiter.client, "/vae/progress", waiter.rid, 1.0)
                done = self._replies.done(waiter.client, waiter.rid, waiter.address, 1)
                self._answers.put(waiter.client.source, waiter.rid, Answer(waiter.asked, (), done))

    def _fail(self, waiter: Waiter, fail: Fail) -> bool:
        if not self._take(waiter):
            return False
        self._replies.fail(waiter.client, waiter.rid, waiter.address, fail)
        return True
