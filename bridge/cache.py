"""Answers kept for 30 s, so that a client which lost one may ask again without the work being done twice."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from bridge.chunks import PackedClip
from bridge.outbox import Address

KEPT = 30.0  # seconds
MAX_BYTES = 4 << 20  # of all answers kept; in a flood the oldest go early, and a repetition is then computed again
OVERHEAD = 1000  # bytes that an entry takes in memory beside its clips
CLIP_OVERHEAD = 150


@dataclass(frozen=True)
class Answer:
    """What a request was answered: the clips' messages and the `/vae/done`. asked: its address and arguments."""

    asked: tuple
    clips: tuple[PackedClip, ...]
    done: bytes
    time: float = field(default_factory=time.monotonic)
    size: int = field(init=False)

    def __post_init__(self):
        size = OVERHEAD + sum(len(clip.data) + CLIP_OVERHEAD for clip in self.clips)
        object.__setattr__(self, "size", size)


class Answers:
    """Answers by client and rid, oldest first. Filled by the engine's thread, read by the receive thread."""

    def __init__(self):
        self._kept: OrderedDict[tuple[Address, int], Answer] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, source: Address, rid: int, answer: Answer) -> None:
        """Keep the answer to a client's request; a newer one with the same rid replaces it."""
        with self._lock:
            self._drop((source, rid))
            self._kept[source, rid] = answer
            self._bytes += answer.size
            self._expire()

    def get(self, source: Address, rid: int) -> Answer | None:
        """The answer to a client's request if it is still kept."""
        with self._lock:
            self._expire()
            return self._kept.get((source, rid))

    def expire(self) -> None:
        """Let go of what is too old or too much."""
        with self._lock:
            self._expire()

    def _expire(self) -> None:
        limit = time.monotonic() - KEPT
        while self._kept:
            key, answer = next(iter(self._kept.items()))
            if answer.time >= limit and self._bytes <= MAX_BYTES:
                return
            self._drop(key)

    def _drop(self, key: tuple[Address, int]) -> None:
        answer = self._kept.pop(key, None)
        if answer is not None:
            self._bytes -= answer.size
