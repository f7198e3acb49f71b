import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vae import midi_files as smf
from tests.vae.midi_files import SONGS
from vae.codecs import DRUM_KINDS, HOLD, REST, codec
from vae.dataset import extraction
from vae.dataset.extraction import Rules, Section, extract, four_four_sections, short_rests
from vae.midi import Instrument, Song, parse_song, read_song


def instrument(notes, channel=0, program=0, track=0):
    """Notes as (start, end, pitch) in sixteenths."""
    rows = [[start * 120, end * 120, pitch, 90] for start, end, pitch in notes]
    return Instrument(track, "", channel, program, np.array(rows, np.int64))


def song(*instruments, end, meters=()):
    return Song(480, meters, instruments, end * 120)


def melodies(music, task="melody_2bar", **rules):
    tokens = extract(music, codec(task), Rules(**rules)).tokens
    return [] if tokens is None else tokens[..., 0].tolist()


def scale(first, steps, offset=0):
    return [(step, step + 4, first + step // 4 % 12 + offset) for step in range(0, steps, 4)]


@pytest.mark.parametrize("meters, end, sections", [
    ((), 30, [Section(0, 2)]),
    (((0, 4, 4), (1920, 4, 4)), 33, [Section(0, 3)]),  # naming the same meter again is no change
    (((0, 3, 4), (1440, 4, 4)), 12 + 16, [Section(1440, 1)]),
    (((0, 4, 4), (1920 * 2 + 100, 6, 8), (1920 * 4, 4, 4)), 16 * 5, [Section(0, 2), Section(1920 * 4, 1)]),
    (((0, 2, 2),), 64, []),
    (((1920, 3, 4),), 64, [Section(0, 1)]),
])
def test_sections(meters, end, sections):
    assert four_four_sections(song(end=end, meters=meters)) == sections


def test_windows_slide_by_a_bar():
    rows = melodies(song(instrument(scale(60, 64)), end=64))
    assert sorted((row[0], row[16]) for row in rows) == [(60, 64), (64, 68), (68, 60)]


def test_equal_windows_of_a_song_are_one_example():
    examples = extract(song(instrument(scale(60, 16) + [(s + 16, e + 16, p) for s, e, p in scale(60, 16)]
                                       + [(s + 32, e + 32, p) for s, e, p in scale(60, 16)]), end=48),
                       codec("melody_2bar"), Rules())
    assert len(examples.tokens) == 1
    assert examples.counts["count/windows"] == 2 and examples.counts["count/repeated in its song"] == 1


def test_a_held_note_is_silent_in_the_window_it_did_not_start_in():
    rows = melodies(song(instrument([(0, 20, 60), (20, 48, 62)]), end=48))
    assert [REST] * 4 + [62] + [HOLD] * 27 in rows and len(rows) == 2


@pytest.mark.parametrize("silence, kept", [(16, 1), (17, 0)])
def test_at_most_a_bar_of_rests(silence, kept):
    assert len(melodies(song(instrument([(0, 1, 60), (1 + silence, 32, 62)]), end=32))) == kept
    drums = song(instrument([(0, 1, 36), (1 + silence, 32, 38)], channel=9), end=32)
    assert len(melodies(drums, "drums_2bar")) == kept


@given(st.lists(st.integers(0, 2), min_size=32, max_size=32))
def test_short_rests_counts_runs(row):
    longest = max(len(run) for run in "".join("." if token == 0 else "x" for token in row).split("x"))
    assert short_rests(np.array([row]), 0).tolist() == [longest <= 16]


def test_channel_ten_is_one_drum_kit():
    kick = instrument([(step, step + 1, 36) for step in range(0, 32, 8)], channel=9, track=1)
    snare = instrument([(step, step + 1, 38) for step in range(4, 32, 8)], channel=9, track=2, program=8)
    assert melodies(song(kick, snare, end=32), "drums_2bar") == [[1, 0, 0, 0, 2, 0, 0, 0] * 4]


def test_pitched_instruments_stay_apart_and_drums_are_no_melody():
    music = song(instrument(scale(60, 32)), instrument(scale(72, 32), program=5), instrument(scale(36, 32), channel=9), end=32)
    assert sorted(row[0] for row in melodies(music)) == [60, 72]


def test_polyphony():
    chords = instrument(scale(60, 32) + scale(60, 32, offset=4))
    music = song(chords, instrument(scale(72, 32), program=5), end=32)
    assert sorted(row[0] for row in melodies(music)) == [64, 72]
    assert [row[0] for row in melodies(music, monophonic=True)] == [72]
    legato = Song(480, (), (Instrument(0, "", 0, 0, np.array([[0, 500, 60, 9], [480, 3840, 62, 9]])),), 3840)
    assert len(melodies(legato, monophonic=True)) == 1  # an overlap of 20 ticks is not a chord


def test_notes_are_rounded_on_the_grid_of_their_section():
    notes = np.array([[1440 + 100, 1440 + 500, 60, 9], [1440 + 1910, 1440 + 3840, 62, 9]])
    music = Song(480, ((0, 3, 4), (1440, 4, 4)), (Instrument(0, "", 0, 0, notes),), 1440 + 3840)
    assert melodies(music) == [[REST, 60, HOLD, HOLD] + [REST] * 12 + [62] + [HOLD] * 15]


@pytest.mark.parametrize("reason, music, task", [
    ("no notes", song(end=64), "melody_2bar"),
    ("no 4/4 section of 2 bars", song(instrument(scale(60, 16)), end=16), "melody_2bar"),
    ("no 4/4 section of 2 bars", song(instrument(scale(60, 64)), end=64, meters=((0, 3, 4),)), "melody_2bar"),
    ("no drums instrument", song(instrument(scale(60, 64)), end=64), "drums_2bar"),
    ("no melody instrument", song(instrument(scale(60, 64), channel=9), end=64), "melody_2bar"),
    ("only windows with long rests", song(instrument([(0, 1, 60)]), end=64), "melody_2bar"),
    ("no bass instrument", song(instrument(scale(60, 256)), end=256), "trio_16bar"),
    ("too many instruments for its length", song(*[instrument(scale(60, 64))] * 25_001, end=64), "melody_2bar"),
])
def test_why_a_song_has_no_examples(reason, music, task):
    examples = extract(music, codec(task), Rules())
    assert examples.tokens is None and examples.reason == reason


def band(leads, basses, bars=18):
    return song(*(instrument(scale(60 + 2 * index, 16 * bars), program=index) for index in range(leads)),
                *(instrument(scale(30 + 2 * index, 16 * bars), program=32 + index) for index in range(basses)),
                instrument([(step, step + 1, 36) for step in range(0, 16 * bars, 3)], channel=9),
                instrument(scale(90, 16 * bars), program=80), end=16 * bars)


def test_trios_are_the_cross_product():
    examples = extract(band(3, 2), codec("trio_16bar"), Rules())
    assert examples.counts["count/windows"] == 3 * 3 * 2
    assert examples.tokens.shape == (18, 256, 3) and len(np.unique(examples.tokens, axis=0)) == 18
    together = Counter((int(lead), int(bass)) for lead, bass, _ in examples.tokens[:, 0])
    assert len(together) == 3 * 6 and set(together.values()) == {1}
    assert all((lead - 60) % 2 == 0 and lead < 90 for lead, _ in together)


def test_a_silent_part_leaves_its_window_out():
    music = band(1, 1)
    quiet_bass = music.instruments[1].notes[music.instruments[1].notes[:, 0] >= 120 * 34]  # a run of 34 steps
    parts = (music.instruments[0], Instrument(0, "", 0, 33, quiet_bass), *music.instruments[2:])
    examples = extract(Song(480, (), parts, music.end), codec("trio_16bar"), Rules())
    assert len(examples.tokens) == 1  # windows from bars 1 and 2 have more than a bar of rests in the bass


def test_a_song_over_the_limit_gives_a_seeded_sample():
    whole = extract(band(3, 2), codec("trio_16bar"), Rules())
    sample = extract(band(3, 2), codec("trio_16bar"), Rules(limit=5), seed=1)
    assert len(sample.tokens) == 5 and sample.counts["count/left out by the limit"] == 13
    assert sample.counts["count/songs over the limit"] == 1
    everything = {row.tobytes() for row in whole.tokens}
    assert len({row.tobytes() for row in sample.tokens} & everything) == 5
    np.testing.assert_array_equal(extract(band(3, 2), codec("trio_16bar"), Rules(limit=5), seed=1).tokens, sample.tokens)
    assert (extract(band(3, 2), codec("trio_16bar"), Rules(limit=5), seed=2).tokens != sample.tokens).any()


def test_an_exploding_product_is_sampled_without_being_made(monkeypatch):
    whole = {row.tobytes() for row in extract(band(4, 4), codec("trio_16bar"), Rules()).tokens}
    monkeypatch.setattr(extraction, "DRAWN", 10)
    sample = extract(band(4, 4), codec("trio_16bar"), Rules(limit=6))
    assert len(whole) == sample.counts["count/windows"] == 48 and sample.counts["count/left out by the limit"] == 42
    assert len(sample.tokens) == 6 == len({row.tobytes() for row in sample.tokens} & whole)


PART = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=12)


@given(st.lists(PART, min_size=1, max_size=3), st.integers(1, 20))
def test_the_product_against_a_naive_version(parts, most):
    expected = sorted(tuple(id for _, id in choice) for choice in itertools.product(*parts)
                      if len({place for place, _ in choice}) == 1)
    arrays = [(np.array([place for place, _ in part], int), np.array([id for _, id in part], int)) for part in parts]
    rows, total = extraction._cross_product(arrays, 10**6, np.random.default_rng(0))
    assert total == len(expected) and sorted(map(tuple, rows.tolist())) == expected
    rows, total = extraction._cross_product(arrays, most, np.random.default_rng(0))
    assert total == len(expected) and len(rows) == min(most, total)
    assert not Counter(map(tuple, rows.tolist())) - Counter(expected)


def naive_examples(music, task):
    """The rules again, note by note and step by step, for songs of one 4/4 section and tasks of one part."""
    is_drums, steps = task == "drums_2bar", codec(task).steps
    bars = -(-music.end // (4 * music.ticks_per_beat))
    lines = {}
    for index, part in enumerate(music.instruments):
        if part.is_drum == is_drums:
            lines.setdefault(0 if is_drums else index, []).extend(part.notes.tolist())
    examples = set()
    for notes in lines.values():
        stream = [0 if is_drums else REST] * (bars * 16)
        starts = {}
        for start, end, pitch, _ in notes:
            step = int(start / music.ticks_per_beat * 4 + 0.5)
            starts.setdefault(step, []).append((pitch, int(end / music.ticks_per_beat * 4 + 0.5)))
        for step, group in sorted(starts.items()):
            if step >= len(stream):
                continue
            if is_drums:
                for bit, (_, pitches) in enumerate(DRUM_KINDS):
                    stream[step] |= any(pitch in pitches for pitch, _ in group) << bit
            else:
                pitch, end = max(group)
                stream[step] = pitch
                for held in range(step + 1, len(stream)):
                    stream[held] = HOLD if held < end else REST
        for bar in range(bars - steps // 16 + 1):
            window = stream[bar * 16:bar * 16 + steps]
            for step in range(steps):
                if window[step] != HOLD or is_drums:
                    break
                window[step] = REST
            run = longest = 0
            for token in window:
                run = run + 1 if token == (0 if is_drums else REST) else 0
                longest = max(longest, run)
            if longest <= 16:
                examples.add(tuple(window))
    return examples


@pytest.mark.parametrize("task", ["melody_2bar", "drums_2bar", "melody_32bar"])
def test_real_songs_against_a_naive_version(task):
    for name in ("freedoom", "drummer", "reel"):
        music = read_song(SONGS[name])
        assert {tuple(row) for row in melodies(music, task)} == naive_examples(music, task), name


NOTES = st.lists(st.tuples(st.integers(0, 80 * 24), st.integers(0, 400), st.integers(20, 100)), min_size=1, max_size=60)


@pytest.mark.parametrize("task, channel", [("melody_2bar", 0), ("drums_2bar", 9)])
@given(notes=NOTES)
def test_random_songs_against_a_naive_version(task, channel, notes):
    events = sorted([(start, 1, pitch) for start, _, pitch in notes]
                    + [(start + length, 0, pitch) for start, length, pitch in notes])
    ticks = [0, *(tick for tick, _, _ in events)]
    track = smf.track(*((tick - before, (smf.on if is_on else smf.off)(pitch, channel=channel))
                        for before, (tick, is_on, pitch) in zip(ticks, events)))
    music = parse_song(smf.file(track, division=96))
    assert {tuple(row) for row in melodies(music, task)} == naive_examples(music, task)
