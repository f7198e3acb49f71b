"""Loading and unloading of models while others serve, and who waits for it.

A model that is loaded goes on serving until its newer version is warm; one that cannot be loaded changes nothing but its
own state. Requests come from any thread, the rest happens in the engine's.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from bridge.cache import Answer, Answers
from bridge.clients import Client
from bridge.models import Catalogue, Entry
from bridge.protocol import Fail
from bridge.replies import Replies

MAX_CRASHES = 2  # of the worker while it loads the same model, then the model is taken to be the cause

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
        self._asked: deque[str | Waiter | None] = deque()  # a name, a client's request, or None: look for changes
        self._waiters: list[Waiter] = []
        self._in_progress: list[str] = []  # the first is the one that the worker loads now
        self._first: set[str] | None = None  # models that "ready" waits for
        self._crashes: Counter[str] = Counter()

    def begin(self, names: list[str]) -> None:
        """Load the models that the daemon starts with; then the notice `ready` is given."""
        self._first = set(names)
        self._asked.extend(names)

    def ask(self, waiter: Waiter) -> None:
        """Take in a client's request."""
        with self._lock:
            self._waiters = [*self._waiters, waiter]  # a new list each time, so readers need no lock
        self._asked.append(waiter)

    def ask_changed(self) -> None:
        """Have models loaded that are new, that were exported anew, or that failed before."""
        self._asked.append(None)

    def running(self, client: Client, rid: int, asked: tuple) -> bool:
        """Whether this very request of a client still waits."""
        return any(waiter.client is client and waiter.rid == rid and waiter.asked == asked for waiter in self._waiters)

    def cancel(self, client: Client, rid: int) -> bool:
        """Let a client wait no longer (what is being loaded is loaded all the same); whether it did."""
        return self._fail(lambda waiter: waiter.client is client and waiter.rid == rid,
                          Fail("cancelled", "cancelled by /vae/cancel; the model goes on loading"))

    def stop(self, fail: Fail) -> None:
        """Let nobody wait any longer."""
        self._fail(lambda waiter: True, fail)

    def run(self) -> None:
        """Pass on to the worker what was asked since the last turn."""
        while self._asked:
            asked = self._asked.popleft()
            if asked is None:
                retried = [entry.name for entry in self._catalogue.entries.values() if entry.state == "failed"]
                for name in dict.fromkeys([*self._catalogue.scan(), *retried]):
                    self._load(self._catalogue.get(name))
            elif isinstance(asked, Waiter):
                self._serve(asked)
            else:
                self._load(self._catalogue.get(asked))
        self._check_ready()

    def handle(self, kind: str, name: str, detail: object = None) -> Fail | None:
        """Take in what the worker says of a model; why its requests cannot be served any more, or None."""
        entry = self._catalogue.get(name)
        if kind == "progress":
            for waiter in self._waiters:
                if waiter.name == name and not waiter.unload:
                    self._replies.say(waiter.client, "/vae/progress", waiter.rid, detail)
            return None
        if kind == "unloaded":
            entry.state, entry.device = "available", ""
            self._done(lambda waiter: waiter.name == name and waiter.unload)
            log.info("unloaded", extra={"model": name})
            return Fail("not_loaded", f"model {name!r} was unloaded")
        self._in_progress.remove(name)
        if kind == "loaded":
            entry.state, entry.device, entry.reason = "loaded", detail, ""
            self._crashes.pop(name, None)
            self._notice("model loaded", name)
            self._done(lambda waiter: waiter.name == name and not waiter.unload)
            return None
        return self._failed(entry, detail)

    def worker_died(self, how: str) -> None:
        """Load again all that was in memory, but not a model whose loading ends the worker time after time."""
        again = [entry for entry in self._catalogue.loaded()]
        again += [self._catalogue.get(name) for name in self._in_progress if self._catalogue.get(name) not in again]
        if self._in_progress:
            self._crashes[self._in_progress[0]] += 1
        self._in_progress.clear()
        for entry in again:
            if self._crashes[entry.name] >= MAX_CRASHES:
                entry.state = "loading"  # what served is gone with the worker
                self._failed(entry, how)
            else:
                entry.state = "loading"
                self._asked.append(entry.name)

    def _serve(self, waiter: Waiter) -> None:
        self._catalogue.scan()
        try:
            entry = self._catalogue.get(waiter.name)
        except Fail as fail:
            self._fail(lambda other: other is waiter, fail)
            return
        if not waiter.unload:
            self._load(entry)
        elif entry.state in ("loaded", "loading"):
            self._send("load", entry.name, None)
        else:
            self._done(lambda other: other is waiter)

    def _load(self, entry: Entry) -> None:
        if entry.name in self._in_progress:
            return
        if entry.state != "loaded":
            entry.state = "loading"
        self._in_progress.append(entry.name)
        self._send("load", entry.name, str(entry.path))

    def _failed(self, entry: Entry, reason: str) -> Fail | None:
        served = entry.state == "loaded"
        if not served:
            entry.state, entry.reason = "failed", reason
        kept = "; the version loaded before goes on serving" if served else ""
        self._notice("model failed", f"{entry.name}: {reason}{kept}")
        fail = Fail("not_loaded", f"model {entry.name!r} could not be loaded: {reason}{kept}")
        self._fail(lambda waiter: waiter.name == entry.name and not waiter.unload, fail)
        return None if served else fail

    def _check_ready(self) -> None:
        if self._first is None:
            return
        if not any(name in self._in_progress or name in self._asked for name in self._first):
            self._first = None
            self._notice("ready", ", ".join(entry.name for entry in self._catalogue.loaded()) or "no model is loaded")

    def _take(self, which: Callable[[Waiter], bool]) -> list[Waiter]:
        """Take out those who wait and fit, so that each is answered once whichever thread comes first."""
        with self._lock:
            taken = [waiter for waiter in self._waiters if which(waiter)]
            self._waiters = [waiter for waiter in self._waiters if waiter not in taken]
        return taken

    def _done(self, which: Callable[[Waiter], bool]) -> None:
        for waiter in self._take(which):
            self._replies.say(waiter.client, "/vae/progress", waiter.rid, 1.0)
            done = self._replies.done(waiter.client, waiter.rid, waiter.address, 1)
            self._answers.put(waiter.client.source, waiter.rid, Answer(waiter.asked, (), done))

    def _fail(self, which: Callable[[Waiter], bool], fail: Fail) -> bool:
        taken = self._take(which)
        for waiter in taken:
            self._replies.fail(waiter.client, waiter.rid, waiter.address, fail)
        return bool(taken)
