"""Paced sending: how many messages a receiver gets at once.

Max and Pure Data queue 512 messages and drain them every 20 ms, and a socket with Linux's default buffer holds 92
packets of 1,400 bytes or 256 small ones. Time is cut into slots of 5 ms, of which any 20 ms touch five at the most, and
each destination has a budget per slot: clips are limited by what a default socket buffer holds, short answers by count,
and both together stay below 512 in 20 ms. The budgets leave room for a sixth slot: a busy machine may hold this process
up in the middle of one, whose rest then goes out with the next.
"""

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable

Address = tuple[str, int]

SLOT = 0.005  # seconds
CLIP_BYTES = 35_498  # per slot, as the kernel books them: 6 slots are the 212,992 of a default socket buffer
BOOKED = ((192, 832), (640, 1_280), (65_535, 2_304))  # (packets of up to so many bytes, what the kernel books for one)
MESSAGES = 85  # per slot, of both kinds: 6 slots of 85 are 510 of the 512 in 20 ms
ANSWERS = 77  # short answers per slot, so that clips go on even when answers never end
ENDS = (b"/vae/done\0", b"/vae/fail\0")  # how the messages begin that end a request
MAX_WAITING = 4096  # messages of a kind that wait for one destination, then no more of them are made

log = logging.getLogger(__name__)


def booked(message: bytes) -> int:
    """How many bytes of its receiver's buffer a packet takes up, measured on Linux 6."""
    return next(booked for size, booked in BOOKED if len(message) <= size)


class _Destination:
    """What waits for one address, and what it got in the current slot."""

    __slots__ = ("answers", "answers_sent", "clip_bytes_sent", "clips", "clips_sent", "slot")

    def __init__(self):
        self.answers: deque[bytes] = deque()
        self.clips: deque[bytes] = deque()
        self.slot = -1
        self.answers_sent = 0
        self.clips_sent = 0
        self.clip_bytes_sent = 0

    def next_message(self, slot: int) -> bytes | None:
        """The next message that may go in this slot; answers go first."""
        if slot != self.slot:
            self.slot, self.answers_sent, self.clips_sent, self.clip_bytes_sent = slot, 0, 0, 0
        if self.answers_sent + self.clips_sent >= MESSAGES:
            return None
        if self.answers and self.answers_sent < ANSWERS:
            self.answers_sent += 1
            return self.answers.popleft()
        if self.clips and self.clip_bytes_sent + booked(self.clips[0]) <= CLIP_BYTES:
            message = self.clips.popleft()
            self.clips_sent += 1
            self.clip_bytes_sent += booked(message)
            return message
        return None

    @property
    def waiting(self) -> int:
        return len(self.answers) + len(self.clips)


class Outbox:
    """Sends at once what the budget allows, from the caller's thread; a thread of its own sends the rest in time.

    Messages of one kind to one destination arrive in the order in which they were given.
    """

    def __init__(self, sock: socket.socket):
        self._socket = sock
        self._destinations: dict[Address, _Destination] = {}
        self._condition = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def answer(self, to: Address, message: bytes) -> None:
        """Send a short answer: it goes before clips that wait."""
        with self._condition:
            self._destination(to).answers.append(message)
            self._send_now(to)

    def clips(self, to: Address, messages: Iterable[bytes]) -> None:
        """Send messages that belong together, in order."""
        with self._condition:
            self._destination(to).clips.extend(messages)
            self._send_now(to)

    def waiting(self, to: Address) -> int:
        """How many messages wait for a destination."""
        destination = self._destinations.get(to)
        return destination.waiting if destination else 0

    def crowded(self, to: Address, clips: bool) -> bool:
        """Whether a destination has as many messages of clips, or short answers, waiting as it may have."""
        destination = self._destinations.get(to)
        return destination is not None and len(destination.clips if clips else destination.answers) >= MAX_WAITING

    def close(self, timeout: float) -> None:
        """Send what waits for `timeout` seconds at the most, then the ends of requests among the rest, and end the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join(timeout)
        with self._condition:
            for to, destination in self._destinations.items():
                for message in (*destination.answers, *destination.clips):
                    if message.startswith(ENDS):
                        self._send(to, message)
            self._destinations.clear()

    def _destination(self, to: Address) -> _Destination:
        destination = self._destinations.get(to)
        if destination is None:
            destination = self._destinations[to] = _Destination()
            self._condition.notify()  # the thread forgets it again when its slot is over
        return destination

    def _send_now(self, to: Address) -> None:
        self._send_slot(to, self._destinations[to], int(time.monotonic() / SLOT))

    def _send_slot(self, to: Address, destination: _Destination, slot: int) -> None:
        """Send what the slot allows."""
        while (message := destination.next_message(slot)) is not None:
            self._send(to, message)

    def _send(self, to: Address, message: bytes) -> None:
        try:
            self._socket.sendto(message, to)
        except OSError as error:  # no route, or nobody there (Windows): as lost as any lost packet
            log.debug("not sent", extra={"to": to, "error": str(error)})

    def _run(self) -> None:
        while True:
            with self._condition:
                slot = int(time.monotonic() / SLOT)
                for to, destination in list(self._destinations.items()):
                    if destination.waiting:
                        self._send_slot(to, destination, slot)
                    elif destination.slot < slot:  # within a slot, what it got of its budget must not be forgotten
                        del self._destinations[to]
                if self._closed and not any(destination.waiting for destination in self._destinations.values()):
                    return
                if not self._destinations:
                    self._condition.wait()
            time.sleep(SLOT - time.monotonic() % SLOT)
