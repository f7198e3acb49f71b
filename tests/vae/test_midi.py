import io
import struct

import mido
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from tests.vae import midi_files as smf
from tests.vae.midi_files import SONGS
from vae.midi import MAX_BEATS, MAX_BYTES, MidiError, parse_song, read_song


def notes(song, index=0):
    return song.instruments[index].notes.tolist()


def test_running_status_and_velocity_zero():
    song = parse_song(smf.file(smf.track((0, smf.on(60)), (240, bytes([60, 0])), (0, bytes([62, 80])), (10, bytes([62, 0])))))
    assert notes(song) == [[0, 240, 60, 90], [240, 250, 62, 80]]


def test_hanging_notes_end_with_their_track():
    song = parse_song(smf.file(smf.track((0, smf.on(60)), (480, smf.on(64)), (480, smf.off(64)), end=240)))
    assert notes(song) == [[0, 1200, 60, 90], [480, 960, 64, 90]]
    assert song.end == 1200


def test_a_note_on_ends_the_note_of_its_pitch():
    song = parse_song(smf.file(smf.track((0, smf.on(60)), (240, smf.on(60)), (240, smf.off(60)), (480, smf.off(60)))))
    assert notes(song) == [[0, 240, 60, 90], [240, 480, 60, 90]]


def test_a_note_off_written_after_the_next_note_on_does_not_end_it():
    song = parse_song(smf.file(smf.track((0, smf.on(60)), (240, smf.on(60)), (0, smf.off(60)), (240, smf.off(60)))))
    assert notes(song) == [[0, 240, 60, 90], [240, 480, 60, 90]]


def test_notes_without_length_are_kept():
    assert notes(parse_song(smf.file(smf.track((0, smf.on(36)), (0, smf.off(36)))))) == [[0, 0, 36, 90]]


def test_instruments_are_track_channel_and_program():
    song = parse_song(smf.file(
        smf.track((0, smf.program(32)), (0, smf.on(40)), (10, smf.off(40)), (0, smf.program(33)), (0, smf.on(41)),
                  (10, smf.off(41)), (0, smf.on(36, channel=9)), (10, smf.off(36, 9))),
        smf.track((0, smf.on(60, channel=1)), (10, smf.off(60, 1)))))
    assert [(part.track, part.channel, part.program) for part in song.instruments] == [
        (0, 0, 32), (0, 0, 33), (0, 9, 0), (1, 1, 0)]
    assert [part.is_drum for part in song.instruments] == [False, False, True, False]


def test_a_program_set_on_another_track_counts():
    song = parse_song(smf.file(smf.track((0, smf.program(33)), (9, smf.program(40))),
                               smf.track((0, smf.on(60)), (10, smf.off(60)))))
    assert song.instruments[0].program == 33


def test_the_program_of_a_note_is_that_of_its_start():
    song = parse_song(smf.file(smf.track((0, smf.program(32)), (0, smf.on(60)), (9, smf.program(33)), (9, smf.off(60)))))
    assert [part.program for part in song.instruments] == [32]


def test_meters_and_tempos_of_all_tracks():
    song = parse_song(smf.file(smf.track((0, smf.meter(4, 4)), (0, b"\xff\x51\x03\x07\xa1\x20"), (480, smf.meter(3, 4)),
                                         (0, b"\xff\x51\x03\x00\x00\x00")),
                               smf.track((240, smf.meter(6, 8)))))
    assert song.meters == ((0, 4, 4), (240, 6, 8), (480, 3, 4))


def test_what_other_readers_refuse_or_shift():
    unknown_meta = parse_song(smf.file(smf.track((480, b"\xff\x0a\x01\x00"), (0, smf.on(60)), (480, smf.off(60)))))
    assert notes(unknown_meta) == [[480, 960, 60, 90]]
    bad_key = parse_song(smf.file(smf.track((0, b"\xff\x59\x02\x20\x00"), (0, smf.on(60)), (480, smf.off(60)))))
    assert notes(bad_key) == [[0, 480, 60, 90]]
    good = smf.track((0, smf.on(60)), (480, smf.off(60)))
    foreign_chunk = smf.file(b"XFIH" + struct.pack(">I", 3) + b"abc", good) + b"trailing bytes"
    assert notes(parse_song(foreign_chunk)) == [[0, 480, 60, 90]]
    riff = b"RIFF" + struct.pack("<I", 99) + b"RMIDdata" + struct.pack("<I", 88) + smf.file(good)
    assert notes(parse_song(riff)) == [[0, 480, 60, 90]]


@pytest.mark.parametrize("reason, make", [
    ("not a MIDI file", lambda: b""),
    ("not a MIDI file", lambda: b"MTrk" + bytes(40)),
    ("truncated", lambda: b"MThd\0\0\0\6"),
    ("truncated", lambda: smf.file(smf.track((0, smf.on(60)), (9, smf.off(60))))[:-3]),
    ("truncated", lambda: smf.file(b"MTrk\0\0\0\3\0\x90\x3c")),
    ("type 2", lambda: smf.file(smf.track(), kind=2)),
    ("corrupt header", lambda: smf.file(smf.track(), kind=3)),
    ("corrupt header", lambda: smf.file(smf.track(), division=0)),
    ("SMPTE time division", lambda: smf.file(smf.track(), division=0xE728)),
    ("corrupt events", lambda: smf.file(smf.track((0, bytes([0x90, 200, 90]))))),
    ("corrupt events", lambda: smf.file(smf.track((0, bytes([60, 90]))))),
    ("corrupt events", lambda: smf.file(smf.track((0, b"\xf4")))),
    ("corrupt events", lambda: smf.file(b"MTrk\0\0\0\x0c\xff\xff\xff\xff\x7f\x90\x3c\x40\0\xff\x2f\0")),
    ("corrupt events", lambda: smf.file(b"MTrk\0\0\0\2\0\x90", smf.track())),
    ("too long", lambda: smf.file(smf.track((0, smf.on(60)), *[(0x0FFFFFFF, smf.off(60))] * 20))),
    ("too long", lambda: smf.file(smf.track(end=MAX_BEATS * 480 + 1))),
])
def test_broken_files_are_refused_with_a_reason(reason, make):
    with pytest.raises(MidiError) as refusal:
        parse_song(make())
    assert refusal.value.reason == reason


def test_files_that_cannot_be_opened_or_are_huge(tmp_path):
    with pytest.raises(MidiError, match="unreadable"):
        read_song(tmp_path / "nothing.mid")
    with pytest.raises(MidiError, match="unreadable"):
        read_song(tmp_path)
    (tmp_path / "huge.mid").write_bytes(b"MThd" + bytes(MAX_BYTES))
    with pytest.raises(MidiError, match="too large"):
        read_song(tmp_path / "huge.mid")


def test_the_same_notes_as_mido_and_symusic():
    for path in SONGS.values():
        ours = read_song(path)
        onsets = sorted((start, pitch, velocity) for part in ours.instruments for start, _, pitch, velocity in part.notes.tolist())

        theirs = []
        for midi_track in mido.MidiFile(path, clip=True).tracks:
            tick = 0
            for message in midi_track:
                tick += message.time
                if message.type == "note_on" and message.velocity:
                    theirs.append((tick, message.note, message.velocity))
        assert onsets == sorted(theirs)

        score = symusic.Score(path)
        whole = sorted((part.program, part.is_drum, *note) for part in ours.instruments for note in part.notes.tolist())
        assert whole == sorted((track.program, track.is_drum, note.start, note.end, note.pitch, note.velocity)
                               for track in score.tracks for note in track.notes)


@given(st.binary(max_size=400))
def test_random_bytes_raise_nothing_else(data):
    for start in (b"", b"MThd\0\0\0\6\0\1\0\1\1\xe0", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk" + struct.pack(">I", len(data))):
        try:
            parse_song(start + data)
        except MidiError:
            pass


@given(st.data())
def test_damaged_files_raise_nothing_else(data):
    content = bytearray(SONGS["reel"].read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
        content[position] = data.draw(st.integers(0, 255))
    try:
        song = parse_song(bytes(content[:data.draw(st.integers(0, len(content)))]))
    except MidiError:
        return
    for part in song.instruments:
        starts, ends, pitches, velocities = part.notes.T
        assert (0 <= starts).all() and (starts <= ends).all() and (ends <= song.end).all()
        assert (0 <= pitches).all() and (pitches <= 127).all() and (velocities >= 1).all() and (velocities <= 127).all()


EVENTS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 15), st.integers(0, 127), st.integers(0, 127)), max_size=40)


@given(st.lists(EVENTS, min_size=1, max_size=3))
def test_onsets_of_files_that_mido_wrote(tracks):
    file = mido.MidiFile(ticks_per_beat=96, tracks=[
        mido.MidiTrack([mido.Message("note_on", time=delta, channel=channel, note=pitch, velocity=velocity)
                        for delta, channel, pitch, velocity in events]) for events in tracks])
    buffer = io.BytesIO()
    file.save(file=buffer)
    expected = {}
    for index, events in enumerate(tracks):
        tick = 0
        for delta, channel, pitch, velocity in events:
            tick += delta
            if velocity:
                expected[index, channel, tick, pitch] = velocity  # of two at once on one key, the later is heard
    song = parse_song(buffer.getvalue())
    assert expected == {(part.track, part.channel, start, pitch): velocity
                        for part in song.instruments for start, _, pitch, velocity in part.notes.tolist()}
