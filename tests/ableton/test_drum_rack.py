"""Drum maps: General MIDI, own maps, both ways, and their faults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ableton.drum_rack import GENERAL_MIDI, KINDS, DrumMapError, read_map
from vae.codecs import DRUM_KINDS
from vae.notes import Note


def hit(pitch: int) -> Note:
    return Note("drums", pitch, 0.0, 0.25, 100)


def pitches(notes) -> list[int]:
    return [note.pitch for note in notes]


def test_general_midi_writes_what_the_models_write_and_reads_every_kind():
    models = [kind[1][0] for kind in DRUM_KINDS]
    assert pitches(GENERAL_MIDI.to_rack(map(hit, models))) == models
    assert pitches(GENERAL_MIDI.from_rack(map(hit, [35, 40, 44, 57]))) == [36, 38, 42, 49]
    assert GENERAL_MIDI.from_rack([hit(1)]) == []


def test_an_own_map_goes_both_ways(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("kick: 48\nsnare: [50, 51]\nclosed hi-hat: 36\n")
    rack = read_map(path)
    assert pitches(rack.to_rack(map(hit, [36, 38, 42]))) == [48, 50, 36]
    assert pitches(rack.from_rack(map(hit, [48, 50, 51, 36]))) == [36, 38, 38, 42]
    melody = Note("melody", 48, 0.0, 1.0, 100)
    assert rack.to_rack([melody]) == [melody]
    assert rack.from_rack([Note("melody", 48, 0.0, 1.0, 100)]) == [Note("drums", 36, 0.0, 1.0, 100)]


@given(st.lists(st.integers(0, 127), min_size=9, max_size=9, unique=True))
def test_every_full_map_reads_back_what_it_writes(tmp_path_factory, pads):
    path = tmp_path_factory.mktemp("maps") / "map.yaml"
    path.write_text("".join(f"{kind}: {pad}\n" for kind, pad in zip(KINDS, pads)))
    rack = read_map(path)
    models = [hit(kind[1][0]) for kind in DRUM_KINDS]
    assert rack.from_rack(rack.to_rack(models)) == models


@pytest.mark.parametrize("text, words", [
    ("kik: 36", "did you mean 'kick'"), ("kick: 128", "from 0 to 127"), ("kick: [36, x]", "from 0 to 127"),
    ("kick: []", "from 0 to 127"), ("kick: 36\nsnare: 36", "given to kick and to snare"), ("- 36", "lines"),
    ("kick: [", "YAML"), ("kick: true", "from 0 to 127"),
    ("kick: [51, 53, 59, 82]", "no pad is left for ride")])
def test_faults_are_named(tmp_path, text, words):
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(DrumMapError, match=words):
        read_map(path)
