#!/usr/bin/env python3
"""The command line of MusicVAE Bridge.

One click group whose commands are imported only when they are called, so that `--help` does not wait for TensorFlow.
`start` and `test` set the project up on a fresh machine and are handled before click is needed: see vae/first_run.py.
"""
import sys

if __name__ == "__main__" and sys.argv[1:2] in (["start"], ["test"]):
    from vae import first_run
    sys.exit(first_run.run(sys.argv[1], sys.argv[2:]))

import importlib

try:
    import click
except ModuleNotFoundError:
    sys.exit("Nothing is installed yet. `python3 cli.py start` installs everything and starts the daemon; after that\n"
             "all commands are there as .venv/bin/musicvae.")

COMMANDS = {  # name: (where its click command lives, its line in --help)
    "serve": ("bridge.commands:serve", "Start the daemon that answers Live and other OSC clients."),
    "play-osc": ("bridge.commands:play_osc", "Ask a running daemon for clips, as a device does."),
    "doctor": ("bridge.commands:doctor", "Check this installation and say what to do about each fault."),
    "service": ("bridge.commands:service", "Start the daemon with the system (systemd, launchd)."),
    "soak": ("bridge.commands:soak", "Try the daemon's endurance and print the figures."),
    "live": ("ableton.commands:live", "Install the devices into Live; write clips through AbletonOSC."),
    "devices": ("ableton.commands:devices", "Build and verify the Max for Live devices."),
    "generate": ("vae.clip_commands:generate", "New clips as MIDI files."),
    "reconstruct": ("vae.clip_commands:reconstruct", "Encode a MIDI file and decode it again."),
    "vary": ("vae.clip_commands:vary", "Variations of a MIDI file."),
    "interpolate": ("vae.clip_commands:interpolate", "A way from one MIDI file to another."),
    "dataset": ("vae.dataset.commands:dataset", "Build data sets from MIDI files and look into them."),
    "train": ("vae.commands:train", "Train a model on a data set."),
    "evaluate": ("vae.commands:evaluate", "Score a model by the columns of the paper's Table 1."),
    "table1": ("vae.analysis.commands:table1", "Train and score all models of the paper's Table 1."),
    "structure": ("vae.analysis.commands:structure", "Long-term structure of a model's samples."),
    "quality": ("vae.analysis.commands:quality", "How much a model's samples are like real music."),
    "benchmark": ("vae.analysis.commands:benchmark", "Speed of training, segments as one batch and one by one."),
    "export": ("vae.commands:export", "Make a model folder of a training run."),
}


class LazyGroup(click.Group):
    """A click group that knows its commands' one-line helps and imports a command's module only to run it."""

    def list_commands(self, context):
        return list(COMMANDS)

    def get_command(self, context, name):
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        return getattr(importlib.import_module(module), attribute)

    def invoke(self, context):
        if sys.stdout is not None:  # as where it was closed
            sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be what the terminal cannot write
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # whoever read the output has gone: click ends quietly
        except OSError as error:
            from vae.errors import UserError
            where = f"{error.filename}: " if error.filename else ""
            raise UserError(f"{where}{error.strerror or error}") from error

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main():
    """MusicVAE Bridge: hierarchical variational autoencoders for music, in Ableton Live and on the command line.

    On a fresh machine, `python3 cli.py start` installs everything and starts the daemon, and `python3 cli.py test`
    installs and runs the tests.
    """


if __name__ == "__main__":
    main()
