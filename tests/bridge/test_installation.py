"""`doctor` and `service` as a user calls them."""

import os
import plistlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

from bridge.client import DaemonClient
from bridge.service import LABEL, ServiceError, service
from tests.bridge.conftest import DRUMS, PATIENCE, ROOT, cli, save_model


def test_doctor_sees_a_daemon_and_sound_models(shared_daemon, model_folder):
    code, printed = cli("doctor", "--port", str(shared_daemon.port), "--folders", str(model_folder))
    assert code == 0
    for words in ("Python: 3.", "TensorFlow: 2.", "GPU: ", "2 models loaded answers", f"Model {DRUMS}: drums_2bar",
                  "Live's library", "AbletonOSC"):
        assert words in printed


def test_doctor_says_what_to_do_about_each_fault(tmp_path):
    folder = save_model(tmp_path, "broken", "drums_2bar").path
    (folder / "weights.npz").write_bytes(b"PK")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        code, printed = cli("doctor", "--port", str(port), "--folders", str(tmp_path))
    assert code == 1 and "faults found" in printed
    assert f"Port {port}: cannot be used" in printed and (f"process {os.getpid()}" in printed or sys.platform == "darwin")
    assert "Model broken" in printed and "checksum" in printed and f"export it anew, or remove {folder}" in printed


def test_the_daemon_goes_on_when_nobody_reads_what_it_prints(model_folder):
    words = ["serve", "--port", "0", "--folders", str(model_folder), "--models", DRUMS]
    daemon = subprocess.Popen([sys.executable, "-m", "cli", *words], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    port = int(re.search(r" listens on \S+:(\d+)", daemon.stdout.readline()).group(1))
    daemon.stdout.close()  # before it says that it is ready
    with DaemonClient("127.0.0.1", port, PATIENCE) as client:
        assert client.ask("/vae/generate", DRUMS, 1, 0.5, 1).clips
    daemon.terminate()
    assert daemon.wait(10) == 0


def test_the_unit_is_one_that_systemd_takes(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = service(("--port", "9200", "--log-file", "/a b/100%$x.log"), "linux", tmp_path)
    path = tmp_path / unit.path.name
    path.write_bytes(unit.content())
    done = subprocess.run(["systemd-analyze", "--user", "verify", "--man=no", path], check=False, capture_output=True,
                          text=True, env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert path.name not in done.stderr, done.stderr
    assert '"serve" "--port" "9200" "--log-file" "/a b/100%%$$x.log"' in path.read_text()
    assert "Restart=on-failure" in path.read_text()
    assert f"WorkingDirectory=-{os.getcwd()}\n" in path.read_text()


def test_the_agent_is_a_property_list_that_restarts_on_failure(tmp_path):
    agent = service(("--port", "9200"), "darwin", tmp_path)
    assert agent.path == tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    content = plistlib.loads(agent.content())
    assert content["Label"] == LABEL and content["ProgramArguments"][-3:] == ["serve", "--port", "9200"]
    assert content["WorkingDirectory"] == os.getcwd()
    assert content["KeepAlive"] == {"SuccessfulExit": False} and content["RunAtLoad"]
    if sys.platform == "darwin":
        agent_file = tmp_path / "agent.plist"
        agent_file.write_bytes(agent.content())
        subprocess.run(["plutil", "-lint", agent_file], check=True)


@pytest.fixture
def systemctl(tmp_path):
    """A systemctl that writes down what it is told; a user's session with systemd is not to be had in a test."""
    told = tmp_path / "told"
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {told}\n[ ! -e {tmp_path}/refuse ]\n')
    program.chmod(0o755)
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return environment, tmp_path / "config" / "systemd" / "user" / "musicvae-bridge.service", told


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_service_is_installed_replaced_and_removed(systemctl):
    environment, unit, told = systemctl
    assert "not installed" in cli("service", "status", **environment)[1]
    assert cli("service", "install", "--port", "9201", **environment)[0] == 0
    assert '"9201"' in unit.read_text()
    assert told.read_text().splitlines() == ["--user daemon-reload", "--user enable musicvae-bridge.service",
                                             "--user restart musicvae-bridge.service"]
    assert cli("service", "install", "--port", "9202", **environment)[0] == 0 and '"9202"' in unit.read_text()
    assert cli("service", "remove", **environment)[0] == 0 and not unit.exists()
    assert "--user disable --now musicvae-bridge.service" in told.read_text()
    code, printed = cli("service", "remove", **environment)
    assert code == 0 and "There is none" in printed


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
def test_service_refuses_wrong_options_and_leaves_nothing_behind_when_the_system_refuses(systemctl, tmp_path):
    environment, unit, _ = systemctl
    code, printed = cli("service", "install", "--prt", "1", **environment)
    assert code == 2 and "--port" in printed and not unit.exists()
    (tmp_path / "refuse").touch()
    code, printed = cli("service", "install", **environment)
    assert code == 2 and "systemctl --user daemon-reload` failed" in printed and not unit.exists()


def test_windows_is_told_what_to_do():
    with pytest.raises(ServiceError, match="Task Scheduler"):
        service((), "win32")
