"""Start, end, failure and recovery of the daemon as processes and signals show them."""

import json
import shutil
import signal
import sys
import time

import psutil
import pytest
from click.testing import CliRunner

from bridge.commands import serve
from bridge.config import is_loopback
from bridge.protocol import Fail
from bridge.soak.target import Target
from tests.bridge.conftest import BEAT, DRUMS, MELODY, PATIENCE, Peer, assemble, cli, save_model

WINDOWS = sys.platform == "win32"


def notice(peer, event):
    """The detail of the next notice of that event."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        message = peer.receive(0.5)
        if message and message[0] == "/vae/notice" and message[1][:2] == [0, event]:
            return message[1][2]
        if not message:
            peer.send("/vae/ping", 1_000_000)  # notices go to clients seen lately
    raise AssertionError(f"no notice {event!r}")


def state(peer, model):
    return {args[1]: args[5] for address, args in peer.ask("/vae/models") if address == "/vae/model"}.get(model)


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    save_model(folder, DRUMS, "drums_2bar")
    return folder


@pytest.fixture(scope="module")
def own_daemon(own_folder, tmp_path_factory):
    """A daemon whose models may be broken and whose worker may be killed."""
    log = tmp_path_factory.mktemp("log") / "bridge.log"
    with Target("--folders", str(own_folder), "--models", DRUMS, "--log-file", str(log), "--log-level", "info") as target:
        target.log = log
        with Peer(target.port) as peer:
            # While it loads it answers, and a request for the model waits for it.
            assert peer.ask("/vae/ping")[-1][0] == "/vae/done"
            assert state(peer, DRUMS) == "loading"
            assert len(peer.clips("/vae/generate", DRUMS, 2, 0.5, 1)) == 2
        target.wait_ready()
        yield target


@pytest.fixture
def owner(own_daemon):
    with Peer(own_daemon.port) as peer:
        yield peer


def test_it_prints_what_it_serves_on_which_device_and_what_to_do_next(own_daemon):
    printed = "\n".join(own_daemon.output)
    assert f"listens on 127.0.0.1:{own_daemon.port}" in printed
    assert DRUMS in printed and "CPU:0" in printed and "Next, in Live" in printed


def test_a_new_model_is_picked_up_by_load_and_its_notice_comes(owner, own_folder):
    assert owner.fails("/vae/generate", "late", 1, 0.5, 1)[0] == "unknown_model"
    save_model(own_folder, "late", "melody_2bar")
    messages = owner.ask("/vae/load", "late")
    assert messages[0] == ("/vae/accepted", [owner.rid, 0])
    fractions = [args[1] for address, args in messages if address == "/vae/progress"]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert messages[-1][1][1:] == ["/vae/load", 1]
    assert len(owner.clips("/vae/generate", "late", 2, 0.5, 1)) == 2


def test_unload_frees_a_model_and_load_brings_it_back_the_same(owner):
    before = owner.clips("/vae/generate", DRUMS, 3, 0.5, 9)
    assert owner.ask("/vae/unload", DRUMS)[-1][0] == "/vae/done"
    assert state(owner, DRUMS) == "available"
    code, message = owner.fails("/vae/generate", DRUMS, 1, 0.5, 1)
    assert code == "not_loaded" and "/vae/load" in message
    owner.ask("/vae/load", DRUMS)
    assert state(owner, DRUMS) == "loaded"
    assert owner.clips("/vae/generate", DRUMS, 3, 0.5, 9) == before


@pytest.mark.skipif(WINDOWS, reason="Windows has no SIGHUP")
def test_a_new_version_is_loaded_on_sighup_while_the_old_one_serves(owner, own_daemon, own_folder):
    before = owner.clips("/vae/generate", DRUMS, 2, 0.5, 9)
    save_model(own_folder, DRUMS, "drums_2bar", seed=2)
    own_daemon.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE
    while (clips := owner.clips("/vae/generate", DRUMS, 2, 0.5, 9)) == before and time.monotonic() < deadline:
        assert state(owner, DRUMS) == "loaded"
    assert clips != before


BREAKAGES = {
    "missing": lambda folder: (folder / "weights.npz").unlink(),
    "truncated": lambda folder: (folder / "weights.npz").write_bytes((folder / "weights.npz").read_bytes()[:5000]),
    "no yaml": lambda folder: (folder / "model.yaml").write_text("{[ not yaml"),
    "wrong checksum": lambda folder: (folder / "model.yaml").write_text(
        (folder / "model.yaml").read_text().replace("sha256: ", "sha256: 0")),
    "gone": shutil.rmtree,
}


@pytest.mark.parametrize("how", BREAKAGES)
def test_a_broken_model_gets_a_notice_and_what_serves_goes_on(owner, own_folder, how, tmp_path):
    folder, kept = own_folder / DRUMS, tmp_path / "kept"
    before = owner.clips("/vae/generate", DRUMS, 2, 0.5, 9)
    shutil.copytree(folder, kept)
    try:
        BREAKAGES[how](folder)
        rid = owner.next_rid()
        owner.send("/vae/load", rid, DRUMS)
        detail = notice(owner, "model failed")
        assert detail.startswith(f"{DRUMS}: ") and "goes on serving" in detail
        assert owner.clips("/vae/generate", DRUMS, 2, 0.5, 9) == before
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(kept, folder)


def test_weights_that_are_not_numbers_or_do_not_fit_are_refused_with_the_reason(owner, own_folder):
    def not_numbers(values):
        next(iter(values.values())).flat[0] = float("nan")

    save_model(own_folder, "nan", "drums_2bar", damage=not_numbers)
    code, message = owner.fails("/vae/load", "nan")
    assert code == "not_loaded" and "finite" in message and state(owner, "nan") == "failed"
    about = save_model(own_folder, "shapes", "drums_2bar").path / "model.yaml"
    about.write_text(about.read_text().replace("latent: 8", "latent: 9"))
    code, message = owner.fails("/vae/load", "shapes")
    assert code == "not_loaded" and "shape" in message
    assert owner.fails("/vae/generate", "shapes", 1, 0.5, 1)[0] == "not_loaded"


def test_a_worker_that_dies_is_replaced_and_nobody_notices_but_by_waiting(owner, own_daemon):
    before = owner.clips("/vae/generate", DRUMS, 4, 0.5, 9)
    owner.upload("a", BEAT)
    owner.ask("/vae/grid", DRUMS, "g", 2, 1, "a", "a", 0.0, 1)
    [worker] = [child for child in psutil.Process(own_daemon.process.pid).children() if child.memory_info().rss > 2e8]
    rids = [owner.next_rid() for _ in range(5)]
    for rid in rids:
        owner.send("/vae/generate", rid, DRUMS, 64, 0.5, 9)
    worker.kill()
    assert owner.ask("/vae/ping")[-1][0] == "/vae/done"
    assert len(owner.clips("/vae/morph", "g", 0.0, 0.0)) == 1  # a show on its grid goes on
    owner.send("/vae/cancel", 5000, rids[-1])
    ends = {}
    while len(ends) < 5:
        message = owner.receive()
        if message[0] in ("/vae/done", "/vae/fail") and message[1][0] in rids:
            assert message[1][0] not in ends
            ends[message[1][0]] = message
    assert ends[rids[0]][0] == "/vae/done"
    assert owner.clips("/vae/generate", DRUMS, 4, 0.5, 9) == before


def test_the_log_file_holds_one_json_object_a_line(own_daemon):
    lines = [json.loads(line) for line in own_daemon.log.read_text().splitlines()]
    served = [line for line in lines if line["event"] == "served"]
    assert served and {"time", "level", "client", "rid", "command", "model", "clips", "ms"} <= served[0].keys()


def test_a_second_daemon_says_who_holds_the_port_and_exits_2(own_daemon):
    code, printed = cli("serve", "--port", str(own_daemon.port), "--models", DRUMS)
    assert code == 2
    assert f"127.0.0.1:{own_daemon.port} cannot be used" in printed and "MusicVAE Bridge" in printed
    assert str(own_daemon.process.pid) in printed or sys.platform == "darwin"


def test_sigterm_tells_clients_cancels_what_waits_and_exits_0_within_2_s(own_daemon):
    with Peer(own_daemon.port) as peer:
        rids = [peer.next_rid() for _ in range(40)]
        for rid in rids:
            peer.send("/vae/generate", rid, DRUMS, 64, 0.5, rid)
        assert peer.receive()[0] == "/vae/accepted"
        code, seconds = own_daemon.stop()
        assert code == 0 and seconds < 2.0
        ends, stopping = {}, False
        while (message := peer.receive(0.5)) is not None:
            stopping |= message[0] == "/vae/notice" and message[1][1] == "stopping"
            if message[0] in ("/vae/done", "/vae/fail"):
                assert message[1][0] not in ends
                ends[message[1][0]] = message[1][2]
        assert stopping and sorted(ends) == rids and set(ends.values()) <= {64, "cancelled"}


def test_it_ends_within_2_s_whatever_the_worker_does(model_folder):
    with Target("--folders", str(model_folder), "--models", DRUMS) as target, Peer(target.port) as peer:
        target.wait_ready()
        [worker] = [child for child in psutil.Process(target.process.pid).children() if child.memory_info().rss > 2e8]
        worker.suspend()
        for rid in (1, 2):
            peer.send("/vae/generate", rid, DRUMS, 64, 0.5, rid)
        assert peer.receive()[0] == "/vae/accepted"
        code, seconds = target.stop()
        assert code == 0 and seconds < 2.0
        codes = {}
        while len(codes) < 2:
            address, args = peer.receive()
            if address == "/vae/fail":
                codes[args[0]] = args[2]
        assert codes == {1: "cancelled", 2: "cancelled"}


@pytest.mark.skipif(WINDOWS, reason="Windows has no SIGHUP")
def test_a_sighup_before_there_is_a_daemon_is_no_end(monkeypatch):
    names = signal.SIGHUP, signal.SIGTERM, signal.SIGINT
    before, meanwhile = [signal.getsignal(name) for name in names], []

    def daemon(*_):
        meanwhile.append(signal.getsignal(signal.SIGHUP))
        raise Fail("unknown_model", "that is enough")

    monkeypatch.setattr("bridge.daemon.Daemon", daemon)
    try:
        CliRunner().invoke(serve, ["--port", "0"])
    finally:
        for name, handler in zip(names, before):
            signal.signal(name, handler)
    assert meanwhile == [signal.SIG_IGN]


@pytest.mark.parametrize("host, loopback", [
    ("127.0.0.1", True), ("127.1.2.3", True), ("localhost", True), ("0.0.0.0", False), ("", False), ("127.example.org", False)])
def test_what_is_loopback(host, loopback):
    assert is_loopback(host) == loopback


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_within_2_s_even_while_tensorflow_starts(model_folder, name):
    with Target("--folders", str(model_folder), "--models", DRUMS) as target:
        time.sleep(1.5)
        started = time.monotonic()
        target.process.send_signal(getattr(signal, name))
        assert target.process.wait(10) == 0 and time.monotonic() - started < 2.0
    assert "Traceback" not in "\n".join(target.output)


def test_after_kill_9_a_client_that_says_hello_is_served_again_within_3_s(model_folder):
    options = "--folders", str(model_folder), "--models", MELODY
    with Target(*options) as first:
        time.sleep(0.5)
        workers = psutil.Process(first.process.pid).children(recursive=True)
        first.kill()
        started = time.monotonic()
        with Target(*options, port=first.port) as second, Peer(second.port) as peer:
            assert peer.ask("/vae/hello", 0, "test", 1)[-1][0] == "/vae/done"
            assert time.monotonic() - started < 3.0
            rid = peer.next_rid()
            peer.send("/vae/generate", rid, MELODY, 1, 0.5, 1)
            assert peer.receive()[0] == "/vae/accepted" and time.monotonic() - started < 3.0
            assert len(assemble(peer.collect(rid))) == 1
    assert workers and not any(worker.is_running() for worker in workers)


def test_beyond_loopback_a_token_is_needed_and_without_it_nothing_else_is_said(model_folder):
    with Target("--host", "0.0.0.0", "--folders", str(model_folder), "--models", DRUMS) as target:
        token = target.wait_for("clients must show a token").split()[-1]
        with Peer(target.port) as peer:
            for address, args in (("/vae/ping", ()), ("/vae/models", ()), ("/vae/hello", (0, "x", 1)), ("/nothing", ()),
                                  ("/vae/hello", (0, "x", 1, "wrong")), ("/vae/hello", (0,)), ("/vae/load", (DRUMS,))):
                assert peer.fails(address, *args)[0] == "unauthorized"
            assert peer.ask("/vae/hello", 0, "x", 1, token)[-1][0] == "/vae/done"
            assert peer.ask("/vae/ping")[-1][0] == "/vae/done"
            with Peer(target.port) as other:
                assert other.fails("/vae/ping")[0] == "unauthorized"


def test_flags_come_before_the_environment_that_before_the_file_and_that_before_defaults(model_folder, tmp_path,
                                                                                         monkeypatch):
    config = tmp_path / "bridge.yaml"
    config.write_text(f"port: 1\nqueue: 2\nlog-level: error\nmodels: {DRUMS}\nfolders: [~/{model_folder.name}]\n")
    monkeypatch.setenv("MUSICVAE_QUEUE", "4")  # of which one client may fill half
    monkeypatch.setenv("HOME", str(model_folder.parent))
    with Target("--config", str(config)) as target:  # --port 0 comes with it
        assert target.port != 1
        with Peer(target.port) as peer:
            rids = [peer.next_rid() for _ in range(5)]
            for rid in rids:
                peer.send("/vae/generate", rid, DRUMS, 1, 0.5, 1)
            got = [peer.receive(1) for _ in rids]
            assert [args[2] for address, args in got if address == "/vae/fail"] == ["busy"] * 3


@pytest.mark.parametrize("text, words", [
    ("prot: 9000", "unknown key 'prot' (did you mean 'port'?); keys: deadline, folders"),
    ("port: many", "'many' is not a valid"),
    ("port: 70000", "70000 is not in the range"),
    ("- port", "must hold `key: value` lines"),
    ("port: [", "is not YAML"),
    ("port: [9000]", "port: one value expected"),
    ("models: {a: b}", "models: a value or a list of values expected"),
    ("log-file: 5: 6", "is not YAML"),
])
def test_a_wrong_config_file_is_refused_in_words(tmp_path, text, words):
    config = tmp_path / "bridge.yaml"
    config.write_text(text)
    code, printed = cli("serve", "--config", str(config))
    assert code == 2 and words in printed


@pytest.mark.parametrize("options, words", [
    (("--config", "nowhere.yaml"), "nowhere.yaml cannot be read"),
    (("--models", "nothing"), "no model 'nothing'"),
    (("--folders", "nowhere"), "nowhere"),
    (("--host", "192.0.2.1", "--token", "x"), "cannot be used"),
    (("--log-level", "loud"), "'loud' is not one of"),
    (("--token", "x" * 101), "1 to 100 bytes of printable text"),
    (("--log-file", "/dev/null/x.log"), "--log-file /dev/null/x.log cannot be written"),
])
def test_wrong_options_are_refused_in_words(options, words):
    code, printed = cli("serve", "--port", "0", *options)
    assert code == 2 and words in printed
