import pytest

from vae.dataset.splits import song_name, split_of


@pytest.mark.parametrize("versions", [
    ("freedoom/d_dm01.mid", "releases/v0.9_d_dm01_1a2b3c4d.mid", "D_DM01.MID", "v0.11.3_d_dm01_fa97d109.mid"),
    ("Song.mid", "Song (1).mid", "song copy.mid", "Song_2.mid", "song-v3.mid", "song - 12.mid"),
    ("tune_0273_0.mid", "other/tune_0273_2.mid"),
])
def test_versions_share_a_name(versions):
    assert len({song_name(path) for path in versions}) == 1


@pytest.mark.parametrize("one, other", [
    ("oneill_00131.mid", "oneill_00132.mid"),
    ("d_dm01.mid", "d_dm02.mid"),
    ("0123456789abcdef0123456789abcdef.mid", "fedcba98765432100123456789abcdef.mid"),
    ("1.mid", "2.mid"),
    ("track deadbeef.mid", "track facade.mid"),  # words, not hashes: they hold no digit
])
def test_songs_do_not(one, other):
    assert song_name(one) != song_name(other)


def test_the_split_of_a_name_never_changes():
    names = ["d_dm01", "reel", "untitled", "song", "groove", "loop"]  # changing this would mix up old test sets with new training sets
    assert [split_of(f"somewhere/{name}.mid", 0.2, 0.2) for name in names] == [0, 2, 2, 0, 2, 2]


def test_shares():
    splits = [split_of(f"tune number {index:05d}.mid", 0.1, 0.2) for index in range(20_000)]
    assert splits.count(1) / len(splits) == pytest.approx(0.1, abs=0.01)
    assert splits.count(2) / len(splits) == pytest.approx(0.2, abs=0.01)
    assert {split_of(f"{index}.mid", 0, 0) for index in range(100)} == {0}
    assert {split_of(f"{index}.mid", 0, 1) for index in range(100)} == {2}
