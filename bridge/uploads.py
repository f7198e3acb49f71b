"""A client's own clip on its way in: begin, chunks in any order, end.

The three kinds of message may share a rid or have one each; every rid that took part is answered when the clip has come
whole. For 30 s after that the upload is remembered, since the client may have missed an answer: what it repeats is
answered again, and nothing is begun anew unless other notes come.
"""

from dataclasses import dataclass, field

from bridge.clients import NOTE_BYTES, Client, Clients
from bridge.protocol import MAX_UPLOAD_BEATS, MAX_UPLOAD_NOTES, NOTES_PER_MESSAGE, Fail
from bridge.replies import Replies
from vae.notes import Clip, Note

MAX_UPLOADS = 16  # of one client at a time
MAX_RIDS = 128  # of one upload: its 69 full chunks with one each, and some
UPLOAD_TIMEOUT = 30.0  # seconds without a message after which an upload is given up, and one that ended forgotten
MESSAGE_BYTES = 300  # that a message of an upload takes in memory beside its notes


@dataclass
class Taken:
    """A rid that took part. address, asked: of its first message. last: its latest, as its address and seq."""

    address: str
    asked: bytes
    last: tuple[str, int]


@dataclass
class Upload:
    """A clip on its way in. header: beats, notes, chunks. dones: after its end, the answer to each rid.

    again: of an upload that ended and was begun once more in the same words: what came since, and the rids among that
    which were not answered again yet.
    """

    header: tuple[float, int, int]
    rids: dict[int, Taken] = field(default_factory=dict)
    received: dict[int, tuple[Note, ...]] = field(default_factory=dict)
    count: int = 0
    dones: dict[int, bytes] = field(default_factory=dict)
    again: "Upload | None" = None

    def take(self, rid: int, message: tuple[str, int], asked: bytes) -> None:
        """Note a message's part in it. Raises Fail when too many rids have one."""
        if rid in self.rids:
            self.rids[rid].last = message
        elif len(self.rids) >= MAX_RIDS:
            raise Fail("too_large", f"the messages of an upload have at most {MAX_RIDS} rids, received one more: {rid}")
        else:
            self.rids[rid] = Taken(message[0], asked, message)

    def add(self, seq: int, notes: tuple[Note, ...]) -> None:
        """Take in a chunk; a repeated one replaces the first."""
        self.count += len(notes) - len(self.received.get(seq, ()))
        self.received[seq] = notes

    def missing(self) -> list[int]:
        """The seq of chunks that did not come."""
        return [seq for seq in range(self.header[2]) if seq not in self.received]

    def clip(self) -> Clip:
        """The whole clip. Raises Fail when the notes are not as many as were announced, or start after its end."""
        beats, count, chunks = self.header
        notes = [note for seq in range(chunks) for note in self.received[seq]]
        if len(notes) != count:
            raise Fail("bad_arguments", f"/vae/clip/begin announced {count} notes, received {len(notes)}")
        late = next((note for note in notes if note.start >= beats), None)
        if late is not None:
            raise Fail("bad_arguments", f"notes must start within the clip's {beats:g} beats, received {late}")
        return Clip.of(beats, notes)


class Uploads:
    """Handlers of the requests under /vae/clip."""

    HANDLERS = ("clip_begin", "clip_notes", "clip_end")

    def __init__(self, clients: Clients, replies: Replies):
        self._clients = clients
        self._replies = replies

    def clip_begin(self, client: Client, values: dict) -> None:
        name, rid, header = values["clip"], values["rid"], _header(values)
        message = values["address"], -1
        open_one, ended = client.uploads.get(name), client.ended.get(name)
        if open_one is not None:
            taken = open_one.rids.get(rid)
            if taken is not None and taken.asked == values["asked"]:
                return  # repeated because the client lost patience: what has come so far is kept
            self._drop(client, name, Fail("cancelled", f"the upload of {name!r} was begun anew"))
        elif ended is not None and rid in ended.rids and ended.rids[rid].asked == values["asked"]:
            ended.again = Upload(header)
            self._answer_again(client, ended, rid, message, values["asked"])
            return
        elif len(client.uploads) >= MAX_UPLOADS:
            raise Fail("busy", f"at most {MAX_UPLOADS} uploads at a time; end one first")
        upload = Upload(header)
        upload.take(rid, message, values["asked"])
        client.uploads.put(name, upload, MESSAGE_BYTES)

    def clip_notes(self, client: Client, values: dict) -> None:
        name, rid, seq, notes = values["clip"], values["rid"], values["seq"], values["notes"]
        message = values["address"], seq
        ended = client.ended.get(name)
        if name not in client.uploads and ended is not None:
            if rid in ended.rids and ended.received.get(seq) == notes:
                if ended.again is not None:
                    ended.again.add(seq, ended.received[seq])
                self._answer_again(client, ended, rid, message, b"")
                return
            self._go_on(client, name, ended)
        upload = self._upload(client, name)
        if seq >= upload.header[2]:
            raise Fail("bad_arguments", f"seq below {upload.header[2]} expected, received {seq}")
        upload.take(rid, message, b"")
        upload.add(seq, notes)
        client.uploads.grow(name, MESSAGE_BYTES + NOTE_BYTES * len(notes))
        if upload.count > upload.header[1]:
            self._drop(client, name, Fail("bad_arguments", f"/vae/clip/begin announced {upload.header[1]} notes, "
                                                           f"received {upload.count}"))

    def clip_end(self, client: Client, values: dict) -> None:
        name, rid = values["clip"], values["rid"]
        message = values["address"], -1
        ended = client.ended.get(name)
        if name not in client.uploads and ended is not None:
            if rid in ended.rids and ended.rids[rid].last == message:
                self._answer_again(client, ended, rid, message, b"")
                return
            self._go_on(client, name, ended)
        upload = self._upload(client, name)
        missing = upload.missing()
        if missing:
            upload.rids.pop(rid, None)  # this message is the end of a request, and so of all that shared its rid
            raise Fail("incomplete", f"missing seq: {_numbers(missing)}")
        upload.take(rid, message, b"")
        upload.rids[rid].address = values["address"]
        try:
            clip = upload.clip()
        except Fail as fail:
            self._drop(client, name, fail)
            return
        client.uploads.pop(name)
        client.keep_clip(name, clip)
        for each, taken in upload.rids.items():
            upload.dones[each] = self._replies.done(client, each, taken.address, len(clip.notes))
        size = MESSAGE_BYTES * (len(upload.rids) + len(upload.received)) + NOTE_BYTES * len(clip.notes)
        client.ended.put(name, upload, size)

    def cancel(self, client: Client, rid: int) -> bool:
        """Give up the upload that a rid takes part in; whether there is one."""
        for name in client.uploads:
            if rid in client.uploads.get(name).rids:
                self._drop(client, name, Fail("cancelled", "cancelled by /vae/cancel"))
                return True
        return False

    def expire(self) -> None:
        """Give up uploads that stopped coming, forget those that ended."""
        for client in self._clients.everyone():
            client.ended.expire(UPLOAD_TIMEOUT)
            for name, upload in client.uploads.expire(UPLOAD_TIMEOUT):
                self.fail(client, upload, Fail("incomplete", f"the upload of {name!r} stopped coming; missing seq: "
                                                             f"{_numbers(upload.missing()) or 'none, only its end'}"))

    def stop(self, client: Client, fail: Fail) -> None:
        """Give up all uploads of a client."""
        for name in client.uploads:
            self._drop(client, name, fail)

    def fail(self, client: Client, upload: Upload, fail: Fail) -> None:
        """End the requests that take part in an upload."""
        for rid, taken in upload.rids.items():
            self._replies.fail(client, rid, taken.address, fail, asked=taken.asked)

    def _drop(self, client: Client, name: str, fail: Fail) -> None:
        self.fail(client, client.uploads.pop(name), fail)

    def _upload(self, client: Client, name: str) -> Upload:
        upload = client.uploads.get(name)
        if upload is None:
            raise Fail("unknown_clip", f"no upload of {name!r} was begun; send /vae/clip/begin first")
        return upload

    def _go_on(self, client: Client, name: str, ended: Upload) -> None:
        """What was begun again in the same words is another upload after all: other messages follow."""
        if ended.again is not None:
            client.uploads.put(name, ended.again, MESSAGE_BYTES + NOTE_BYTES * ended.again.count)
            ended.again = None

    def _answer_again(self, client: Client, ended: Upload, rid: int, message: tuple[str, int], asked: bytes) -> None:
        """Answer a rid's latest message as before; earlier ones of that rid have no answer of their own."""
        if ended.rids[rid].last == message:
            self._replies.again(client, ended.dones[rid])
        elif ended.again is not None:
            ended.again.take(rid, message, asked)


def _header(values: dict) -> tuple[float, int, int]:
    """Beats, notes and chunks that a begin announces. Raises Fail when it cannot be."""
    beats, notes, chunks = values["beats"], values["notes"], values["chunks"]
    if notes > MAX_UPLOAD_NOTES:
        raise Fail("too_large", f"clips have at most {MAX_UPLOAD_NOTES} notes, received {notes}")
    if beats > MAX_UPLOAD_BEATS:
        raise Fail("too_large", f"clips have at most {MAX_UPLOAD_BEATS:g} beats, received {beats:g}")
    least = -(-notes // NOTES_PER_MESSAGE)
    if not least <= chunks <= MAX_UPLOAD_NOTES:
        raise Fail("bad_arguments", f"{notes} notes take {least} to {MAX_UPLOAD_NOTES} chunks, received {chunks}")
    return beats, notes, chunks


def _numbers(numbers: list[int]) -> str:
    """The first few of many numbers."""
    return ", ".join(map(str, numbers[:50])) + (f" and {len(numbers) - 50} more" if len(numbers) > 50 else "")
