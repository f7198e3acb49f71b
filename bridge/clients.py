"""Who is asking: the clients seen, where their replies go, and what each has uploaded or made.

A client is the address and port its packets come from. Nothing that one client names (clips, grids, rids) can be seen
by another, so two devices in one Live Set may use the same names.
"""

import hmac
import socket
import time
from collections import OrderedDict
from dataclasses import dataclass

from bridge.cache import KEPT, MOST_ANSWERS, MOST_BYTES, Answer, packed_size
from bridge.chunks import PackedClip
from bridge.outbox import Address
from bridge.protocol import Fail
from bridge.stores import Budget, Store
from vae.notes import Clip

MAX_CLIENTS = 1024  # of those that said hello, and as many that did not; then the one not seen for longest goes
MAX_STORED = 64  # clips per client, then the one not used for longest goes; a quarter as many grids
MAX_KEPT_BYTES = 128 << 20  # of all clients together
RECENT = 15.0  # seconds since a client was seen within which it gets notices
QUIET = 0.1  # seconds without a packet after which it is seen whether the port that a client named is closed
CHECK_CLOSED = 1.0  # seconds between two looks at whether a client's port is closed
NOTE_BYTES = 180  # that a note takes in memory


@dataclass(frozen=True)
class Grid:
    """A computed grid. cells: row by row."""

    columns: int
    rows: int
    cells: tuple[PackedClip, ...]

    def cell(self, x: float, y: float) -> PackedClip:
        """The clip nearest to a point of the unit square."""
        column, row = round(x * (self.columns - 1)), round(y * (self.rows - 1))
        return self.cells[row * self.columns + column]


class Client:
    """One client. source: where its packets come from. named: where its hello said that it listens. reply: where its
    answers go.

    uploads: its clips on their way in, and `ended` those that have come whole, by name (see `bridge.uploads`).
    answers: those it may ask for again, by rid.
    """

    def __init__(self, source: Address, budget: Budget, authorized: bool):
        self.source = source
        self.named = self.reply = source
        self.name = ""
        self.authorized = authorized
        self.seen = time.monotonic()
        self.closed = False  # whether its port was closed when that was last `checked`
        self.checked = 0.0
        self.clips = Store(budget, MAX_STORED)
        self.grids = Store(budget, MAX_STORED // 4)
        self.uploads = Store(budget)
        self.ended = Store(budget, MAX_STORED)
        self.answers = Store(budget, MOST_ANSWERS, MOST_BYTES)
        self.stores = self.clips, self.grids, self.uploads, self.ended, self.answers

    def clip(self, name: str) -> Clip:
        """An uploaded clip. Raises Fail naming what there is."""
        clip = self.clips.use(name)
        if clip is None:
            raise Fail("unknown_clip", f"no clip {name!r} was uploaded by this client; "
                                       f"it has {', '.join(map(repr, self.clips)) or 'none'}"[:600])
        return clip

    def keep_clip(self, name: str, clip: Clip) -> None:
        """Keep an uploaded clip."""
        self.clips.put(name, clip, NOTE_BYTES * (1 + len(clip.notes)))

    def grid(self, name: str) -> Grid:
        """A computed grid. Raises Fail naming what there is."""
        grid = self.grids.use(name)
        if grid is None:
            raise Fail("unknown_grid", f"no grid {name!r} was made for this client; "
                                       f"it has {', '.join(map(repr, self.grids)) or 'none'}"[:600])
        return grid

    def keep_grid(self, name: str, grid: Grid) -> None:
        """Keep a computed grid."""
        self.grids.put(name, grid, packed_size(grid.cells))

    def keep_answer(self, rid: int, answer: Answer) -> None:
        """Keep the answer to a request; it replaces that to an older one with this rid."""
        self.answers.put(rid, answer, answer.size)


class Clients:
    """All clients, by the address their packets come from. Used by the receive thread; `recent` by any.

    token: what `/vae/hello` must carry, or None when everybody may ask. port: the daemon's own.
    """

    def __init__(self, token: str | None, port: int):
        self.budget = Budget(MAX_KEPT_BYTES)
        self._token = token
        self._port = port
        self._greeted: OrderedDict[Address, Client] = OrderedDict()
        self._strangers: OrderedDict[Address, Client] = OrderedDict()
        self._gone: list[Client] = []

    def find(self, source: Address) -> Client:
        """The client at an address, a new one if need be. One without the token is not remembered."""
        for clients in (self._greeted, self._strangers):
            client = clients.get(source)
            if client is not None:
                if client.named != source and time.monotonic() - client.seen > QUIET:
                    # Ports are used again: this may be another program than the one that said hello and has ended.
                    client.reply = source if is_closed(client.named) else client.named
                self.saw(client)
                return client
        client = Client(source, self.budget, authorized=self._token is None)
        if client.authorized:
            self._remember(self._strangers, client)
        return client

    def saw(self, client: Client) -> None:
        """Note that a client shows itself: it gets notices, and others are forgotten before it."""
        client.seen = time.monotonic()
        with self.budget.lock:
            for clients in (self._greeted, self._strangers):
                if clients.get(client.source) is client:
                    clients.move_to_end(client.source)

    def known(self, source: Address) -> bool:
        """Whether this address was seen before."""
        return source in self._greeted or source in self._strangers

    def hello(self, client: Client, reply_port: int, name: str, token: str | None) -> None:
        """Take in a client's hello. Raises Fail("unauthorized"), or Fail("bad_arguments") for the daemon's own port."""
        # compare_digest takes as long whichever byte is wrong, so the token cannot be guessed byte by byte.
        if self._token is not None and not hmac.compare_digest((token or "").encode(), self._token.encode()):
            raise Fail("unauthorized", "the token is not this daemon's")
        host, port = client.source
        if reply_port == self._port and _is_here(host):
            raise Fail("bad_arguments", f"reply_port: a port where the client listens expected, received {reply_port}, "
                                        "which is the daemon's own")
        client.named = client.reply = host, reply_port or port
        client.name, client.authorized = name, True
        with self.budget.lock:
            self._strangers.pop(client.source, None)
        self._remember(self._greeted, client)

    def one_shot(self, source: Address) -> Client | None:
        """The client of the same host seen last that named a reply port and whose own port is closed by now.

        Programs such as liblo's oscsend open a new port for every message, so what follows their hello comes from
        other ports; only the port that the hello named stays. Where a token is asked for, each port must show it.
        """
        if self._token is not None:
            return None
        now = time.monotonic()
        for client in reversed(self._greeted.values()):
            if client.source[0] != source[0] or client.reply == client.source:
                continue
            if now - client.checked > CHECK_CLOSED:
                client.checked, client.closed = now, is_closed(client.source)
            if client.closed:
                return client
        return None

    def everyone(self) -> list[Client]:
        """All clients."""
        with self.budget.lock:
            return [*self._greeted.values(), *self._strangers.values()]

    def expire_answers(self) -> None:
        """Let go of the answers that are too old."""
        for client in self.everyone():
            client.answers.expire(KEPT)

    def take_gone(self) -> list[Client]:
        """The clients forgotten since the last call, whose stores are to be closed."""
        gone, self._gone = self._gone, []
        return gone

    def recent(self) -> list[Client]:
        """Clients seen lately enough to get notices, each reply address once."""
        limit = time.monotonic() - RECENT
        return list({client.reply: client for client in self.everyone() if client.authorized and client.seen > limit}.values())

    def __len__(self) -> int:
        return len(self._greeted) + len(self._strangers)

    def _remember(self, clients: OrderedDict[Address, Client], client: Client) -> None:
        with self.budget.lock:
            clients[client.source] = client
            clients.move_to_end(client.source)
            self.budget.join(client)
            if len(clients) > MAX_CLIENTS:
                self._gone.append(clients.popitem(last=False)[1])


def is_closed(address: Address) -> bool:
    """Whether a UDP port of this machine is closed: it can be bound then. False for other machines."""
    for host in (address[0], ""):  # Windows lets an address be bound whose port another socket has for all addresses
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, address[1]))
            except OSError:
                return False
    return True


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine's."""
    return is_closed((host, 0))
