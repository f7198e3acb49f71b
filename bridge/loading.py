"""Loading and unloading of models while others serve, and who waits for it.

A model that is loaded goes on serving until its newer version is warm; one that cannot be loaded changes nothing but its
own state. Each model has one operation at a time; what is asked meanwhile comes next, and of several only the last is
carried out, since what counts is the state they end in. Requests come from any thread, the rest happens in the engine's.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.clients import Client
from bridge.models import Catalogue, Entry
from bridge.protocol import Fail
from bridge.replies import Replies

MAX_CRASHES = 2  # of the worker while it loads the same model, then the model is taken to be the cause
MAX_WAITING = 64  # clients' requests
STUCK = 600.0  # seconds without a word of a load after which it is given up: its disk may be gone

log = logging.getLogger(__name__)


class Waiter(NamedTuple):
    """A client's `/vae/load` or `/vae/unload`."""

    client: Client
    rid: int
    address: str
    asked: bytes
    name: str

    @property
    def unload(self) -> bool:
        return self.address == "/vae/unload"


@dataclass
class _Operation:
    """What the worker does with a model now, who waits for it, and what was asked since.

    next: clients' requests in order; None is the daemon's own wish for the newest version.
    """

    unload: bool
    waiters: list[Waiter]
    next: list[Waiter | None] = field(default_factory=list)


class Loading:
    """Drives the worker's loads through `send` and tells those who wait, and everybody by `notice`."""

    def __init__(self, catalogue: Catalogue, replies: Replies, notice: Callable[[str, str], None],
                 send: Callable[..., None]):
        self._catalogue = catalogue
        self._replies = replies
        self._notice = notice
        self._send = send
        self._lock = threading.RLock()
        self._waiting: dict[tuple, Waiter] = {}  # by client and rid: those not answered yet
        self._asked: deque[Waiter | str | None] = deque()  # a client's request, a model, or None: look for changes
        self._operations: dict[str, _Operation] = {}  # by model, in the order in which the worker got them
        self._heard = 0.0  # when the worker last said something of them, or got the first
        self._again: dict[str, list[Waiter | None]] = {}  # what is to follow for models that a worker took with it
        self._first: set[str] | None = None  # models that "ready" waits for
        self._crashes: Counter[str] = Counter()

    def begin(self, names: list[str]) -> None:
        """Load the models that the daemon starts with; then the notice `ready` is given."""
        self._first = set(names)
        for name in names:  # from now on, so that requests which come before the worker is up wait for it
            entry = self._catalogue.get(name)
            entry.state = "failed" if entry.found.fault else "loading"
        self._asked.extend(names)

    def ask(self, waiter: Waiter) -> None:
        """Take in a client's request and tell it the place. Raises Fail when too many wait."""
        with self._lock:
            if len(self._waiting) >= MAX_WAITING:
                raise Fail("busy", f"at most {MAX_WAITING} requests to load or unload wait at a time")
            self._waiting[waiter.client.source, waiter.rid] = waiter
            self._accept(waiter)
        self._asked.append(waiter)

    def _accept(self, waiter: Waiter) -> None:
        place = list(self._waiting.values()).index(waiter)
        self._replies.say(waiter.client, "/vae/accepted", waiter.rid, place)

    def ask_changed(self) -> None:
        """Have models loaded that are new, that were exported anew, or that failed before."""
        self._asked.append(None)

    def running(self, client: Client, rid: int, asked: bytes) -> bool:
        """Whether this very request of a client still waits; tells it so again. Raises Fail when another with this rid does."""
        with self._lock:
            waiter = self._waiting.get((client.source, rid))
            if waiter is None:
                return False
            if waiter.asked != asked:
                raise Fail("bad_arguments", f"rid {rid} belongs to a {waiter.address} that is still being served")
            self._accept(waiter)
            return True

    def cancel(self, client: Client, rid: int) -> bool:
        """Let a client wait no longer; whether it did. What has not begun by then does not happen."""
        waiter = self._waiting.get((client.source, rid))
        return waiter is not None and self._fail(
            waiter, Fail("cancelled", "cancelled by /vae/cancel; a load or unload that has begun goes on"))

    def stop(self, fail: Fail) -> None:
        """Let nobody wait any longer."""
        for waiter in list(self._waiting.values()):
            self._fail(waiter, fail)

    def run(self) -> None:
        """Pass on to the worker what was asked since the last turn."""
        again, self._again = self._again, {}
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        if again or any(not isinstance(each, str) for each in asked):
            try:
                self._catalogue.scan()
            except Exception:  # the models stay as they were seen last
                log.exception("scan fault")
        for name, wishes in again.items():
            self._follow(self._catalogue.get(name), wishes)
        for each in asked:
            if each is None:
                for entry in self._catalogue.entries.values():
                    if entry.changed or entry.state == "failed" and not entry.found.fault:
                        self._begin(entry, False, [])
            elif isinstance(each, str):
                self._begin(self._catalogue.get(each), False, [])
            elif self._waits(each):
                try:
                    self._begin(self._catalogue.get(each.name), each.unload, [each])
                except Fail as fail:
                    self._fail(each, fail)
        if self._first is not None and not self._first & self._operations.keys():
            self._first = None
            self._notice("ready", ", ".join(entry.name for entry in self._catalogue.loaded()) or "no model is loaded")

    def handle(self, kind: str, name: str, detail: object = None) -> None:
        """Take in what the worker says of a model."""
        operation, entry = self._operations[name], self._catalogue.get(name)
        self._heard = time.monotonic()
        if kind == "progress":
            for waiter in filter(self._waits, operation.waiters):
                self._replies.say(waiter.client, "/vae/progress", waiter.rid, detail)
            return
        del self._operations[name]
        if kind == "failed":
            self._failed(entry, detail, operation.waiters)
        else:
            self._succeeded(entry, kind, detail, operation.waiters)
        self._follow(entry, operation.next)

    def stuck(self) -> bool:
        """Whether the worker is to be replaced because of the model that it loads, which is given up then."""
        if not self._operations or time.monotonic() - self._heard < STUCK:
            return False
        self._crashes[next(iter(self._operations))] = MAX_CRASHES
        return True

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
            if operation.unload:
                self._succeeded(entry, "unloaded", None, operation.waiters)
                self._again[name] = operation.next
            elif self._crashes[name] >= MAX_CRASHES:
                self._crashes.pop(name)
                self._failed(entry, how, operation.waiters)
                self._again[name] = operation.next
            else:
                self._again[name] = [None, *operation.waiters, *operation.next]

    def _follow(self, entry: Entry, wishes: list[Waiter | None]) -> None:
        """Do what was asked while another operation ran, but for what was cancelled: the last of it decides."""
        wishes = [wish for wish in wishes if wish is None or self._waits(wish)]
        if wishes:
            self._begin(entry, wishes[-1] is not None and wishes[-1].unload, [wish for wish in wishes if wish])

    def _begin(self, entry: Entry, unload: bool, waiters: list[Waiter]) -> None:
        """Start an operation, or let it wait for the one that runs."""
        running = self._operations.get(entry.name)
        if running is not None:
            running.next += waiters or [None]
        elif unload and entry.state == "loading":  # by a worker that died on the way
            self._succeeded(entry, "unloaded", None, waiters)
        elif unload and entry.state != "loaded" or not unload and entry.serves_newest:
            self._done(waiters)
        else:
            entry.asked = entry.found
            if not unload and entry.found.fault:
                self._failed(entry, entry.found.fault, waiters)
                return
            if not unload and entry.state != "loaded":
                entry.state, entry.serves = "loading", entry.found
            if not self._operations:
                self._heard = time.monotonic()
            self._operations[entry.name] = _Operation(unload, waiters)
            self._send("load", entry.name, None if unload else str(entry.found.path))

    def _succeeded(self, entry: Entry, kind: str, device: str | None, waiters: list[Waiter]) -> None:
        if kind == "unloaded":
            entry.state, entry.device = "available", ""
            entry.see(entry.found)
            log.info("unloaded", extra={"model": entry.name})
        else:
            entry.state, entry.device, entry.reason, entry.serves = "loaded", device, "", entry.asked
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

    def _waits(self, waiter: Waiter) -> bool:
        return self._waiting.get((waiter.client.source, waiter.rid)) is waiter

    def _take(self, waiter: Waiter) -> bool:
        """Take out one who waits, so that it is answered once whichever thread comes first."""
        waits = self._waits(waiter)
        if waits:
            del self._waiting[waiter.client.source, waiter.rid]
        return waits

    def _done(self, waiters: list[Waiter]) -> None:
        for waiter in waiters:
            with self._lock:  # until its answer is kept: a repetition must find it in one place or the other
                if not self._take(waiter):
                    continue
                self._replies.say(waiter.client, "/vae/progress", waiter.rid, 1.0)
                self._replies.done(waiter.client, waiter.rid, waiter.address, 1, asked=waiter.asked)

    def _fail(self, waiter: Waiter, fail: Fail) -> bool:
        with self._lock:
            if not self._take(waiter):
                return False
            self._replies.fail(waiter.client, waiter.rid, waiter.address, fail, asked=waiter.asked)
            return True
