"""The queue and the one thread that turns requests into clips: batches for the worker process, results for clients.

Requests for one model are decoded together, clip by clip from each client in turn, and models take turns, so a request
for one clip does not wait behind another's sixty-four. What a clip becomes does not depend on its batch (see `vae.jobs`). Every request
leaves through `_finish`, which lets each out once.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe

from bridge.chunks import PackedClip
from bridge.clients import Client, Grid
from bridge.loading import Loading, Waiter
from bridge.models import Catalogue
from bridge.process import WorkerProcess
from bridge.protocol import Fail
from bridge.replies import Replies
from bridge.request import Request, take_turns

BATCH_ROWS = 16  # rows decoded at once, the batch that vae.sampling compiles: a new request waits for one at the most
STUCK = 120.0  # seconds after which a batch is given up and the worker replaced
LOADING_PATIENCE = 10  # times the deadline that a request may wait for its model to be loaded
MAX_CRASHES = 2  # of the worker with the same request in its hands, then the request is taken to be the cause

log = logging.getLogger(__name__)


class Engine:
    """Takes requests from the receive thread and answers them through `replies`.

    notice: called with an event and its detail for all clients. limit: requests in the queue; one client may fill half.
    deadline: seconds after which a request that has not begun fails. deliver: is given the clips of each request that is
    done, grids apart.
    """

    def __init__(self, catalogue: Catalogue, replies: Replies, notice: Callable[[str, str], None],
                 limit: int, deadline: float, deliver: Callable[[Sequence[PackedClip]], None] | None = None):
        self.catalogue = catalogue
        self.loading = Loading(catalogue, replies, notice, self._send)
        self._replies = replies
        self._limit = limit
        self._deadline = deadline
        self._deliver = deliver
        self._queue: list[Request] = []
        self._active: dict[tuple, Request] = {}
        self._batch: tuple[int, float, list[tuple[Request, int]]] | None = None  # its number, start and items
        self._batches = 0
        self._turns: dict[str, int] = {}  # by model, the number of its latest batch
        self._worker: WorkerProcess | None = None
        self._lock = threading.RLock()
        self._wake, self._waker = Pipe(duplex=False)
        self._woken = False
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self, models: list[str]) -> None:
        """Start the worker and load these models."""
        self.loading.begin(models)
        self._thread.start()

    # Called by the receive thread: these only look and queue.

    def submit(self, request: Request) -> None:
        """Queue a request and tell its client the place. Raises Fail when it cannot be taken."""
        with self._lock:
            self._check_open()
            mine = sum(other.client is request.client for other in self._queue)
            if len(self._queue) >= self._limit or mine >= max(1, self._limit // 2):
                raise Fail("busy", f"at most {self._limit} requests wait, {self._limit // 2} of one client; "
                                   f"now {len(self._queue)} do, {mine} of yours")
            self._active[request.client.source, request.rid] = request
            self._accept(request)
            self._queue.append(request)
        self.wake()

    def _accept(self, request: Request) -> None:
        place = self._queue.index(request) if request in self._queue else len(self._queue)
        self._replies.say(request.client, "/vae/accepted", request.rid, place)

    def running(self, client: Client, rid: int, asked: bytes) -> bool:
        """Whether this very request is being served already; tells its client so again.

        Raises Fail when another request of the client with this rid is.
        """
        with self._lock:
            request = self._active.get((client.source, rid))
            if request is None:
                return self.loading.running(client, rid, asked)
            if request.asked != asked:
                raise Fail("bad_arguments", f"rid {rid} belongs to a {request.address} that is still being served")
            self._accept(request)
            return True

    def clips_so_far(self, client: Client, rid: int) -> list[PackedClip]:
        """The clips that a request still being served has sent, from the first on."""
        request = self._active.get((client.source, rid))
        clips = request.clips if request else {}
        return [clips[index] for index in range(len(clips)) if index in clips]

    def cancel(self, client: Client, rid: int) -> bool:
        """Fail a client's request with `cancelled`; whether there was one."""
        request = self._active.get((client.source, rid))
        return request is not None and self._fail(request, Fail("cancelled", "cancelled by /vae/cancel")) \
            or self.loading.cancel(client, rid)

    def load(self, waiter: Waiter) -> None:
        """Have a model loaded (or unloaded) in the background. Raises Fail when the daemon is stopping."""
        self._check_open()
        self.loading.ask(waiter)
        self.wake()

    def rescan(self) -> None:
        """Load what is new or changed in the model folders."""
        self.loading.ask_changed()
        self.wake()

    def queued(self) -> int:
        """How many requests are not finished."""
        return len(self._queue)

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id, None when none runs."""
        worker = self._worker
        return worker.pid if worker else None

    def wake(self) -> None:
        """Have the engine's thread look at what changed. Never blocks: at most one byte is on its way."""
        if not self._woken:
            self._woken = True
            self._waker.send_bytes(b".")

    def stop(self, grace: float) -> None:
        """Let what runs finish for `grace` seconds, cancel the rest, end the worker."""
        with self._lock:
            self._stopping = True
            waiting = [request for request in self._queue if len(request.pending) == request.job.count]
        stopping = Fail("cancelled", "the daemon is stopping")
        for request in waiting:
            self._fail(request, stopping)
        self.loading.stop(stopping)
        end = time.monotonic() + grace
        while self._queue and time.monotonic() < end:
            time.sleep(0.01)
        for request in list(self._queue):
            self._fail(request, stopping)
        self._ended = True
        self.wake()
        self._thread.join(1)
        if self._worker:
            self._worker.kill(patience=0.0)

    def _check_open(self) -> None:
        if self._stopping:
            raise Fail("cancelled", "the daemon is stopping")

    # The engine's thread.

    def _run(self) -> None:
        while not self._ended:
            try:
                self._turn()
            except Exception:  # a fault of one turn must not end the service; it is logged and the next turn comes
                log.exception("engine fault")
                time.sleep(0.1)

    def _turn(self) -> None:
        if self._worker is None:
            self._worker = WorkerProcess()
            log.info("worker started", extra={"pid": self._worker.pid})
        self.loading.run()
        self._weed()
        if self._batch is None:
            self._next_batch()
        elif time.monotonic() - self._batch[1] > STUCK:
            self._worker_died("was stuck in a batch")
            return
        if self.loading.stuck():
            self._worker_died("was stuck in the load of a model")
            return
        messages, dead = self._worker.receive(self._wake, 0.25)
        if self._wake.poll():
            self._woken = False
            self._wake.recv_bytes()
        for message in messages:
            try:
                self._handle(*message)
            except Exception:  # what the worker says of others counts all the same
                log.exception("engine fault")
        if dead:
            self._worker_died("died")

    def _send(self, *message: object) -> None:
        self._worker.send(*message)  # a dead worker shows itself when it is read from

    def _handle(self, kind: str, key: object, *rest: object) -> None:
        if kind == "rendered":
            self._rendered(key, rest[0])
        elif kind == "error":
            self._batch_failed(key, rest[0])
        elif kind == "absent":  # unloaded a moment before the batch came
            self._put_back(self._take_batch(key))
        else:
            self.loading.handle(kind, key, *rest)

    def _weed(self) -> None:
        """Fail the requests that waited too long, and those whose model is not there any more."""
        now = time.monotonic()
        for request in list(self._queue):
            try:
                loading = self.catalogue.usable(request.job.model).state == "loading"
                patience = self._deadline * (LOADING_PATIENCE if loading else 1)
                if now - request.arrived > patience and len(request.pending) == request.job.count:
                    raise Fail("busy", f"waited longer than {patience:g} s")
            except Fail as fail:
                self._fail(request, fail)

    def _next_batch(self) -> None:
        """Send the worker the next items: of the model whose turn was longest ago, from each client in turn.

        Clients that have not got what was made for them wait for more of it.
        """
        with self._lock:
            ready = [request for request in self._queue if request.pending
                     and self.catalogue.get(request.job.model).state == "loaded"
                     and not self._replies.crowded(request.client, clips=True)]
            if not ready:
                return
            first = min(ready, key=lambda request: self._turns.get(request.job.model, 0))
            group = [first] if first.alone else \
                [request for request in ready if request.job.model == first.job.model and not request.alone]
            items = take_turns(group, BATCH_ROWS)
            self._batches += 1
            self._batch = self._batches, time.monotonic(), items
            self._turns[first.job.model] = self._batches
        self._send("render", self._batches, first.job.model, [(request.job, index) for request, index in items])

    def _take_batch(self, number: int) -> list[tuple[Request, int]]:
        """The items of the batch that the worker answers."""
        if self._batch is None or self._batch[0] != number:
            raise RuntimeError(f"the worker answered batch {number}, not the one it was given")
        items, self._batch = self._batch[2], None
        return items

    def _rendered(self, number: int, results: list[PackedClip]) -> None:
        items = self._take_batch(number)
        for (request, index), clip in zip(items, results):
            with self._lock:
                if request.finished:
                    continue
                request.clips[index] = clip
                self._replies.clip(request.client, request.rid, clip)
        for request in dict.fromkeys(request for request, _ in items):
            self._advance(request)

    def _advance(self, request: Request) -> None:
        """After a batch: say how far a grid is, and end what is complete."""
        count = len(request.clips)
        if count == request.job.count:
            self._complete(request)
        elif request.grid is not None and not request.finished:
            self._replies.say(request.client, "/vae/progress", request.rid, count / request.job.count, clips=True)

    def _complete(self, request: Request) -> None:
        clips = tuple(request.clips[index] for index in range(request.job.count))
        with self._lock:
            if request.finished:
                return
            if request.grid is not None:
                request.client.keep_grid(request.grid, Grid(request.job.columns, request.job.rows, clips))
                self._replies.say(request.client, "/vae/progress", request.rid, 1.0, clips=True)
            # Its answer is kept before the request leaves: a repetition must find it in one place or the other.
            self._replies.done(request.client, request.rid, request.address, len(clips), clips=True,
                               asked=request.asked, made=clips)
            self._finish(request)
        if self._deliver is not None and request.grid is None:
            self._deliver(clips)
        seconds = time.monotonic() - request.arrived
        self._replies.figures.took(seconds)
        log.info("served", extra={"client": request.client.source, "rid": request.rid, "command": request.address,
                                  "model": request.job.model, "clips": len(clips), "ms": round(seconds * 1000, 1)})

    def _batch_failed(self, number: int, text: str) -> None:
        """The worker could not render a batch: try its requests one by one, and fail the one that is alone."""
        items = self._take_batch(number)
        requests = list(dict.fromkeys(request for request, _ in items))
        if len(requests) == 1:
            log.error("render failed", extra={"text": text})
            self._fail(requests[0], Fail("internal", f"the model could not decode this: {text.splitlines()[0]}"))
            return
        self._put_back(items)
        for request in requests:
            request.alone = True

    def _worker_died(self, how: str) -> None:
        """Replace the worker: its models are loaded again, what it had in its hands is computed again."""
        self._worker.kill()
        how = f"the worker process {how} ({self._worker.exit_text})"
        log.error("worker died", extra={"how": how})
        self._worker = None
        items, self._batch = self._batch[2] if self._batch else [], None
        self._put_back(items)
        for request in dict.fromkeys(request for request, _ in items):
            request.crashes += 1
            request.alone = True
            if request.crashes >= MAX_CRASHES:
                self._fail(request, Fail("internal", f"{how} twice while it served this request"))
        self.loading.worker_died(how)
        time.sleep(0.2)  # a worker that dies at once must not be started in a tight loop

    def _put_back(self, items: list[tuple[Request, int]]) -> None:
        with self._lock:
            for request, index in reversed(items):
                request.pending.appendleft(index)

    def _fail(self, request: Request, fail: Fail) -> bool:
        """End a request with a fail unless it has ended; whether it did."""
        with self._lock:
            if not self._finish(request):
                return False
            self._replies.fail(request.client, request.rid, request.address, fail, clips=True, asked=request.asked)
            return True

    def _finish(self, request: Request) -> bool:
        with self._lock:
            if request.finished:
                return False
            request.finished = True
            self._queue.remove(request)
            del self._active[request.client.source, request.rid]
            return True
