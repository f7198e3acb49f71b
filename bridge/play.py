"""One request from the shell: words become typed arguments by the table, MIDI files become uploads, clips become files."""

from pathlib import Path

from bridge.client import DaemonClient, Reply
from bridge.protocol import COMMANDS, OPTIONS, PROTOCOL, Arg, Command, Fail
from vae.errors import did_you_mean
from vae.notes import read_clip, write_midi

DEFAULTS = {"count": 1, "temperature": 0.5, "seed": 1, "amount": 0.5, "columns": 4, "rows": 4, "reply_port": 0,
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
    values = []
    for number, arg in enumerate(args):
        if number < len(words) and words[number] not in (OPTIONS if command.options else ()):
            values.append(_value(client, arg, words[number]))
        elif arg.name in DEFAULTS:
            words = [*words[:number], "", *words[number:]]
            values.append(DEFAULTS[arg.name])
        else:
            raise Fail("bad_arguments", f"{arg} is missing; {command.address} takes {command.arguments()}")
    rest = words[len(args):]
    for name, word in zip(rest[::2], rest[1::2]):
        values += [name, _typed(OPTIONS[name][0], word) if name in OPTIONS else word]
    return client.ask(command.address, *values, *rest[len(rest) // 2 * 2:])


def _value(client: DaemonClient, arg: Arg, word: str) -> int | float | str:
    if not arg.name.startswith("clip") or not Path(word).is_file():
        return _typed(arg, word)
    name = Path(word).stem[:60]
    client.upload(name, read_clip(word))
    return name


def _typed(arg: Arg, word: str) -> int | float | str:
    try:
        return {"i": int, "f": float, "s": str}[arg.type](word)
    except ValueError:
        raise Fail("bad_arguments", f"{arg} expected, received {word!r}") from None


def show(reply: Reply, out: Path | None) -> list[str]:
    """Lines that tell what came; clips are written as MIDI files into `out` if given."""
    lines = []
    for message in reply.lines:
        if message.address not in ("/vae/accepted", "/vae/progress"):
            lines.append("  ".join(f"{value:.6g}" if isinstance(value, float) else str(value)
                                   for value in message.args[1:]))
    for clip in reply.clips.values():
        where = ""
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            path = out / f"{clip.name.replace('#', 'n')}.mid"
            write_midi(clip.clip(), path)
            where = f" -> {path}"
        lines.append(f"{clip.name}: {clip.beats:g} beats, {clip.count} notes{where}")
    return [*lines, f"done {' '.join(map(str, reply.done))}"]
