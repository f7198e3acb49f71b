"""The commands that make clips: generate, reconstruct, vary and interpolate. They write MIDI files."""
import pathlib
import re

import click

from vae.constraints import SCALES, Constraints
from vae.errors import UserError

CLIP = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
WIDEST = 12  # steps of an interpolation that are drawn in one row
NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def clip_options(function):
    """The options that every command here has."""
    options = [
        click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path), default="clips", show_default=True,
                     help="Folder for the MIDI files."),
        click.option("--temperature", type=click.FloatRange(0, 4), default=0.5, show_default=True,
                     help="0 always takes the most likely event; higher is more varied."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Gives the same clips again.", show_default="random"),
        click.option("--root", type=click.Choice(NOTE_NAMES, case_sensitive=False), help="Root of the scale."),
        click.option("--scale", type=click.Choice(list(SCALES), case_sensitive=False), metavar="NAME",
                     help="Only pitches of this scale, such as Major, Minor or 'Minor Pentatonic'."),
        click.option("--low", type=click.IntRange(0, 127), default=0, show_default=True, help="Lowest pitch."),
        click.option("--high", type=click.IntRange(0, 127), default=127, show_default=True, help="Highest pitch."),
        click.option("--density", type=click.FloatRange(0, 1), default=0.5, show_default=True,
                     help="Fewer notes below 0.5, more above."),
        click.option("--velocity", type=click.IntRange(1, 127), default=100, show_default=True),
        click.option("--bars", type=click.IntRange(1, 256), help="Length of a clip.", show_default="the model's"),
        click.option("--tempo", type=click.FloatRange(20, 999), default=120.0, show_default=True, help="Beats a minute."),
        click.option("--plot", is_flag=True, help="Draw the clips as piano rolls on one PNG."),
        click.option("--folders", type=click.Path(exists=True, file_okay=False), multiple=True,
                     help="Look for models here too; repeat it for several."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def produce(kind: str, model: str, clips=(), count: int = 1, amount: float = 0.0, *, out, temperature, seed, root, scale,
            low, high, density, velocity, bars, tempo, plot, folders) -> list[pathlib.Path]:
    """Run one job and write its clips; raises UserError."""
    from vae import constraints, registry
    from vae.jobs import Job
    from vae.midi import MidiError
    from vae.notes import read_clip, write_midi

    try:
        info = registry.resolve(model, folders)
    except registry.ModelError as error:
        raise UserError(str(error)) from None
    if not info.latent:
        raise UserError(f"{info.name} is a decoder-only baseline without a latent: it serves to be evaluated, not to make clips")
    parts = info.config.codec.parts
    sources = []
    for path in clips:
        try:
            clip = read_clip(path, parts)
        except MidiError as error:
            raise UserError(f"{path}: {error}") from None
        if not clip.notes:
            raise UserError(f"{path}: holds no notes for {' or '.join(parts)}" + (" (drums are on channel 10)" if "drums" in parts else ""))
        sources.append(clip)
    if seed is None:
        import secrets
        seed = secrets.randbelow(1_000_000)
    asked = Constraints(root=None if root is None else NOTE_NAMES.index(root.upper()), scale=scale, low=low, high=high,
                        density=density, velocity=velocity, bars=bars)
    try:
        constraints.logit_bias(info.config.codec, asked)
    except ValueError as error:
        raise UserError(str(error)) from None
    job = Job(kind, info.name, count, temperature, seed, asked, tuple(sources), amount)
    try:
        loaded = registry.load(info.path)
    except registry.ModelError as error:
        raise UserError(str(error)) from None

    from vae.render import Renderer
    made = Renderer(loaded).render([(job, index) for index in range(count)])
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, clip in enumerate(made):
        paths.append(out / f"{file_name(job, index, clips)}.mid")
        write_midi(clip, paths[-1], tempo)
    click.echo(f"{len(paths)} clip{'s' if len(paths) > 1 else ''} in {out}, seed {seed}: {paths[0].name}"
               + (f" to {paths[-1].name}" if len(paths) > 1 else ""))
    if plot:
        from vae.dataset.plots import draw_clips
        picture = out / f"{file_name(job, 0, clips)}.png"
        draw_clips([*sources, *made] if kind == "reconstruct" else made, picture,
                   ["original", "reconstruction"] if kind == "reconstruct" else [f"{i}" for i in range(count)],
                   count if kind == "interpolate" and count <= WIDEST else None)
        click.echo(f"picture: {picture}")
    return paths


def file_name(job, index: int, clips) -> str:
    """A file name without its ending that says how the clip was made, so that the same name means the same clip."""
    asked, plain = job.constraints, Constraints()
    words = [job.name(index).replace(f"#{index}", f"{index:02d}"), *(path.stem for path in clips)]
    if asked.root is not None:
        words.append(NOTE_NAMES[asked.root].replace("#", "sharp"))
    words += [f"{name}{value}" if name != "scale" else value for name, value in
              ((field, getattr(asked, field)) for field in ("scale", "low", "high", "density", "velocity", "bars"))
              if value != getattr(plain, name)]
    return re.sub(r"[^A-Za-z0-9._]+", "-", " ".join(words))


@click.command()
@click.argument("model")
@click.option("--count", type=click.IntRange(1, 64), default=4, show_default=True, help="How many clips.")
@clip_options
def generate(model, count, **options):
    """New clips from MODEL: points drawn from the prior and decoded (paper, Sampling Details)."""
    produce("generate", model, count=count, **options)


@click.command()
@click.argument("model")
@click.argument("clip", type=CLIP)
@clip_options
def reconstruct(model, clip, **options):
    """Encode a MIDI file and decode it again: how MODEL hears the CLIP."""
    produce("reconstruct", model, [clip], **options)


@click.command()
@click.argument("model")
@click.argument("clip", type=CLIP)
@click.option("--count", type=click.IntRange(1, 64), default=4, show_default=True, help="How many clips.")
@click.option("--amount", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="How far from the clip.")
@clip_options
def vary(model, clip, count, amount, **options):
    """Variations of a MIDI file, from near to far."""
    produce("vary", model, [clip], count, amount, **options)


@click.command()
@click.argument("model")
@click.argument("clip_a", type=CLIP)
@click.argument("clip_b", type=CLIP)
@click.option("--count", type=click.IntRange(2, 64), default=9, show_default=True, help="How many clips, both ends included.")
@clip_options
def interpolate(model, clip_a, clip_b, count, **options):
    """A way from one MIDI file to another along the arc between their latents (paper, Figures 2 and 3)."""
    produce("interpolate", model, [clip_a, clip_b], count, **options)
