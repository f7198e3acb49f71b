"""Clients that nobody here wrote: liblo's oscsend, oscdump and oscsendfile, and Pure Data (Debian: liblo-tools, puredata-core)."""

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.bridge.conftest import BEAT, DRUMS, PATIENCE, Peer

PATCH = Path(__file__).parent / "collect.pd"
needs_liblo = pytest.mark.skipif(not shutil.which("oscsend") or not shutil.which("oscdump"),
                                 reason="liblo's tools are not installed (apt-get install liblo-tools)")
needs_pd = pytest.mark.skipif(not shutil.which("pd"), reason="Pure Data is not installed (apt-get install puredata-core)")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Dump:
    """An oscdump and what it printed, as (address, types, rid, the rest of the line)."""

    def __init__(self, path):
        self.port, self.path = free_port(), path
        self.process = subprocess.Popen(["oscdump", "-L", str(self.port)], stdout=path.open("w"))
        process, end = psutil.Process(self.process.pid), time.monotonic() + PATIENCE
        while not any(each.laddr.port == self.port for each in process.net_connections("udp")):
            assert time.monotonic() < end
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()

    def lines(self):
        found = re.findall(r"^\S+ (/vae/\S+) (\S+) (\d+) ?(.*)$", self.path.read_text(), re.MULTILINE)
        return [(address, types, int(rid), rest) for address, types, rid, rest in found]

    def wait(self, rid):
        """The lines for a rid once its done or fail is there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            lines = [line for line in self.lines() if line[2] == rid]
            if any(line[0] in ("/vae/done", "/vae/fail") for line in lines):
                return lines
            time.sleep(0.05)
        raise AssertionError(f"no end of {rid}: {self.lines()}")


def oscsend(daemon, address, types, *args):
    subprocess.run(["oscsend", "127.0.0.1", str(daemon.port), address, types, *map(str, args)], check=True, timeout=10)


@needs_liblo
def test_oscsend_asks_and_oscdump_hears(shared_daemon, peer, tmp_path):
    with Dump(tmp_path / "dump") as dump:
        oscsend(shared_daemon, "/vae/hello", "iisi", 1, dump.port, "liblo", 1)
        assert dump.wait(1)[-1][:2] == ("/vae/done", "isiisi")
        oscsend(shared_daemon, "/vae/generate", "isifi", 2, DRUMS, 3, 0.5, 42)
        lines = dump.wait(2)
        expected = peer.clips("/vae/generate", DRUMS, 3, 0.5, 42)
        begins = [line[3] for line in lines if line[0] == "/vae/clip/begin"]
        assert [begin.split(' "')[0] for begin in begins] == [
            f"{index} 8.000000 {len(notes)} {-(-len(notes) // 60)}" for index, (_, notes, _) in expected.items()]
        heard = [number for line in lines if line[0] == "/vae/clip/notes"
                 for number in line[3].split('"drums" ')[1].split()]
        assert [float(number) for number in heard] == [
            float(number) for _, notes, _ in expected.values() for note in notes for number in note[1:]]
        assert {line[1] for line in lines if line[0] == "/vae/done"} == {"isi"}


@needs_liblo
def test_an_upload_from_one_process_per_message(shared_daemon, peer, tmp_path):
    with Dump(tmp_path / "dump") as dump:
        oscsend(shared_daemon, "/vae/hello", "iisi", 1, dump.port, "liblo", 1)
        dump.wait(1)
        flat = [value for note in BEAT for value in note]
        oscsend(shared_daemon, "/vae/clip/begin", "isfii", 2, "a", 8.0, len(BEAT), 1)
        time.sleep(0.1)
        oscsend(shared_daemon, "/vae/clip/notes", "isis" + "iffi" * len(BEAT), 2, "a", 0, "drums", *flat)
        time.sleep(0.1)
        oscsend(shared_daemon, "/vae/clip/end", "is", 2, "a")
        assert dump.wait(2)[-1][3] == '"/vae/clip/end" 4'
        oscsend(shared_daemon, "/vae/reconstruct", "issfi", 3, DRUMS, "a", 0.0, 1)
        peer.upload("a", BEAT)
        notes = peer.clips("/vae/reconstruct", DRUMS, "a", 0.0, 1)[0][1]
        assert sum(line[3].count("100") for line in dump.wait(3) if line[0] == "/vae/clip/notes") >= len(notes)
        oscsend(shared_daemon, "/vae/nothing", "i", 4)
        assert dump.wait(4)[-1][3].startswith('"/vae/nothing" "unknown_address"')


@needs_liblo
@pytest.mark.skipif(not shutil.which("oscsendfile"), reason="this liblo has no oscsendfile")
def test_a_bundle_from_oscsendfile_runs_at_once(shared_daemon, tmp_path):
    with Dump(tmp_path / "dump") as dump:
        file = tmp_path / "requests.osc"
        file.write_text(f'00000000.00000001 /vae/hello iisi 1 {dump.port} "liblo" 1\n'
                        f'00000000.00000001 /vae/ping i 2\n00000000.00000001 /vae/generate isifi 3 "{DRUMS}" 1 0.5 7\n')
        subprocess.run(["oscsendfile", "127.0.0.1", str(shared_daemon.port), file], check=True, timeout=10)
        assert dump.wait(3)[-1][0] == "/vae/done"
        assert [line[2] for line in dump.lines() if line[0] == "/vae/done"] == [1, 2, 3]


@needs_liblo
def test_a_client_with_a_port_of_its_own_is_not_taken_for_oscsend(shared_daemon, tmp_path):
    with Dump(tmp_path / "dump") as dump:
        oscsend(shared_daemon, "/vae/hello", "iisi", 1, dump.port, "liblo", 1)
        dump.wait(1)
        with Peer(shared_daemon.port) as other:
            other.rid = 100
            assert other.ask("/vae/ping") == [("/vae/done", [101, "/vae/ping", 0])]
        assert not [line for line in dump.lines() if line[2] == 101]


@needs_pd
def test_a_pure_data_patch_collects_a_long_clip_whole(shared_daemon, peer, tmp_path):
    output = tmp_path / "notes.txt"
    patch = PATCH.read_text()
    for word, value in (("DAEMON_PORT", shared_daemon.port), ("REPLY_PORT", free_port()), ("MODEL", DRUMS),
                        ("OUTPUT", output)):
        patch = patch.replace(word, str(value))
    (tmp_path / "collect.pd").write_text(patch)
    done = subprocess.run(["pd", "-nogui", "-noaudio", "-stderr", "-open", tmp_path / "collect.pd"], check=False,
                          capture_output=True, text=True, timeout=60)
    assert "fail:" not in done.stderr and "done:" in done.stderr, done.stderr
    collected = sorted(tuple(map(float, line.rstrip(";").split())) for line in output.read_text().splitlines())
    expected = peer.clips("/vae/generate", DRUMS, 1, 1.0, 5, "bars", 32, "density", 0.7)[0][1]
    assert len(expected) > 300
    assert collected == sorted(tuple(map(float, note[1:])) for note in expected)
