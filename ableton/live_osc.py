"""A client of AbletonOSC, the remote script that puts Live on OSC: clips written and read where there is no Max.

AbletonOSC hears UDP port 11000 every 100 ms and answers to port 11001 of whoever asked, under the same address. Adding
notes has no answer, so every writing is confirmed by reading the notes back, and what is missing is sent again.

    LiveError           what was wrong, in words for a producer
      NotThere          AbletonOSC does not answer
      Refused           Live or this module refuses: no such track, an audio track, a slot that holds a clip
"""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from vae.notes import Clip, Note

PORT, REPLY_PORT = 11000, 11001
NOTES_PER_MESSAGE = 50  # 2.5 kB; macOS stops UDP at 9,216 bytes
WINDOW = 8.0  # beats that one reading asks for: its answer stays below the same limit at nine drum hits a sixteenth
ALL_PITCHES = (0, 128)  # said explicitly: AbletonOSC's own default misses pitch 127
ALL_TIME = (-8192.0, 16384.0)
TIMEOUT, TRIES = 0.6, 5  # seconds until a question is asked again, six of AbletonOSC's ticks
ROUNDS = 6  # of writing what is missing
SETTLE = 0.25  # seconds after which no answer to an earlier question is still on its way
SAME_TIME = 1e-3  # beats; Live answers in float32


class LiveError(Exception):
    """Something between this program and Live went wrong."""


class NotThere(LiveError):
    """Nothing answers on AbletonOSC's port."""


class Refused(LiveError):
    """Live cannot do what was asked."""


@dataclass(frozen=True)
class Slot:
    """A clip slot; tracks and slots count from 0, as in AbletonOSC."""

    track: int
    index: int

    def __str__(self) -> str:
        return f"slot {self.index} of track {self.track}"


class AbletonOsc:
    """One conversation with AbletonOSC. Use as a context manager.

    Raises LiveError when the reply port is taken.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = PORT, reply_port: int = REPLY_PORT):
        self._error = ""  # Live's last /live/error
        self._address = (host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("", reply_port))
        except OSError as error:
            self._socket.close()
            raise LiveError(f"port {reply_port}, to which AbletonOSC answers, cannot be used ({error.strerror}): "
                            "another client of AbletonOSC is running; stop it first") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def version(self) -> str:
        """Live's version. Raises NotThere when AbletonOSC does not answer."""
        return ".".join(str(number) for number in self.ask("/live/application/get/version"))

    def tempo(self) -> float:
        """Beats a minute."""
        return float(self.ask("/live/song/get/tempo")[0])

    def track_count(self) -> int:
        return int(self.ask("/live/song/get/num_tracks")[0])

    def scene_count(self) -> int:
        return int(self.ask("/live/song/get/num_scenes")[0])

    def has_clip(self, slot: Slot) -> bool:
        return bool(self.ask("/live/clip_slot/get/has_clip", slot.track, slot.index)[0])

    def check_slot(self, slot: Slot) -> None:
        """Raise Refused unless the slot exists and its track takes MIDI clips."""
        tracks, scenes = self.track_count(), self.scene_count()
        if not 0 <= slot.track < tracks:
            raise Refused(f"no track {slot.track}: the set has {tracks}, numbered from 0")
        if not 0 <= slot.index < scenes:
            raise Refused(f"no slot {slot.index}: the set has {scenes} scenes, numbered from 0")
        if not self.ask("/live/track/get/has_midi_input", slot.track)[0]:
            raise Refused(f"track {slot.track} is an audio track or a group: choose a MIDI track")

    def write_clip(self, slot: Slot, clip: Clip, name: str, overwrite: bool = False) -> None:
        """Put a clip into a slot and confirm every note.

        overwrite: replace the notes of a clip that is there, and its loop and markers. Raises Refused for a slot that is
        taken or not to be used, LiveError when Live does not show the notes in the end.
        """
        self.check_slot(slot)
        if self.has_clip(slot):
            if not overwrite:
                raise Refused(f"{slot} already holds a clip; it is replaced only with --overwrite")
            self._fit(slot, clip.beats)  # first: what Live refuses here leaves the clip's notes as they were
            self._empty(slot)
        self._create(slot, clip.beats)
        missing = list(clip.notes)
        for _ in range(ROUNDS):
            for first in range(0, len(missing), NOTES_PER_MESSAGE):
                self._add(slot, missing[first:first + NOTES_PER_MESSAGE])
            missing = self._missing(slot, clip)
            if missing:
                time.sleep(SETTLE)
                missing = self._missing(slot, clip)
            if not missing:
                self._set(slot, "name", name)
                return
        raise LiveError(f"{slot}: Live shows {len(clip.notes) - len(missing)} of {len(clip.notes)} notes after "
                        f"{ROUNDS} tries{self._last_error()}")

    def read_clip(self, slot: Slot, part: str) -> Clip:
        """The notes inside a clip's loop as a clip of one part that starts at 0. Raises Refused for an empty slot."""
        self.check_slot(slot)
        if not self.has_clip(slot):
            raise Refused(f"{slot} is empty")
        start, end = (float(self._get(slot, key)) for key in ("loop_start", "loop_end"))
        notes = []
        for pitch, at, duration, velocity, mute in self._read(slot, start, end):
            if not mute and start <= at < end:
                notes.append(Note(part, pitch, at - start, min(duration, end - at), max(1, min(127, round(velocity)))))
        if not notes:
            raise Refused(f"the clip in {slot} has no notes inside its loop")
        return Clip.of(end - start, notes)

    def ask(self, address: str, *args: float) -> list:
        """A question's answer without the track and slot that it repeats. Raises NotThere when nothing comes."""
        about = list(args[:2])
        self._drain()
        for attempt in range(TRIES):
            self._send(address, *args)
            end = time.monotonic() + TIMEOUT
            while (left := end - time.monotonic()) > 0:
                message = self._receive(left)
                if message is None:
                    break
                answer = list(message.params)
                if message.address == address and answer[:len(about)] == about:
                    if attempt > 0:
                        time.sleep(SETTLE)  # the answers to the other attempts must not be taken for later ones
                    return answer[len(about):]
            if self._error and attempt > 0:
                raise Refused(f"{address}: Live refused{self._last_error()}")
        raise NotThere(f"AbletonOSC does not answer on port {self._address[1]}: start Live, and choose AbletonOSC "
                       "as a control surface in its settings (Link, Tempo & MIDI)")

    def _last_error(self) -> str:
        text, self._error = self._error, ""
        return f" ({text})" if text else ""

    def _create(self, slot: Slot, beats: float) -> None:
        """An empty clip in the slot; asked for again as long as Live shows none."""
        for _ in range(TRIES):
            if self.has_clip(slot):
                return
            self._send("/live/clip_slot/create_clip", slot.track, slot.index, float(beats))
        if not self.has_clip(slot):
            raise LiveError(f"{slot}: Live did not make a clip{self._last_error()}")

    def _fit(self, slot: Slot, beats: float) -> None:
        """Have a clip loop, and start, from 0 to its new end.

        Live refuses an end that is not after the start, and a start marker behind the end marker (Live Object Model,
        Clip), so the order depends on where the old ends are. A clip that does not loop has its markers in loop_start and
        loop_end, and ignores start_marker: it is made to loop first, as new clips do.
        """
        self._set(slot, "looping", 1)
        for start, end in (("loop_start", "loop_end"), ("start_marker", "end_marker")):
            values = [(start, 0.0), (end, float(beats))]
            if float(self._get(slot, end)) <= 0:  # all of the old span lies before 0
                values.reverse()
            for key, value in values:
                self._set(slot, key, value)

    def _empty(self, slot: Slot) -> None:
        """Take all notes out of a clip."""
        for _ in range(TRIES):
            self._send("/live/clip/remove/notes", slot.track, slot.index, *ALL_PITCHES, *ALL_TIME)
            if not self.ask("/live/clip/get/notes", slot.track, slot.index, *ALL_PITCHES, *ALL_TIME):
                return
        raise LiveError(f"{slot}: Live did not remove the clip's notes{self._last_error()}")

    def _get(self, slot: Slot, key: str) -> float | str:
        """A clip's property."""
        return self.ask(f"/live/clip/get/{key}", slot.track, slot.index)[0]

    def _set(self, slot: Slot, key: str, value: float | str) -> None:
        """Set a clip's property until Live shows it."""
        for _ in range(TRIES):
            self._send(f"/live/clip/set/{key}", slot.track, slot.index, value)
            if self._get(slot, key) == value:
                return
        raise LiveError(f"{slot}: Live did not set {key} to {value!r}{self._last_error()}")

    def _add(self, slot: Slot, notes: Iterable[Note]) -> None:
        values = [value for note in notes
                  for value in (int(note.pitch), float(note.start), float(note.duration), float(note.velocity), 0)]
        self._send("/live/clip/add/notes", slot.track, slot.index, *values)

    def _read(self, slot: Slot, start: float, end: float) -> list[tuple]:
        """(pitch, start, duration, velocity, mute) of the notes that start between two times, window by window."""
        notes = []
        at = start
        while at < end:
            span = min(WINDOW, end - at)
            values = self.ask("/live/clip/get/notes", slot.track, slot.index, *ALL_PITCHES, float(at), float(span))
            notes += [tuple(values[first:first + 5]) for first in range(0, len(values), 5)]
            at += span
        return notes

    def _missing(self, slot: Slot, clip: Clip) -> list[Note]:
        shown = {(note[0], round(note[1] / SAME_TIME)) for note in self._read(slot, 0.0, clip.beats)}
        return [note for note in clip.notes
                if not any((note.pitch, round(note.start / SAME_TIME) + near) in shown for near in (-1, 0, 1))]

    def _drain(self) -> None:
        """Forget answers that came too late for the question they belong to."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(65535)
        except (BlockingIOError, ConnectionError):
            pass

    def _send(self, address: str, *args: float | str) -> None:
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        self._socket.sendto(builder.build().dgram, self._address)

    def _receive(self, timeout: float) -> OscMessage | None:
        """The next message, None when none comes in time. Errors are kept for the message of a failure."""
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                message = OscMessage(self._socket.recv(65535))
            except (TimeoutError, ConnectionError):
                continue  # a refused port is told at once on some systems: go on to the end of the time
            except ParseError:
                continue
            if message.address == "/live/error":
                self._error = " ".join(str(param) for param in message.params)
                continue
            return message
        return None
