"""The commands that run, try and check the daemon. Heavy imports stay inside the functions."""

import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from bridge.config import Config, is_loopback, read_defaults
from bridge.logs import LEVELS, start_logs
from bridge.protocol import DEFAULT_HOST, DEFAULT_PORT, MAX_TEXT, VERSION, Fail, is_text
from bridge.soak.commands import soak
from vae.errors import FiniteRange, UserError
from vae.program import program

__all__ = ["doctor", "play_osc", "serve", "service", "soak"]


class _HomePath(click.Path):
    """A path in which ~ is the user's home folder: in a config file no shell has replaced it."""

    def convert(self, value, parameter, context):
        return super().convert(os.path.expanduser(value), parameter, context)


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """A callback that is called before the other options are read: a file's values become their defaults."""
    if path is not None:
        context.default_map = read_defaults(path, {parameter.name: parameter.multiple for parameter in
                                                   context.command.params if parameter.name != "config"})


def _option(name: str, help: str, **more: object) -> object:
    """An option of `serve`: a flag --name, an environment variable MUSICVAE_NAME and a key of the config file."""
    variable = "MUSICVAE_" + name.upper().replace("-", "_")
    return click.option(f"--{name}", envvar=variable, show_envvar=True, show_default=True, help=help, **more)


@click.command()
@click.option("--config", type=click.Path(path_type=Path), envvar="MUSICVAE_CONFIG", show_envvar=True, is_eager=True,
              expose_value=False, callback=_read_config,
              help="YAML file with options by name. Flags come before environment variables, those before the file.")
@_option("host", "Address to listen on. Beyond loopback a token is needed.", default=DEFAULT_HOST)
@_option("port", "UDP port to listen on; 0 takes any free one.", default=DEFAULT_PORT, type=click.IntRange(0, 65535))
@_option("token", "What clients must show in /vae/hello. Beyond loopback one is made when none is given.")
@_option("models", "Load only this model; repeat it for several.  [default: all installed]", multiple=True)
@_option("folders", "Look for models here too; repeat it for several.", multiple=True,
         type=_HomePath(exists=True, file_okay=False))
@_option("queue", "Requests that may wait; more are answered `busy`.", default=Config.queue, type=click.IntRange(1, 10_000))
@_option("deadline", "Seconds that a request may wait for its turn.", default=Config.deadline,
         type=FiniteRange(0.1, 3600))
@_option("live-track", "Write the clips that are made into this track of Live too, through AbletonOSC; 0 is the first.",
         type=click.IntRange(0))
@_option("log-level", "How much to log.", default="warning", type=click.Choice(LEVELS))
@_option("log-file", "Log to this file too, as JSON lines; at 5 MB a new one is begun.", type=_HomePath(path_type=Path))
def serve(host, port, token, models, folders, queue, deadline, live_track, log_level, log_file):
    """Serve the models over OSC until Ctrl-C: this is what the devices in Ableton Live talk to."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    if hasattr(signal, "SIGHUP"):  # until there is a daemon, which looks for models when it is made
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from bridge.daemon import Daemon
    from bridge.holder import describe_holder

    if token and not is_text(token):
        raise UserError(f"--token: must be 1 to {MAX_TEXT} bytes of printable text, as /vae/hello can carry it. "
                        f"Received: {len(os.fsencode(token))} bytes")
    if not is_loopback(host) and not token:
        token = secrets.token_urlsafe(16)
        _say(f"Beyond this machine clients must show a token. This one was made for now: {token}")
    try:
        listener = start_logs(log_level, log_file)
    except OSError as error:
        raise UserError(f"--log-file {log_file} cannot be written: {error.strerror}") from None

    def announce(event: str, detail: str) -> None:
        if event == "ready":
            _say(describe_service(daemon.catalogue.entries.values()))
        elif event == "model failed":
            _say(f"model failed: {detail}", err=True)

    deliver = None
    if live_track is not None:
        from ableton.sink import LiveSink

        deliver = LiveSink(live_track).put
    try:
        daemon = Daemon(Config(host, port, token, models, folders, queue, deadline), announce, deliver)
    except OSError as error:
        listener.stop()
        raise UserError(f"{host}:{port} cannot be used: {error.strerror}. {describe_holder(host, port)}") from None
    except Fail as fail:
        listener.stop()
        raise UserError(fail.message) from None
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: daemon.reload())
    _say(f"MusicVAE Bridge {VERSION} listens on {daemon.address[0]}:{daemon.address[1]} (OSC over UDP) and loads "
               "its models ...")
    daemon.start()
    while not stop.wait(0.5):  # in pieces, so that Ctrl-C is noticed on Windows too
        pass
    _say("Stopping ...")
    daemon.stop()
    listener.stop()
    os._exit(0)  # Python would wait for the worker, whose memory a busy system takes seconds to free


def _say(text: str, err: bool = False) -> None:
    """Print, unless nobody listens any more: a closed terminal or pipe must not stop the music."""
    try:
        click.echo(text, err=err)
    except OSError:
        # What Python still holds for the broken stream would fail once more when it ends, and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if err else 1)


def describe_service(entries: Iterable) -> str:
    """What is served, on which device, and what to do next, for the terminal."""
    loaded = [entry for entry in entries if entry.state == "loaded"]
    if not loaded:
        return (f"No model is loaded: put one into vae/pretrained or ~/.musicvae/models (`{program()} export` does), "
                "then send /vae/load or SIGHUP.")
    lines = [f"  {entry.name:<24} {entry.task:<14} {entry.bars:>2} bars  {entry.parameters / 1e6:5.1f} M parameters  "
             f"{entry.device}" for entry in loaded]
    return "\n".join([
        "Ready. Models:", *lines,
        "Next, in Live: drop the device MusicVAE Generate on a MIDI track and click Generate.",
        f"(`{program()} live install` puts the devices into Live's browser.)",
        f"Without Live: `{program()} play-osc generate {loaded[0].name}`. Ctrl-C stops the daemon."])


@click.command("play-osc")
@click.argument("request")
@click.argument("args", nargs=-1)
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Where the daemon is.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Its port.", type=click.IntRange(1, 65535))
@click.option("--token", envvar="MUSICVAE_TOKEN", show_envvar=True, help="Its token, if it asks for one.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the clips as MIDI files into this folder.")
@click.option("--timeout", default=30.0, show_default=True, type=FiniteRange(0, min_open=True),
              help="Seconds of silence to wait for.")
def play_osc(request, args, host, port, token, out, timeout):
    """Send one REQUEST to a running daemon and print what comes back.

    ARGS are those of the protocol in its order; count, temperature, seed and amount may be left out, options follow as
    pairs, and a clip is a MIDI file.

    \b
      play-osc models
      play-osc generate drums_2bar_small 4 0.8 42 density 0.7 --out clips
      play-osc interpolate melody_2bar_small a.mid b.mid 5 --out clips
    """
    from bridge.client import DaemonClient
    from bridge.play import find_command, send, show
    from vae.midi import MidiError

    try:
        command = find_command(request)
        with DaemonClient(host, port, timeout, token) as client:
            if token is not None:
                client.hello()
            click.echo("\n".join(show(send(client, command, list(args)), out, args)))
    except Fail as fail:
        raise UserError(f"{fail.code}: {fail.message}") from None
    except TimeoutError as error:
        raise UserError(f"{error}. Is the daemon running? `{program()} serve` starts it.") from None
    except (OSError, MidiError) as error:
        raise UserError(str(error)) from None


@click.command()
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Where the daemon listens, or is to.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(1, 65535), help="Its port.")
@click.option("--folders", multiple=True, type=click.Path(), help="Look for models here too; repeat it for several.")
def doctor(host, port, folders):
    """Check this installation and say what to do about each fault; exits with 1 when there is one."""
    from bridge import doctor as checks

    colors = {checks.OK: "green", checks.NOTE: "yellow", checks.FAULT: "red"}
    faults = 0
    for finding in checks.examine(Config(host, port, folders=folders)):
        click.echo(click.style(f"{finding.state:<6}", colors[finding.state]) + f"{finding.what}: {finding.found}")
        if finding.todo:
            click.echo(f"        do: {finding.todo}")
        faults += finding.state == checks.FAULT
    click.echo(f"{checks.versions()}")
    if faults:
        raise click.ClickException(f"{faults} fault{'s' if faults > 1 else ''} found")


@click.group()
def service():
    """Start the daemon with the user's session, and again when it fails."""


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def install(options):
    """Install and start the service; OPTIONS are those of `serve`."""
    serve.make_context("serve", list(options)).close()  # wrong ones are refused here, not in a log nobody reads
    chosen = _service(options)
    _guarded(chosen.install)
    click.echo(f"Installed {chosen.path}; the daemon runs now and from every login on.")


@service.command()
def remove():
    """Stop and remove the service."""
    chosen = _service(())
    click.echo(f"Removed {chosen.path}." if _guarded(chosen.remove) else f"There is none: {chosen.path} does not exist.")


@service.command()
def status():
    """Say whether the service is installed and runs."""
    from bridge.service import status as read_status

    chosen = _service(())
    click.echo(_guarded(lambda: read_status(chosen)))


def _service(options: Iterable[str]) -> object:
    from bridge.service import service as choose

    return _guarded(lambda: choose(tuple(options)))


def _guarded(action: Callable) -> object:
    """Do something with the service; what goes wrong is a user's message."""
    from bridge.service import ServiceError

    try:
        return action()
    except (ServiceError, OSError) as error:
        raise UserError(str(error)) from None
