"""Who is asking: the clients seen, where their replies go, and what each has uploaded or made.

A client is the address and port its packets come from. Nothing that one client names (clips, grids, rids) can be seen
by another, so two devices in one Live Set may use the same names.
"""

import hmac
import socket
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bridge.chunks import PackedClip
from bridge.outbox import Address
from bridge.protocol import Fail
from vae.notes import Clip, Note

MAX_CLIENTS = 1024  # of those that said hello, and as many that did not
MAX_STORED = 64  # clips per client, then the oldest goes; a quarter as many grids
RECENT = 15.0  # seconds since a client was seen within which it gets notices
UPLOAD_TIMEOUT = 30.0  # seconds without a message after which an upload is given up
CHECK_CLOSED = 1.0  # seconds between two looks at whether a client's port is closed
MORPHS_KEPT = 64  # answers to morphs that `/vae/resend` finds


@dataclass
class Upload:
    """A clip on its way in. rids: the requests that wait for its end, each with its address."""

    beats: float
    count: int
    chunks: int
    rids: dict[int, str]
    received: dict[int, tuple[Note, ...]] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)

    def missing(self) -> list[int]:
        """The seq of chunks that did not come."""
        return [seq for seq in range(self.chunks) if seq not in self.received]

    def clip(self) -> Clip:
        """The whole clip. Raises Fail when the notes are not as many as were announced, or start after its end."""
        notes = [note for seq in range(self.chunks) for note in self.received[seq]]
        if len(notes) != self.count:
            raise Fail("bad_arguments", f"/vae/clip/begin announced {self.count} notes, received {len(notes)}")
        late = next((note for note in notes if note.start >= self.beats), None)
        if late is not None:
            raise Fail("bad_arguments", f"notes must start within the clip's {self.beats:g} beats, received {late}")
        return Clip.of(self.beats, notes)


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


class Store(OrderedDict):
    """Named things of which the oldest goes when there are more than `most`."""

    def __init__(self, most: int):
        super().__init__()
        self.most = most

    def put(self, name: str, value: object) -> None:
        self[name] = value
        self.move_to_end(name)
        if len(self) > self.most:
            self.popitem(last=False)


@dataclass(eq=False)
class Client:
    """One client. source: where its packets come from. reply: where its answers go."""

    source: Address
    reply: Address
    name: str = ""
    authorized: bool = False
    seen: float = 0.0
    closed: bool = False  # whether its port was closed when that was last `checked`
    checked: float = 0.0
    uploads: dict[str, Upload] = field(default_factory=dict)
    clips: Store = field(default_factory=lambda: Store(MAX_STORED))
    grids: Store = field(default_factory=lambda: Store(MAX_STORED // 4))
    morphs: deque[tuple[int, PackedClip]] = field(default_factory=lambda: deque(maxlen=MORPHS_KEPT))

    def clip(self, name: str) -> Clip:
        """An uploaded clip. Raises Fail naming what there is."""
        if name not in self.clips:
            raise Fail("unknown_clip", f"no clip {name!r} was uploaded by this client; "
                                       f"it has {', '.join(map(repr, self.clips)) or 'none'}"[:600])
        return self.clips[name]

    def grid(self, name: str) -> Grid:
        """A computed grid. Raises Fail naming what there is."""
        if name not in self.grids:
            raise Fail("unknown_grid", f"no grid {name!r} was made for this client; "
                                       f"it has {', '.join(map(repr, self.grids)) or 'none'}"[:600])
        return self.grids[name]


class Clients:
    """All clients, by the address their packets come from. Used by the receive thread; `recent` by any.

    token: what `/vae/hello` must carry, or None when everybody may ask.
    """

    def __init__(self, token: str | None):
        self._token = token
        self._greeted: OrderedDict[Address, Client] = OrderedDict()
        self._strangers: OrderedDict[Address, Client] = OrderedDict()

    def find(self, source: Address) -> Client:
        """The client at an address, a new one if need be. One without the token is not remembered."""
        client = self._greeted.get(source) or self._strangers.get(source)
        if client is None:
            client = Client(source, source, authorized=self._token is None)
            if client.authorized:
                _remember(self._strangers, client)
        client.seen = time.monotonic()
        return client

    def known(self, source: Address) -> bool:
        """Whether this address was seen before."""
        return source in self._greeted or source in self._strangers

    def hello(self, client: Client, reply_port: int, name: str, token: str | None) -> None:
        """Take in a client's hello. Raises Fail("unauthorized")."""
        # compare_digest takes as long whichever byte is wrong, so the token cannot be guessed byte by byte.
        if self._token is not None and not hmac.compare_digest((token or "").encode(), self._token.encode()):
            raise Fail("unauthorized", "the token is not this daemon's")
        host, port = client.source
        client.reply, client.name, client.authorized = (host, reply_port or port), name, True
        self._strangers.pop(client.source, None)
        _remember(self._greeted, client)

    def one_shot(self, source: Address) -> Client | None:
        """The newest client of the same host that named a reply port and whose own port is closed by now.

        Programs such as liblo's oscsend open a new port for every message, so what follows their hello comes from
        other ports; only the port that the hello named stays.
        """
        now = time.monotonic()
        for client in reversed(self._greeted.values()):
            if client.source[0] != source[0] or client.reply == client.source:
                continue
            if now - client.checked > CHECK_CLOSED:
                client.checked, client.closed = now, is_closed(client.source)
            if client.closed:
                return client
        return None

    def expire_uploads(self) -> list[tuple[Client, str, Upload]]:
        """Take out the uploads that have not moved for too long."""
        now = time.monotonic()
        expired = []
        for client in (*self._greeted.values(), *self._strangers.values()):
            for name, upload in list(client.uploads.items()):
                if now - upload.touched > UPLOAD_TIMEOUT:
                    expired.append((client, name, client.uploads.pop(name)))
        return expired

    def recent(self) -> list[Client]:
        """Clients seen lately enough to get notices, each reply address once."""
        limit = time.monotonic() - RECENT
        everyone = (*self._greeted.values(), *self._strangers.values())
        return list({client.reply: client for client in everyone if client.authorized and client.seen > limit}.values())

    def __len__(self) -> int:
        return len(self._greeted) + len(self._strangers)


def _remember(clients: OrderedDict[Address, Client], client: Client) -> None:
    clients[client.source] = client
    clients.move_to_end(client.source)
    if len(clients) > MAX_CLIENTS:
        clients.popitem(last=False)


def is_closed(address: Address) -> bool:
    """Whether a UDP port of this machine is closed: it can be bound then. False for other machines."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address)
        except OSError:
            return False
    return True
