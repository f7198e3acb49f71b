"""The daemon under test: a process of its own on a free port, or one that already runs."""

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import psutil

from bridge.client import DaemonClient
from bridge.protocol import DEFAULT_HOST, Fail

ROOT = Path(__file__).parent.parent.parent
START_TIMEOUT = 180.0  # seconds, for slow machines and large models


class Target:
    """A `serve` process. Use as a context manager; `port` is where it listens."""

    def __init__(self, *options: str, port: int = 0):
        self._command = [sys.executable, "-m", "cli", "serve", "--port", str(port), *options]
        self.output: list[str] = []
        self.process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._printed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(re.search(r" listens on \S+:(\d+)", self.wait_for(" listens on ")).group(1))

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._printed:
                self.output.append(line.rstrip())
                self._printed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.alive:
            self.stop()

    def wait_for(self, text: str, timeout: float = START_TIMEOUT) -> str:
        """The first line printed that holds `text`. Raises RuntimeError with the output when none comes."""
        end = time.monotonic() + timeout
        with self._printed:
            while True:
                line = next((line for line in self.output if text in line), None)
                if line is not None:
                    return line
                if time.monotonic() > end or not self.alive and not self._printed.wait(0.5):
                    raise RuntimeError(f"the daemon did not print {text!r}:\n" + "\n".join(self.output))
                self._printed.wait(0.1)

    def wait_ready(self) -> None:
        """Wait until its models are loaded."""
        self.wait_for("Ready. Models:")

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def client(self, timeout: float = 10.0) -> DaemonClient:
        """A client of it."""
        return DaemonClient(DEFAULT_HOST, self.port, timeout)

    def memory_mb(self) -> float:
        """Memory in RAM of the daemon and its worker."""
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        return sum(process.memory_info().rss for process in processes) / 1e6

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """Ask it to end. Returns its exit code and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        return code, time.monotonic() - started


def first_model(client: DaemonClient) -> str:
    """The name of a loaded model. Raises RuntimeError when there is none."""
    for message in client.ask("/vae/models").lines:
        if message.args[5] == "loaded":
            return message.args[1]
    raise RuntimeError("no model is loaded: train or install one first")


def notes_of(client: DaemonClient, model: str) -> list:
    """Clips that must be the same whenever they are asked for."""
    try:
        reply = client.ask("/vae/generate", model, 4, 0.5, 42)
    except Fail as fail:
        raise RuntimeError(f"generate failed: {fail.code}: {fail.message}") from None
    return [reply.clips[index].clip() for index in sorted(reply.clips)]
