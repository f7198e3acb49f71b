"""A client's own clip on its way in: begin, chunks in any order, end."""

import time

from bridge.cache import Answer, Answers
from bridge.clients import Client, Clients, Upload
from bridge.protocol import MAX_UPLOAD_BEATS, MAX_UPLOAD_NOTES, NOTES_PER_MESSAGE, Fail
from bridge.replies import Replies

MAX_UPLOADS = 16  # of one client at a time


class Uploads:
    """Handlers of the requests under /vae/clip.

    The three kinds of message may share a rid or have one each: every rid that took part is answered at the end.
    """

    HANDLERS = ("clip_begin", "clip_notes", "clip_end")

    def __init__(self, replies: Replies, answers: Answers):
        self._replies = replies
        self._answers = answers

    def clip_begin(self, client: Client, values: dict) -> None:
        if values["notes"] > MAX_UPLOAD_NOTES:
            raise Fail("too_large", f"clips have at most {MAX_UPLOAD_NOTES} notes, received {values['notes']}")
        if values["beats"] > MAX_UPLOAD_BEATS:
            raise Fail("too_large", f"clips have at most {MAX_UPLOAD_BEATS:g} beats, received {values['beats']:g}")
        least = -(-values["notes"] // NOTES_PER_MESSAGE)
        if not least <= values["chunks"] <= values["notes"]:
            raise Fail("bad_arguments", f"{values['notes']} notes take {least} to {values['notes']} chunks, "
                                        f"received {values['chunks']}")
        old = client.uploads.get(values["clip"])
        header = values["beats"], values["notes"], values["chunks"]
        if old is not None and values["rid"] in old.rids and (old.beats, old.count, old.chunks) == header:
            return  # repeated because the client lost patience: what has come so far is kept
        if old is not None:
            self._fail(client, old, Fail("cancelled", f"the upload of {values['clip']!r} was begun anew"))
        elif len(client.uploads) >= MAX_UPLOADS:
            raise Fail("busy", f"at most {MAX_UPLOADS} uploads at a time; end one first")
        client.uploads[values["clip"]] = Upload(*header, {values["rid"]: values["asked"][0]})

    def clip_notes(self, client: Client, values: dict) -> None:
        upload = self._upload(client, values)
        if values["seq"] >= upload.chunks:
            raise Fail("bad_arguments", f"seq below {upload.chunks} expected, received {values['seq']}")
        upload.rids.setdefault(values["rid"], values["asked"][0])
        upload.received[values["seq"]] = values["notes"]

    def clip_end(self, client: Client, values: dict) -> None:
        upload = self._upload(client, values)
        rid, address = values["rid"], values["asked"][0]
        upload.rids.pop(rid, None)  # answered here, whatever comes
        missing = upload.missing()
        if missing:
            raise Fail("incomplete", f"missing seq: {_numbers(missing)}")
        del client.uploads[values["clip"]]
        try:
            clip = upload.clip()
        except Fail as fail:
            self._fail(client, upload, fail)
            raise
        client.clips.put(values["clip"], clip)
        for other, other_address in upload.rids.items():
            self._replies.done(client, other, other_address, len(clip.notes))
        done = self._replies.done(client, rid, address, len(clip.notes))
        self._answers.put(client.source, rid, Answer(values["asked"], (), done))

    def expire(self, clients: Clients) -> None:
        """Give up uploads that stopped coming."""
        for client, name, upload in clients.expire_uploads():
            self._fail(client, upload, Fail("incomplete", f"the upload of {name!r} stopped coming; missing seq: "
                                                          f"{_numbers(upload.missing()) or 'none, only its end'}"))

    def _upload(self, client: Client, values: dict) -> Upload:
        upload = client.uploads.get(values["clip"])
        if upload is None:
            raise Fail("unknown_clip", f"no upload of {values['clip']!r} was begun; send /vae/clip/begin first")
        upload.touched = time.monotonic()
        return upload

    def _fail(self, client: Client, upload: Upload, fail: Fail) -> None:
        for rid, address in upload.rids.items():
            self._replies.fail(client, rid, address, fail)


def _numbers(numbers: list[int]) -> str:
    """The first few of many numbers."""
    return ", ".join(map(str, numbers[:50])) + (f" and {len(numbers) - 50} more" if len(numbers) > 50 else "")
