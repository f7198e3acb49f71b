"""One request from the shell: words become typed arguments by the table, MIDI files become uploads, clips become files."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from bridge.client import DaemonClient, Reply
from bridge.protocol import COMMANDS, OPTIONS, PROTOCOL, Arg, Command, Fail
from vae.clip_files import file_stem, write_clip
from vae.codecs import CODECS
from vae.errors import did_you_mean
from vae.jobs import random_seed
from vae.notes import read_clip

DEFAULTS = {"count": 1, "temperature": 0.5, "amount": 0.5, "columns": 4, "rows": 4, "reply_port": 0,
            "client": "play-osc", "protocol": PROTOCOL}
UPLOADS = ("/vae/clip/begin", "/vae/clip/notes", "/vae/clip/end")  # a MIDI file as an argument does all three


def find_command(word: str) -> Command:
    """A request by its address or its last part. Raises Fail naming the nearest."""
    address = word if word.startswith("/") else f"/vae/{word}"
    if address not in COMMANDS or address in UPLOADS:
        words = [known.removeprefix("/vae/") for known in COMMANDS if known not in UPLOADS]
        raise Fail("unknown_address", f"no request {word!r}{did_you_mean(word, words)}; requests: {', '.join(words)}")
    return COMMANDS[address]


def send(client: DaemonClient, command: Command, words: list[str]) -> Reply:
    """Send a request given in words and collect its answer. Raises Fail, TimeoutError or MidiError."""
    args = list(command.args)
    if command.optional and len(words) >= len(args) + len(command.optional) and words[len(args)] not in OPTIONS:
        args[command.optional_at:command.optional_at] = command.optional
    defaults = {**DEFAULTS, "seed": random_seed()}
    values = []
    for number, arg in enumerate(args):
        if number < len(words) and words[number] not in (OPTIONS if command.options else ()):
            values.append(_value(client, arg, words[number], values))
        elif arg.name in defaults:
            words = [*words[:number], "", *words[number:]]
            values.append(defaults[arg.name])
        else:
            raise Fail("bad_arguments", f"{arg} is missing; {command.address.removeprefix('/vae/')} takes "
                                        f"{', '.join(map(str, args))}")
    rest = words[len(args):]
    for name, word in zip(rest[::2], rest[1::2]):
        values += [name, _typed(OPTIONS[name][0], word) if name in OPTIONS else word]
    return client.ask(command.address, *values, *rest[len(rest) // 2 * 2:])


def _value(client: DaemonClient, arg: Arg, word: str, before: list) -> int | float | str:
    """The value of an argument; `before` are those of the arguments before it, of which a clip's model is the first."""
    if not arg.name.startswith("clip") or not Path(word).is_file():
        return _typed(arg, word)
    name = f"argument {len(before)}"  # two files may have one name
    task = client.task(before[0])
    client.upload(name, read_clip(word, CODECS[task].parts if task in CODECS else None))
    return name


def _typed(arg: Arg, word: str) -> int | float | str:
    try:
        return {"i": int, "f": float, "s": str}[arg.type](word)
    except ValueError:
        raise Fail("bad_arguments", f"{arg} expected, received {word!r}") from None


def show(reply: Reply, out: Path | None, words: Sequence[str]) -> list[str]:
    """Lines that tell what came; clips are written as MIDI files into `out` if given.

    words: those that were sent; files and options among them are part of the new files' names.
    """
    sources = [Path(word) for word in words if Path(word).is_file()]
    options = [name + value for name, value in pairwise(words) if name in OPTIONS]
    lines = []
    for message in reply.lines:
        if message.address not in ("/vae/accepted", "/vae/progress"):
            lines.append("  ".join(f"{value:.6g}" if isinstance(value, float) else str(value)
                                   for value in message.args[1:]))
    for clip in reply.clips.values():
        where = ""
        if out is not None:
            stem = file_stem(clip.name.replace(f"#{clip.index}", f"{clip.index:02d}"), sources, options)
            where = f" -> {write_clip(clip.clip(), out, stem)}"
        lines.append(f"{clip.name}: {clip.beats:g} beats, {clip.count} notes{where}")
    return [*lines, f"done {' '.join(map(str, reply.done))}"]
