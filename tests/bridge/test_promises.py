"""Each request ends once, also when it is repeated, cancelled, or its client does what clients should not."""

import signal
import socket
import sys
import time

import pytest

from bridge.config import Config
from bridge.daemon import Daemon
from bridge.soak.target import Target
from tests.bridge.conftest import BEAT, DRUMS, OTHER_BEAT, PATIENCE, Peer, bundle, encode
from tests.bridge.test_lifecycle import state

ENDS = "/vae/done", "/vae/fail"


def ends(peer, count, wait=0.3):
    """The next `count` ends as (rid, code of a fail or count of a done), and those that follow within `wait` s."""
    got, end = [], time.monotonic() + PATIENCE
    while time.monotonic() < end:
        message = peer.receive(0.5 if len(got) < count else wait)
        if message is not None and message[0] in ENDS:
            got.append((message[1][0], message[1][2]))
        elif message is None and len(got) >= count:
            break
    return got


def values(notes):
    return [value for note in notes for value in note]


@pytest.fixture
def grids(peer):
    """A client with the grids g and h."""
    peer.upload("a", BEAT)
    peer.upload("b", OTHER_BEAT)
    peer.ask("/vae/grid", DRUMS, "g", 5, 1, "a", "b", 0.0, 1)
    peer.ask("/vae/grid", DRUMS, "h", 5, 1, "b", "a", 0.0, 1)
    return peer


def test_a_morph_that_comes_twice_is_answered_once_and_later_again(grids):
    morph = encode("/vae/morph", 500, "g", 0.5, 0.0)
    grids.socket.sendto(bundle(morph, morph), grids.address)
    first = grids.collect(500)
    assert ends(grids, 0) == []
    grids.socket.sendto(morph, grids.address)
    assert grids.collect(500) == first


def test_a_morph_repeated_after_its_cancel_does_not_move_the_position_back(grids):
    old, new = encode("/vae/morph", 500, "g", 0.0, 0.0), encode("/vae/morph", 501, "h", 1.0, 0.0)
    grids.socket.sendto(bundle(old, new), grids.address)
    assert ends(grids, 2) == [(500, "cancelled"), (501, 1)]
    grids.socket.sendto(bundle(new, old), grids.address)
    assert sorted(ends(grids, 2)) == [(500, "cancelled"), (501, 1)]


def test_a_waiting_morph_can_be_cancelled(grids):
    grids.socket.sendto(bundle(encode("/vae/morph", 500, "g", 0.0, 0.0), encode("/vae/cancel", 501, 500)), grids.address)
    assert sorted(ends(grids, 2)) == [(500, "cancelled"), (501, 1)]


def test_a_morph_takes_a_velocity(grids):
    [(_, plain, _)] = grids.clips("/vae/morph", "g", 0.0, 0.0).values()
    [(_, soft, _)] = grids.clips("/vae/morph", "g", 0.0, 0.0, "velocity", 5).values()
    assert plain and soft == [(*note[:4], 5) for note in plain] != plain
    code, message = grids.fails("/vae/morph", "g", 0.0, 0.0, "low", 40)
    assert code == "bad_arguments" and "an option of velocity expected" in message


def test_every_message_of_an_upload_that_ended_is_answered_again(peer):
    begin, notes, end = (encode("/vae/clip/begin", 1, "c", 8.0, 4, 1), encode("/vae/clip/notes", 2, "c", 0, "drums", *values(BEAT)),
                         encode("/vae/clip/end", 3, "c"))
    for packet in (begin, notes, end):
        peer.socket.sendto(packet, peer.address)
    assert sorted(ends(peer, 3)) == [(1, 4), (2, 4), (3, 4)]
    for packet, rid in ((notes, 2), (begin, 1), (end, 3), (begin, 1), (notes, 2)):
        peer.socket.sendto(packet, peer.address)
        assert ends(peer, 1) == [(rid, 4)]
    assert peer.ask("/vae/cancel", 1)[-1][1][2] == 0  # no upload is left open


def send_upload(peer, rid, notes, beats=8.0):
    for packet in (encode("/vae/clip/begin", rid, "c", beats, len(notes), 2),
                   encode("/vae/clip/notes", rid, "c", 0, "drums", *values(notes[:2])),
                   encode("/vae/clip/notes", rid, "c", 1, "drums", *values(notes[2:])),
                   encode("/vae/clip/end", rid, "c")):
        peer.socket.sendto(packet, peer.address)


def test_a_whole_upload_repeated_under_its_one_rid_is_answered_once_and_leaves_nothing_open(peer):
    for _ in range(2):
        send_upload(peer, 7, BEAT)
        assert ends(peer, 1) == [(7, 4)]
    assert peer.ask("/vae/cancel", 7)[-1][1][2] == 0


@pytest.mark.parametrize("other", [OTHER_BEAT, BEAT[:3] + [(49, 1.5, 0.25, 90)]], ids=["another begin", "the same begin"])
def test_other_notes_under_the_same_name_and_rid_are_another_upload(peer, other):
    send_upload(peer, 7, BEAT)
    assert ends(peer, 1) == [(7, 4)]
    old = peer.clips("/vae/reconstruct", DRUMS, "c", 0.0, 1)[0][1]
    send_upload(peer, 7, other)
    assert ends(peer, 1) == [(7, len(other))]
    peer.upload("expected", other)
    assert peer.clips("/vae/reconstruct", DRUMS, "c", 0.0, 1)[0][1] == \
        peer.clips("/vae/reconstruct", DRUMS, "expected", 0.0, 1)[0][1] != old


def test_an_upload_fails_at_once_when_more_notes_come_than_were_announced(peer):
    peer.send("/vae/clip/begin", 1, "c", 8.0, 70, 70)
    peer.send("/vae/clip/notes", 1, "c", 0, "drums", *values(BEAT * 10))
    peer.send("/vae/clip/notes", 2, "c", 1, "drums", *values(BEAT * 10))
    assert sorted(ends(peer, 2)) == [(1, "bad_arguments"), (2, "bad_arguments")]
    peer.send("/vae/clip/end", 3, "c")
    assert ends(peer, 1) == [(3, "unknown_clip")]


def test_an_upload_takes_part_in_a_limited_number_of_requests(peer):
    peer.send("/vae/clip/begin", 1, "c", 8.0, 0, 1)
    for rid in range(2, 300):
        peer.send("/vae/clip/notes", rid, "c", 0, "drums")
    peer.send("/vae/clip/end", 1, "c")
    got = dict(ends(peer, 299))
    assert list(got) and len(got) == 299
    assert sum(end == "too_large" for end in got.values()) == 299 - 128 and sum(end == 0 for end in got.values()) == 128


def test_empty_chunks_do_no_harm(peer):
    peer.send("/vae/clip/begin", 1, "c", 8.0, 4, 5)
    for seq in range(5):
        peer.send("/vae/clip/notes", 1, "c", seq, "drums", *(values(BEAT) if seq == 3 else ()))
    peer.send("/vae/clip/end", 1, "c")
    peer.send("/vae/clip/begin", 2, "d", 8.0, 0, 1)
    peer.send("/vae/clip/notes", 2, "d", 0, "drums")
    peer.send("/vae/clip/end", 2, "d")
    assert ends(peer, 2) == [(1, 4), (2, 0)]


def test_a_clip_whose_notes_a_model_does_not_reach_is_empty_for_it(peer):
    peer.upload("late", [(36, 8.0, 0.25, 100)], beats=16.0)
    code, message = peer.fails("/vae/reconstruct", DRUMS, "late", 0.0, 1)
    assert code == "empty_clip" and "within 8 beats" in message
    assert len(peer.clips("/vae/reconstruct", DRUMS, "late", 0.0, 1, "bars", 4)) == 1
    peer.upload("edge", [(36, 7.9, 0.25, 100)])  # rounds to the next bar
    assert peer.fails("/vae/reconstruct", DRUMS, "edge", 0.0, 1)[0] == "empty_clip"


def test_an_upload_can_be_cancelled_and_a_cancel_repeated(peer):
    peer.send("/vae/clip/begin", 1, "c", 8.0, 4, 1)
    peer.send("/vae/clip/notes", 2, "c", 0, "drums")
    for _ in range(2):
        peer.send("/vae/cancel", 3, 1)
    assert sorted(ends(peer, 4), key=str) == [(1, "cancelled"), (2, "cancelled"), (3, 1), (3, 1)]


def test_a_cancelled_generate_that_is_repeated_stays_cancelled(peer):
    for rid in range(1, 4):
        peer.send("/vae/generate", rid, DRUMS, 64, 1.0, rid)
    peer.send("/vae/cancel", 10, 3)
    assert sorted(ends(peer, 4), key=lambda end: end[0]) == [(1, 64), (2, 64), (3, "cancelled"), (10, 1)]
    peer.send("/vae/generate", 3, DRUMS, 64, 1.0, 3)
    assert ends(peer, 1) == [(3, "cancelled")]


def test_hello_needs_no_name_and_no_token(peer):
    assert peer.ask("/vae/hello", 0, "", 1)[-1][0] == peer.ask("/vae/hello", 0, "", 1, "")[-1][0] == "/vae/done"


def test_a_daemon_can_be_made_to_talk_neither_to_itself_nor_to_another(peer, shared_daemon):
    code, message = peer.fails("/vae/hello", shared_daemon.port, "loop", 1)
    assert code == "bad_arguments" and "the daemon's own" in message
    for address, args in (("/vae/done", (5, "x", 0)), ("/vae/fail", (5, "x", "y", "z")), ("/vae/notice", (0, "x", "y")),
                          ("/vae/accepted", (5, 0)), ("/vae/progress", (5, 0.5)), ("/vae/stat", (5, "x", 0.5))):
        peer.send(address, *args)
    assert peer.receive(0.3) is None


def closed_one_shot(port):
    """A client with a reply port whose own port is closed by now; the peer at the reply port."""
    listener = Peer(port)
    with Peer(port) as first:
        first.send("/vae/hello", 1, listener.port, "one-shot", 1)
        assert listener.collect(1)[-1][0] == "/vae/done"
    return listener


def test_packets_of_a_stranger_stay_in_order_beside_a_one_shot_client(shared_daemon):
    with closed_one_shot(shared_daemon.port):
        for gap in (0.004, 0.012, 0.012, 0.018):
            with Peer(shared_daemon.port) as stranger:
                for packet in (encode("/vae/clip/begin", 1, "c", 8.0, 4, 1), encode("/vae/clip/end", 1, "c")):
                    if packet.startswith(b"/vae/clip/end"):
                        stranger.send("/vae/clip/notes", 1, "c", 0, "drums", *values(BEAT))
                        time.sleep(gap)
                    stranger.socket.sendto(packet, stranger.address)
                    time.sleep(gap)
                assert ends(stranger, 1) == [(1, 4)]


def test_answers_are_kept_whatever_another_client_asks(peer, shared_daemon):
    rid = peer.next_rid()
    peer.send("/vae/generate", rid, DRUMS, 2, 0.5, 1)
    chunk = next(args for address, args in peer.collect(rid) if address == "/vae/clip/notes")
    with Peer(shared_daemon.port) as other:
        for _ in range(4300 // 50):
            for _ in range(50):
                other.send("/vae/load", other.next_rid(), DRUMS)
            assert len(ends(other, 50, wait=0.001)) == 50
    assert peer.ask("/vae/resend", rid, chunk[1], chunk[2])[0][1][1:] == chunk[1:]


def others_come(address, count, *request):
    """So many clients that ask once and are answered, 50 at a time; yields after each 50. Some get a port that one before
    them had, so that there are a few less of them for the daemon."""
    for first in range(0, count, 50):
        others = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
        for other in others:
            other.sendto(encode(*request), address)
        for other in others:
            other.settimeout(5)
            assert other.recv(2000)
        yield first
        for other in others:
            other.close()


def test_clients_that_are_used_outlast_any_number_of_others(grids, shared_daemon):
    with Peer(shared_daemon.port) as listener, Peer(shared_daemon.port) as greeted:
        greeted.send("/vae/hello", 1, listener.port, "x", 1)
        assert listener.collect(1)[-1][0] == "/vae/done"
        for number in others_come(grids.address, 1300, "/vae/ping", 1):
            assert len(grids.clips("/vae/morph", "g", 0.0, 0.0)) == 1
        for number in others_come(grids.address, 1300, "/vae/hello", 1, 0, "y", 1):
            greeted.send("/vae/ping", 10 + number)
            assert listener.collect(10 + number)[-1][0] == "/vae/done"


def test_a_client_that_is_forgotten_gets_the_end_of_its_upload(shared_daemon):
    with Peer(shared_daemon.port) as idle:
        idle.send("/vae/clip/begin", 1, "c", 8.0, 4, 1)
        for _ in others_come(idle.address, 1300, "/vae/ping", 1):
            pass
        assert ends(idle, 1) == [(1, "cancelled")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_at_the_end_uploads_morphs_and_what_has_just_come_are_answered(model_folder):
    with Target("--folders", str(model_folder), "--models", DRUMS) as target:
        listener = closed_one_shot(target.port)
        with listener, Peer(target.port) as peer, Peer(target.port) as stranger:
            peer.send("/vae/clip/begin", 1, "c", 8.0, 4, 1)
            peer.send("/vae/clip/notes", 2, "c", 0, "drums", *values(BEAT))
            assert peer.ask("/vae/ping")[-1][0] == "/vae/done"
            time.sleep(1.1)
            target.process.send_signal(signal.SIGSTOP)  # so that the signal and the ping are there before it goes on
            target.process.send_signal(signal.SIGTERM)
            stranger.send("/vae/ping", 5)
            target.process.send_signal(signal.SIGCONT)
            assert sorted(ends(peer, 2)) == [(1, "cancelled"), (2, "cancelled")]
            assert ends(stranger, 1) == [(5, 0)]
            assert target.process.wait(10) == 0


def test_a_program_that_gets_the_port_of_one_that_ended_is_answered(shared_daemon):
    with Peer(shared_daemon.port) as listener, Peer(shared_daemon.port) as first:
        port = first.port
        first.send("/vae/hello", 1, listener.port, "x", 1)
        assert listener.collect(1)[-1][0] == "/vae/done"
        time.sleep(0.2)
        first.send("/vae/ping", 2)
        assert listener.collect(2)[-1][0] == "/vae/done"
    time.sleep(0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
        second.bind(("127.0.0.1", port))
        second.settimeout(5)
        second.sendto(encode("/vae/ping", 3), ("127.0.0.1", shared_daemon.port))
        assert second.recv(2000).startswith(b"/vae/done")


def test_with_a_token_no_stranger_is_taken_for_a_client_whose_port_is_closed(model_folder):
    with Target("--host", "127.0.0.1", "--token", "secret", "--folders", str(model_folder), "--models", DRUMS) as target:
        target.wait_ready()
        with Peer(target.port) as listener, Peer(target.port) as other:
            with Peer(target.port) as first:
                first.send("/vae/hello", 1, listener.port, "x", 1, "secret")
                assert listener.collect(1)[-1][0] == "/vae/done"
            time.sleep(0.1)
            with Peer(target.port) as stranger:
                stranger.send("/vae/unload", 2, DRUMS)
            assert listener.receive(2.0) is None
            other.ask("/vae/hello", 0, "x", 1, "secret")
            assert state(other, DRUMS) == "loaded"


def test_a_one_shot_client_that_asks_gets_notices(model_folder):
    with Target("--folders", str(model_folder), "--models", DRUMS) as target:
        with closed_one_shot(target.port) as listener:
            time.sleep(15.5)  # its hello is too long ago
            with Peer(target.port) as one_shot:
                one_shot.send("/vae/ping", 2)
            assert listener.collect(2)[-1][0] == "/vae/done"
            target.stop()
            assert "stopping" in [args[1] for address, args in iter(lambda: listener.receive(1.0), None)]


def test_a_fault_of_whoever_is_told_of_events_harms_no_client(tmp_path):
    """In this process, since only a program that embeds the daemon can be told of events."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.yaml").write_text("name: 2021-13-45")

    def announce(event, detail):
        raise RuntimeError(event)

    interval = sys.getswitchinterval()
    daemon = Daemon(Config(port=0, models=("broken",), folders=(str(tmp_path),)), announce)
    try:
        with Peer(daemon.address[1]) as peer:
            daemon.start()
            assert peer.ask("/vae/ping")[-1][0] == "/vae/done"
            assert peer.fails("/vae/load", "broken")[0] == "not_loaded"
            daemon.stop()
            events = []
            while (message := peer.receive(0.5)) is not None:
                events.append(message[1][1])
            assert "stopping" in events
    finally:
        sys.setswitchinterval(interval)
