"""The daemon: its socket, its threads, its start and its end."""

import gc
import logging
import socket
import sys
from collections.abc import Callable, Sequence

from bridge.chunks import PackedClip
from bridge.clients import Clients
from bridge.config import Config
from bridge.engine import Engine
from bridge.handlers import Handlers
from bridge.models import Catalogue
from bridge.outbox import Outbox
from bridge.protocol import Fail
from bridge.receive import Receiver
from bridge.replies import Figures, Replies

BUFFER = 4 << 20  # bytes asked for the socket's buffers; the system may give less
SWITCH = 0.0005  # seconds until a thread gets Python's lock: the receive thread must not wait the usual 5 ms for it
GRACE = 1.0  # seconds in which running work may finish at the end; with the rest the daemon ends within 2

log = logging.getLogger(__name__)


class Daemon:
    """Serves from `start` to `stop`.

    announce: called from the engine's thread with each notice's event and detail. deliver: called there with the clips of
    each request that is done, grids apart; it must not wait. Raises OSError when the port is taken
    and Fail("unknown_model") for a name in `config.models` that is not installed.
    """

    def __init__(self, config: Config, announce: Callable[[str, str], None],
                 deliver: Callable[[Sequence[PackedClip]], None] | None = None):
        self._announce = announce
        self._socket = bind(config.host, config.port)
        self.address: tuple[str, int] = self._socket.getsockname()
        try:
            self.catalogue = Catalogue(config.folders)
            self._first = list(config.models) or list(self.catalogue.entries)
            for name in self._first:
                self.catalogue.get(name)
        except Fail:
            self._socket.close()
            raise
        self._clients = Clients(config.token, self.address[1])
        self._outbox = Outbox(self._socket)
        self._replies = Replies(self._outbox, Figures())
        self._engine = Engine(self.catalogue, self._replies, self.notice, config.queue, config.deadline, deliver)
        handlers = Handlers(self._clients, self._engine, self._outbox, self._replies)
        self._receiver = Receiver(self._socket, self._clients, handlers, self._replies)

    def start(self) -> None:
        """Answer from now on; models load behind that."""
        sys.setswitchinterval(SWITCH)
        gc.collect()
        gc.freeze()  # what is here stays: going through it at every full collection would stop all threads for 40 ms
        self._engine.start(self._first)
        self._receiver.start()

    def reload(self) -> None:
        """Load models that are new or were exported anew."""
        self._engine.rescan()

    def notice(self, event: str, detail: str) -> None:
        """Tell the clients seen lately, and whoever started the daemon."""
        self._replies.notice(self._clients.recent(), event, detail)
        try:
            self._announce(event, detail)
        except Exception:  # where nobody can be told any more, the music goes on
            log.exception("notice fault")

    def stop(self) -> None:
        """Say so, finish or cancel what runs, and end."""
        self.notice("stopping", "the daemon ends")
        self._engine.stop(GRACE)
        self._receiver.stop()
        self._outbox.close(0.3)
        self._socket.close()
        log.info("stopped")


def bind(host: str, port: int) -> socket.socket:
    """A UDP socket on that address alone. Raises OSError when it is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows another program could take the port over otherwise
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, buffer, BUFFER)
        except OSError:  # macOS refuses more than its limit where Linux gives what it can
            log.debug("socket buffer stays as it is")
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
