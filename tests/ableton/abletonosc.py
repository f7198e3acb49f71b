"""A stand-in for AbletonOSC, after its documented behaviour: packets are handled in ticks of 100 ms, argument types are
taken strictly, errors go out as /live/error, and packets may be lost on the way."""

import random
import socket
import threading
import time

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TICK = 0.1
# A clip's properties and the OSC type that sets each (a bool goes as 0 or 1).
PROPERTIES = {"name": str, "looping": int, "loop_start": float, "loop_end": float, "start_marker": float,
              "end_marker": float}


class StandIn:
    """A Live set with `tracks` ("midi" or "audio") behind AbletonOSC's addresses; clips: {(track, slot): dict}.

    deaf: addresses that are never answered. late: {address: seconds by which its first answer comes late}.
    """

    def __init__(self, tracks=("midi", "midi", "audio"), scenes=8, loss=0.0, seed=1, deaf=(), late=(), port=0,
                 reply_port=0):
        self.tracks, self.scenes, self.loss, self.deaf = tracks, scenes, loss, deaf
        self.clips = {}
        self._late = dict(late)
        self.largest = 0  # bytes of the largest packet heard
        self.lost = 0
        self._random = random.Random(seed)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.reply_port = reply_port or _free_port()
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._running = False
        self._thread.join()
        self._socket.close()

    def add_clip(self, track, slot, beats, notes, loop=None, looping=True):
        """notes: (pitch, start, duration, velocity, mute). loop: where the loop, and with it the markers, start and end."""
        start, end = loop or (0.0, beats)
        self.clips[track, slot] = {"beats": beats, "notes": list(notes), "name": "", "looping": looping,
                                   "loop_start": start, "loop_end": end, "start_marker": start, "end_marker": end}

    def _run(self):
        self._socket.setblocking(False)
        while self._running:
            time.sleep(TICK)
            while True:
                try:
                    data, sender = self._socket.recvfrom(65535)
                except BlockingIOError:
                    break
                self.largest = max(self.largest, len(data))
                if self._is_lost():
                    continue
                message = OscMessage(data)
                try:
                    answer = self._handle(message.address, message.params)
                except (TypeError, ValueError, KeyError, IndexError, RuntimeError, AssertionError) as error:
                    self._send(sender, "/live/error", str(error) or type(error).__name__)
                    continue
                if answer is not None:
                    self._send(sender, message.address, *answer)

    def _is_lost(self):
        lost = self._random.random() < self.loss
        self.lost += lost
        return lost

    def _send(self, sender, address, *args):
        if self._is_lost():
            return
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        answer = builder.build().dgram, (sender[0], self.reply_port)
        if address in self._late:
            threading.Timer(self._late.pop(address), self._socket.sendto, answer).start()
        else:
            self._socket.sendto(*answer)

    def _clip(self, params):
        track, slot = params[:2]
        if type(track) is not int or type(slot) is not int:
            raise TypeError(f"track and slot must be int, received {params[:2]}")
        return self.clips[track, slot]

    def _handle(self, address, params):
        if address in self.deaf:
            return None
        match address:
            case "/live/application/get/version":
                return [11, 3]
            case "/live/song/get/tempo":
                return [123.0]
            case "/live/song/get/num_tracks":
                return [len(self.tracks)]
            case "/live/song/get/num_scenes":
                return [self.scenes]
            case "/live/track/get/has_midi_input":
                return [params[0], self.tracks[params[0]] == "midi"]
            case "/live/clip_slot/get/has_clip":
                if not 0 <= params[1] < self.scenes:
                    raise IndexError("list index out of range")
                return [*params, tuple(params) in self.clips]
            case "/live/clip_slot/create_clip":
                track, slot, beats = params
                if type(beats) is not float or self.tracks[track] != "midi" or (track, slot) in self.clips:
                    raise RuntimeError(f"create_clip refused: {params}")
                self.add_clip(track, slot, beats, [])
            case "/live/clip/add/notes":
                notes = params[2:]
                assert len(notes) % 5 == 0 and len(notes) <= 250, "at most 50 notes of 5 values"
                for first in range(0, len(notes), 5):
                    note = notes[first:first + 5]
                    if type(note[0]) is not int or any(type(value) is not float for value in note[1:4]):
                        raise TypeError(f"note {note} has wrong types")
                    self._clip(params)["notes"].append(tuple(note))
            case "/live/clip/get/notes":
                pitch, pitches, start, span = params[2:]
                found = [note for note in self._clip(params)["notes"]
                         if pitch <= note[0] < pitch + pitches and start <= note[1] < start + span]
                return [*params[:2], *(value for note in found for value in note)]
            case "/live/clip/remove/notes":
                self._clip(params)["notes"].clear()
            case _ if (key := address.removeprefix("/live/clip/get/")) in PROPERTIES:
                return [*params, self._clip(params)[key]]
            case _ if (key := address.removeprefix("/live/clip/set/")) in PROPERTIES:
                _set(self._clip(params), key, params[2])
            case _:
                raise ValueError(f"unknown address {address}")
        return None


def _set(clip, key, value):
    """Set a clip's property with the refusals of the Live Object Model's Clip. An unlooped clip's loop ends are its
    markers', and its start marker cannot be moved by itself: Live ignores that."""
    ends = {"loop_start": "loop_end", "start_marker": "end_marker"}
    kind = PROPERTIES[key]
    if type(value) is not kind:
        raise TypeError(f"{key} must be {kind.__name__}, received {value!r}")
    for start, end in ends.items():
        if key == start and value >= clip[end] or key == end and value <= clip[start]:
            raise RuntimeError(f"{key} {value} refused: {start} must be before {end}, which is {clip[end]}")
    if key == "start_marker" and not clip["looping"]:
        return
    clip[key] = value
    if not clip["looping"]:
        clip["start_marker"], clip["end_marker"] = clip["loop_start"], clip["loop_end"]


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
