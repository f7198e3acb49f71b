"""The commands that measure: table1, structure, quality and benchmark. Heavy imports stay inside the functions."""
import json
import pathlib

import click

from vae import tables
from vae.commands import open_data
from vae.errors import UserError
from vae.quiet import import_tensorflow

FILE = click.Path(dir_okay=False, path_type=pathlib.Path)
FOLDERS = click.option("--folders", type=click.Path(exists=True, file_okay=False), multiple=True,
                       help="Look for models here too; repeat it for several.")
DATA = click.option("--data", required=True, metavar="DIR", help="A data set of the model's task from `dataset build`.")
SEED = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Chooses the samples.")


def _opened(model: str, data: str, folders):
    """(loaded model, data set); raises UserError."""
    from vae import registry
    try:
        info = registry.resolve(model, folders)
        (opened,), _ = open_data([data], info.task)
        if len(opened.split("test")) < 2 or not len(opened.split("train")):
            raise UserError(f"--data {data}: needs 2 test examples and a train example at least")
        import_tensorflow()
        return registry.load(info.path), opened
    except registry.ModelError as error:
        raise UserError(str(error)) from None


def _measured(function, model, data, samples: int, seed: int):
    """What `function` measures of samples, behind a progress bar."""
    from rich import progress

    with progress.Progress(transient=True) as bar:
        task = bar.add_task("sampling", total=samples)
        return function(model, data, samples, seed, lambda done: bar.update(task, completed=done))


def _write_json(path: pathlib.Path | None, values: dict) -> None:
    if path:
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        click.echo(f"figures: {path}")


@click.command()
@click.argument("model")
@DATA
@click.option("--samples", type=click.IntRange(1), default=1000, show_default=True,
              help="Draw at most so many; no more than half the test split has, so that like is compared with like.")
@SEED
@click.option("--json", "json_path", type=FILE, help="Write figures and histograms as JSON.")
@click.option("--plot", type=FILE, help="Draw the distributions on a PNG.")
@FOLDERS
def quality(model, data, samples, seed, json_path, plot, folders):
    """How much samples of MODEL are like real music: the overlap of feature distributions.

    1 means the same distribution, 0 nothing in common. Samples from the prior (temperature 0.5), training examples (other
    songs) and the other half of the test split (the same songs) are each compared with half of the test split.
    """
    model, data = _opened(model, data, folders)
    from vae.analysis import quality as measuring
    count = measuring.size(data, samples)
    result = _measured(measuring.measure, model, data, count, seed)
    tables.show(f"{model.name}: overlap with the test split, {count:,} examples of each set", *measuring.table(result))
    _write_json(json_path, result)
    if plot:
        from vae.analysis.plots import draw_histograms
        draw_histograms(result, plot)
        click.echo(f"picture: {plot}")


@click.command()
@click.argument("model")
@DATA
@click.option("--samples", type=click.IntRange(2), default=256, show_default=True,
              help="Draw so many, and take at most so many of the test split.")
@SEED
@click.option("--json", "json_path", type=FILE, help="Write the figures as JSON.")
@click.option("--plot", type=FILE, help="Draw similarity matrices on a PNG.")
@FOLDERS
def structure(model, data, samples, seed, json_path, plot, folders):
    """Long-term structure of MODEL's samples against that of the test split.

    Similarity of bars by their distance: 1 means that they have the same notes at the same places, and "shuffled" is what
    bars of different clips have in common. For trios also how often bass and lead agree on beats: the bass's
    pitch class among the lead's in the beat or bar, and the lead consonant with the bass.
    """
    model, data = _opened(model, data, folders)
    from vae.analysis import structure as measuring
    result, matrices = _measured(measuring.measure, model, data, samples, seed)
    sizes = f"{result['examples']['samples']:,} samples and {result['examples']['test']:,} test clips"
    tables.show(f"{model.name}: similarity of bars, {sizes}", *measuring.similarity_table(result))
    if "agreement" in result:
        tables.show("agreement of bass and lead, share of beats", *measuring.agreement_table(result))
    _write_json(json_path, result)
    if plot:
        from vae.analysis.plots import draw_similarity
        draw_similarity(result, matrices, plot)
        click.echo(f"picture: {plot}")
