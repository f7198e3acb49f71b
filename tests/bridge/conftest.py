"""A real daemon with small real models, and a client made of a bare socket and python-osc: nothing of `bridge` in it."""

import os
import socket
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.soak.target import ROOT, START_TIMEOUT, Target
from vae import registry
from vae.config import parse
from vae.model import weights

DRUMS, MELODY = "tiny_drums", "tiny_melody"
PATIENCE = START_TIMEOUT  # seconds for what must come in the end: on a busy machine a daemon's computing comes last


def save_model(folder, name, task, seed=1, damage=None):
    """An untrained model of the real architecture in a real model folder. damage: changes its weights on the way."""
    config = parse({"task": task, "latent": 8, "encoder": [16], "decoder": [16, 16]})
    # Scaled up, so that an untrained model has preferences and its clips differ with z.
    values = {key: (4 * value).astype(np.float32) for key, value in weights.initial(config, seed, 0.3).items()}
    if damage:
        damage(values)
    return registry.save(folder / name, name, config, values, {})


def save_both(folder):
    """One drum and one melody model; returns the folder."""
    save_model(folder, DRUMS, "drums_2bar")
    save_model(folder, MELODY, "melody_2bar")
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A folder with one drum and one melody model, which no test changes."""
    return save_both(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def shared_daemon(model_folder):
    """One daemon for all tests that leave it as it was."""
    with Target("--folders", str(model_folder), "--models", DRUMS, "--models", MELODY) as target:
        target.wait_ready()
        yield target


@pytest.fixture
def peer(shared_daemon):
    """A client of the shared daemon."""
    with Peer(shared_daemon.port) as client:
        yield client


def cli(*words, **environment):
    """A command as a user types it: its exit code and what it printed, which is never a traceback."""
    done = subprocess.run([sys.executable, "-m", "cli", *words], check=False, cwd=ROOT, capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


class Peer:
    """Sends and receives OSC with python-osc over a socket of its own. `next_rid` is never used twice."""

    def __init__(self, port, host="127.0.0.1"):
        self.address = host, port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((host, 0))
        self.rid = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def next_rid(self):
        self.rid += 1
        return self.rid

    def send(self, address, *args):
        self.socket.sendto(encode(address, *args), self.address)

    def receive(self, timeout=PATIENCE):
        """The next message as (address, arguments), None when nothing comes."""
        self.socket.settimeout(timeout)
        try:
            packet = self.socket.recv(65535)
        except TimeoutError:
            return None
        assert len(packet) <= 1400
        message = OscMessage(packet)
        return message.address, message.params

    def collect(self, rid):
        """All messages for a rid up to its done or fail, which is the last."""
        messages, end = [], time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message = self.receive(0.5)
            if message is None or message[1][0] != rid:
                continue
            messages.append(message)
            if message[0] in ("/vae/done", "/vae/fail"):
                return messages
        raise AssertionError(f"no end of request {rid}: {messages}")

    def ask(self, address, *args):
        """Send a request under a new rid and collect its answer."""
        rid = self.next_rid()
        self.send(address, rid, *args)
        return self.collect(rid)

    def fails(self, address, *args):
        """Send a request that must fail: its code and message."""
        *_, (last, args) = self.ask(address, *args)
        assert last == "/vae/fail"
        return args[2], args[3]

    def clips(self, address, *args):
        """Send a request and put its clips together: {index: (beats, [(part, pitch, start, duration, velocity)], name)}."""
        return assemble(self.ask(address, *args))

    def upload(self, name, notes, beats=8.0, part="drums"):
        """Upload a clip from (pitch, start, duration, velocity) under one rid."""
        rid = self.next_rid()
        groups = [notes[at:at + 60] for at in range(0, len(notes), 60)]
        self.send("/vae/clip/begin", rid, name, float(beats), len(notes), len(groups))
        for seq, group in enumerate(groups):
            self.send("/vae/clip/notes", rid, name, seq, part, *(value for note in group for value in note))
        self.send("/vae/clip/end", rid, name)
        *_, (last, args) = self.collect(rid)
        assert last == "/vae/done" and args[1:] == ["/vae/clip/end", len(notes)]


def encode(address, *args):
    """One OSC message, made by python-osc."""
    builder = OscMessageBuilder(address)
    for arg in args:
        builder.add_arg(arg, {int: "i", float: "f", str: "s"}.get(type(arg)))
    return builder.build().dgram


def bundle(*elements):
    """An OSC bundle."""
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(each)) + each for each in elements)


def assemble(messages):
    """The clips of an answer that ended well, checked against their announcements."""
    assert messages[-1][0] == "/vae/done", messages[-1]
    begins, notes, ends = {}, {}, {}
    for address, args in messages:
        if address == "/vae/clip/begin":
            begins[args[1]] = args
        elif address == "/vae/clip/notes":
            values = args[4:]
            notes.setdefault(args[1], {})[args[2]] = [
                (args[3], *values[at:at + 4]) for at in range(0, len(values), 4)]
        elif address == "/vae/clip/end":
            ends[args[1]] = args[2]
    clips = {}
    for index, (_, _, beats, count, chunks, name) in begins.items():
        assert sorted(notes.get(index, {})) == list(range(chunks))
        whole = [note for seq in range(chunks) for note in notes[index][seq]]
        assert len(whole) == count == ends[index]
        clips[index] = beats, whole, name
    assert messages[-1][1][2] == len(clips)
    return clips


BEAT = [(36, 0.0, 0.25, 100), (42, 0.5, 0.25, 90), (38, 1.0, 0.25, 110), (42, 1.5, 0.25, 90)]
OTHER_BEAT = [(36, at, 0.25, 100) for at in (0.0, 0.75, 2.0, 2.75, 4.0, 6.0)]
TUNE = [(60, 0.0, 1.0, 100), (64, 1.0, 1.0, 100), (67, 2.0, 2.0, 100), (72, 4.0, 4.0, 100)]
