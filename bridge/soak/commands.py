"""The soak command and its runs. Each starts a daemon of its own, prints figures and exits with 1 when one is broken."""

from collections.abc import Callable

import click

from bridge.protocol import Fail
from vae.errors import FiniteRange, UserError


def _run(title: str, options: tuple[str, ...], run: Callable) -> None:
    """Start a daemon, do a run on it behind a progress bar, and print what came out. run: takes target and progress."""
    from bridge.soak.target import Target

    try:
        with Target(*options) as target:
            click.echo(f"A daemon on port {target.port} loads its models ...")
            target.wait_ready()
            result = _with_progress(title, lambda progress: run(target, progress))
            if target.alive:
                code, seconds = target.stop()
                result.add("stopped on SIGTERM", f"exit {code} after {seconds:.2f} s", code == 0 and seconds < 2.0)
    except RuntimeError as error:
        raise UserError(str(error)) from None
    except (Fail, TimeoutError) as error:
        raise click.ClickException(f"not as promised: {error}") from None
    _print(title, result)


def _with_progress(title: str, run: Callable) -> object:
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        return run(lambda share: bar.update(task, completed=share))


def _print(title: str, result: object) -> None:
    click.echo(title)
    for name, value in result.figures.items():
        click.echo(f"  {name + ':':<45} {value}")
    if result.broken:
        raise click.ClickException("not as promised: " + "; ".join(result.broken))


_daemon = click.option("--serve-option", "options", multiple=True, metavar="OPTION",
                       help="Passed on to the daemon's `serve`, as in --serve-option=--models=drums_2bar_small; "
                            "repeat it for several.")


@click.group(invoke_without_command=True)
@click.option("--packets", type=click.IntRange(1), default=1_000_000, show_default=True, help="How many packets.")
@click.option("--seed", default=1, show_default=True, help="Of the packets.")
@_daemon
@click.pass_context
def soak(context, packets, seed, options):
    """Send a daemon random and broken packets, with a ping after every thousand; or one of the runs below."""
    if context.invoked_subcommand is None:
        from bridge.soak.runs import run_packets

        _run("Random and broken packets", options, lambda target, progress: run_packets(target, packets, seed, progress))


@soak.command()
@click.option("--seconds", default=60.0, show_default=True, type=FiniteRange(1))
@click.option("--rate", default=10_000, show_default=True, type=click.IntRange(1), help="Messages a second.")
@click.option("--seed", default=1, show_default=True, help="Of the messages.")
@_daemon
def flood(seconds, rate, seed, options):
    """A flood of pings, requests for clips and broken packets, with a client that pings all along."""
    from bridge.soak.runs import run_flood

    _run("Flood", options, lambda target, progress: run_flood(target, seconds, rate, seed, progress))


@soak.command()
@click.option("--clients", default=64, show_default=True, type=click.IntRange(1))
@click.option("--rate", default=30.0, show_default=True, type=FiniteRange(0.1), help="Morphs a second and client.")
@click.option("--seconds", default=30.0, show_default=True, type=FiniteRange(1))
@_daemon
def morphs(clients, rate, seconds, options):
    """Many clients that morph, while another has clips generated."""
    from bridge.soak.runs import run_morphs

    _run("Morphs", options, lambda target, progress: run_morphs(target, clients, rate, seconds, progress))


@soak.command()
@click.option("--requests", default=100_000, show_default=True, type=click.IntRange(10))
@click.option("--loads", default=200, show_default=True, type=click.IntRange(0), help="Loads and unloads.")
@_daemon
def memory(requests, loads, options):
    """Many requests, then many loads and unloads, with the memory of daemon and worker read along the way."""
    from bridge.soak.runs import run_memory

    _run("Memory", options, lambda target, progress: run_memory(target, requests, loads, progress))


@soak.command()
@_daemon
def restart(options):
    """Kill the daemon as a crash would, start it again, and see when a client is served."""
    from bridge.soak.runs import run_restart

    try:
        result = _with_progress("Restart", lambda progress: run_restart(options, progress))
    except RuntimeError as error:
        raise UserError(str(error)) from None
    _print("Restart", result)
