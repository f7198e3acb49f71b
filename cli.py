#!/usr/bin/env python3
"""The command line of MusicVAE Bridge: one click group whose commands are imported only when they are called, so that
`--help` does not wait for TensorFlow."""
import importlib

import click

COMMANDS = {  # name: (where its click command lives, its line in --help)
    "train": ("vae.commands:train", "Train a model on a data set."),
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

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main():
    """MusicVAE Bridge: hierarchical variational autoencoders for music, in Ableton Live and on the command line."""


if __name__ == "__main__":
    main()
