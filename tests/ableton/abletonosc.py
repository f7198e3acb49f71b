"""A stand-in for AbletonOSC, after its documented behaviour: packets are handled in ticks of 100 ms, argument types are
taken strictly, errors go out as /live/error, and packets may be lost on the way."""

import random
import socket
import threading
import time

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TICK = 0.1


class StandIn:
    """A Live set with `tracks` ("midi" or "audio") behind AbletonOSC's addresses; clips: {(track, slot): dict}."""

    def __init__(self, tracks=("midi", "midi", "audio"), scenes=8, loss=0.0, seed=1, deaf=(), port=0, reply_port=0):
        self.tracks, self.scenes, self.loss, self.deaf = tracks, scenes, loss, deaf
        self.clips = {}
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

    def add_clip(self, track, slot, beats, notes, loop=None):
        """notes: (pitch, start, duration, velocity, mute)."""
        self.clips[track, slot] = {"beats": beats, "notes": list(notes), "name": "", "loop": loop or (0.0, beats)}

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
        self._socket.sendto(builder.build().dgram, (sender[0], self.reply_port))

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
            case "/live/clip/set/name":
                self._clip(params)["name"] = params[2]
            case "/live/clip/get/name":
                return [*params, self._clip(params)["name"]]
            case "/live/clip/set/loop_end":
                clip = self._clip(params)
                clip["beats"], clip["loop"] = params[2], (clip["loop"][0], params[2])
            case "/live/clip/get/loop_start":
                return [*params, self._clip(params)["loop"][0]]
            case "/live/clip/get/loop_end":
                return [*params, self._clip(params)["loop"][1]]
            case _:
                raise ValueError(f"unknown address {address}")
        return None


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
