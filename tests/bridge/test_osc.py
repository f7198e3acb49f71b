"""The receive path against python-osc where packets are sound, and against everything else where they are not."""

import math
import os
import struct
import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from bridge.osc import MAX_DEPTH, MAX_PACKET, Malformed, build_message, read_packet
from bridge.soak.packets import FUTURE, KILLERS, NOW, Packets, bundle, nested
from tests.bridge.conftest import encode

texts = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=40)
arguments = st.lists(st.one_of(st.integers(-2**31, 2**31 - 1), st.floats(width=32, allow_nan=False, allow_infinity=False),
                               texts), max_size=20)
addresses = st.text("abcdefghij/_0123456789", max_size=30).map(lambda text: "/" + text)


def same(got, expected):
    return len(got) == len(expected) and all(type(a) is type(b) and a == b for a, b in zip(got, expected))


@given(addresses, arguments)
def test_what_python_osc_builds_is_read_and_what_is_built_python_osc_reads(address, args):
    packet = encode(address, *args)
    assert build_message(address, *args) == packet
    [message] = read_packet(packet)
    assert message.fault is None and message.address == address
    assert same(message.args, OscMessage(packet).params)


@given(st.binary(max_size=200))
@example(b"/a\0\0,i\0\0")
def test_any_bytes_are_read_or_called_malformed(packet):
    try:
        messages = read_packet(packet)
    except Malformed:
        return
    for message in messages:
        assert message.address.startswith("/") and message.rid >= 0
        assert all(not isinstance(arg, float) or math.isfinite(arg) for arg in message.args)


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_mutated_requests_are_read_or_called_malformed(seed):
    packet = Packets(seed).next()
    try:
        assert all(message.address for message in read_packet(packet)) or packet.startswith(b"#bundle")
    except Malformed:
        pass


@pytest.mark.parametrize("packet", KILLERS, ids=range(len(KILLERS)))
def test_packets_that_stop_other_servers_take_no_time(packet):
    started = time.thread_time()
    try:
        messages = read_packet(packet)
        assert all(message.fault is not None or message.address == "/vae/ping" for message in messages)
    except Malformed:
        pass
    assert time.thread_time() - started < 0.05


def test_a_bundle_runs_at_once_in_order_whatever_its_time():
    packet = bundle(encode("/a", 1), bundle(encode("/b", 2), time=FUTURE), encode("/c", 3), time=FUTURE)
    assert [(message.address, message.args) for message in read_packet(packet)] == [("/a", [1]), ("/b", [2]), ("/c", [3])]


def test_bundles_nest_up_to_the_limit_and_no_deeper():
    assert read_packet(nested(encode("/a", 1), MAX_DEPTH))[0].args == [1]
    with pytest.raises(Malformed, match="deeper"):
        read_packet(nested(encode("/a", 1), MAX_DEPTH + 1))


def test_one_broken_element_makes_the_whole_bundle_malformed_but_a_bad_argument_only_its_message():
    with pytest.raises(Malformed):
        read_packet(bundle(encode("/a", 1)) + struct.pack(">i", 8) + b"abc\0")
    bad, good = read_packet(bundle(encode("/a", 1, float("nan")), encode("/b", 2)))
    assert bad.fault.code == "bad_arguments" and bad.rid == 1
    assert good.fault is None and good.args == [2]


@pytest.mark.parametrize("packet, code, words", [
    (encode("/vae/ping", 7, float("nan")), "bad_arguments", "argument 2 must be a finite number"),
    (encode("/vae/ping", 7, float("inf")), "bad_arguments", "argument 2 must be a finite number"),
    (b"/vae/ping\0\0\0,is\0" + struct.pack(">i", 7) + b"\xff\xfe\0\0", "bad_arguments", "argument 2 is not UTF-8"),
    (b"/vae/ping\0\0\0,is\0" + struct.pack(">i", 7) + b"abcd", "bad_arguments", "argument 2 is text without its end"),
    (b"/vae/ping\0\0\0,id\0" + struct.pack(">id", 7, 1.0), "bad_arguments", "argument 2 is of type d; only i, f and s"),
    (b"/vae/ping\0\0\0,iT\0" + struct.pack(">i", 7), "bad_arguments", "argument 2 is of type T"),
    (b"/vae/ping\0\0\0,iz\0" + struct.pack(">i", 7), "bad_arguments", "argument 2 is of the unknown type 'z'"),
    (b"/vae/ping\0\0\0,ii\0" + struct.pack(">i", 7), "bad_arguments", "argument 2 of type i is missing"),
    (encode("/vae/ping", 7) + b"\0" * 4, "bad_arguments", "4 bytes follow the last argument"),
    (b"/vae/ping\0\0\0iii\0" + struct.pack(">i", 7), "bad_arguments", "type tags must start with a comma"),
    (encode("/vae/*", 7), "unknown_address", "patterns are not matched"),
    (encode("/" + "a" * 200, 7), "unknown_address", "at most 100 bytes, received 201"),
    (encode("/vae/ping", 7, "x" * 9000), "too_large", f"at most {MAX_PACKET} bytes"),
])
def test_faults_say_what_was_wrong_and_whom_to_tell(packet, code, words):
    [message] = read_packet(packet)
    assert message.fault.code == code and words in message.fault.message
    assert message.rid == (0 if "comma" in words else 7)


@pytest.mark.parametrize("packet", [b"", b"abc", b"abcd", b"/a\0", b"#bundle\0", b"#bundle\0" + NOW[:4], b"\xff/a\0"])
def test_what_is_not_osc_is_malformed(packet):
    with pytest.raises(Malformed):
        read_packet(packet)


ATHERIS = """
import sys, atheris
with atheris.instrument_imports(include=["bridge.osc", "bridge.protocol"]):
    from bridge.osc import Malformed, read_packet
    from bridge.protocol import COMMANDS, Fail
def one(data):
    try:
        for message in read_packet(data):
            if message.fault is None and message.address in COMMANDS:
                COMMANDS[message.address].parse(message.args)
    except (Malformed, Fail):
        pass
atheris.Setup(sys.argv, one)
atheris.Fuzz()
"""


def test_coverage_guided_fuzzing_finds_no_other_exception(tmp_path):
    pytest.importorskip("atheris", reason="atheris is not installed (pip install atheris; it has no macOS builds)")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    packets = Packets(1)
    for number in range(200):
        (corpus / str(number)).write_bytes(packets.next())
    script = tmp_path / "fuzz.py"
    script.write_text(ATHERIS)
    runs = os.environ.get("FUZZ_RUNS", "30000")
    done = subprocess.run([sys.executable, script, f"-runs={runs}", "-max_len=600", "-seed=1", str(corpus)], check=False,
                          cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": os.getcwd()}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
