"""The daemon's sink into Live: free slots only, in order, and no fault of Live's reaches the daemon."""

import logging
import time

import pytest
from abletonosc import StandIn

from ableton.live_osc import PORT, REPLY_PORT, AbletonOsc
from ableton.sink import LiveSink, unpack_clip
from bridge.chunks import pack_clip
from bridge.client import DaemonClient
from bridge.soak.target import START_TIMEOUT
from vae.notes import Clip, Note


def clip(pitch: int) -> Clip:
    return Clip.of(8.0, [Note("melody", pitch, beat / 2, 0.5, 100) for beat in range(16)])


def test_a_packed_clip_is_read_whole():
    whole = Clip.of(16.0, [Note(part, pitch, step / 4, 0.25, 99) for step in range(64)
                           for part, pitch in (("lead", 60), ("drums", 36))])
    assert unpack_clip(pack_clip(whole, 3, "a name")) == ("a name", whole)


def test_clips_go_to_free_slots_and_a_full_or_wrong_track_is_logged(caplog):
    with StandIn(scenes=3) as live, caplog.at_level(logging.INFO):
        live.add_clip(1, 1, 4.0, [(1, 0.0, 1.0, 100.0, 0)])
        sink = LiveSink(1, lambda: AbletonOsc("127.0.0.1", live.port, live.reply_port))
        sink.put([pack_clip(clip(60 + index), index, f"clip {index}") for index in range(3)])
        sink.close()
        assert {place: entry["name"] for place, entry in live.clips.items()} == {
            (1, 0): "clip 0", (1, 1): "", (1, 2): "clip 1"}
        assert {note[0] for note in live.clips[1, 2]["notes"]} == {61}
        assert "clip 2 was not written: track 1 has no free slot" in caplog.text
        audio = LiveSink(2, lambda: AbletonOsc("127.0.0.1", live.port, live.reply_port))
        audio.put([pack_clip(clip(60), 0, "lost")])
        audio.close()
        assert "lost was not written: track 2 is an audio track" in caplog.text


def test_serve_writes_what_it_makes_for_any_client_into_live(serve):
    try:
        live = StandIn(port=PORT, reply_port=REPLY_PORT)
    except OSError:
        pytest.skip(f"port {PORT} is taken: AbletonOSC itself may run here")
    with live, DaemonClient("127.0.0.1", serve("melody_test", "--live-track", "1"), START_TIMEOUT) as client:
        reply = client.ask("/vae/generate", "melody_test", 2, 1.0, 3)
        made = {(1, index): (clip.name, sorted((note.pitch, note.start) for note in clip.clip().notes))
                for index, clip in reply.clips.items()}
        written, end = {}, time.monotonic() + START_TIMEOUT
        while written != made and time.monotonic() < end:
            time.sleep(0.05)
            written = {place: (clip["name"], sorted(note[:2] for note in clip["notes"]))
                       for place, clip in live.clips.items()}
        assert written == made
