"""docs/protocol.md, made from the table: `python -m bridge.reference` writes it, and a test fails when it is stale."""

from pathlib import Path

from bridge.cache import KEPT
from bridge.clients import RECENT
from bridge.osc import MAX_DEPTH, MAX_PACKET, MAX_SENT
from bridge.protocol import (
    CODES,
    COMMANDS,
    DEFAULT_HOST,
    DEFAULT_PORT,
    MAX_CELLS,
    MAX_TEXT,
    MAX_UPLOAD_BEATS,
    MAX_UPLOAD_NOTES,
    NOTICES,
    OPTIONS,
    PROTOCOL,
    REPLIES,
)
from bridge.uploads import UPLOAD_TIMEOUT
from vae.constraints import HIT_DENSITY_NATS, NOTE_DENSITY_NATS, SCALES

PAGE = Path(__file__).parent.parent / "docs" / "protocol.md"

INTRODUCTION = f"""# The OSC protocol, version {PROTOCOL}

Made by `python -m bridge.reference` from the table in `bridge/protocol.py`; change it there.

## Transport
- OSC over UDP, by default at {DEFAULT_HOST}:{DEFAULT_PORT}. Only the types `i`, `f` and `s` are sent and accepted; an int is taken where a float
  is expected, nothing else is converted. Texts are printable UTF-8 of at most {MAX_TEXT} bytes. Times are in beats (quarter notes), a sixteenth is 0.25.
- The first argument of every request is its `rid`, an int that the client chooses, 1 or above. Every reply carries it first.
- Replies go to the address and port that the request came from, unless `/vae/hello` named another port (and, on the same machine,
  unless that is closed by now: its port may have become another program's). (A program that opens a
  new port for every message, as liblo's `oscsend` does, says hello once with the port where it listens; what comes later from
  ports of the same machine that are closed by then is taken to be the same client's, unless the daemon asks for a token.)
- Every request ends in exactly one `/vae/done` or `/vae/fail`. A request without a readable rid is failed under rid 0.
- The same request with the same rid from the same client is answered again within {KEPT:g} s, not computed again. So a client that hears
  nothing simply repeats itself. While the first is still being served, the repetition gets `/vae/accepted`.
- Accepted are messages and bundles of up to {MAX_PACKET:,} bytes, bundles up to {MAX_DEPTH} deep; a bundle runs at once, whatever its time tag. Sent
  are messages of at most {MAX_SENT:,} bytes, paced so that a receiver which queues 512 of them and drains its queue every 20 ms
  loses none, nor one with Linux's default socket buffer. What is lost all the same can be had again with `/vae/resend`.
- What a client uploads or makes (clips, grids, rids) belongs to it: another client may use the same names.
- What only a daemon sends (`/vae/done` and the like) is dropped: two daemons cannot be made to answer each other.
- Packets that are not OSC are dropped and counted (`malformed` in `/vae/status`).
"""

DETAILS = f"""
### Clips from a client
`/vae/clip/begin`, then `chunks` times `/vae/clip/notes` in any order, then `/vae/clip/end`, under one rid or several: each rid is
answered when the upload ends, and again for {UPLOAD_TIMEOUT:g} s when it is repeated. After fail `incomplete` send the missing chunks and the end again. A clip holds up to
{MAX_UPLOAD_NOTES:,} notes and {MAX_UPLOAD_BEATS:g} beats; an upload that does not move for {UPLOAD_TIMEOUT:g} s is given up. A model reads the notes of its own parts
from the clip's start, as long as the model is (or as `bars` says).

### Clips from a model
The same request with the same seed gives the same notes, whatever else is being served; clip i of `/vae/generate` and `/vae/vary`
depends on the seed and i only, not on count. A grid has at most {MAX_CELLS} cells, its name is known once it is done. Clips are named
after what is needed to have them again: model, kind, seed, temperature and number.

## Options
Pairs `name s, value` at the end of `/vae/generate`, `/vae/reconstruct`, `/vae/vary`, `/vae/interpolate` and `/vae/grid`.
`/vae/morph` takes `velocity` alone: the other options act while clips are decoded, and those of a grid are decoded already.

| option | value | meaning |
| --- | --- | --- |
"""

OPTION_DETAILS = f"""
`root`, `scale`, `low`, `high` and `density` act on the distributions from which every step is drawn, as a bias added to the logits
before the softmax; nothing is moved or removed afterwards, so the model goes on from what it really played.

- `root` and `scale`: in melodic parts, note-ons of other pitches get a bias of minus a billion, which leaves them no probability;
  holds and rests are untouched. Drums ignore them.
- `low` and `high`: the same for pitches outside the range. For drums every combination of hits with a kind whose written pitch is
  outside gets no probability.
- `density`: in melodic parts the bias of all note-ons is {NOTE_DENSITY_NATS:g} (2 density - 1) nats, so at 1 the odds of a note against hold or rest
  are e^{NOTE_DENSITY_NATS:g} times the model's own. For drums it is {HIT_DENSITY_NATS:g} (2 density - 1) nats for each hit of a combination.
- `velocity`: given to every note.
- `bars`: a shorter clip is cut. A longer one is made of as many codes as it needs, one per stretch of the model's length, decoded with
  the same noise: new material walks along great circles of the latent space (slerp) from draw to draw, a new draw every four
  stretches; `reconstruct`, `vary` and grids follow the given clip stretch by stretch, again from its start when it ends;
  `interpolate` goes its way from a to b over all its clips together.

Scales: {', '.join(SCALES)}.
"""


def reference() -> str:
    """The whole page."""
    lines = [INTRODUCTION, "## Requests", "| address | arguments | answer before done | what it does |",
             "| --- | --- | --- | --- |"]
    for command in COMMANDS.values():
        lines.append(f"| `{command.address}` | {command.arguments()} | {command.answer} | {command.doc} |")
    lines.append(DETAILS.rstrip("\n"))
    lines += [f"| `{name}` | {str(arg).removeprefix(name + ' ')} | {doc} |" for name, (arg, doc) in OPTIONS.items()]
    lines += [OPTION_DETAILS, "## Replies", "| address | arguments | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{address}` | {arguments} | {doc} |" for address, arguments, doc in REPLIES]
    lines += ["", "### Codes of `/vae/fail`", "| code | meaning |", "| --- | --- |"]
    lines += [f"| `{code}` | {doc} |" for code, doc in CODES.items()]
    lines += ["", f"### Events of `/vae/notice`, to clients seen in the last {RECENT:g} s", "| event | meaning |", "| --- | --- |"]
    lines += [f"| `{event}` | {doc} |" for event, doc in NOTICES.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
