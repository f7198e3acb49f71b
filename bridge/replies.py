"""What the daemon says: replies to requests, notices to clients, and the figures it keeps of them."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable

from bridge.cache import Answer
from bridge.chunks import PackedClip
from bridge.clients import Client
from bridge.osc import MAX_ADDRESS, build_message, sendable
from bridge.outbox import Outbox
from bridge.protocol import Fail

MAX_FAIL_TEXT = 1000  # bytes, so that a fail with a long command still fits in one message

log = logging.getLogger(__name__)


class Figures:
    """Counts since the start and the latest latencies, from any thread."""

    def __init__(self):
        self.started = time.monotonic()
        self._counts: Counter[str] = Counter()
        self._latencies: deque[float] = deque(maxlen=1000)
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something: served, failed, cancelled, busy, dropped, malformed or morphs."""
        with self._lock:
            self._counts[name] += count

    def took(self, seconds: float) -> None:
        """Note how long a request took from its arrival to its last message."""
        with self._lock:
            self._latencies.append(seconds * 1000)

    def read(self) -> dict[str, float]:
        """The counts, latency quantiles of the last 1,000 requests in ms, and the uptime in seconds."""
        with self._lock:
            counts, latencies = dict(self._counts), sorted(self._latencies) or [0.0]
        names = ("served", "failed", "cancelled", "busy", "morphs", "malformed", "dropped")
        return {name: float(counts.get(name, 0)) for name in names} | {
            "p50_ms": latencies[len(latencies) // 2], "p99_ms": latencies[len(latencies) * 99 // 100], "uptime_s": time.monotonic() - self.started}


class Replies:
    """Builds replies and gives them to the outbox.

    Everything that belongs to a request for clips goes with `clips=True`: it then arrives in order behind them, while
    short answers overtake the clips that wait.
    """

    def __init__(self, outbox: Outbox, figures: Figures):
        self._outbox = outbox
        self.figures = figures

    def say(self, client: Client, address: str, *args: float | str, clips: bool = False) -> bytes:
        """Send one message; returns it."""
        message = build_message(address, *args)
        self.again(client, message, clips)
        return message

    def clip(self, client: Client, rid: int, clip: PackedClip) -> None:
        """Send a clip's messages."""
        self._outbox.clips(client.reply, clip.messages(rid))

    def again(self, client: Client, message: bytes, clips: bool = False) -> None:
        """Send a message that was sent before."""
        if clips:
            self._outbox.clips(client.reply, (message,))
        else:
            self._outbox.answer(client.reply, message)

    def crowded(self, client: Client, clips: bool = False) -> bool:
        """Whether a client has as many messages of clips, or short answers, waiting for it as it may have."""
        return self._outbox.crowded(client.reply, clips)

    def done(self, client: Client, rid: int, command: str, count: int, *more: float | str, clips: bool = False,
             asked: bytes = b"", made: tuple[PackedClip, ...] = (), borrowed: bool = False) -> bytes:
        """End a request well; returns the message.

        asked: its identity, by which it is answered again in the same way; without one it is served again. made: its
        clips. borrowed: they belong to a grid.
        """
        self.figures.add("served")
        done = self.say(client, "/vae/done", rid, command, count, *more, clips=clips)
        if asked:
            client.keep_answer(rid, Answer(asked, done, made, borrowed))
        return done

    def fail(self, client: Client, rid: int, command: str, fail: Fail, clips: bool = False, asked: bytes = b"") -> None:
        """End a request with what went wrong. asked: as in `done`, of what was cancelled: the rest may be tried again."""
        self.figures.add("failed")
        if fail.code in ("busy", "cancelled"):
            self.figures.add(fail.code)
        text = sendable(fail.message, MAX_FAIL_TEXT)
        log.info("fail", extra={"client": client.source, "rid": rid, "command": command, "code": fail.code,
                                "text": text})
        message = self.say(client, "/vae/fail", rid, command[:MAX_ADDRESS], fail.code, text, clips=clips)
        if asked and fail.code == "cancelled":
            client.keep_answer(rid, Answer(asked, message))

    def notice(self, clients: Iterable[Client], event: str, detail: str) -> None:
        """Tell clients of an event that nobody asked for."""
        detail = sendable(detail, MAX_FAIL_TEXT)
        log.info(event, extra={"detail": detail})
        for client in clients:
            self.say(client, "/vae/notice", 0, event, detail)
