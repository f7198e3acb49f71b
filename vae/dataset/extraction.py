"""From one song to its token examples: the paper's rules (appendix "Dataset"), the same for all four tasks.

1. Bars come from ticks and meters; the song is split where its meter changes, and only 4/4 sections are kept. (The
   tempo sets how long a beat lasts, not where it falls, so tempo changes need no rule.)
2. Notes are rounded to sixteenths, and every instrument becomes a stream of tokens. Pitched instruments are one
   (track, channel, program) each. Channel 10 is one instrument however many tracks it is spread over: MIDI has one
   kit there, and a kick on its own track is not a drum loop.
3. A window of the task's length slides bar by bar. In every part it must hold no run of rests longer than a bar.
   A note held into the window is silence there, since its start cannot be heard.
4. Tasks of several parts take the cross product of the instruments that fit each part. Where a song yields more
   than `limit` different examples, a seeded sample of that size is drawn.
"""
import sys
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vae.codecs import HOLD, REST, Codec, drum_tokens, melody_tokens
from vae.midi import END, PITCH, START, Instrument, Song
from vae.notes import BASS_PROGRAMS, BEATS_PER_BAR, LEAD_PROGRAMS, STEPS_PER_BAR, STEPS_PER_BEAT

LONGEST_REST = STEPS_PER_BAR  # steps
DRAWN = 100_000  # combinations of one song made at most where a limit says that not all are kept
MOST_BARS = 100_000  # of all instruments of a song together: a string quartet of 40 minutes has 5,000


@dataclass(frozen=True)
class Rules:
    """What may be chosen about the extraction.

    monophonic: leave polyphonic instruments out, instead of following their highest starting note.
    limit: examples kept of one song at most; 0 keeps all.
    """

    monophonic: bool = False
    limit: int = 0


class Examples(NamedTuple):
    """tokens: the different examples of one song, uint16 [n, steps, streams]. counts: what happened on the way, by
    "count/..." names. reason: why there are none, or ""."""

    tokens: np.ndarray | None
    counts: Counter
    reason: str


class Section(NamedTuple):
    """A stretch of 4/4 that starts at a tick and lasts a number of whole bars."""

    start: int
    bars: int


def extract(song: Song, codec: Codec, rules: Rules, seed: int = 0) -> Examples:
    """The examples of one song. `seed` draws the sample when `rules.limit` is passed."""
    counts: Counter = Counter()
    if not song.instruments:
        return Examples(None, counts, "no notes")
    sections = [section for section in four_four_sections(song) if section.bars >= codec.bars]
    if not sections:
        return Examples(None, counts, f"no 4/4 section of {codec.bars} bars")

    lines = {part: _lines(song, part, rules, counts) for part in codec.parts}
    for part, found in lines.items():
        if not found:
            return Examples(None, counts, f"no {part} instrument")
    if sum(map(len, lines.values())) * sum(section.bars for section in sections) > MOST_BARS:
        return Examples(None, counts, "too many instruments for its length")  # a test of readers, which would take hours

    tables, ids = [], []  # per part: the different windows [n, steps]; (place, row of the table) of each window found
    for part, found in lines.items():
        places, windows = _part_windows(song, sections, found, codec.bars, counts)
        table, rows = np.unique(windows, axis=0, return_inverse=True)
        tables.append(table)
        ids.append((places, rows.reshape(-1)))

    rng = np.random.default_rng(seed)
    drawn, total = _cross_product(ids, max(DRAWN, rules.limit) if rules.limit else sys.maxsize, rng)
    chosen = np.unique(drawn, axis=0)
    different = len(chosen)
    if rules.limit and different > rules.limit:
        counts["count/songs over the limit"] += 1
        chosen = rng.choice(chosen, rules.limit, replace=False)
    counts["count/windows"] += total
    counts["count/repeated in its song"] += len(drawn) - different
    counts["count/left out by the limit"] += total - len(drawn) + different - len(chosen)
    if not len(chosen):
        return Examples(None, counts, "only windows with long rests")
    return Examples(np.stack([table[chosen[:, part]] for part, table in enumerate(tables)], axis=-1), counts, "")


def four_four_sections(song: Song) -> list[Section]:
    """The stretches in 4/4, the default where a file names no meter. One that another meter ends gets the whole bars
    before it; the last one is filled up to a bar."""
    meters = [(0, 4, 4), *song.meters]
    changes = [meters[0]]
    for meter in meters[1:]:
        if meter[0] == changes[-1][0]:
            changes[-1] = meter
        elif meter[1:] != changes[-1][1:]:
            changes.append(meter)
    ticks_per_bar = BEATS_PER_BAR * song.ticks_per_beat
    sections = []
    for index, (tick, *meter) in enumerate(changes):
        if meter == [4, 4]:
            if index + 1 < len(changes):
                bars = (changes[index + 1][0] - tick) // ticks_per_bar
            else:
                bars = -((tick - song.end) // ticks_per_bar)
            sections.append(Section(tick, max(bars, 0)))
    return sections


def _part_windows(song: Song, sections: list[Section], lines: list[Instrument], bars: int, counts: Counter):
    """The windows of the instruments that fit a part: places [n] (bar positions, comparable between parts) and tokens
    [n, steps]."""
    places, windows, offset = [], [], 0
    for section in sections:
        for line in lines:
            rows = _section_windows(line, song.ticks_per_beat, section, bars)
            kept = short_rests(rows, silence=0 if line.is_drum else REST)
            counts["count/dropped for rests"] += len(rows) - int(kept.sum())
            places.append(offset + np.flatnonzero(kept))
            windows.append(rows[kept])
        offset += section.bars
    return np.concatenate(places), np.concatenate(windows)


def _lines(song: Song, part: str, rules: Rules, counts: Counter) -> list[Instrument]:
    if part == "drums":
        drums = [instrument for instrument in song.instruments if instrument.is_drum]
        if not drums:
            return []
        return [Instrument(0, "", drums[0].channel, 0, np.concatenate([instrument.notes for instrument in drums]))]
    programs = {"melody": range(128), "lead": LEAD_PROGRAMS, "bass": BASS_PROGRAMS}[part]
    lines = [instrument for instrument in song.instruments
             if not instrument.is_drum and instrument.program in programs]
    if rules.monophonic:
        monophonic = [line for line in lines if not _is_polyphonic(line, song.ticks_per_beat)]
        counts["count/polyphonic instruments"] += len(lines) - len(monophonic)
        lines = monophonic
    return lines


def _is_polyphonic(instrument: Instrument, ticks_per_beat: int) -> bool:
    """Whether two notes sound in the same sixteenth. Overlaps that rounding removes are legato playing."""
    notes = instrument.notes[np.lexsort((instrument.notes[:, END], instrument.notes[:, START]))]
    starts, ends = _sixteenths(notes[:, START], ticks_per_beat), _sixteenths(notes[:, END], ticks_per_beat)
    return bool(np.any(np.maximum(ends, starts + 1)[:-1] > starts[1:]))


def _sixteenths(ticks: np.ndarray, ticks_per_beat: int) -> np.ndarray:
    """The nearest sixteenth, halves up, in exact integer arithmetic."""
    return (2 * STEPS_PER_BEAT * ticks + ticks_per_beat) // (2 * ticks_per_beat)


def _section_windows(line: Instrument, ticks_per_beat: int, section: Section, bars: int) -> np.ndarray:
    """All windows of one instrument in one section, silent ones too: uint16 [section.bars - bars + 1, bars * 16]."""
    starts = _sixteenths(line.notes[:, START] - section.start, ticks_per_beat)
    steps = section.bars * STEPS_PER_BAR
    if line.is_drum:
        stream = drum_tokens(starts, line.notes[:, PITCH], steps)
    else:
        ends = _sixteenths(line.notes[:, END] - section.start, ticks_per_beat)
        stream = melody_tokens(starts, ends, line.notes[:, PITCH], steps)
    windows = np.lib.stride_tricks.sliding_window_view(stream, bars * STEPS_PER_BAR)[::STEPS_PER_BAR]
    rows = windows.astype(np.uint16)
    if not line.is_drum:
        rows[np.logical_and.accumulate(rows == HOLD, axis=1)] = REST
    return rows


def short_rests(rows: np.ndarray, silence: int) -> np.ndarray:
    """Which windows [n, steps] have no run of more than LONGEST_REST silent steps: bool [n]."""
    silent = np.zeros((len(rows), rows.shape[1] + 1), np.int32)
    np.cumsum(rows == silence, axis=1, out=silent[:, 1:])
    run = LONGEST_REST + 1
    return ~np.any(silent[:, run:] - silent[:, :-run] == run, axis=1)


def _cross_product(parts: list[tuple[np.ndarray, np.ndarray]], most: int,
                   rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """All combinations of what the parts (places [n], ids [n]) have at equal places: ids [m, parts], and how many there
    are. Where that is more than `most`, m is `most`: a sample, drawn without making the others."""
    length = 1 + max(places.max(initial=0) for places, _ in parts)
    counts = [np.bincount(places, minlength=length) for places, _ in parts]
    ends = np.cumsum(np.prod(counts, axis=0))
    total = int(ends[-1])
    index = np.sort(rng.choice(total, most, replace=False)) if total > most else np.arange(total)
    place = np.searchsorted(ends, index, "right")
    rest = index - (ends[place] - np.prod(counts, axis=0)[place])  # which of its place, a number with a digit per part
    columns = []
    for (places, ids), count in zip(parts, counts):
        first = np.cumsum(count) - count
        columns.append(ids[np.argsort(places, kind="stable")][first[place] + rest % count[place]])
        rest = rest // count[place]
    return np.stack(columns, axis=1), total
