"""What each request does, by the handler's name in the table of `bridge.protocol`. All of it runs in the receive thread:
handlers look up, store and queue, they compute nothing."""

import os
import time
from collections.abc import Callable

import numpy as np
import psutil

from bridge.clients import Client, Clients
from bridge.engine import Engine
from bridge.loading import Waiter
from bridge.morphs import Morphs
from bridge.osc import Message
from bridge.outbox import Outbox
from bridge.protocol import COMMANDS, MAX_CELLS, PROTOCOL, REPLIES_ONLY, VERSION, Command, Fail, hint
from bridge.replies import Replies
from bridge.request import Request
from bridge.uploads import Upload, Uploads
from vae.codecs import DRUM_KINDS, Codec, codec, quantize_beats
from vae.constraints import Constraints, logit_bias
from vae.jobs import Job
from vae.long import segment_count
from vae.notes import Clip

UNAUTHORIZED = Fail("unauthorized", "this daemon asks for its token: send it as the last argument of /vae/hello")
STOPPING = Fail("cancelled", "the daemon is stopping")
DRUM_PITCHES = frozenset(pitch for _, pitches in DRUM_KINDS for pitch in pitches)


class Handlers:
    """Dispatches messages. `handle` is what the receive loop calls, `tick` what it calls between packets."""

    def __init__(self, clients: Clients, engine: Engine, outbox: Outbox, replies: Replies):
        self._clients = clients
        self._engine = engine
        self._replies = replies
        self._uploads = Uploads(clients, replies)
        self._morphs = Morphs(outbox, replies)
        self._memory_figures: dict[str, float] = {}
        self._memory_read = float("-inf")
        self._handlers: dict[str, Callable[[Client, dict], None]] = {
            command.address: getattr(self._owner(command.handler), command.handler) for command in COMMANDS.values()}

    def _owner(self, handler: str) -> object:
        return next((owner for owner in (self._uploads, self._morphs) if handler in owner.HANDLERS), self)

    def handle(self, client: Client, message: Message) -> None:
        """Serve one message: it ends in a done or a fail, now or later."""
        if message.address in REPLIES_ONLY:  # another daemon's: an answer would be answered, and so on for ever
            self._replies.figures.add("dropped")
            return
        try:
            if not client.authorized and message.address != "/vae/hello":
                raise UNAUTHORIZED
            if self._replies.crowded(client):
                self._replies.figures.add("dropped")  # as if lost on the way: an answer could not be sent either
                return
            if message.fault is not None:
                raise message.fault
            command = COMMANDS.get(message.address)
            if command is None:
                raise Fail("unknown_address",
                           f"no request {message.address!r}{hint(message.address, COMMANDS)}")
            values = command.parse(message.args)
            values["address"] = message.address
            values["asked"] = message.identity if command.cached else b""
            if not (command.cached and self._repeated(client, command, values)):
                self._handlers[message.address](client, values)
        except Fail as fail:
            self._replies.fail(client, message.rid, message.address, fail if client.authorized else UNAUTHORIZED)

    def tick(self) -> bool:
        """Between packets: answer morphs, let go of what is too much. Whether some morphs still wait."""
        for client in self._clients.take_gone():
            self._uploads.stop(client, Fail("cancelled", "this client was forgotten: too many others came since"))
            self._clients.budget.leave(client)
        for client, name, value in self._clients.budget.shed():
            if isinstance(value, Upload) and not value.dones:
                self._uploads.fail(client, value, Fail("busy", f"too much is being uploaded; {name!r} was given up"))
        return self._morphs.tick()

    def housekeep(self) -> None:
        """Once a second: give up uploads that stopped coming, let go of old answers."""
        self._uploads.expire()
        self._clients.expire_answers()

    def stop(self) -> None:
        """Fail what waits for more messages or for room."""
        self.tick()
        self._morphs.stop(STOPPING)
        for client in self._clients.everyone():
            self._uploads.stop(client, STOPPING)

    def _repeated(self, client: Client, command: Command, values: dict) -> bool:
        """Answer a request that was answered before, or is being served, without doing it again."""
        rid, asked = values["rid"], values["asked"]
        if command.queued and self._engine.running(client, rid, asked):
            return True
        answer = client.answers.get(rid)
        if answer is None or answer.asked != asked:
            return False
        if answer.clips and self._replies.crowded(client, clips=True):
            self._replies.figures.add("dropped")  # the client has not even got what it asked for before
            return True
        for clip in answer.clips:
            self._replies.clip(client, rid, clip)
        self._replies.again(client, answer.end, clips=bool(answer.clips))
        return True

    # Cheap requests.

    def hello(self, client: Client, values: dict) -> None:
        self._clients.hello(client, values["reply_port"], values["client"], values.get("token"))
        self._done(client, values, 0, PROTOCOL, VERSION, len(self._engine.catalogue.loaded()))

    def ping(self, client: Client, values: dict) -> None:
        self._done(client, values, 0)

    def models(self, client: Client, values: dict) -> None:
        entries = self._engine.catalogue.entries.values()
        for entry in entries:
            self._replies.say(client, "/vae/model", values["rid"], entry.name, entry.task, entry.bars, entry.latent,
                              entry.state, entry.parameters, entry.device)
        self._done(client, values, len(entries))

    def status(self, client: Client, values: dict) -> None:
        figures = self._replies.figures.read() | {
            "queue": float(self._engine.queued()),
            "clients": float(len(self._clients)),
            "models": float(len(self._engine.catalogue.loaded())),
        } | self._memory()
        for name, value in figures.items():
            self._replies.say(client, "/vae/stat", values["rid"], name, value)
        self._done(client, values, len(figures))

    def _memory(self) -> dict[str, float]:
        """Memory in RAM, read once a second at the most: the system takes long to say it."""
        if time.monotonic() - self._memory_read > 1.0:
            self._memory_read = time.monotonic()
            self._memory_figures = {"rss_mb": _resident_mb(os.getpid()),
                                    "worker_rss_mb": _resident_mb(self._engine.worker_pid)}
        return self._memory_figures

    def describe(self, client: Client, values: dict) -> None:
        for command in COMMANDS.values():
            self._replies.say(client, "/vae/command", values["rid"], command.address, command.arguments(), command.doc)
        self._done(client, values, len(COMMANDS))

    def cancel(self, client: Client, values: dict) -> None:
        rid = values["of_rid"]
        self._done(client, values, int(any(place.cancel(client, rid) for place in (
            self._engine, self._morphs, self._uploads))))

    def resend(self, client: Client, values: dict) -> None:
        of_rid, index, seq = values["of_rid"], values["index"], values["seq"]
        answer = client.answers.get(of_rid)
        clips = answer.clips if answer else self._engine.clips_so_far(client, of_rid)
        if answer and answer.borrowed:  # a morph's only clip has the number of its cell
            index = 0
        if index >= len(clips):
            raise Fail("bad_arguments", f"clip {index} of request {of_rid} is not kept; {len(clips)} clips of it are")
        clip = clips[index]
        if seq >= clip.count - 1:
            raise Fail("bad_arguments", f"seq -1 to {clip.count - 2} of that clip can be had, received {seq}")
        self._check_room(client)
        self._replies.again(client, clip.messages(values["rid"])[seq + 1], clips=True)
        self._replies.done(client, values["rid"], "/vae/resend", 1, clips=True)

    # Models.

    def load(self, client: Client, values: dict) -> None:
        self._engine.load(Waiter(client, values["rid"], values["address"], values["asked"], values["model"]))

    def unload(self, client: Client, values: dict) -> None:
        self.load(client, values)

    # Clips from models.

    def generate(self, client: Client, values: dict) -> None:
        self._submit(client, values, "generate", values["count"])

    def reconstruct(self, client: Client, values: dict) -> None:
        self._submit(client, values, "reconstruct", 1, ("clip",))

    def vary(self, client: Client, values: dict) -> None:
        self._submit(client, values, "vary", values["count"], ("clip",), amount=values["amount"])

    def interpolate(self, client: Client, values: dict) -> None:
        self._submit(client, values, "interpolate", values["count"], ("clip_a", "clip_b"))

    def grid(self, client: Client, values: dict) -> None:
        columns, rows = values["columns"], values["rows"]
        if columns * rows > MAX_CELLS:
            raise Fail("too_large", f"grids have at most {MAX_CELLS} cells, received {columns} x {rows}")
        corners = tuple(name for name in ("clip_a", "clip_b", "clip_c", "clip_d") if name in values)
        self._submit(client, values, "grid", columns * rows, corners, columns=columns, rows=rows, grid=values["grid"])

    def _submit(self, client: Client, values: dict, kind: str, count: int, clips: tuple[str, ...] = (),
                grid: str | None = None, **more: float) -> None:
        self._check_room(client)
        entry = self._engine.catalogue.usable(values["model"])
        constraints = Constraints(**values["options"])
        task = codec(entry.task)
        try:
            logit_bias(task, constraints)
        except ValueError as error:
            raise Fail("bad_arguments", str(error)) from None
        rows = segment_count(constraints.bars, task.bars)
        sources = tuple(_readable(client.clip(values[name]), values[name], entry.name, task, rows) for name in clips)
        job = Job(kind, entry.name, count, values["temperature"], values["seed"], constraints, sources, **more)
        self._engine.submit(Request(client, values["rid"], values["address"], values["asked"], job, rows, grid))

    def _check_room(self, client: Client) -> None:
        if self._replies.crowded(client, clips=True):
            raise Fail("busy", "thousands of messages with clips are still on their way to this client; read those first")

    def _done(self, client: Client, values: dict, count: int, *more: int | str) -> None:
        self._replies.done(client, values["rid"], values["address"], count, *more, asked=values["asked"])


def _readable(clip: Clip, name: str, model: str, task: Codec, windows: int) -> Clip:
    """The clip, or Fail when a model of this task finds no note in its first `windows` windows (see `vae.long`)."""
    starts = np.array([note.start for note in clip.notes
                       if note.part in task.parts and (note.part != "drums" or note.pitch in DRUM_PITCHES)])
    window = starts // task.beats
    read = (window < windows) & (quantize_beats(starts - window * task.beats) < task.steps)
    if not read.any():
        there = ", ".join(sorted({note.part for note in clip.notes})) or "no notes"
        raise Fail("empty_clip", f"model {model!r} finds no note to read in clip {name!r}: it reads {', '.join(task.parts)} "
                                 f"within {windows * task.beats:g} beats, the clip has {there}")
    return clip


def _resident_mb(pid: int | None) -> float:
    """Memory that a process has in RAM, in MB; 0 when there is none."""
    try:
        return psutil.Process(pid).memory_info().rss / 1e6 if pid else 0.0
    except psutil.Error:
        return 0.0
