"""A client of the daemon, written to the protocol alone: for `play-osc`, for checks, and as an example to copy from."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from bridge.chunks import note_chunks
from bridge.osc import Message, build_message, read_packet
from bridge.protocol import PROTOCOL, Fail
from vae.notes import Clip, Note


@dataclass
class Received:
    """A clip on its way in."""

    index: int
    beats: float
    count: int
    chunks: int
    name: str
    notes: dict[int, list[Note]] = field(default_factory=dict)

    def missing(self) -> list[int]:
        """The seq of chunks that did not come."""
        return [seq for seq in range(self.chunks) if seq not in self.notes]

    def clip(self) -> Clip:
        """The clip, once nothing is missing."""
        return Clip.of(self.beats, [note for notes in self.notes.values() for note in notes])


@dataclass
class Reply:
    """Everything that came for one request. done: the arguments of `/vae/done` after the command."""

    rid: int
    lines: list[Message] = field(default_factory=list)
    clips: dict[int, Received] = field(default_factory=dict)
    done: list | None = None

    def add(self, message: Message) -> None:
        """Take in one message of this request."""
        kind, args = message.address, message.args
        if kind == "/vae/clip/begin":
            self.clips[args[1]] = Received(*args[1:6])
        elif kind == "/vae/clip/notes" and args[1] in self.clips:
            values = args[4:]
            notes = [Note(args[3], *values[at:at + 4]) for at in range(0, len(values), 4)]
            self.clips[args[1]].notes[args[2]] = notes
        elif kind == "/vae/done":
            self.done = args[2:]
        elif kind != "/vae/clip/end":
            self.lines.append(message)


class DaemonClient:
    """One socket to a daemon. Use as a context manager.

    ask: sends a request and waits for its end, again with the same rid when nothing comes: the daemon answers a
    repetition from its cache, so nothing is done twice.
    """

    def __init__(self, host: str, port: int, timeout: float = 10.0, token: str | None = None):
        self._address = socket.gethostbyname(host), port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("", 0))
        self._timeout = timeout
        self._token = token
        self._rid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def hello(self, name: str = "musicvae") -> list:
        """Say hello; returns protocol, version and the number of loaded models."""
        token = () if self._token is None else (self._token,)
        return self.ask("/vae/hello", 0, name, PROTOCOL, *token).done[1:]

    def ask(self, address: str, *args: float | str, retry: float = 2.0) -> Reply:
        """Send a request and collect its answer, lost chunks included.

        retry: seconds of silence after which the request is sent again. Raises Fail as the daemon says it, and
        TimeoutError when nothing is heard for the client's `timeout`.
        """
        self._rid += 1
        reply = Reply(self._rid)
        for message in self._messages(address, self._rid, args, retry):
            reply.add(message)
            if reply.done is not None:
                break
        for clip in reply.clips.values():
            for seq in clip.missing():
                self._resend(reply, clip.index, seq, retry)
        return reply

    def task(self, model: str) -> str:
        """The task of one of the daemon's models, "" for a model that it does not have: its own words say so then."""
        return next((line.args[2] for line in self.ask("/vae/models").lines if line.args[1] == model), "")

    def upload(self, name: str, clip: Clip) -> None:
        """Give the daemon a clip under a name."""
        self._rid += 1
        chunks = note_chunks(clip)
        self._send("/vae/clip/begin", self._rid, name, float(clip.beats), len(clip.notes), len(chunks))
        for seq, (part, values) in enumerate(chunks):
            self._send("/vae/clip/notes", self._rid, name, seq, part, *values)
        for message in self._messages("/vae/clip/end", self._rid, (name,), retry=2.0):
            if message.address == "/vae/done":
                return

    def _resend(self, reply: Reply, index: int, seq: int, retry: float) -> None:
        self._rid += 1
        for message in self._messages("/vae/resend", self._rid, (reply.rid, index, seq), retry):
            reply.add(message)
            if message.address == "/vae/done":
                return

    def _messages(self, address: str, rid: int, args: tuple, retry: float) -> Iterator[Message]:
        """Send a request, and yield what comes for it; silence is met by sending it again."""
        heard = sent = time.monotonic()
        self._send(address, rid, *args)
        while True:
            now = time.monotonic()
            if now - heard > self._timeout:
                raise TimeoutError(f"no answer from {self._address[0]}:{self._address[1]} within {self._timeout:g} s")
            self.socket.settimeout(max(0.001, min(retry, self._timeout)))
            try:
                packet = self.socket.recv(65535)
            except (TimeoutError, ConnectionError):
                if time.monotonic() - sent > retry:
                    sent = time.monotonic()
                    self._send(address, rid, *args)
                continue
            for message in read_packet(packet):
                if not message.args or message.args[0] != rid:
                    continue
                heard = sent = time.monotonic()
                if message.address == "/vae/fail":
                    raise Fail(message.args[2], message.args[3])
                yield message

    def _send(self, address: str, *args: float | str) -> None:
        self.socket.sendto(build_message(address, *args), self._address)

