import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vae import midi_files as smf
from vae.midi import MidiError
from vae.notes import PARTS, TICKS_PER_BEAT, Clip, Note, read_clip, write_midi


@st.composite
def clips(draw):
    """Clips on the sixteenth grid in which no two notes of one part and pitch overlap."""
    steps = draw(st.integers(1, 64))
    notes = []
    for part in draw(st.sets(st.sampled_from(PARTS))):
        for pitch in draw(st.sets(st.integers(0, 127), max_size=4)):
            edges = sorted(draw(st.sets(st.integers(0, steps), max_size=8)))
            for start, stop in zip(edges[::2], edges[1::2]):
                notes.append(Note(part, pitch, start / 4, (stop - start) / 4, draw(st.integers(1, 127))))
    return Clip.of(steps / 4, notes)


@given(clips(), st.floats(20, 300))
def test_write_and_read_are_inverse(tmp_path_factory, clip, tempo):
    path = tmp_path_factory.getbasetemp() / "round-trip.mid"
    write_midi(clip, path, tempo)
    assert read_clip(path) == clip
    assert read_clip(path, PARTS) == clip


def test_what_is_written(tmp_path):
    clip = Clip.of(8.0, [Note("melody", 60, 0.0, 1.0, 99), Note("melody", 60, 1.0, 1.0, 99), Note("drums", 36, 0.5, 0.25, 1)])
    write_midi(clip, tmp_path / "clip.mid", tempo=90)
    file = mido.MidiFile(tmp_path / "clip.mid")
    assert file.ticks_per_beat == TICKS_PER_BEAT == 480
    assert {message.channel for message in file.tracks[2] if message.type == "note_on"} == {9}
    assert [message.tempo for message in file.tracks[0] if message.type == "set_tempo"] == [mido.bpm2tempo(90)]
    assert {sum(message.time for message in track) for track in file.tracks} == {8 * 480}
    on_and_off = [message.type for message in file.tracks[1] if message.type.startswith("note")]
    assert on_and_off == ["note_on", "note_off", "note_on", "note_off"]


def test_parts_of_a_users_file(tmp_path):
    path = tmp_path / "band.mid"
    path.write_bytes(smf.file(*(smf.track((0, smf.program(program, channel)), (0, smf.on(pitch, channel=channel)),
                                          (480, smf.off(pitch, channel)))
                                for program, channel, pitch in ((0, 0, 72), (33, 1, 40), (80, 2, 90), (0, 9, 36)))))

    def parts(clip):
        return sorted((note.part, note.pitch) for note in clip.notes)

    assert parts(read_clip(path)) == [("drums", 36), ("melody", 40), ("melody", 72), ("melody", 90)]
    assert parts(read_clip(path, ("drums",))) == [("drums", 36)]
    assert parts(read_clip(path, ("melody",))) == [("melody", 40), ("melody", 72), ("melody", 90)]
    assert parts(read_clip(path, ("lead", "bass", "drums"))) == [("bass", 40), ("drums", 36), ("lead", 72), ("lead", 90)]


def test_drums_that_live_exports_are_on_the_first_channel(tmp_path):
    path = tmp_path / "loop.mid"
    path.write_bytes(smf.file(smf.track((0, smf.on(36)), (96, smf.off(36)), (0, smf.on(38)), (96, smf.off(38)))))
    assert [(note.part, note.pitch) for note in read_clip(path, ("drums",)).notes] == [("drums", 36), ("drums", 38)]
    assert {note.part for note in read_clip(path).notes} == {note.part for note in read_clip(path, ("melody",)).notes} == {"melody"}
    assert {note.part for note in read_clip(path, ("lead", "bass", "drums")).notes} == {"lead"}
    write_midi(Clip.of(1.0, [Note("melody", 60, 0.0, 1.0, 99)]), path)  # a track of that name is none of drums
    assert not read_clip(path, ("drums",)).notes


def test_a_file_without_tempo_or_meter_and_with_an_odd_end(tmp_path):
    path = tmp_path / "live.mid"
    path.write_bytes(smf.file(smf.track((0, b"\xff\x03\x05Piano"), (96, smf.on(64)), (48, smf.off(64)), end=33), kind=0,
                              division=96))
    assert read_clip(path) == Clip(2.0, (Note("melody", 64, 1.0, 0.5, 90),))


def test_a_broken_file(tmp_path):
    (tmp_path / "noise.mid").write_bytes(b"noise")
    with pytest.raises(MidiError, match="not a MIDI file"):
        read_clip(tmp_path / "noise.mid")
