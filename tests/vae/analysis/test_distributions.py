"""Features counted from tokens, against values by hand and against a count from the decoded notes."""
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from vae.analysis import distributions
from vae.codecs import DRUM_KINDS, HOLD, REST, codec
from vae.notes import STEPS_PER_BEAT

KIND_OF = {pitches[0]: kind for kind, (_, pitches) in enumerate(DRUM_KINDS)}


def named(counts, part):
    """Feature to {label: count}, without the empty bins."""
    return {feature: {label: int(n) for label, n in zip(labels, counts[part][feature]) if n}
            for feature, labels in distributions.bins(part).items()}


def test_a_melody_by_hand():
    tokens = np.full((2, 32, 1), REST)
    tokens[0, :3, 0] = [60, HOLD, HOLD]
    tokens[0, 4:8, 0] = [64, 62, HOLD, HOLD]
    tokens[0, 15:32, 0] = [80, *[HOLD] * 16]  # 17 steps, to the very end
    tokens[1, 0, 0] = 71  # no interval to the other example's last note
    counted = named(distributions.count(codec("melody_2bar"), tokens), "melody")
    assert counted == {
        "pitch classes": {"C": 1, "E": 1, "D": 1, "G#": 1, "B": 1},
        "intervals": {"4": 1, "-2": 1, "13+": 1},
        "note lengths": {"1": 2, "3": 2, "17+": 1},
        "onsets": {"1": 2, "5": 1, "6": 1, "16": 1},
        "notes per bar": {"0": 2, "1": 1, "4": 1},
    }


def test_drums_by_hand():
    tokens = np.zeros((1, 32, 1), int)
    tokens[0, [0, 16], 0] = 0b101  # kick and closed hi-hat
    tokens[0, 4, 0] = 0b10
    counted = named(distributions.count(codec("drums_2bar"), tokens), "drums")
    assert counted["kinds"] == {"kick": 2, "closed hi-hat": 2, "snare": 1}
    assert counted["onsets"] == {"1": 4, "5": 1}
    assert counted["hits per bar"] == {"3": 1, "2": 1}
    assert counted["kick onsets"] == {"1": 2} and counted["snare onsets"] == {"5": 1} and counted["ride onsets"] == {}


def test_busy_bars_share_the_last_bin():
    tokens = np.full((1, 32, 1), 511)
    assert named(distributions.count(codec("drums_2bar"), tokens), "drums")["hits per bar"] == {"40+": 2}


@pytest.mark.parametrize("task", ["drums_2bar", "melody_2bar", "trio_16bar"])
def test_counts_are_those_of_the_decoded_notes(task):
    """Another way to the same figures: decode to notes and count these one by one."""
    this, rng = codec(task), np.random.default_rng(0)
    streams = [rng.choice([0, 0, 1, 5, 259, 511] if size == 512 else [40, 47, 60, 61, 99, HOLD, HOLD, HOLD, REST],
                          (6, this.steps)) for size in this.classes]
    tokens = np.stack(streams, axis=-1)
    counted, expected = distributions.count(this, tokens), {part: {} for part in this.parts}
    for part in this.parts:
        found = {feature: Counter() for feature in distributions.bins(part)}
        for clip in map(this.decode, tokens):
            notes = [note for note in clip.notes if note.part == part]
            positions = [round(note.start * STEPS_PER_BEAT) for note in notes]
            found["onsets"].update(position % 16 for position in positions)
            bars = Counter(position // 16 for position in positions)
            if part == "drums":
                kinds = [KIND_OF[note.pitch] for note in notes]
                found["kinds"].update(kinds)
                found["hits per bar"].update(min(bars[bar], 40) for bar in range(this.bars))
                for kind, position in zip(kinds, positions):
                    found[f"{DRUM_KINDS[kind][0]} onsets"][position % 16] += 1
            else:
                found["pitch classes"].update(note.pitch % 12 for note in notes)
                found["intervals"].update(max(-13, min(13, b.pitch - a.pitch)) + 13 for a, b in pairwise(notes))
                found["note lengths"].update(min(round(note.duration * STEPS_PER_BEAT), 17) - 1 for note in notes)
                found["notes per bar"].update(bars[bar] for bar in range(this.bars))
        for feature, counter in found.items():
            labels = distributions.bins(part)[feature]
            expected[part][feature] = [counter[bin] for bin in range(len(labels))]
    assert {part: {feature: counts.tolist() for feature, counts in features.items()}
            for part, features in counted.items()} == expected
