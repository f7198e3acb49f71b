"""The receive loop: one thread that reads packets, checks them and hands the messages on. Nothing in it waits for work.

No packet can stop it: what is not OSC is counted and dropped (`bridge.osc`), and a fault of a handler is logged and
answered as `internal`.
"""

import logging
import selectors
import socket
import threading
import time
from collections import Counter, deque

from bridge.clients import Client, Clients, is_closed
from bridge.handlers import Handlers
from bridge.osc import Malformed, Message, read_packet
from bridge.outbox import SLOT, Address
from bridge.protocol import Fail
from bridge.replies import Replies

BURST = 64  # packets read before answers that wait for the newest of them are given
LAST_BURSTS = 64  # at the end: what has arrived by then is answered
HOUSEKEEPING = 1.0  # seconds
ONE_SHOT_DELAY = 0.02  # seconds in which a program that sends one message has ended
READ = 65535  # bytes: whole packets are read, so that one that is too large is known for that
NO_WAIT = getattr(socket, "MSG_DONTWAIT", None)

log = logging.getLogger(__name__)


class Receiver:
    """Reads from a bound UDP socket until `stop`."""

    def __init__(self, sock: socket.socket, clients: Clients, handlers: Handlers, replies: Replies):
        self._socket = sock
        self._clients = clients
        self._handlers = handlers
        self._replies = replies
        self._deferred: deque[tuple[float, bytes, Address]] = deque()
        self._deferring: Counter[Address] = Counter()  # how many of whose packets those are
        self._stopper, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="receive", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Serve what has arrived, fail what would have to wait, and end the thread."""
        self._stopper.send(b".")
        self._thread.join(1)

    def _run(self) -> None:
        selector = selectors.DefaultSelector()
        selector.register(self._socket, selectors.EVENT_READ)
        selector.register(self._stopped, selectors.EVENT_READ)
        clean = time.monotonic()
        while True:
            waiting = self._handlers.tick() or self._deferred
            ready = [key.fileobj for key, _ in selector.select(SLOT if waiting else HOUSEKEEPING)]
            stopped = self._stopped in ready
            for _ in range(LAST_BURSTS if stopped else 1):
                if self._socket not in ready or not self._read():
                    break
            if self._deferred:
                self._take_deferred(everything=stopped)
            if stopped:
                self._handlers.stop()
                return
            if time.monotonic() - clean > HOUSEKEEPING:
                clean = time.monotonic()
                self._handlers.housekeep()

    def _read(self) -> bool:
        """Take in what has come, a burst at the most; whether there may be more."""
        for _ in range(BURST if NO_WAIT is not None else 1):
            try:
                packet, source = self._socket.recvfrom(READ, NO_WAIT or 0)
            except BlockingIOError:
                return False
            except OSError:  # Windows reports here that an earlier answer found nobody: none of this packet's concern
                continue
            stranger = not self._clients.known(source) and self._clients.one_shot(source) is not None
            if stranger or self._deferring[source]:  # a source's packets stay in order
                self._deferred.append((time.monotonic() + ONE_SHOT_DELAY, packet, source))
                self._deferring[source] += 1
            else:
                self._take(packet, self._clients.find(source))
        return NO_WAIT is not None

    def _take_deferred(self, everything: bool) -> None:
        """Packets of strangers on a host with a one-shot client: now it shows whether they are more of its messages."""
        while self._deferred and (everything or self._deferred[0][0] <= time.monotonic()):
            _, packet, source = self._deferred.popleft()
            self._deferring[source] -= 1
            if not self._deferring[source]:
                del self._deferring[source]
            client = self._clients.one_shot(source) if is_closed(source) else None
            if client is not None:
                self._clients.saw(client)
            self._take(packet, client or self._clients.find(source))

    def _take(self, packet: bytes, client: Client) -> None:
        try:
            messages = read_packet(packet)
        except Malformed as error:
            self._replies.figures.add("malformed")
            log.debug("malformed", extra={"client": client.source, "text": str(error)})
            return
        for message in messages:
            self._serve(client, message)

    def _serve(self, client: Client, message: Message) -> None:
        try:
            self._handlers.handle(client, message)
        except Exception:  # a fault of ours must cost one request, not the daemon
            log.exception("handler fault", extra={"client": client.source, "command": message.address})
            self._replies.fail(client, message.rid, message.address, Fail("internal", "a fault of the daemon; see its log"))
