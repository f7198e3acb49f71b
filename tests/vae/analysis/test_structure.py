"""Bar similarity and agreement against hand-made music and against sets of notes."""
import json

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import image

from tests.vae.data_sets import write_data_set
from vae.analysis import commands, structure
from vae.codecs import HOLD, REST, codec

A, B = [60, HOLD, 62, HOLD] * 4, [60, HOLD, 65, HOLD] * 4


def trio(lead=REST, bass=REST, drums=0):
    """One trio clip of streams or of one class throughout: [1, 256, 3]."""
    return np.stack([np.resize(stream, 256) for stream in (lead, bass, drums)], axis=-1)[None]


def test_similarity_by_hand():
    clip = np.array([*A, *B, *A, *[REST] * 16, *[REST] * 16] + [*A] * 27)[None, :, None]
    notes = structure.similarity(codec("melody_32bar"), clip)["melody"]["notes"][0]
    assert notes[0, 2] == 1.0 and notes[0, 1] == notes[1, 0] == 0.5  # four of the eight notes of each
    assert notes[0, 3] == 0.0 and np.isnan(notes[3, 4])
    rhythm = structure.similarity(codec("melody_32bar"), clip)["melody"]["rhythm"][0]
    assert rhythm[0, 1] == 1.0 and rhythm[0, 3] == 0.0


def test_similarity_is_the_f1_of_sets_of_notes():
    rng, this = np.random.default_rng(0), codec("trio_16bar")
    tokens = np.stack([rng.choice([60, 62, HOLD, REST], (3, 256)), rng.choice([40, HOLD, HOLD, REST], (3, 256)),
                       rng.choice([0, 0, 0, 1, 6, 256], (3, 256))], axis=-1)
    similar = structure.similarity(this, tokens)
    assert list(similar) == ["lead", "bass", "drums", "all"]
    for clip, rows in enumerate(tokens):
        for part in similar:
            bars = [{(note.part, note.pitch, note.start % 4) for note in this.decode(rows).notes
                     if note.start // 4 == bar and part in (note.part, "all")} for bar in range(16)]
            expected = [[2 * len(a & b) / (len(a) + len(b)) if a or b else np.nan for b in bars] for a in bars]
            np.testing.assert_allclose(similar[part]["notes"][clip], expected, rtol=1e-6)


def test_by_distance_averages_what_is_there():
    matrices = np.full((2, 3, 3), np.nan)
    matrices[0, 0, 1], matrices[1, 1, 2] = 0.25, 0.75
    assert structure.by_distance(matrices) == [0.5, None]


def test_repeated_bars_are_alike_and_shuffled_ones_are_not():
    rng = np.random.default_rng(0)
    loops = np.tile(rng.integers(40, 80, (20, 2, 16)), (1, 16, 1)).reshape(20, 512, 1)  # two bars over and over
    this = codec("melody_32bar")
    level = structure.by_distance(structure.similarity(this, loops)["melody"]["notes"])
    assert level[1] == level[3] == level[29] == 1.0 and level[0] < 0.1
    shuffled = structure.shuffled_bars(loops, rng)
    assert max(structure.by_distance(structure.similarity(this, shuffled)["melody"]["notes"])) < 0.15
    first = slice(0, 16)
    assert sorted(map(bytes, shuffled[:, first])) == sorted(map(bytes, loops[:, first]))


def test_sounding():
    tokens = np.array([[HOLD, 60, HOLD, REST, REST, 0, HOLD]])
    assert structure.sounding(tokens).tolist() == [[-1, 60, 60, -1, -1, 0, 0]]


@pytest.mark.parametrize("lead, bass, expected", [
    ([72, HOLD, HOLD, HOLD], [36, HOLD, HOLD, HOLD], {"beat": 1.0, "bar": 1.0, "consonant": 1.0}),
    ([71, 72, HOLD, HOLD], [36, HOLD, HOLD, HOLD], {"beat": 1.0, "bar": 1.0, "consonant": 0.0}),  # C after the beat
    ([64, HOLD, HOLD, HOLD], [36, HOLD, HOLD, HOLD], {"beat": 0.0, "bar": 0.0, "consonant": 1.0}),  # a third
    ([65, HOLD, HOLD, HOLD], [36, HOLD, HOLD, HOLD], {"beat": 0.0, "bar": 0.0, "consonant": 0.0}),  # a fourth
    ([72, *[HOLD] * 3, 62, *[HOLD] * 11], [36, *[HOLD] * 15], {"beat": 0.25, "bar": 1.0, "consonant": 0.25}),
    ([72, *[HOLD] * 3, *[REST] * 12], [36, *[HOLD] * 15], {"beat": 1.0, "bar": 1.0, "consonant": 1.0}),  # then silence
    ([REST], [36, HOLD, HOLD, HOLD], {"beat": None, "bar": None, "consonant": None}),
])
def test_agreement(lead, bass, expected):
    tokens = trio(lead, bass)
    assert structure.agreement(tokens[..., 0], tokens[..., 1]) == expected


def test_shuffled_parts_of_other_keys_do_not_agree():
    keys = np.arange(12)[:, None]
    lead, bass = np.repeat(60 + keys, 256, axis=1), np.repeat(36 + keys, 256, axis=1)
    assert structure.agreement(lead, bass)["beat"] == 1.0
    assert structure.shuffled_agreement(lead, bass, np.random.default_rng(0))["beat"] == 0.0  # never its own


def test_the_command_prints_writes_and_draws(models, tmp_path):
    test = np.concatenate([trio([60 + n, HOLD], [36 + n, HOLD], [1, 0, 4, 0]) for n in range(6)])
    data = write_data_set(tmp_path / "trios", "trio_16bar", train=test, validation=test, test=test)
    words = [models["trio_16bar"], "--data", data, "--samples", 4, "--json", tmp_path / "s.json", "--plot",
             tmp_path / "s.png"]
    done = CliRunner().invoke(commands.structure, [*map(str, words)])
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "s.json").read_text())
    assert result["examples"] == {"test": 4, "samples": 4}
    assert result["agreement"]["test"] == {"beat": 1.0, "bar": 1.0, "consonant": 1.0}
    assert result["agreement"]["test, shuffled"]["beat"] == 0.0
    assert result["similarity"]["all"]["notes"]["test"] == [1.0] * 15
    assert result["similarity"]["lead"]["notes"]["test, shuffled"][0] < 1.0
    assert "8 bars" in done.output and "agreement of bass and lead" in done.output
    assert image.imread(tmp_path / "s.png").std() > 0.05
