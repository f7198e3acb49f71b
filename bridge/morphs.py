"""Morphs: a cell of a grid, given in the receive thread. Of what a client sends at once only the newest is answered."""

from bridge.clients import Client
from bridge.outbox import Outbox
from bridge.protocol import Fail
from bridge.replies import Replies


class Morphs:
    """A morph waits here until all packets that have arrived are read and its client has room for the clip."""

    HANDLERS = ("morph",)

    def __init__(self, outbox: Outbox, replies: Replies):
        self._outbox = outbox
        self._replies = replies
        self._waiting: dict[Client, dict] = {}

    def morph(self, client: Client, values: dict) -> None:
        client.grid(values["grid"])
        older = self._waiting.pop(client, None)
        if older is not None and (older["rid"], older["asked"]) != (values["rid"], values["asked"]):
            self._fail(client, older, Fail("cancelled", f"replaced by the newer morph {values['rid']}"))
        self._waiting[client] = values

    def tick(self) -> bool:
        """Answer the newest morphs; whether some still wait for room at their client."""
        for client, values in list(self._waiting.items()):
            if self._outbox.waiting(client.reply):
                continue
            del self._waiting[client]
            try:
                cell = client.grid(values["grid"]).cell(values["x"], values["y"])
            except Fail as fail:
                self._fail(client, values, fail)
                continue
            cell = cell._replace(velocity=values["options"].get("velocity"))
            self._replies.figures.add("morphs")
            self._replies.clip(client, values["rid"], cell)
            self._replies.done(client, values["rid"], values["address"], 1, clips=True, asked=values["asked"],
                               made=(cell,), borrowed=True)
        return bool(self._waiting)

    def cancel(self, client: Client, rid: int) -> bool:
        """Fail a client's waiting morph with `cancelled`; whether it was that one which waits."""
        values = self._waiting.get(client)
        if values is None or values["rid"] != rid:
            return False
        del self._waiting[client]
        self._fail(client, values, Fail("cancelled", "cancelled by /vae/cancel"))
        return True

    def stop(self, fail: Fail) -> None:
        """Fail all that wait."""
        waiting, self._waiting = self._waiting, {}
        for client, values in waiting.items():
            self._fail(client, values, fail)

    def _fail(self, client: Client, values: dict, fail: Fail) -> None:
        self._replies.fail(client, values["rid"], values["address"], fail, asked=values["asked"])
