"""The OSC contract as one table: every request with its typed arguments, its words and the name of its handler.

Validation (`parse`), self-description (`describe`) and the reference in docs/protocol.md (`bridge.reference`) all come
from it, so what the daemon accepts, says and documents is the same thing. Arguments may be appended in a later version
of the protocol, never reordered.
"""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from vae.constraints import SCALES, Constraints, scale_name
from vae.errors import did_you_mean
from vae.jobs import MOST_CLIPS
from vae.notes import BEATS_PER_BAR, PARTS, Note

PROTOCOL = 1
VERSION = "0.1.0"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9110
MAX_CELLS = 256  # of one grid
MAX_BARS = 64
MAX_UPLOAD_NOTES = 4096
MAX_UPLOAD_BEATS = float(MAX_BARS * BEATS_PER_BAR)
NOTES_PER_MESSAGE = 60  # 60 notes are 1,244 bytes, under the 1,400 that the daemon keeps to

CODES = {
    "bad_arguments": "an argument is missing, of another type or out of range; the message names it",
    "unknown_address": "no such request",
    "unknown_model": "no model of that name is installed",
    "not_loaded": "the model is installed but not loaded (see `/vae/load`), or could not be loaded",
    "unknown_clip": "no clip of that name was uploaded by this client",
    "unknown_grid": "no grid of that name was made for this client",
    "incomplete": "chunks of an uploaded clip are missing; the message names them",
    "empty_clip": "the clip has no note that the model reads",
    "too_large": "more bytes, beats, notes or cells than the daemon takes",
    "busy": "the queue is full, the request waited too long, or too much still waits to be sent to this client; ask again",
    "cancelled": "cancelled by the client, replaced by a newer morph, or the daemon is stopping",
    "unauthorized": "this daemon asks for a token; send it with `/vae/hello`",
    "internal": "a fault of the daemon, described in its log",
}

NOTICES = {
    "ready": "all models named at the start are loaded (or have failed)",
    "model loaded": "a model, or its new version, serves from now on; detail is its name",
    "model failed": "a model could not be loaded; detail is its name and the reason. What served before still does",
    "stopping": "the daemon ends",
}


class Fail(Exception):
    """A request's end with `/vae/fail`. code: one of CODES. message: what was wrong, allowed and received."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Arg:
    """One typed argument: "i" (int32), "f" (float32; an int is accepted) or "s" (UTF-8). low, high: limits, if any; of a
    text in bytes."""

    name: str
    type: str
    low: float | None = None
    high: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.name} {self.type}"
        if self.low is not None:
            text += f" >= {self.low:g}" if self.high is None else f" {self.low:g}-{self.high:g}"
        return text + (f" {self.unit}" if self.unit else "")

    def check(self, value: float | str) -> int | float | str:
        """The value, or Fail saying what is allowed and what was received."""
        if self.type == "s":
            return self._check_text(value)
        kind = int if self.type == "i" else (int, float)
        if not isinstance(value, kind):
            raise Fail("bad_arguments", f"{self} expected, received {describe_value(value)}")
        if self.low is not None and value < self.low or self.high is not None and value > self.high:
            raise Fail("bad_arguments", f"{self} expected, received {value if isinstance(value, int) else f'{value:g}'}")
        return value if self.type == "i" else float(value)

    def _check_text(self, value: float | str) -> str:
        if not isinstance(value, str):
            raise Fail("bad_arguments", f"{self} expected, received {describe_value(value)}")
        if self.choices:
            if value not in self.choices:
                raise Fail("bad_arguments", f"{self.name}: one of {', '.join(self.choices)} expected, "
                                            f"received {value[:MAX_TEXT]!r}{hint(value, self.choices)}")
        elif not is_text(value, self.low):
            raise Fail("bad_arguments", f"{self} of printable text expected, received {value[:40]!r}")
        return value


MAX_TEXT = 100  # bytes of a name; names come back in replies, which must fit in one message


def is_text(value: str, least: int = 1) -> bool:
    """Whether a text can be an argument: printable (which lone surrogates are not) and of so many bytes of UTF-8."""
    return value.isprintable() and least <= len(value.encode()) <= MAX_TEXT


def _text(name: str, least: int = 1) -> Arg:
    return Arg(name, "s", least, MAX_TEXT, "bytes")


RID = Arg("rid", "i", 1)
MODEL, CLIP, GRID = _text("model"), _text("clip"), _text("grid")
COUNT = Arg("count", "i", 1, MOST_CLIPS)
TEMPERATURE = Arg("temperature", "f", 0, 4)
SEED = Arg("seed", "i")
OF_RID = Arg("of_rid", "i", 1)
NOTE = (Arg("pitch", "i", 0, 127), Arg("start", "f", 0, MAX_UPLOAD_BEATS, "beats"),
        Arg("duration", "f", 0, MAX_UPLOAD_BEATS, "beats"), Arg("velocity", "i", 1, 127))

OPTIONS: dict[str, tuple[Arg, str]] = {
    "root": (Arg("root", "i", 0, 11), "pitch class on which `scale` starts, 0 = C; alone it means Major"),
    "scale": (_text("scale"), "a scale by the name that Live 12 gives it, or Chromatic; alone it starts on C"),
    "low": (Arg("low", "i", 0, 127), "lowest pitch"),
    "high": (Arg("high", "i", 0, 127), "highest pitch"),
    "density": (Arg("density", "f", 0, 1), "0.5 leaves the model alone; less gives fewer notes, more gives more"),
    "velocity": (Arg("velocity", "i", 1, 127), "of every note; 100 without it"),
    "bars": (Arg("bars", "i", 1, MAX_BARS), "length of a clip in bars of four beats; the model's own without it"),
}


EVERY_OPTION = tuple(OPTIONS)


@dataclass(frozen=True)
class Command:
    """One request. optional: arguments that come together or not at all, before the argument numbered `optional_at`."""

    address: str
    handler: str
    args: tuple[Arg, ...]
    answer: str
    doc: str
    optional: tuple[Arg, ...] = ()
    optional_at: int = 0
    notes: bool = False
    options: tuple[str, ...] = ()  # those that it takes
    queued: bool = False  # served by the engine's thread, where a repetition may find it still waiting
    cached: bool = False  # the same rid with the same request is answered from the cache
    every: tuple[Arg, ...] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "every", (RID, *self.args))

    def arguments(self) -> str:
        """The arguments in words, as in the reference."""
        words = [str(arg) for arg in self.every]
        if self.optional:
            words.insert(self.optional_at + 1, "[" + ", ".join(map(str, self.optional)) + "]")
        if self.notes:
            words.append("(" + ", ".join(map(str, NOTE)) + f") x 0-{NOTES_PER_MESSAGE}")
        if self.options:
            names = "option" if self.options == EVERY_OPTION else " or ".join(map(repr, self.options))
            words.append(f"[{names} s, value] ...")
        return ", ".join(words)

    def parse(self, values: list) -> dict:
        """Arguments by name, `notes` as tuple[Note, ...] and `options` as a dict where the command has them.

        Raises Fail("bad_arguments") naming the argument, what is allowed and what was received.
        """
        args = self.every
        at = self.optional_at + 1
        if self.optional and isinstance(values[at] if at < len(values) else None, str):
            args = (*args[:at], *self.optional, *args[at:])
        if len(values) < len(args) or (len(values) > len(args) and not (self.notes or self.options)):
            raise Fail("bad_arguments", f"{self.address} takes {self.arguments()}; received {len(values)} arguments")
        parsed = {arg.name: arg.check(value) for arg, value in zip(args, values)}
        rest = values[len(args):]
        if self.notes:
            parsed["notes"] = parse_notes(parsed["part"], rest)
        if self.options:
            parsed["options"] = parse_options(rest, self.options)
        return parsed


def parse_notes(part: str, values: list) -> tuple[Note, ...]:
    """Notes from a flat list of pitch, start, duration, velocity. Raises Fail as `Command.parse`."""
    if len(values) % len(NOTE):
        raise Fail("bad_arguments", f"notes are groups of {', '.join(map(str, NOTE))}; received {len(values)} values")
    if len(values) > NOTES_PER_MESSAGE * len(NOTE):
        raise Fail("bad_arguments",
                   f"at most {NOTES_PER_MESSAGE} notes a message, received {len(values) // len(NOTE)}")
    notes = []
    for first in range(0, len(values), len(NOTE)):
        note = Note(part, *(arg.check(value) for arg, value in zip(NOTE, values[first:first + len(NOTE)])))
        if note.duration == 0:
            raise Fail("bad_arguments", f"a note's duration must be above 0 beats, received 0 for pitch {note.pitch}")
        notes.append(note)
    return tuple(notes)


def parse_options(values: list, allowed: tuple[str, ...]) -> dict[str, int | float | str]:
    """Trailing pairs `name, value`: arguments of `Constraints` by name. Raises Fail as `Command.parse`."""
    if len(values) % 2:
        raise Fail("bad_arguments", f"options are pairs of a name and a value; received {len(values)} values: {values[:6]}")
    chosen = {}
    for name, value in zip(values[::2], values[1::2]):
        if name not in allowed:
            why = "; the others act while clips are decoded, and those of a grid are" if name in OPTIONS else hint(name, allowed)
            raise Fail("bad_arguments", f"an option of {', '.join(allowed)} expected, received {describe_value(name)}{why}")
        if name in chosen:
            raise Fail("bad_arguments", f"option {name} was given twice")
        chosen[name] = OPTIONS[name][0].check(value)
    if "scale" in chosen:
        known = scale_name(chosen["scale"])
        if known is None:
            raise Fail("bad_arguments", f"scale: one of {', '.join(SCALES)} expected, "
                                        f"received {chosen['scale']!r}{hint(chosen['scale'], SCALES)}")
        chosen["scale"] = known
    constraints = Constraints(**chosen)
    if constraints.low > constraints.high:
        raise Fail("bad_arguments", f"low must not be above high, received {constraints.low} and {constraints.high}")
    return chosen


def describe_value(value: object) -> str:
    """A received value with its OSC type, for messages."""
    kind = {bool: "a boolean", int: "int", float: "float", str: "text"}.get(type(value), type(value).__name__)
    return f"{kind} {str(value)[:40]!r}" if isinstance(value, str) else f"{kind} {value}"


def hint(word: object, known: Iterable[str]) -> str:
    """`did_you_mean`, but nothing in a flood of wrong words.

    The search takes a quarter of a millisecond. People need few hints a second; a flood of wrong words gets no more.
    """
    now = time.monotonic()
    if len(_hints) == _hints.maxlen and now - _hints[0] < 1.0:
        return ""
    _hints.append(now)
    return did_you_mean(str(word)[:MAX_TEXT], known)


_hints: deque[float] = deque(maxlen=50)  # when the latest were looked for


COMMANDS = {command.address: command for command in (
    Command("/vae/hello", "hello", (Arg("reply_port", "i", 0, 65535), _text("client", 0), Arg("protocol", "i", 1, 1000)),
            "done carries protocol i, server version s, models loaded i",
            "say who you are and where replies go (reply_port 0: to the port this came from)",
            optional=(_text("token", 0),), optional_at=3),
    Command("/vae/ping", "ping", (), "", "check that the daemon answers"),
    Command("/vae/models", "models", (), "a `/vae/model` per model", "list the models and what state each is in"),
    Command("/vae/status", "status", (), "a `/vae/stat` per figure", "read the daemon's figures"),
    Command("/vae/describe", "describe", (), "a `/vae/command` per request", "list the requests with their arguments"),
    Command("/vae/load", "load", (MODEL,), "`/vae/progress`",
            "load a model, or its newest version, while the others (and its old version) go on serving", queued=True, cached=True),
    Command("/vae/unload", "unload", (MODEL,), "`/vae/progress`", "take a model out of memory", queued=True, cached=True),
    Command("/vae/clip/begin", "clip_begin",
            (CLIP, Arg("beats", "f", 0.25), Arg("notes", "i", 0),
             Arg("chunks", "i", 0)),
            "done only after `/vae/clip/end`",
            "begin the upload of a clip; its three kinds of message may share one rid", cached=True),
    Command("/vae/clip/notes", "clip_notes", (CLIP, Arg("seq", "i", 0), Arg("part", "s", choices=PARTS)),
            "done only after `/vae/clip/end`", "one chunk of a clip, numbered from 0; a repeated one is taken once",
            notes=True),
    Command("/vae/clip/end", "clip_end", (CLIP,), "done, or fail `incomplete` naming the missing seq",
            "end an upload: from now on the clip can be named in requests"),
    Command("/vae/generate", "generate", (MODEL, COUNT, TEMPERATURE, SEED), "clips",
            "new clips drawn from the model; temperature 0 gives the most likely notes", options=EVERY_OPTION, queued=True, cached=True),
    Command("/vae/reconstruct", "reconstruct", (MODEL, CLIP, TEMPERATURE, SEED), "one clip",
            "the clip as the model understands it: encoded and decoded", options=EVERY_OPTION, queued=True, cached=True),
    Command("/vae/vary", "vary", (MODEL, CLIP, COUNT, Arg("amount", "f", 0, 1), TEMPERATURE, SEED),
            "clips, from near to far", "clips that resemble a clip", options=EVERY_OPTION, queued=True, cached=True),
    Command("/vae/interpolate", "interpolate",
            (MODEL, _text("clip_a"), _text("clip_b"), COUNT, TEMPERATURE, SEED), "clips, a first and b last",
            "a way from one clip to another", options=EVERY_OPTION, queued=True, cached=True),
    Command("/vae/grid", "grid",
            (MODEL, GRID, Arg("columns", "i", 1, MAX_CELLS), Arg("rows", "i", 1, MAX_CELLS), _text("clip_a"),
             _text("clip_b"), TEMPERATURE, SEED),
            "`/vae/progress`; a clip per cell, index = row x columns + column",
            "the plane between two clips (a at x = 0, b at x = 1) or four (c and d at y = 1), kept for `/vae/morph`",
            optional=(_text("clip_c"), _text("clip_d")), optional_at=6, options=EVERY_OPTION, queued=True, cached=True),
    Command("/vae/morph", "morph", (GRID, Arg("x", "f", 0, 1), Arg("y", "f", 0, 1)),
            "one clip, from the grid; its index is the cell's",
            "the cell of a grid nearest to a point; of several that a client sends at once only the newest is answered, "
            "the others get fail `cancelled`", options=("velocity",), cached=True),
    Command("/vae/resend", "resend", (OF_RID, Arg("index", "i", 0), Arg("seq", "i", -1)),
            "that chunk again, under the new rid",
            "have a lost message of a clip again (seq -1 is its begin); kept for 30 s after the request"),
    Command("/vae/cancel", "cancel", (OF_RID,), "done carries count 1, or 0 when there was nothing to cancel",
            "the cancelled request gets fail `cancelled`; of an upload all requests do", cached=True),
)}

REPLIES = (
    ("/vae/accepted", "rid, place in the queue i", "the request waits for its turn; 0 is next"),
    ("/vae/progress", "rid, fraction f 0-1", ""),
    ("/vae/clip/begin", "rid, index i, beats f, notes i, chunks i, name s", "a clip begins"),
    ("/vae/clip/notes", "rid, index i, seq i, part s, (pitch i, start f, duration f, velocity i) x 1-60",
     "chunk `seq` of the clip, of one part"),
    ("/vae/clip/end", "rid, index i, notes i", "a clip ends"),
    ("/vae/model", "rid, name s, task s, bars i, latent i, state s, parameters i, device s",
     "state: loaded, available, loading or failed"),
    ("/vae/stat", "rid, name s, value f", ""),
    ("/vae/command", "rid, address s, arguments s, doc s", ""),
    ("/vae/done", "rid, command s, count i, ...", "the request's address, and how many clips or lines it gave"),
    ("/vae/fail", "rid, command s, code s, message s", ("the request's address, one of the codes below, and in words "
                                                       "what was wrong, what is allowed and what was received")),
    ("/vae/notice", "0, event s, detail s", "to clients seen in the last 15 s"),
)
REPLIES_ONLY = frozenset(address for address, _, _ in REPLIES) - COMMANDS.keys()  # what no client ever asks
