"""`dataset combine`: parts that never met, each of its own data set, checked against the sources themselves."""
import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from tests.vae.data_sets import write_data_set
from vae.codecs import HOLD, REST
from vae.dataset.combining import HELD_OUT, REGISTERS
from vae.dataset.storage import open_dataset

STEPS = 256


@pytest.fixture
def sources(tmp_path):
    """Tunes and loops whose classes tell the split: train has even pitches and kinds, the others odd ones and others."""
    rng = np.random.default_rng(0)

    def tunes(count, odd):
        pitches = 40 + odd + 2 * rng.integers(0, 24, (count, 512))
        return np.where(np.arange(512) % 4 == 0, pitches, HOLD)[..., None]

    def loops(count, kinds):
        return rng.choice(kinds, (count, 32))[..., None]

    write_data_set(tmp_path / "tunes", "melody_32bar", train=tunes(30, 0), validation=tunes(3, 1), test=tunes(3, 1))
    write_data_set(tmp_path / "loops", "drums_2bar", train=loops(30, [1, 2, 3]), validation=loops(3, [4, 5]),
                   test=loops(3, [8, 9]))
    return tmp_path


def combine(folder, out, *more):
    return CliRunner().invoke(main, ["dataset", "combine", "--part", "lead", str(folder / "tunes"), "--part", "bass",
                                     str(folder / "tunes"), "--part", "drums", str(folder / "loops"),
                                     "--out", str(folder / out), *more])


def test_every_part_is_its_sources_music(sources):
    done = combine(sources, "trios", "--count", "80")
    assert done.exit_code == 0, done.output
    made, tunes, loops = (open_dataset(sources / name) for name in ("trios", "tunes", "loops"))
    assert made.task == "trio_16bar" and made.meta["examples"] == {"train": 80, "validation": 4, "test": 4}
    for split in ("train", "validation", "test"):
        trios = np.asarray(made.split(split), int)
        originals = tunes.split(split)[..., 0].astype(int)
        windows = np.stack([originals[:, 16 * bar:16 * bar + STEPS] for bar in range(17)], axis=1).reshape(-1, STEPS)
        for stream, part in enumerate(("lead", "bass")):
            low, high = REGISTERS[part]
            for line in trios[..., stream]:
                assert low <= np.median(line[line < HOLD]) < high
                moved = windows + np.where(windows < HOLD, 12 * np.arange(-4, 5)[:, None, None], 0)
                assert np.any(np.all(moved == line, axis=-1))  # a stretch of bars of one tune, moved by octaves
        known = {loop.tobytes() for loop in loops.split(split)[..., 0]}
        for drums in made.split(split)[..., 2]:
            pieces = [piece.tobytes() for piece in drums.reshape(8, 32)]
            assert set(pieces) <= known and len(set(pieces)) <= 3
    assert len(np.unique(made.split("train")[..., 0], axis=0)) > 40


def test_one_seed_gives_one_data_set(sources):
    for out, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert combine(sources, out, "--count", str(HELD_OUT), "--seed", seed).exit_code == 0
    a, b, c = (np.asarray(open_dataset(sources / name).split("train")) for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_no_part_gets_more_than_a_bar_of_rests(sources):
    """A tune of single bars between single silent ones: cut anywhere, and once a hold has lost its note, it must not rest
    longer than the rule allows."""
    bars = np.arange(512) // 16
    tune = np.where(bars % 2 == 1, REST, np.where(np.arange(512) % 16 == 8, 60, np.where(np.arange(512) % 16 > 8, HOLD, REST)))
    tune[:16] = [60] + [HOLD] * 15
    write_data_set(sources / "gaps" / "tunes", "melody_32bar", train=[tune[:, None], np.roll(tune, 8)[:, None]],
                   validation=[tune[:, None]], test=[tune[:, None]])
    (sources / "gaps" / "loops").symlink_to(sources / "loops")
    refused = combine(sources / "gaps", "out", "--count", "20")
    assert refused.exit_code == 2 and "bar of rests" in refused.output, refused.output


@pytest.mark.parametrize("words, said", [
    (["--part", "lead", "tunes"], "wants one data set for each of lead, bass, drums; received lead"),
    (["--part", "lead", "tunes", "--part", "bass", "tunes", "--part", "drums", "tunes"], "drums wants a data set of drums"),
    (["--part", "lead", "loops", "--part", "bass", "tunes", "--part", "drums", "loops"], "lead wants a data set of melodies"),
    (["--part", "lead", ".", "--part", "bass", "tunes", "--part", "drums", "loops"], "is not a data set"),
], ids=["missing part", "melodies as drums", "drums as melody", "no data set"])
def test_mistakes_are_told_and_nothing_is_left(sources, monkeypatch, words, said):
    monkeypatch.chdir(sources)
    done = CliRunner().invoke(main, ["dataset", "combine", *words, "--out", "out"])
    assert done.exit_code == 2 and said in done.output, done.output
    assert sorted(path.name for path in sources.iterdir()) == ["loops", "tunes"]


def test_what_is_there_is_not_replaced(sources):
    assert combine(sources, "tunes").exit_code == 2
    assert open_dataset(sources / "tunes").task == "melody_32bar"
