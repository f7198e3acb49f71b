"""The commands `devices` and `live`. Heavy imports stay inside the functions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from vae.errors import FiniteRange, UserError
from vae.program import program


@click.group()
def devices():
    """Build and verify the Max for Live devices."""


@devices.command()
def build():
    """Make the .amxd files in max_patches/, and the tables of docs/devices.md, from the devices' sources."""
    from ableton.build import build_all, sources
    from ableton.guide import GUIDE, refreshed
    from ableton.max_objects import UnknownObject
    from ableton.patcher import SourceError

    try:
        for path, changed in build_all().items():
            click.echo(f"{'built' if changed else 'unchanged':<10} {path.name}")
        if GUIDE.exists():  # not in an installed package
            GUIDE.write_text(refreshed(GUIDE.read_text("utf-8"), sources()), "utf-8")
    except (SourceError, UnknownObject) as error:
        raise UserError(str(error)) from None


@devices.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify(files):
    """Check device FILES, or those of this project: container, objects, cords, parameters, panel."""
    from ableton.build import built_devices
    from ableton.check import check_device, check_names

    own = not files
    contents = {path: path.read_bytes() for path in files or built_devices().values()}
    problems = {path.name: check_device(data) if own else _verify_foreign(data) for path, data in contents.items()}
    if own:
        problems["all devices"] = check_names(contents)
    for name, found in problems.items():
        click.echo(f"{'fine' if not found else 'broken':<8} {name}")
        for problem in found:
            click.echo(f"         {problem}")
    if any(problems.values()):
        raise UserError("not every device is fine")


def _verify_foreign(data: bytes) -> list[str]:
    from ableton import amxd

    return amxd.verify(data)  # our table of objects says nothing about other people's patchers


@click.group()
def live():
    """Install the devices into Live; write clips through AbletonOSC."""


_library = click.option("--library", type=click.Path(path_type=Path, file_okay=False),
                        help="Live's User Library, where it is not in its usual place.")


@live.command()
@_library
@click.option("--force", is_flag=True, help="Replace files of the same names that this project did not write.")
def install(library, force):
    """Put the devices where Live's browser shows them, or bring them up to date."""
    from ableton.build import built_devices
    from ableton.library import LibraryError, find_library
    from ableton.library import install as install_devices

    try:
        for change in install_devices(find_library(library), built_devices(), force):
            click.echo(f"{change.done:<10} {change.path}")
    except LibraryError as error:
        raise UserError(str(error)) from None
    click.echo("In Live's browser: MIDI Effects, Max MIDI Effect; the two MIDI Tools (Live 12) are in a clip's tools.")


@live.command()
@_library
def uninstall(library):
    """Remove the devices that `install` put there, and nothing else."""
    from ableton.library import LibraryError, find_library
    from ableton.library import uninstall as remove

    try:
        changes = remove(find_library(library))
    except LibraryError as error:
        raise UserError(str(error)) from None
    for change in changes:
        click.echo(f"{change.done:<10} {change.path}")
    if not changes:
        click.echo("nothing was installed there")


def _known_host(context: click.Context, option: click.Parameter, host: str) -> str:
    import socket

    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError):
        raise click.BadParameter(f"no computer is known as {host!r}") from None


def _connection(command):
    """Options that say where the daemon and AbletonOSC are."""
    port = click.IntRange(1, 65535)
    for option in (
        click.option("--reply-port", default=11001, show_default=True, type=port, help="Where AbletonOSC answers to."),
        click.option("--live-port", default=11000, show_default=True, type=port, help="AbletonOSC's port."),
        click.option("--live-host", default="127.0.0.1", show_default=True, callback=_known_host,
                     help="The computer that runs Live."),
        click.option("--token", envvar="MUSICVAE_TOKEN", show_envvar=True, help="The daemon's token, if it asks."),
        click.option("--port", default=9110, show_default=True, type=port, help="The daemon's port."),
        click.option("--host", default="127.0.0.1", show_default=True, callback=_known_host,
                     help="The daemon's address."),
    ):
        command = option(command)
    return command


def _writing(command):
    """Options of the commands that write clips."""
    for option in (
        click.option("--overwrite", is_flag=True, help="Replace the notes of clips that are in the way."),
        click.option("--drum-map", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     help="YAML file: which pad of the drum rack plays which kind of hit. General MIDI without it."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Which result; in the clip's name.",
                     show_default="a new one"),
        click.option("--temperature", default=0.5, show_default=True, type=FiniteRange(0, 4),
                     help="How daring; 0 is the most likely."),
    ):
        command = option(command)
    return command


@contextmanager
def _conversation(host, port, token, live_host, live_port, reply_port) -> Iterator[tuple]:
    """(daemon client, AbletonOSC client), with every failure as words for the user."""
    from ableton.drum_rack import DrumMapError
    from ableton.live_osc import AbletonOsc, LiveError
    from bridge.client import DaemonClient
    from bridge.protocol import Fail

    try:
        with AbletonOsc(live_host, live_port, reply_port) as osc, DaemonClient(host, port, 30.0, token) as daemon:
            osc.version()
            daemon.hello("musicvae live")
            yield daemon, osc
    except (LiveError, DrumMapError) as error:
        raise UserError(str(error)) from None
    except Fail as fail:
        raise UserError(f"the daemon says {fail.code}: {fail.message}") from None
    except TimeoutError as error:
        raise UserError(f"{error}. Is the daemon running? `{program()} serve` starts it.") from None


@live.command()
@click.argument("model")
@click.option("--track", "tracks", required=True, multiple=True, type=click.IntRange(0),
              help="Track to write to, the first is 0. A trio takes three: lead, bass, drums.")
@click.option("--slot", required=True, type=click.IntRange(0), help="First slot to write to, the first is 0.")
@click.option("--count", default=1, show_default=True, type=click.IntRange(1, 64), help="Clips, down the track.")
@click.option("--option", "options", nargs=2, multiple=True, metavar="NAME VALUE",
              help="root, scale, low, high, density, velocity or bars, as in the OSC protocol; may be repeated.")
@_writing
@_connection
def generate(model, tracks, slot, count, options, temperature, seed, drum_map, overwrite, **connection):
    """Have the daemon's MODEL make clips and write them into Live's slots, without Max."""
    from ableton.drum_rack import read_map
    from ableton.live_osc import Slot
    from vae.jobs import random_seed

    seed = random_seed() if seed is None else seed
    with _conversation(**connection) as (daemon, osc):
        rack = read_map(drum_map)
        parts = ("lead", "bass", "drums") if daemon.task(model).startswith("trio") else (None,)
        if len(tracks) != len(parts):
            raise UserError(f"{model} writes {len(parts)} clip(s) at a time: give --track {len(parts)} time(s), "
                            f"received {len(tracks)}")
        if len(set(tracks)) != len(tracks):
            raise UserError(f"each part needs a track of its own: --track was given {', '.join(map(str, tracks))}")
        rows = [[Slot(track, slot + index) for track in tracks] for index in range(count)]
        _check_free(osc, [place for row in rows for place in row], overwrite)
        pairs = [value for name, text in options for value in (name, _option_value(name, text))]
        reply = daemon.ask("/vae/generate", model, count, temperature, seed, *pairs)
        title = " ".join([f"{model} s{seed} t{temperature:g}", *(word for pair in options for word in pair)])
        for index, (row, name) in enumerate(zip(rows, _names(title, count))):
            clip = reply.clips[index].clip()
            for place, part in zip(row, parts):
                _write(osc, place, clip, rack, name, overwrite, part)


@live.command()
@click.argument("model")
@click.option("--track", required=True, type=click.IntRange(0), help="Track of the two clips, the first is 0.")
@click.option("--from", "first", required=True, type=click.IntRange(0), help="Slot of the clip to start from.")
@click.option("--to", "last", required=True, type=click.IntRange(0), help="Slot of the clip to end at.")
@click.option("--slot", required=True, type=click.IntRange(0), help="First slot to write to.")
@click.option("--count", default=5, show_default=True, type=click.IntRange(2, 64), help="Clips, both ends included.")
@_writing
@_connection
def morph(model, track, first, last, slot, count, temperature, seed, drum_map, overwrite, **connection):
    """Write the way from one clip in Live to another into the slots from --slot on."""
    from ableton.drum_rack import read_map
    from ableton.live_osc import Slot
    from vae.jobs import random_seed
    from vae.notes import Clip

    seed = random_seed() if seed is None else seed
    with _conversation(**connection) as (daemon, osc):
        rack = read_map(drum_map)
        slots = [Slot(track, slot + index) for index in range(count)]
        _check_free(osc, slots, overwrite)
        drums = daemon.task(model).startswith("drums")
        for name, index in (("a", first), ("b", last)):
            clip = osc.read_clip(Slot(track, index), "drums" if drums else "melody")
            if drums:
                clip = Clip.of(clip.beats, rack.from_rack(clip.notes))
            daemon.upload(name, clip)
        reply = daemon.ask("/vae/interpolate", model, "a", "b", count, temperature, seed)
        for index, name in enumerate(_names(f"{model} s{seed} t{temperature:g} morph", count)):
            _write(osc, slots[index], reply.clips[index].clip(), rack, name, overwrite)


@live.command()
@_library
@_connection
def status(library, host, port, token, live_host, live_port, reply_port):
    """Say whether the devices are installed and whether the daemon and AbletonOSC answer."""
    from ableton.library import LibraryError, find_library, installed
    from ableton.live_osc import AbletonOsc, LiveError
    from bridge.client import DaemonClient
    from bridge.protocol import Fail

    try:
        found = installed(find_library(library))
        click.echo(f"devices      {len(found)} installed" + ("" if found else f": `{program()} live install` does it"))
    except LibraryError as error:
        click.echo(f"devices      {error}")
    try:
        with DaemonClient(host, port, 3.0, token) as daemon:
            _, version, models = daemon.hello("musicvae live")
        click.echo(f"daemon       version {version} on port {port}, {models} models loaded")
    except TimeoutError:
        click.echo(f"daemon       does not answer on port {port}: `{program()} serve` starts it")
    except Fail as fail:
        click.echo(f"daemon       {fail.code}: {fail.message}")
    try:
        with AbletonOsc(live_host, live_port, reply_port) as osc:
            version = osc.version()
            click.echo(f"AbletonOSC   Live {version}, {osc.track_count()} tracks, {osc.scene_count()} scenes, "
                       f"{osc.tempo():g} beats a minute")
    except LiveError as error:
        click.echo(f"AbletonOSC   {error}")


def _option_value(name: str, text: str) -> int | float | str:
    """An option's value in the type that the protocol gives it; what it does not know is left to the daemon's words."""
    from bridge.protocol import OPTIONS

    kind = OPTIONS[name][0].type if name in OPTIONS else "s"
    try:
        return {"i": int, "f": float, "s": str}[kind](text)
    except ValueError:
        raise click.BadParameter(f"{name} takes a number, received {text!r}", param_hint="--option") from None


def _check_free(osc, slots: list, overwrite: bool) -> None:
    """Refuse before anything is made or written: half a series of clips helps nobody."""
    from ableton.live_osc import Refused

    for slot in slots:
        osc.check_slot(slot)
        if not overwrite and osc.has_clip(slot):
            raise Refused(f"{slot} already holds a clip; it is replaced only with --overwrite")


def _names(title: str, count: int) -> list[str]:
    return [title + (f" #{index + 1}" if count > 1 else "") for index in range(count)]


def _write(osc, slot, clip, rack, name: str, overwrite: bool, part: str | None = None) -> None:
    from vae.notes import Clip

    notes = [note for note in clip.notes if part in (None, note.part)]
    osc.write_clip(slot, Clip.of(clip.beats, rack.to_rack(notes)), name, overwrite)
    click.echo(f"wrote {name} ({len(notes)} notes) to {slot}")
