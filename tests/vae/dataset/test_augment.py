import time

import numpy as np
import pytest

from vae.codecs import CODECS, HOLD, REST, canonical_melody, codec
from vae.dataset import augment
from vae.dataset.extraction import short_rests

ALWAYS = {name: f"{name}:1" for name in augment.FUNCTIONS}
KICK_AND_SNARE, TOMS, CYMBALS = 0b11, 0b1110000, 0b110001100


def applicable(name, task):
    try:
        return augment.by_name(name, task)
    except ValueError:
        return None


CASES = [(name, task) for name in augment.FUNCTIONS for task in CODECS if applicable(name, task)]


def batch(task, count=256, seed=0):
    """Random canonical examples without long rests."""
    rng = np.random.default_rng(seed)
    columns = []
    for classes in codec(task).classes:
        shape = (count, codec(task).steps)
        if classes == 512:
            column = rng.integers(0, 512, shape) & rng.integers(0, 512, shape)
            column[:, ::8] |= 1
        else:
            column = np.where(rng.random(shape) < 0.4, rng.integers(40, 90, shape), rng.integers(HOLD, REST + 1, shape))
            column[:, ::8] = 60
            column = canonical_melody(column)
        columns.append(column)
    return np.stack(columns, axis=-1).astype(np.int32)


def run(name, task, tokens, seed=0):
    return augment.by_name(name, task)(tokens, np.random.default_rng(seed))


def test_which_task_takes_which():
    drums = {"recombine_lanes", "drop_lane", "mirror_cymbals", "shuffle_toms"}
    pitches = {"transpose", "octave"}
    several = {"recombine_parts"}
    assert {name for name, task in CASES if task == "drums_2bar"} == set(augment.FUNCTIONS) - pitches - several
    assert {name for name, task in CASES if task == "melody_2bar"} == set(augment.FUNCTIONS) - drums - several
    assert {name for name, task in CASES if task == "trio_16bar"} == set(augment.FUNCTIONS)


@pytest.mark.parametrize("name, task", CASES)
def test_examples_stay_examples(name, task):
    tokens = batch(task)
    before = tokens.copy()
    changed = run(ALWAYS[name], task, tokens)
    np.testing.assert_array_equal(tokens, before)
    assert changed.shape == tokens.shape and changed.dtype == np.int32
    assert (changed != tokens).any(axis=(1, 2)).mean() > 0.5
    for stream, (part, classes) in enumerate(zip(codec(task).parts, codec(task).classes)):
        column = changed[..., stream]
        assert column.min() >= 0 and column.max() < classes
        assert short_rests(column, 0 if part == "drums" else REST).all()
        if part != "drums":
            np.testing.assert_array_equal(canonical_melody(column), column)


@pytest.mark.parametrize("name, task", CASES)
def test_the_generator_decides_everything(name, task):
    tokens = batch(task, 32)
    np.testing.assert_array_equal(run(name, task, tokens, 3), run(name, task, tokens, 3))
    assert any((run(name, task, tokens, 3) != run(name, task, tokens, seed)).any() for seed in (4, 5))


@pytest.mark.parametrize("task", ["melody_2bar", "trio_16bar"])
def test_transposition_is_the_papers(task):
    tokens = batch(task, 2000)
    changed = run("transpose", task, tokens)
    pitched = tokens[..., :2] < HOLD
    difference = (changed - tokens)[..., :2]
    assert (difference[~pitched] == 0).all() and (changed[..., 2:] == tokens[..., 2:]).all()
    shifts = [np.unique(row[mask]) for row, mask in zip(difference, pitched)]
    assert all(len(shift) == 1 for shift in shifts)  # one amount an example, lead and bass alike
    counts = np.unique(np.concatenate(shifts), return_counts=True)
    assert counts[0].tolist() == list(range(-5, 7)) and counts[1].min() > 100


def test_transposition_stays_on_the_keyboard():
    tokens = np.full((500, 32, 1), HOLD, np.int32)
    tokens[:, 0, 0], tokens[:, 8, 0] = 2, 60
    tokens[250:, 8, 0] = 124
    shifts = run("transpose", "melody_2bar", tokens)[:, 0, 0] - 2
    assert set(shifts[:250]) == set(range(-2, 7)) and set(shifts[250:]) == set(range(-2, 4))
    silent = np.full((3, 32, 1), REST, np.int32)
    np.testing.assert_array_equal(run("transpose", "melody_2bar", silent), silent)


def test_octaves():
    tokens = batch("melody_2bar")
    tokens[0, 0], tokens[0, 8] = 3, 120
    changed = run("octave:1", "melody_2bar", tokens)
    pitched = tokens < HOLD
    assert set((changed - tokens)[pitched]) == {-12, 0, 12} and (changed[0] == tokens[0]).all()


def test_bars_and_beats_move_whole():
    tokens = batch("drums_2bar")
    np.testing.assert_array_equal(run("swap_halves:1", "drums_2bar", tokens), np.roll(tokens, 16, axis=1))
    repeated = run("repeat_half:1", "drums_2bar", tokens)
    np.testing.assert_array_equal(repeated[:, :16], repeated[:, 16:])
    choices = [(row[:16] == old[:16]).all() for row, old in zip(repeated, tokens)]
    assert all(choice or (row[:16] == old[16:]).all() for choice, row, old in zip(choices, repeated, tokens))
    assert 0.3 < np.mean(choices) < 0.7
    rotated = run("rotate_beats:1", "drums_2bar", tokens)
    found = [[beat for beat in range(8) if (np.roll(old, -4 * beat, axis=0) == row).all()] for row, old in zip(rotated, tokens)]
    assert {beats[0] for beats in found} == set(range(1, 8))


def test_holds_that_lost_their_note_are_rests():
    tokens = np.full((1, 32, 1), HOLD, np.int32)
    tokens[0, 0], tokens[0, 24] = 60, 62
    swapped = run("swap_halves:1", "melody_2bar", tokens)[0, :, 0]
    assert swapped.tolist() == [REST] * 8 + [62] + [HOLD] * 7 + [60] + [HOLD] * 15


def test_joined_halves_come_from_two_examples():
    tokens = batch("trio_16bar", 16)
    tokens[..., 2] = np.arange(16)[:, None] + 1
    joined = run("join_halves:1", "trio_16bar", tokens)
    assert (joined[:, :128, 2] == tokens[:, :128, 2]).all()
    partners = joined[:, 128, 2] - 1
    assert sorted(partners) == list(range(16)) and (partners != np.arange(16)).any()
    assert all((row[136:] == tokens[partner, 136:]).all() for row, partner in zip(joined, partners))


@pytest.mark.parametrize("steps", [16, 64, 240, 256])
def test_an_excerpt_is_a_stretch_of_its_example_from_bar_to_bar(steps):
    tokens = batch("trio_16bar")
    cut = augment.excerpt(tokens, np.random.default_rng(1), codec("trio_16bar"), steps)
    assert cut.shape == (len(tokens), steps, 3)
    begins = set()
    for row, example in zip(cut, tokens):
        at, = (bar for bar in range(17 - steps // 16) if (row[:, 2] == example[16 * bar:16 * bar + steps, 2]).all())
        begins.add(at)
        assert (row[4:] == example[16 * at + 4:16 * at + steps]).mean() > 0.98  # but for holds that lost their note
        assert (canonical_melody(row[:, 0]) == row[:, 0]).all()
    assert begins == set(range(17 - steps // 16))


def test_lanes_of_two_loops():
    tokens = batch("drums_2bar", 64)
    mixed = run("recombine_lanes:1", "drums_2bar", tokens)[..., 0]
    old = tokens[..., 0]
    np.testing.assert_array_equal(mixed & KICK_AND_SNARE, old & KICK_AND_SNARE)
    for lanes in (TOMS, CYMBALS):
        for row in mixed & lanes:
            assert ((old & lanes) == row).all(axis=1).any()  # somebody played it, at this very place
    assert ((mixed & CYMBALS) != (old & CYMBALS)).any() and ((mixed & TOMS) != (old & TOMS)).any()


def test_a_dropped_lane_is_one_that_sounded():
    tokens = batch("drums_2bar")
    tokens[0] = tokens[0] & 1
    dropped = run("drop_lane:1", "drums_2bar", tokens)
    lanes = np.bitwise_or.reduce(tokens ^ dropped, axis=1)[:, 0]
    assert lanes[0] == 0  # the only lane stays: without it nothing would sound
    assert all(lane.bit_count() == 1 for lane in lanes[1:].tolist()) and len(set(lanes)) == 10
    lost = tokens & lanes[:, None, None]
    np.testing.assert_array_equal(dropped, tokens - lost)


def test_cymbals_and_toms_change_places():
    tokens = batch("drums_2bar")
    mirrored = run("mirror_cymbals:1", "drums_2bar", tokens)
    np.testing.assert_array_equal(mirrored >> 8 & 1, tokens >> 2 & 1)
    np.testing.assert_array_equal(mirrored >> 2 & 1, tokens >> 8 & 1)
    np.testing.assert_array_equal(mirrored & ~0b100000100, tokens & ~0b100000100)
    shuffled = run("shuffle_toms:1", "drums_2bar", tokens)
    np.testing.assert_array_equal(shuffled & ~TOMS, tokens & ~TOMS)
    for row, old in zip(shuffled[..., 0], tokens[..., 0]):
        assert sorted((row >> bit & 1).tolist() for bit in (4, 5, 6)) == sorted((old >> bit & 1).tolist() for bit in (4, 5, 6))


def test_one_part_of_a_trio_comes_from_another_example():
    tokens = batch("trio_16bar", 64)
    changed = run("recombine_parts:1", "trio_16bar", tokens)
    own = (changed == tokens).all(axis=1)  # [examples, parts]
    assert set(own.sum(axis=1)) <= {2, 3} and (~own).any(axis=0).all()
    for row, part in zip(*np.nonzero(~own)):
        assert (changed[row, :, part] == tokens[..., part]).all(axis=1).any()


def test_shares():
    tokens = batch("drums_2bar", 4000)
    for text, share in (("swap_halves:0.2", 0.2), ("swap_halves", 0.5)):
        changed = (run(text, "drums_2bar", tokens) != tokens).any(axis=(1, 2)).mean()
        assert changed == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("text, task, message", [
    ("transposed", "melody_2bar", "did you mean 'transpose'"),
    ("transpose", "drums_2bar", "nothing to change in drums_2bar"),
    ("drop_lane", "melody_32bar", "nothing to change in melody_32bar"),
    ("transpose:0", "melody_2bar", "above 0, at most 1; received '0'"),
    ("transpose:often", "melody_2bar", "received 'often'"),
    ("transpose:1.5", "melody_2bar", "received '1.5'"),
])
def test_names_that_are_refused(text, task, message):
    with pytest.raises(ValueError, match=message):
        augment.by_name(text, task)


@pytest.mark.parametrize("name, task", [case for case in CASES if case[1].endswith("2bar") and "32" not in case[1]])
def test_fast_enough_for_the_training_loop(name, task):
    tokens, function = batch(task), augment.by_name(name, task)
    times = []
    for seed in range(20):
        start = time.perf_counter()
        function(tokens, np.random.default_rng(seed))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005  # seconds for 256 examples; a training step takes hundreds of milliseconds
