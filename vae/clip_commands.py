"""The commands that make clips: generate, reconstruct, vary and interpolate. They write MIDI files."""
import dataclasses
import pathlib

import click

from vae.constraints import SCALES, Constraints
from vae.errors import FiniteRange, UserError

CLIP = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
WIDEST = 112  # beats of an interpolation that are drawn in one row: fourteen loops of two bars, both originals among them
HINTS = {"bass": "a bass has a program from 33 to 40", "drums": "drums are on channel 10"}
NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def clip_options(function):
    """The options that every command here has."""
    options = [
        click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path), default="clips", show_default=True,
                     help="Folder for the MIDI files."),
        click.option("--temperature", type=FiniteRange(0, 4), default=0.5, show_default=True,
                     help="0 always takes the most likely event; higher is more varied."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Gives the same clips again.", show_default="random"),
        click.option("--root", type=click.Choice(NOTE_NAMES, case_sensitive=False), help="Root of the scale."),
        click.option("--scale", type=click.Choice(list(SCALES), case_sensitive=False), metavar="NAME",
                     help="Only pitches of this scale, such as Major, Minor or 'Minor Pentatonic'."),
        click.option("--low", type=click.IntRange(0, 127), default=0, show_default=True, help="Lowest pitch."),
        click.option("--high", type=click.IntRange(0, 127), default=127, show_default=True, help="Highest pitch."),
        click.option("--density", type=FiniteRange(0, 1), default=0.5, show_default=True,
                     help="Fewer notes below 0.5, more above."),
        click.option("--velocity", type=click.IntRange(1, 127), default=100, show_default=True),
        click.option("--bars", type=click.IntRange(1, 256), help="Length of a clip.", show_default="the model's"),
        click.option("--tempo", type=FiniteRange(20, 999), default=120.0, show_default=True, help="Beats a minute."),
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
    from vae.clip_files import write_clip
    from vae.jobs import Job, random_seed
    from vae.midi import MidiError, read_song
    from vae.notes import clip_of

    try:
        info = registry.resolve(model, folders)
    except registry.ModelError as error:
        raise UserError(str(error)) from None
    if not info.latent:
        raise UserError(f"{info.name} is a decoder-only baseline without a latent: it serves to be evaluated, not to make clips")
    parts = info.config.codec.parts
    if parts == ("drums",) and (root, scale) != (None, None):
        raise UserError(f"{info.name} plays drums, which have no key: --root and --scale are for models with pitches")
    sources = []
    for path in clips:
        try:
            song = read_song(path)
        except MidiError as error:
            raise UserError(f"{path}: {error}") from None
        clip = clip_of(song, parts)
        _check_parts(path, song, clip, parts)
        _check_length(path, clip, info.bars, bars)
        if meters := sorted({f"{above}/{below}" for _, above, below in song.meters} - {"4/4"}):
            click.echo(f"{path}: is in {', '.join(meters)}; it is read in bars of four beats all the same")
        sources.append(clip)
    if seed is None:
        seed = random_seed()
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
    paths = [write_clip(clip, out, _stem(job, index, clips, tempo), tempo) for index, clip in enumerate(made)]
    click.echo(f"{len(paths)} clip{'s' if len(paths) > 1 else ''} in {out}, seed {seed}: {paths[0].name}"
               + (f" to {paths[-1].name}" if len(paths) > 1 else ""))
    if plot:
        picture = paths[0].with_suffix(".png")
        _draw(kind, [_as_heard(clip, info.config.codec, bars) for clip in sources], made, picture)
        click.echo(f"picture: {picture}")
    return paths


def _as_heard(clip, codec, asked: int | None):
    """What a model reads of a clip: the length that it takes, on its grid, one note of a part at a time."""
    from vae import long

    taken = long.windows(clip, codec.bars, long.segment_count(asked, codec.bars))
    return long.join([codec.decode(codec.encode(window)) for window in taken], asked)


def _draw(kind: str, sources: list, made: list, picture: pathlib.Path) -> None:
    """What was made, between the clips that it was made from."""
    from vae.dataset.plots import draw_clips

    names = ["from", "to"] if kind == "interpolate" else ["original"][:len(sources)]
    numbers = ["reconstruction"] if kind == "reconstruct" else [str(index) for index in range(len(made))]
    drawn = [*sources[:1], *made, *sources[1:]]
    in_one_row = kind == "interpolate" and sum(clip.beats for clip in drawn) <= WIDEST
    draw_clips(drawn, picture, [*names[:1], *numbers, *names[1:]], len(drawn) if in_one_row else None,
               black=[0, len(drawn) - 1][:len(sources)])


def _check_parts(path: pathlib.Path, song, clip, parts) -> None:
    """Say which of a model's parts a clip lacks, and what was taken for drums; raises UserError when it has no part."""
    silent = [part for part in parts if not any(note.part == part for note in clip.notes)]
    hints = [HINTS[part] for part in silent if part in HINTS]
    told = f"{path}: holds no notes for {' or '.join(silent)}" + (f" ({', '.join(hints)})" if hints else "")
    if not clip.notes:
        raise UserError(told)
    if silent:
        click.echo(f"{told}; the model hears silence there")
    if parts == ("drums",) and not any(instrument.is_drum for instrument in song.instruments):
        click.echo(f"{path}: has nothing on channel 10, so all of its notes are read as drums")


def _check_length(path: pathlib.Path, clip, model_bars: int, asked: int | None) -> None:
    """Say what part of a clip the model takes; raises UserError when that part is silent."""
    from vae import long
    from vae.notes import BEATS_PER_BAR

    taken = long.windows(clip, model_bars, long.segment_count(asked, model_bars))
    bars, used = clip.beats / BEATS_PER_BAR, len(taken) * model_bars
    if not any(window.notes for window in taken):
        raise UserError(f"{path}: its first {used} bars are silent; --bars takes more of its {bars:g}")
    if bars > used:
        click.echo(f"{path}: the first {used} of its {bars:g} bars are taken; --bars {-int(-bars // 1)} takes all")


def _stem(job, index: int, clips, tempo: float) -> str:
    """A name that says how clip `index` was made."""
    from vae.clip_files import differing, file_stem

    number = f"{index:02d}of{job.count:02d}" if job.kind == "interpolate" else f"{index:02d}"
    words = [f"{tempo:g}bpm"] if tempo != 120 else []
    if job.constraints.root is not None:
        words.append(NOTE_NAMES[job.constraints.root].replace("#", "sharp"))
    words += differing(dataclasses.replace(job.constraints, root=None))
    return file_stem(job.name(index).replace(f"#{index}", number), clips, words)


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
@click.option("--amount", type=FiniteRange(0, 1), default=0.3, show_default=True, help="How far from the clip.")
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
