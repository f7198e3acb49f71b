"""The AbletonOSC client against a stand-in with strict types, ticks of 100 ms, errors and lost packets."""

import socket

import pytest
from abletonosc import StandIn

from ableton import live_osc
from ableton.live_osc import AbletonOsc, LiveError, NotThere, Refused, Slot
from vae.notes import Clip, Note

DENSE = Clip.of(16.0, [Note("drums", pitch, step / 4, 0.25, 90 + pitch % 30)
                       for step in range(64) for pitch in (36, 42, 127)])


def client(live: StandIn) -> AbletonOsc:
    return AbletonOsc("127.0.0.1", live.port, live.reply_port)


def written(live: StandIn, slot: Slot) -> set:
    notes = live.clips[slot.track, slot.index]["notes"]
    return {(note[0], round(note[1], 6), round(note[2], 6), round(note[3])) for note in notes}


def wanted(clip: Clip) -> set:
    return {(note.pitch, note.start, note.duration, note.velocity) for note in clip.notes}


def test_a_clip_is_written_in_chunks_named_and_confirmed():
    with StandIn() as live, client(live) as osc:
        osc.write_clip(Slot(1, 2), DENSE, "a name")
        assert written(live, Slot(1, 2)) == wanted(DENSE)
        assert len(live.clips[1, 2]["notes"]) == len(DENSE.notes)
        assert live.clips[1, 2]["name"] == "a name" and live.clips[1, 2]["beats"] == 16.0
        assert live.largest < 9216


@pytest.mark.parametrize("seed", [1, 2])
def test_lost_packets_are_made_good(seed):
    with StandIn(loss=0.2, seed=seed) as live, client(live) as osc:
        osc.write_clip(Slot(0, 0), DENSE, "whole")
        assert live.lost > 2
        assert written(live, Slot(0, 0)) == wanted(DENSE)
        assert live.clips[0, 0]["name"] == "whole"


def test_a_clip_that_is_there_is_kept_unless_told():
    with StandIn() as live, client(live) as osc:
        live.add_clip(0, 0, 4.0, [(60, 0.0, 1.0, 100.0, 0)])
        with pytest.raises(Refused, match="slot 0 of track 0 already holds a clip"):
            osc.write_clip(Slot(0, 0), DENSE, "x")
        assert len(live.clips[0, 0]["notes"]) == 1
        osc.write_clip(Slot(0, 0), DENSE, "x", overwrite=True)
        assert written(live, Slot(0, 0)) == wanted(DENSE)
        assert span(live, Slot(0, 0)) == (0.0, 16.0, 0.0, 16.0)


def span(live: StandIn, slot: Slot) -> tuple:
    return tuple(live.clips[slot.track, slot.index][key]
                 for key in ("loop_start", "loop_end", "start_marker", "end_marker"))


@pytest.mark.parametrize("loop, looping", [
    ((4.0, 16.0), True), ((8.0, 12.0), True), ((-8.0, -4.0), True), ((-4.0, 2.0), True), ((20.0, 24.0), False)])
def test_an_overwritten_clip_plays_all_of_the_new_notes_wherever_its_loop_was(loop, looping):
    clip = Clip.of(8.0, [Note("melody", 60, float(beat), 1.0, 100) for beat in range(8)])
    with StandIn() as live, client(live) as osc:
        live.add_clip(0, 0, 32.0, [(72, 1.0, 1.0, 100.0, 0)], loop=loop, looping=looping)
        osc.write_clip(Slot(0, 0), clip, "x", overwrite=True)
        assert span(live, Slot(0, 0)) == (0.0, 8.0, 0.0, 8.0) and live.clips[0, 0]["looping"]
        assert osc.read_clip(Slot(0, 0), "melody") == clip


def test_a_loop_that_cannot_be_set_leaves_the_notes_alone(monkeypatch):
    monkeypatch.setattr(live_osc, "TRIES", 2)
    with StandIn(deaf=("/live/clip/set/loop_end",)) as live, client(live) as osc:
        live.add_clip(0, 0, 4.0, [(60, 0.0, 1.0, 100.0, 0)])
        with pytest.raises(LiveError, match="did not set loop_end to 16.0"):
            osc.write_clip(Slot(0, 0), DENSE, "x", overwrite=True)
        assert len(live.clips[0, 0]["notes"]) == 1


def test_the_stand_in_refuses_a_loop_that_ends_before_it_starts():
    with StandIn() as live, client(live) as osc:
        live.add_clip(0, 0, 16.0, [], loop=(8.0, 16.0))
        for key, value in (("loop_end", 8.0), ("loop_start", 16.0), ("end_marker", 4.0), ("loop_end", 12)):
            with pytest.raises(LiveError, match=f"{key}.*(refused|must be float)"):
                osc._set(Slot(0, 0), key, value)
        assert span(live, Slot(0, 0)) == (8.0, 16.0, 8.0, 16.0)


@pytest.mark.parametrize("slot, words", [
    (Slot(3, 0), "no track 3: the set has 3"), (Slot(0, 8), "no slot 8: the set has 8"), (Slot(2, 0), "audio track")])
def test_slots_that_cannot_be_used_are_named(slot, words):
    with StandIn() as live, client(live) as osc:
        with pytest.raises(Refused, match=words):
            osc.write_clip(slot, DENSE, "x")
        with pytest.raises(Refused, match=words):
            osc.read_clip(slot, "melody")


def test_reading_keeps_to_the_loop_and_leaves_out_muted_notes():
    with StandIn() as live, client(live) as osc:
        live.add_clip(0, 0, 32.0, [(60, 3.0, 4.0, 100.0, 0), (127, 4.0, 40.0, 0.0, 0), (62, 5.0, 1.0, 90.0, 1),
                                   (64, 19.5, 1.0, 90.4, 0), (65, 20.0, 1.0, 90.0, 0)], loop=(4.0, 20.0))
        clip = osc.read_clip(Slot(0, 0), "melody")
        assert clip == Clip.of(16.0, [Note("melody", 127, 0.0, 16.0, 1), Note("melody", 64, 15.5, 0.5, 90)])
        live.add_clip(0, 1, 4.0, [])
        with pytest.raises(Refused, match="no notes"):
            osc.read_clip(Slot(0, 1), "melody")
        with pytest.raises(Refused, match="is empty"):
            osc.read_clip(Slot(0, 2), "melody")


def test_an_answer_that_comes_late_is_not_taken_for_the_next_ones():
    with StandIn(late={"/live/clip/get/notes": 0.65}) as live, client(live) as osc:
        live.add_clip(0, 0, 24.0, [(60 + beat, float(beat), 1.0, 100.0, 0) for beat in range(24)])
        clip = osc.read_clip(Slot(0, 0), "melody")
        assert [note.pitch for note in clip.notes] == list(range(60, 84))


def test_live_without_abletonosc_is_said(monkeypatch):
    monkeypatch.setattr(live_osc, "TIMEOUT", 0.05)
    with StandIn(deaf=("/live/application/get/version",)) as live, client(live) as osc, \
            pytest.raises(NotThere, match="choose AbletonOSC as a control surface"):
        osc.version()


def test_an_error_of_live_is_passed_on():
    with StandIn() as live, client(live) as osc, pytest.raises(Refused, match="unknown address /live/nonsense"):
        osc.ask("/live/nonsense")


def test_notes_that_live_never_shows_are_a_failure(monkeypatch):
    monkeypatch.setattr(live_osc, "SETTLE", 0.0)
    with StandIn(deaf=("/live/clip/add/notes",)) as live, client(live) as osc, \
            pytest.raises(LiveError, match="shows 0 of 1 notes"):
        osc.write_clip(Slot(0, 0), Clip.of(4.0, [Note("melody", 60, 0.0, 1.0, 100)]), "x")


def test_a_taken_reply_port_is_said():
    with StandIn() as live, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", live.reply_port))
        with pytest.raises(LiveError, match="another client of AbletonOSC is running"):
            client(live)
