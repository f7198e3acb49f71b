"""Notes and clips: the one form in which MIDI files, tokens, OSC messages and Live's clips all meet."""
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mido

from vae.midi import DRUM_CHANNEL, Instrument, Song, read_song

PARTS = ("melody", "lead", "bass", "drums")
STEPS_PER_BEAT = 4
BEATS_PER_BAR = 4
STEPS_PER_BAR = STEPS_PER_BEAT * BEATS_PER_BAR
LEAD_PROGRAMS = range(32)  # piano, chromatic percussion, organ, guitar (paper, appendix "Dataset")
BASS_PROGRAMS = range(32, 40)

TICKS_PER_BEAT = 480
_CHANNELS = {"melody": 0, "lead": 1, "bass": 2, "drums": DRUM_CHANNEL}
_PROGRAMS = {"melody": 0, "lead": 0, "bass": 33, "drums": 0}


class Note(NamedTuple):
    """start and duration in beats (quarter notes); pitch 0-127; velocity 1-127."""

    part: str
    pitch: int
    start: float
    duration: float
    velocity: int


@dataclass(frozen=True)
class Clip:
    """A piece of music of a given length in beats. notes: sorted by start, part, pitch."""

    beats: float
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, beats: float, notes: Iterable[Note]) -> "Clip":
        """A clip of notes in any order."""
        return cls(beats, tuple(sorted(notes, key=lambda note: (note.start, note.part, note.pitch))))


def read_clip(path: Path | str, parts: tuple[str, ...] | None = None) -> Clip:
    """A user's MIDI file as the clip that `clip_of` makes of it; raises MidiError as `vae.midi.read_song` does."""
    return clip_of(read_song(path), parts)


def clip_of(song: Song, parts: tuple[str, ...] | None = None) -> Clip:
    """A song as one clip, from its first tick to its last event (rounded up to a sixteenth).

    Args:
        parts: the parts wanted, as in `Codec.parts`: the others are left out, every pitched note becomes "melody" if
            that is wanted, and else "bass" for programs 32-39 and "lead" for the rest. Without it, channel 10 is
            "drums" and the rest "melody".

    In both cases a track that is named after a part (as `write_midi` does) is that part, where it is wanted. Where only
    drums are wanted and nothing is on channel 10, the tracks without such a name are drums: Live knows no channels, so
    the drum clips that it exports are on the first.
    """
    drums_anywhere = parts == ("drums",) and not any(instrument.is_drum for instrument in song.instruments)
    notes = []
    for instrument in song.instruments:
        part = _part(instrument, parts, drums_anywhere)
        if part is not None:
            notes += [Note(part, int(pitch), start / song.ticks_per_beat, (end - start) / song.ticks_per_beat,
                           int(velocity)) for start, end, pitch, velocity in instrument.notes.tolist()]
    sixteenths = -(-song.end * STEPS_PER_BEAT // song.ticks_per_beat)
    return Clip.of(sixteenths / STEPS_PER_BEAT, notes)


def _part(instrument: Instrument, wanted: tuple[str, ...] | None, drums_anywhere: bool) -> str | None:
    if instrument.name in (PARTS if wanted is None else wanted):
        return instrument.name
    if instrument.is_drum or drums_anywhere and instrument.name not in PARTS:
        return "drums" if wanted is None or "drums" in wanted else None
    if wanted is None or "melody" in wanted:
        return "melody"
    part = "bass" if instrument.program in BASS_PROGRAMS else "lead"
    return part if part in wanted else None


def write_midi(clip: Clip, path: Path | str, tempo: float = 120.0) -> None:
    """Write a clip as the MIDI file that `midi_bytes` makes of it."""
    Path(path).write_bytes(midi_bytes(clip, tempo))


def midi_bytes(clip: Clip, tempo: float = 120.0) -> bytes:
    """A clip as a type 1 file of 480 ticks a beat: tempo and 4/4 first, then one named track per part.

    `read_clip` gives the same clip back if its times are multiples of a tick and no two notes of one part and pitch
    overlap. Each part has a channel of its own, drums channel 10.

    Args:
        tempo: beats a minute.
    """
    head = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage("time_signature", numerator=BEATS_PER_BAR, denominator=4),
    ])
    end = round(clip.beats * TICKS_PER_BEAT)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, tracks=[head])
    for part in PARTS:
        notes = [note for note in clip.notes if note.part == part]
        if notes:
            file.tracks.append(_track(part, notes, end))
    head.append(mido.MetaMessage("end_of_track", time=end))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _track(part: str, notes: list[Note], end: int) -> mido.MidiTrack:
    channel = _CHANNELS[part]
    events = []  # (tick, 0 for off before 1 for on, message)
    for note in notes:
        start = round(note.start * TICKS_PER_BEAT)
        stop = max(start + 1, round((note.start + note.duration) * TICKS_PER_BEAT))
        events.append((start, 1, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
        events.append((stop, 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    events.sort(key=lambda event: event[:2])
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=part),
                            mido.Message("program_change", channel=channel, program=_PROGRAMS[part])])
    now = 0
    for tick, _, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track
