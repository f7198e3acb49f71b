"""The `dataset` commands: build a data set from MIDI files, and look into one."""
import os
import sys
from pathlib import Path

import click

from vae import tables
from vae.codecs import CODECS
from vae.errors import FiniteRange, UserError
from vae.outputs import PICTURE

TRIO_LIMIT = 1000  # examples of one song: the cross product of a few leads and basses otherwise lets a song dominate
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
SHARE = FiniteRange(0, 1)


@click.group()
def dataset():
    """Build data sets from MIDI files, and look into them."""


@dataset.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--task", required=True, type=click.Choice(list(CODECS)), help="What an example is.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
@click.option("--monophonic", is_flag=True,
              help="Leave polyphonic instruments out instead of following their highest starting note.")
@click.option("--limit", type=click.IntRange(0), show_default=f"{TRIO_LIMIT} for trios, else 0",
              help="Most examples of one song, a seeded sample of them; 0 keeps all.")
@click.option("--validation", default=0.05, type=SHARE, show_default=True, help="Share of the songs.")
@click.option("--test", default=0.05, type=SHARE, show_default=True, help="Share of the songs.")
@click.option("--workers", type=click.IntRange(1), show_default="all cores", help="Processes.")
def build(folders, task, out, monophonic, limit, validation, test, workers):
    """Extract the examples of all MIDI files in FOLDERS.

    Ctrl-C stops; the same command then goes on where it stopped.
    """
    from concurrent.futures.process import BrokenProcessPool

    from vae.dataset.extraction import Rules
    from vae.dataset.pipeline import Plan, partial_folder
    from vae.dataset.pipeline import build as build_dataset
    from vae.dataset.storage import DatasetError

    if validation + test > 1:
        raise UserError(f"--validation and --test are shares of one whole, received {validation:g} and {test:g}")
    place = _place(out)
    if limit is None:
        limit = TRIO_LIMIT if len(CODECS[task].parts) > 1 else 0
    plan = Plan(tuple(folder.resolve() for folder in folders), task, Rules(monophonic, limit), validation, test)
    try:
        with _Progress() as progress:
            meta = build_dataset(plan, place, workers or os.cpu_count() or 1, progress)
    except DatasetError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or partial_folder(place)}: {error.strerror or error}. "
                        "Once that is mended, the same command goes on where it stopped.") from error
    except (BrokenProcessPool, MemoryError):
        raise UserError("a process of the build was ended from outside, or the memory is used up. The same command goes on "
                        "where it stopped; with fewer --workers it needs less memory.") from None
    except KeyboardInterrupt:
        click.echo("Interrupted. The same command goes on from here.", err=True)
        sys.exit(130)
    _print_meta(meta)
    if not any(meta["examples"].values()):
        rejected = ", ".join(f"{reason}: {count}" for reason, count in meta["files"]["rejected"].items())
        found = f"{meta['files']['read']} MIDI files read ({rejected})" if rejected else "no .mid files there"
        raise UserError(f"no examples of {task} in {', '.join(map(str, folders))}: {found}")
    empty = [name for name, count in meta["examples"].items() if not count]
    if empty:
        click.echo(f"Note: {' and '.join(empty)} got no example; the split goes by song, so more songs or other shares "
                   "(--validation, --test) are needed.", err=True)
    click.echo(f"Wrote {out}")


@dataset.command()
@click.option("--task", default="trio_16bar", type=click.Choice([name for name, codec in CODECS.items() if len(codec.parts) > 1]),
              show_default=True, help="What an example is.")
@click.option("--part", "sources", required=True, multiple=True, type=(str, FOLDER),
              help="A part and the data set it is drawn from; once for every part of the task.")
@click.option("--count", default=60_000, type=click.IntRange(1), show_default=True, help="Train examples.")
@click.option("--seed", default=0, type=click.IntRange(0), show_default=True, help="Chooses them.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to make.")
def combine(task, sources, count, seed, out):
    """Make examples of several parts from data sets of one part each.

    \b
    For example: --part lead data/tunes --part bass data/tunes --part drums data/loops

    The parts of an example never met: mix such a data set with real music (train --data real=2 --data combined=1).
    """
    from vae.dataset.combining import combine as combine_datasets
    from vae.dataset.storage import DatasetError, open_dataset

    parts = CODECS[task].parts
    given = [part for part, _ in sources]
    if sorted(given) != sorted(parts):
        raise UserError(f"--part: {task} wants one data set for each of {', '.join(parts)}; received {', '.join(given)}")
    place = _place(out)
    try:
        meta = combine_datasets({part: open_dataset(folder) for part, folder in sources}, CODECS[task], count, seed, place)
    except DatasetError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"cannot write {error.filename or place}: {error.strerror or error}") from error
    _print_meta(meta)
    click.echo(f"Wrote {out}")


@dataset.command()
@click.argument("folder", type=FOLDER)
@click.option("--split", default="train", type=click.Choice(["train", "validation", "test"]), show_default=True)
@click.option("--count", default=16, type=click.IntRange(1, 64), show_default=True, help="Examples to draw.")
@click.option("--seed", default=0, type=click.IntRange(0), show_default=True, help="Chooses them.")
@click.option("--out", type=PICTURE, help="Picture to write.",
              show_default="examples.png in FOLDER")
def show(folder, split, count, seed, out):
    """Draw examples of a data set as piano rolls, and print its statistics."""
    import numpy as np

    from vae.dataset.plots import draw_clips
    from vae.dataset.storage import DatasetError, open_dataset

    try:
        opened = open_dataset(folder)
    except DatasetError as error:
        raise UserError(str(error)) from None
    examples = opened.split(split)
    if not len(examples):
        raise UserError(f"the {split} split of {folder} is empty")
    chosen = np.sort(np.random.default_rng(seed).choice(len(examples), min(count, len(examples)), replace=False))
    out = out or folder / "examples.png"
    try:
        draw_clips([opened.codec.decode(examples[index]) for index in chosen], out,
                   [f"{split} {index}" for index in chosen], columns=4 if opened.codec.bars == 2 else 1)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}; --out names another place") from error
    _print_meta(opened.meta)
    _print_statistics(opened.codec, examples)
    click.echo(f"Drew {len(chosen)} examples: {out}")


def _place(out: Path) -> Path:
    """Where --out is, which must be nothing yet, or an empty folder."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out} is there already; remove it or name another folder")
    place = Path(os.path.realpath(out))  # before a link or `.` takes part in a name
    if place == Path.cwd():
        raise UserError(f"--out {out} is the folder you are in, which cannot be replaced; name one below or beside it")
    return place


class _Progress:
    """A progress bar that follows the stages of `pipeline.build`."""

    def __enter__(self):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                             TextColumn("{task.fields[unit]}"), TimeRemainingColumn())
        self._stages = {}
        self._bar.start()
        return self

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._stages:
            unit = "files" if stage == "reading" else "partitions"
            self._stages[stage] = self._bar.add_task(stage, total=total, unit=unit)
        self._bar.update(self._stages[stage], completed=done)

    def __exit__(self, *_):
        self._bar.stop()


def _print_meta(meta: dict) -> None:
    files = meta["files"]
    rows = [("files read", files["read"]), *((f"  kept for {name}", count) for name, count in files["kept"].items()),
            *((f"  rejected: {reason}", count) for reason, count in files["rejected"].items()),
            *((f"  versions of songs in train, in {name}", count)
              for name, count in files["versions of songs in train"].items()),
            *meta["counts"].items(),
            *((f"examples dropped: {reason}", count) for reason, count in meta["dropped"].items()),
            *((f"examples in {name}", count) for name, count in meta["examples"].items())]
    tables.show(meta["task"], ("", "count"), rows)
    tables.show("sources", ("folder", "files", "kept", "examples, before dropping"),
                [tuple(source.values()) for source in meta["sources"]])


def _print_statistics(codec, examples) -> None:
    """What the examples are made of, over at most 20,000 of them (they are stored in random order)."""
    import numpy as np

    from vae.codecs import DRUM_KINDS, HOLD, REST

    sample = np.asarray(examples[:20_000])
    rows = []
    for stream, part in enumerate(codec.parts):
        tokens = sample[..., stream]
        if part == "drums":
            rows += [(part, "silent steps", f"{np.mean(tokens == 0):.1%}"),
                     (part, "different classes used", f"{len(np.unique(tokens))} of 512")]
            rows += [(part, f"{name} hits a bar", f"{np.mean(tokens >> bit & 1) * 16:.2f}")
                     for bit, (name, _) in enumerate(DRUM_KINDS)]
        else:
            pitches = tokens[tokens < HOLD]
            low, middle, high = np.percentile(pitches, [5, 50, 95])
            rows += [(part, "notes a bar", f"{np.mean(tokens < HOLD) * 16:.2f}"),
                     (part, "steps held", f"{np.mean(tokens == HOLD):.1%}"),
                     (part, "steps of rest", f"{np.mean(tokens == REST):.1%}"),
                     (part, "pitches, 5% / 50% / 95%", f"{low:.0f} / {middle:.0f} / {high:.0f}")]
    tables.show(f"statistics of {len(sample)} examples", ("part", "", "value"), rows)
