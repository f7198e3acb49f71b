"""Every request of the contract against a real daemon, by a client that knows the contract alone."""

import socket
import struct
import time

import pytest
from pythonosc.osc_message import OscMessage

from tests.bridge.conftest import BEAT, DRUMS, MELODY, OTHER_BEAT, TUNE, Peer, assemble, bundle, encode
from vae.constraints import SCALES


def names(messages, address):
    return [args for got, args in messages if got == address]


def test_hello_says_protocol_version_and_loaded_models(peer):
    [(address, args)] = peer.ask("/vae/hello", 0, "test", 1)
    assert address == "/vae/done"
    assert args[1:4] == ["/vae/hello", 0, 1] and isinstance(args[4], str) and args[5] == 2


def test_replies_go_to_the_port_that_hello_named(peer):
    with Peer(0) as other:
        peer.send("/vae/hello", 1, other.port, "test", 1)
        assert other.collect(1)[-1][0] == "/vae/done"
        peer.send("/vae/ping", 2)
        assert other.collect(2)[-1][1][1] == "/vae/ping"
        assert peer.receive(0.05) is None


def test_ping_models_status_and_describe(peer):
    assert peer.ask("/vae/ping") == [("/vae/done", [1, "/vae/ping", 0])]
    models = {args[1]: args[2:] for args in names(peer.ask("/vae/models"), "/vae/model")}
    assert models[DRUMS][:4] == ["drums_2bar", 2, 8, "loaded"] and models[DRUMS][5] == "CPU:0"
    figures = dict(args[1:] for args in names(peer.ask("/vae/status"), "/vae/stat"))
    assert {"queue", "served", "failed", "p50_ms", "p99_ms", "rss_mb", "uptime_s"} <= figures.keys()
    assert figures["rss_mb"] > 10 and figures["uptime_s"] > 0
    described = {args[1]: args[2:] for args in names(peer.ask("/vae/describe"), "/vae/command")}
    assert len(described) == 18
    assert described["/vae/morph"][0] == "rid i >= 1, grid s 1-100 bytes, x f 0-1, y f 0-1, ['velocity' s, value] ..."


def test_generate_depends_on_seed_and_index_and_on_nothing_else(peer):
    four = peer.clips("/vae/generate", DRUMS, 4, 0.5, 42)
    again = peer.clips("/vae/generate", DRUMS, 9, 0.5, 42)
    other = peer.clips("/vae/generate", DRUMS, 4, 0.5, 43)
    assert {index: again[index][:2] for index in four} == {index: clip[:2] for index, clip in four.items()}
    assert all(other[index][1] != four[index][1] for index in four)
    assert all(clip[0] == 8.0 and DRUMS in clip[2] and "42" in clip[2] for clip in four.values())
    assert all(note[0] == "drums" for clip in four.values() for note in clip[1])


def test_the_most_likely_clip_needs_no_luck(peer):
    one = peer.clips("/vae/generate", MELODY, 1, 0.0, 7)
    assert peer.clips("/vae/generate", MELODY, 1, 0, 7)[0][1] == one[0][1]


def test_reconstruct_vary_interpolate_and_grid_start_from_uploaded_clips(peer):
    peer.upload("a", BEAT)
    peer.upload("b", OTHER_BEAT)
    a = peer.clips("/vae/reconstruct", DRUMS, "a", 0.0, 1)[0][1]
    b = peer.clips("/vae/reconstruct", DRUMS, "b", 0.0, 1)[0][1]
    way = peer.clips("/vae/interpolate", DRUMS, "a", "b", 5, 0.0, 1)
    assert way[0][1] == a and way[4][1] == b and a != b
    unchanged = peer.clips("/vae/vary", DRUMS, "a", 3, 0.0, 0.0, 1)
    assert [clip[1] for clip in unchanged.values()] == [a] * 3
    varied = peer.clips("/vae/vary", DRUMS, "a", 6, 1.0, 0.0, 1)
    assert varied[0][1] == peer.clips("/vae/vary", DRUMS, "a", 1, 1.0, 0.0, 1)[0][1]
    assert varied[5][1] != a
    messages = peer.ask("/vae/grid", DRUMS, "g", 3, 2, "a", "b", "b", "a", 0.0, 1)
    fractions = [args[1] for args in names(messages, "/vae/progress")]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    cells = assemble(messages)
    assert [cells[index][1] for index in (0, 2, 3, 5)] == [a, b, b, a]
    for x, y, index in ((0.0, 0.0, 0), (1.0, 0.0, 2), (0.0, 1.0, 3), (1, 1, 5), (0.5, 0.4, 1)):
        assert peer.clips("/vae/morph", "g", x, y) == {index: cells[index]}


def test_a_model_reads_only_its_own_parts(peer):
    peer.upload("tune", TUNE, part="melody")
    code, message = peer.fails("/vae/reconstruct", DRUMS, "tune", 0.0, 1)
    assert code == "empty_clip" and "drums" in message and "melody" in message
    peer.upload("nothing", [])
    assert peer.fails("/vae/reconstruct", DRUMS, "nothing", 0.0, 1)[0] == "empty_clip"
    assert peer.clips("/vae/reconstruct", MELODY, "tune", 0.0, 1)[0][0] == 8.0


def test_options_act_while_decoding(peer):
    minor = peer.clips("/vae/generate", MELODY, 8, 1.0, 3, "root", 9, "scale", "Minor", "low", 40, "high", 80)
    pitches = {note[1] for _, notes, _ in minor.values() for note in notes}
    assert pitches and {(pitch - 9) % 12 for pitch in pitches} <= set(SCALES["Minor"])
    assert min(pitches) >= 40 and max(pitches) <= 80
    counts = [sum(len(notes) for _, notes, _ in peer.clips("/vae/generate", DRUMS, 8, 1.0, 3, "density", density).values())
              for density in (0.0, 0.5, 1.0)]
    assert counts[0] < counts[1] < counts[2]
    soft = peer.clips("/vae/generate", DRUMS, 1, 1.0, 3, "velocity", 33)
    assert {note[4] for note in soft[0][1]} == {33}
    code, message = peer.fails("/vae/generate", MELODY, 1, 1.0, 3, "low", 61, "high", 61, "root", 0, "scale", "Major")
    assert code == "bad_arguments" and "no melody note" in message


def test_bars_cut_and_lengthen_clips(peer):
    own = peer.clips("/vae/generate", DRUMS, 2, 0.5, 5)
    short = peer.clips("/vae/generate", DRUMS, 2, 0.5, 5, "bars", 1)
    long = peer.clips("/vae/generate", DRUMS, 2, 0.5, 5, "bars", 16)
    assert short[0][0] == 4.0 and short[0][1] == [note for note in own[0][1] if note[2] < 4.0]
    assert long[0][0] == 64.0
    assert [note for note in long[1][1] if note[2] < 8.0] == own[1][1]
    assert any(note[2] >= 56.0 for note in long[0][1])


def test_long_clips_arrive_in_chunks_and_any_chunk_can_be_had_again(peer):
    rid = peer.next_rid()
    peer.send("/vae/generate", rid, DRUMS, 1, 1.0, 5, "bars", 32, "density", 0.7)
    messages = peer.collect(rid)
    assert len(assemble(messages)[0][1]) > 300
    chunks = names(messages, "/vae/clip/notes")
    assert len(chunks) > 5 and all((len(chunk) - 4) / 4 <= 60 for chunk in chunks)
    again = peer.ask("/vae/resend", rid, 0, 3)
    assert [address for address, _ in again] == ["/vae/clip/notes", "/vae/done"]
    assert again[0][1][1:] == chunks[3][1:]
    assert peer.ask("/vae/resend", rid, 0, -1)[0][0] == "/vae/clip/begin"
    assert peer.fails("/vae/resend", rid, 1, 0)[0] == "bad_arguments"
    assert peer.fails("/vae/resend", rid, 0, 1000)[0] == "bad_arguments"
    assert peer.fails("/vae/resend", 9999, 0, 0)[0] == "bad_arguments"


def test_a_chunk_of_a_morph_can_be_had_again(peer):
    peer.upload("a", BEAT)
    peer.ask("/vae/grid", DRUMS, "g", 2, 1, "a", "a", 0.0, 1)
    rid = peer.next_rid()
    peer.send("/vae/morph", rid, "g", 1.0, 0.0)
    chunk = names(peer.collect(rid), "/vae/clip/notes")[0]
    assert peer.ask("/vae/resend", rid, 1, 0)[0][1][1:] == chunk[1:]


def test_a_repeated_request_is_answered_again_and_not_computed_again(peer):
    rid = peer.next_rid()
    peer.send("/vae/generate", rid, DRUMS, 64, 1.0, 5)
    first = peer.collect(rid)
    peer.send("/vae/generate", rid, DRUMS, 64, 1.0, 5)
    again = peer.collect(rid)
    assert "/vae/accepted" not in {address for address, _ in again}
    assert assemble(again) == assemble(first)
    peer.send("/vae/generate", rid, DRUMS, 1, 1.0, 6)
    assert len(assemble(peer.collect(rid))) == 1


def test_a_request_repeated_while_it_is_served_is_answered_once(peer):
    rid = peer.next_rid()
    for _ in range(5):
        peer.send("/vae/generate", rid, DRUMS, 32, 1.0, 5)
    messages = peer.collect(rid)
    assert len(names(messages, "/vae/clip/end")) == 32
    peer.send("/vae/ping", peer.next_rid())
    assert names(peer.collect(peer.rid), "/vae/done")
    assert peer.receive(0.2) is None


def test_upload_names_what_is_missing_and_goes_on_when_it_comes(peer):
    notes = [(36, at / 4, 0.25, 100) for at in range(150)]
    rid = peer.next_rid()
    peer.send("/vae/clip/begin", rid, "c", 40.0, 150, 3)
    for seq in (2, 0):
        peer.send("/vae/clip/notes", rid, "c", seq, "drums", *(v for note in notes[60 * seq:60 * seq + 60] for v in note))
    code, message = peer.fails("/vae/clip/end", "c")
    assert code == "incomplete" and "missing seq: 1" in message
    peer.send("/vae/clip/notes", rid, "c", 1, "drums", *(v for note in notes[60:120] for v in note))
    peer.send("/vae/clip/notes", rid, "c", 1, "drums", *(v for note in notes[60:120] for v in note))
    end = peer.next_rid()
    peer.send("/vae/clip/end", end, "c")
    ended = {args[0]: args[1:] for address, args in (peer.receive(), peer.receive()) if address == "/vae/done"}
    assert ended == {rid: ["/vae/clip/begin", 150], end: ["/vae/clip/end", 150]}
    peer.send("/vae/clip/end", end, "c")
    assert peer.collect(end)[-1] == ("/vae/done", [end, "/vae/clip/end", 150])


@pytest.mark.parametrize("address, args, code, words", [
    ("/vae/nothing", (), "unknown_address", "did you mean"),
    ("/other", (), "unknown_address", "/other"),
    ("/vae/*", (), "unknown_address", "patterns"),
    ("/vae/ping", (1,), "bad_arguments", "received 2 arguments"),
    ("/vae/generate", ("tiny_drum", 1, 0.5, 1), "unknown_model", "did you mean 'tiny_drums'"),
    ("/vae/generate", ("../../etc/passwd", 1, 0.5, 1), "unknown_model", "no model"),
    ("/vae/load", ("nothing",), "unknown_model", "no model 'nothing'"),
    ("/vae/vary", (DRUMS, "none", 1, 0.5, 0.5, 1), "unknown_clip", "'none'"),
    ("/vae/morph", ("none", 0.5, 0.5), "unknown_grid", "'none'"),
    ("/vae/clip/notes", ("none", 0, "drums"), "unknown_clip", "/vae/clip/begin first"),
    ("/vae/clip/begin", ("x", 8.0, 5000, 100), "too_large", "4096"),
    ("/vae/clip/begin", ("x", 10_000.0, 5, 1), "too_large", "256 beats"),
    ("/vae/clip/begin", ("x", 8.0, 100, 1), "bad_arguments", "2 to 4096 chunks"),
    ("/vae/grid", (DRUMS, "g", 200, 200, "a", "b", 0.5, 1), "too_large", "256 cells"),
    ("/vae/hello", (0, "test", 0), "bad_arguments", "protocol"),
])
def test_fails_name_the_request_its_code_and_what_to_do(peer, address, args, code, words):
    rid = peer.next_rid()
    peer.send(address, rid, *args)
    [(last, reply)] = [message for message in peer.collect(rid) if message[0] != "/vae/accepted"]
    assert last == "/vae/fail" and reply[:3] == [rid, address, code] and words in reply[3]


def test_a_request_without_a_rid_is_failed_under_rid_0(peer):
    for packet in (encode("/vae/ping"), encode("/vae/ping", "x"), encode("/vae/ping", -4), b"/vae/ping\0\0\0"):
        peer.socket.sendto(packet, peer.address)
        address, args = peer.receive()
        assert address == "/vae/fail" and args[0] == 0 and args[2] == "bad_arguments"


def test_cancel_ends_a_waiting_request_and_says_whether_there_was_one(peer):
    long = [peer.next_rid() for _ in range(6)]
    for rid in long:
        peer.send("/vae/generate", rid, DRUMS, 64, 1.0, rid)
    peer.send("/vae/cancel", 1000, long[-1])
    ends = {}
    while len(ends) < 7:
        address, args = peer.receive()
        if address in ("/vae/done", "/vae/fail"):
            assert args[0] not in ends
            ends[args[0]] = address, args[1:3]
    assert ends[long[-1]] == ("/vae/fail", ["/vae/generate", "cancelled"])
    assert ends[1000] == ("/vae/done", ["/vae/cancel", 1])
    assert peer.ask("/vae/cancel", 12345)[-1][1][2] == 0


def test_of_several_morphs_at_once_only_the_newest_is_answered(peer):
    peer.upload("a", BEAT)
    peer.upload("b", OTHER_BEAT)
    peer.ask("/vae/grid", DRUMS, "g", 5, 1, "a", "b", 0.0, 1)
    peer.ask("/vae/grid", DRUMS, "h", 5, 1, "b", "a", 0.0, 1)
    elements = [encode("/vae/morph", 500 + at, "g", at / 4, 0.0) for at in range(5)] + [encode("/vae/morph", 600, "h", 0.0, 0.0)]
    peer.socket.sendto(bundle(*elements), peer.address)
    ends = {}
    while len(ends) < 6:
        address, args = peer.receive()
        if address in ("/vae/done", "/vae/fail"):
            ends[args[0]] = address, args[2]
    assert ends == {**{500 + at: ("/vae/fail", "cancelled") for at in range(5)}, 600: ("/vae/done", 1)}


def test_what_one_client_names_another_does_not_see(peer, shared_daemon):
    peer.upload("mine", BEAT)
    with Peer(shared_daemon.port) as other:
        assert other.fails("/vae/reconstruct", DRUMS, "mine", 0.0, 1)[0] == "unknown_clip"
        other.upload("mine", OTHER_BEAT)
        assert other.clips("/vae/reconstruct", DRUMS, "mine", 0.0, 1)[0][1] != \
            peer.clips("/vae/reconstruct", DRUMS, "mine", 0.0, 1)[0][1]


def test_control_requests_are_answered_while_clips_are_computed(peer, shared_daemon):
    for rid in range(1, 20):
        peer.send("/vae/generate", rid, DRUMS, 64, 1.0, rid)
    with Peer(shared_daemon.port) as other:
        slowest = 0.0
        for _ in range(50):
            started = time.perf_counter()
            other.ask("/vae/ping")
            slowest = max(slowest, time.perf_counter() - started)
        assert slowest < 0.5  # far below what the queue takes; the figure under load is `soak morphs`
    for rid in range(1, 20):
        peer.send("/vae/cancel", 1000 + rid, rid)
    ended = set()
    while len(ended) < 38:
        address, args = peer.receive()
        if address in ("/vae/done", "/vae/fail"):
            assert args[0] not in ended
            ended.add(args[0])


def test_control_requests_are_answered_while_thousands_of_messages_with_clips_wait(peer):
    long = DRUMS, 1, 1.0, 1, "bars", 64, "density", 1.0
    assert len(peer.ask("/vae/generate", *long)) > 100
    for _ in range(100):
        peer.send("/vae/generate", peer.rid, *long)
    peer.send("/vae/generate", 5000, DRUMS, 1, 1.0, 1)
    peer.send("/vae/ping", 5001)
    ends = {}
    while not {5000, 5001} <= ends.keys():
        packet = peer.socket.recv(2000)
        if packet.startswith((b"/vae/done", b"/vae/fail")):
            args = OscMessage(packet).params
            ends[args[0]] = args[2]
    assert ends[5000] == "busy" and ends[5001] == 0


def test_models_take_turns(peer):
    """A clip from one model does not wait for all that another was asked for."""
    peer.socket.sendto(bundle(encode("/vae/generate", 6000, DRUMS, 64, 1.0, 1, "bars", 4),
                              encode("/vae/generate", 6001, MELODY, 1, 1.0, 1)), peer.address)
    while True:
        address, args = peer.receive()
        if address == "/vae/done":
            break
    assert args[0] == 6001
    peer.collect(6000)


def test_past_the_queue_clients_are_told_busy_and_served_later(peer):
    rids = [peer.next_rid() for _ in range(300)]
    for rid in rids:
        peer.send("/vae/generate", rid, MELODY, 2, 1.0, rid)
    ends = {}
    while len(ends) < len(rids):
        address, args = peer.receive()
        if address in ("/vae/done", "/vae/fail"):
            assert args[0] not in ends
            ends[args[0]] = args[2]
    assert set(ends.values()) == {2, "busy"}
    busy = next(rid for rid, end in ends.items() if end == "busy")
    peer.send("/vae/generate", busy, MELODY, 2, 1.0, busy)
    assert len(assemble(peer.collect(busy))) == 2


def test_garbage_does_not_cost_the_next_good_packet(peer):
    for garbage in (b"", b"x", b"#bundle\0" + bytes(8) + struct.pack(">i", -4), b"\0" * 64, b"/" * 9000):
        peer.socket.sendto(garbage, peer.address)
        assert peer.ask("/vae/ping")[-1][0] == "/vae/done"


def test_a_client_that_is_gone_costs_nobody_anything(peer, shared_daemon):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        for rid in range(1, 20):
            gone.sendto(encode("/vae/generate", rid, DRUMS, 4, 1.0, rid), ("127.0.0.1", shared_daemon.port))
    assert peer.ask("/vae/ping")[-1][0] == "/vae/done"
    assert len(peer.clips("/vae/generate", DRUMS, 2, 1.0, 1)) == 2
