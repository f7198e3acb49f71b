"""Model folders that are broken, exported anew or named strangely, before the daemon starts and while it serves."""

import os
import shutil
import signal
import sys
import threading
import time

import pytest
import yaml

from bridge import loading
from bridge.config import Config
from bridge.daemon import Daemon
from bridge.soak.target import Target
from tests.bridge.conftest import BEAT, DRUMS, MELODY, Peer, save_both, save_model
from tests.bridge.test_lifecycle import notice, state

needs_sighup = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
CONFIG = {"task": "drums_2bar", "latent": 8, "encoder": [16], "decoder": [16]}
BROKEN = {
    "day": b"name: 2021-13-45",
    "deep": b"[" * 5000,
    "float": b"x: !!float abc",
    "rate": b"{name: a, sha256: b, config: {task: drums_2bar, decoder: [1], training: {steps: 1, learning_rate: "
            b"{start: 1" + b"0" * 400 + b", end: 1.0}}}}",
    "large": yaml.safe_dump({"name": "large", "sha256": "b", "config": {**CONFIG, "decoder": [65536, 65536]}}).encode(),
    "longname": yaml.safe_dump({"name": "x" * 101, "sha256": "b", "config": CONFIG}).encode(),
    "surrogate": b'{name: "a\\udc80", sha256: b, config: {task: drums_2bar, decoder: [1]}}',
}


def break_folder(folder):
    """Put every kind of broken model folder beside the good ones; the names that the daemon gives them."""
    names = dict.fromkeys(BROKEN)
    for name, text in BROKEN.items():
        (folder / name).mkdir()
        (folder / name / "model.yaml").write_bytes(text)
    if sys.platform == "linux":  # elsewhere file names are Unicode
        strange = folder / "strange\udcff"
        strange.mkdir()
        (strange / "model.yaml").write_bytes(b"[")
        names["strange\\udcff"] = None
    return list(names)


def models(peer):
    return {args[1]: args[2:] for address, args in peer.ask("/vae/models") if address == "/vae/model"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_both(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def daemon(folder):
    """A daemon that was started with broken folders beside the good one."""
    names = break_folder(folder)
    with Target("--folders", str(folder), "--models", DRUMS) as target:
        target.wait_ready()
        target.broken = names
        yield target


@pytest.fixture
def owner(daemon):
    with Peer(daemon.port) as peer:
        yield peer


def test_broken_folders_are_listed_as_failed_and_say_why_when_asked_for(owner, daemon):
    listed = models(owner)
    assert listed[DRUMS][3] == "loaded" and listed[MELODY][3] == "available"
    assert {name: listed[name][3] for name in daemon.broken} == dict.fromkeys(daemon.broken, "failed")
    for name in daemon.broken:
        code, message = owner.fails("/vae/load", name)
        assert code == "not_loaded" and "model.yaml" in message
        assert owner.fails("/vae/generate", name, 1, 0.5, 1)[0] == "not_loaded"
    assert "at most 2147483647" in owner.fails("/vae/load", "large")[1]
    assert len(owner.clips("/vae/generate", DRUMS, 1, 0.5, 1)) == 1


def test_a_folder_that_was_copied_halfway_is_a_broken_model(owner, daemon, folder):
    shutil.copytree(folder / DRUMS, folder / "half", ignore=shutil.ignore_patterns("model.yaml"))
    with Peer(daemon.port) as other:
        other.ask("/vae/ping")
        assert "model.yaml cannot be read" in owner.fails("/vae/load", "half")[1]
        assert "model.yaml cannot be read" in notice(other, "model failed")
    assert models(owner)["half"][3] == "failed"
    shutil.rmtree(folder / "half")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_model_whose_disk_does_not_answer_is_given_up_and_others_load_after_it(tmp_path, monkeypatch):
    """In this process, to make its patience short. A pipe that nobody writes to stands for the disk."""
    save_both(tmp_path)
    shutil.copytree(tmp_path / DRUMS, tmp_path / "stuck")
    text = (tmp_path / "stuck" / "model.yaml").read_text().replace(f"name: {DRUMS}", "name: stuck")
    (tmp_path / "stuck" / "model.yaml").write_text(text)
    (tmp_path / "stuck" / "weights.npz").unlink()
    os.mkfifo(tmp_path / "stuck" / "weights.npz")
    interval, ready = sys.getswitchinterval(), threading.Event()
    daemon = Daemon(Config(port=0, models=(DRUMS,), folders=(str(tmp_path),)), lambda event, _: ready.set())
    daemon.start()
    try:
        assert ready.wait(120)
        with Peer(daemon.address[1]) as peer, monkeypatch.context() as short:
            short.setattr(loading, "STUCK", 1.0)
            rid = peer.next_rid()
            peer.send("/vae/load", rid, "stuck")
            peer.send("/vae/load", peer.next_rid(), MELODY)
            *_, (last, args) = peer.collect(rid)
            short.undo()
            assert last == "/vae/fail" and args[2] == "not_loaded" and "was stuck in the load" in args[3]
            assert peer.collect(peer.rid)[-1][0] == "/vae/done"
            assert len(peer.clips("/vae/generate", DRUMS, 1, 0.5, 1)) == 1
    finally:
        daemon.stop()
        sys.setswitchinterval(interval)


def test_a_folder_that_breaks_while_it_serves_costs_no_other_model(owner, folder):
    (folder / "later").mkdir()
    for text in BROKEN.values():
        (folder / "later" / "model.yaml").write_bytes(text)
        assert owner.ask("/vae/load", DRUMS)[-1][0] == "/vae/done"
        assert len(owner.clips("/vae/generate", DRUMS, 1, 0.5, 1)) == 1
    shutil.rmtree(folder / "later")


@needs_sighup
def test_sighup_loads_what_is_new_and_what_changed_also_when_a_load_came_between(owner, daemon, folder):
    before = owner.clips("/vae/generate", DRUMS, 2, 0.5, 9)
    save_model(folder, DRUMS, "drums_2bar", seed=5)
    save_model(folder, "new", "drums_2bar")
    assert owner.ask("/vae/load", MELODY)[-1][0] == "/vae/done"  # it looks at the folders too
    assert state(owner, "new") == "available"
    daemon.process.send_signal(signal.SIGHUP)
    assert {notice(owner, "model loaded"), notice(owner, "model loaded")} == {DRUMS, "new"}
    assert owner.clips("/vae/generate", DRUMS, 2, 0.5, 9) != before


@needs_sighup
def test_a_sighup_while_a_model_loads_loads_its_newer_version_after_that(owner, daemon, folder):
    owner.ask("/vae/ping")
    save_model(folder, DRUMS, "drums_2bar", seed=6)
    daemon.process.send_signal(signal.SIGHUP)
    time.sleep(0.15)
    save_model(folder, DRUMS, "drums_2bar", seed=7)
    newest = (folder / DRUMS / "weights.npz").read_bytes()
    daemon.process.send_signal(signal.SIGHUP)
    assert notice(owner, "model loaded") == DRUMS
    assert notice(owner, "model loaded") == DRUMS
    assert (folder / DRUMS / "weights.npz").read_bytes() == newest
    got = owner.clips("/vae/generate", DRUMS, 2, 0.5, 9)
    owner.ask("/vae/unload", DRUMS)
    owner.ask("/vae/load", DRUMS)
    assert owner.clips("/vae/generate", DRUMS, 2, 0.5, 9) == got


@needs_sighup
def test_a_broken_new_version_changes_nothing_of_what_is_said_of_the_old(owner, daemon, folder, tmp_path):
    before = models(owner)[DRUMS]
    owner.upload("a", BEAT)
    clips = owner.clips("/vae/reconstruct", DRUMS, "a", 0.0, 1)
    shutil.copytree(folder / DRUMS, tmp_path / "kept")
    save_model(folder, "other", "melody_2bar")
    text = (folder / "other" / "model.yaml").read_text().replace("name: other", f"name: {DRUMS}")
    (folder / DRUMS / "weights.npz").write_bytes((folder / "other" / "weights.npz").read_bytes()[:3000])
    (folder / DRUMS / "model.yaml").write_text(text)
    shutil.rmtree(folder / "other")
    daemon.process.send_signal(signal.SIGHUP)
    assert "goes on serving" in notice(owner, "model failed")
    assert models(owner)[DRUMS] == before
    assert owner.clips("/vae/reconstruct", DRUMS, "a", 0.0, 1) == clips
    shutil.rmtree(folder / DRUMS)
    shutil.move(tmp_path / "kept", folder / DRUMS)


def test_a_cancelled_unload_that_waits_does_not_happen(owner, folder):
    save_model(folder, DRUMS, "drums_2bar", seed=8)
    load, unload, cancel = (owner.next_rid() for _ in range(3))
    owner.send("/vae/load", load, DRUMS)
    while (message := owner.receive())[:1] != ("/vae/progress",):
        assert message[0] == "/vae/accepted"
    owner.send("/vae/unload", unload, DRUMS)
    owner.send("/vae/cancel", cancel, unload)
    ends = {}
    while len(ends) < 3:
        address, args = owner.receive()
        if address in ("/vae/done", "/vae/fail"):
            ends[args[0]] = args[2]
    assert ends == {load: 1, unload: "cancelled", cancel: 1}
    assert owner.ask("/vae/load", DRUMS)[-1][1][2] == 1  # behind whatever would have followed
    time.sleep(0.5)
    assert state(owner, DRUMS) == "loaded"
