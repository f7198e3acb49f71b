"""A request for clips on its way through the engine, and how requests share batches."""

import time
from collections import deque
from dataclasses import dataclass, field

from bridge.chunks import PackedClip
from bridge.clients import Client
from vae.jobs import Job


@dataclass(eq=False)
class Request:
    """A client's request for clips.

    asked: its identity. rows: of a batch that each of its clips takes. grid: the name to keep them under.
    """

    client: Client
    rid: int
    address: str
    asked: bytes
    job: Job
    rows: int
    grid: str | None = None
    arrived: float = field(default_factory=time.monotonic)
    pending: deque[int] = field(init=False)
    clips: dict[int, PackedClip] = field(default_factory=dict)
    alone: bool = False  # to be decoded in a batch of its own, since a batch with it went wrong
    crashes: int = 0
    finished: bool = False

    def __post_init__(self):
        self.pending = deque(range(self.job.count))


def take_turns(requests: list[Request], most: int) -> list[tuple[Request, int]]:
    """Items for one batch: one clip from each client in turn, each client's requests in order, until it is full.

    most: rows of a batch; the last item may go beyond it.
    """
    lanes: dict[int, deque[Request]] = {}
    for request in requests:
        lanes.setdefault(id(request.client), deque()).append(request)
    items, rows = [], 0
    while lanes:
        for client, lane in list(lanes.items()):
            request = lane[0]
            items.append((request, request.pending.popleft()))
            rows += request.rows
            if not request.pending:
                lane.popleft()
                if not lane:
                    del lanes[client]
            if rows >= most:
                return items
    return items
