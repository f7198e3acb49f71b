"""The `dataset` commands: build a data set from MIDI files, and look into one."""
import os
from pathlib import Path

import click

from vae.codecs import CODECS


@click.group()
def dataset():
    """Build data sets from MIDI files, and look into them."""


@dataset.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--task", required=True, type=click.Choice(list(CODECS)), help="What an example is.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; must not exist yet.")
@click.option("--monophonic", is_flag=True, help="Leave polyphonic instruments out instead of following their highest "
              "starting note.")
@click.option("--limit", default=0, type=click.IntRange(0), show_default="1000 for trios, else none",
              help="Examples of one song at most (a seeded sample); 0 takes the default.")
@click.option("--validation", default=0.05, type=click.FloatRange(0, 1), show_default=True, help="Share of the songs.")
@click.option("--test", default=0.05, type=click.FloatRange(0, 1), show_default=True, help="Share of the songs.")
@click.option("--workers", default=os.cpu_count, type=click.IntRange(1), show_default="all cores")
def build(folders, task, out, monophonic, limit, validation, test, workers):
    """Extract the examples of all MIDI files in FOLDERS.

    Interrupted with Ctrl-C, the same command goes on where it stopped."""
    from vae.dataset.extraction import Rules
    from vae.dataset.pipeline import Plan, build

    if validation + test > 1:
        raise click.UsageError(f"--validation and --test are shares of one whole, received {validation} + {test}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise click.UsageError(f"--out {out} exists already; remove it or name another folder")
    plan = Plan(tuple(folder.resolve() for folder in folders), task, Rules(monophonic, limit), validation, test)
    meta = build(plan, out, workers, lambda *_: None)
    import yaml
    print(yaml.safe_dump(meta, sort_keys=False))


if __name__ == "__main__":
    dataset()
