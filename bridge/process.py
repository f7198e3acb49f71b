"""The worker process as the engine's thread holds it: start, send, wait, kill."""

import multiprocessing
import signal
from multiprocessing.connection import Connection, wait

from bridge import worker


class WorkerProcess:
    """One run of `bridge.worker`. `dead` once it ended by itself."""

    def __init__(self):
        # A fresh interpreter: a forked copy would hold the daemon's socket and its locks in whatever state they were.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=worker.main, args=(theirs,), name="musicvae worker", daemon=True)
        if hasattr(signal, "pthread_sigmask"):
            # The mask is inherited: a Ctrl-C in the moment before the worker ignores it must not end it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_text(self) -> str:
        """How it ended, in words."""
        code = self._process.exitcode
        return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"

    def send(self, *message: object) -> bool:
        """Send a message; whether the worker could take it."""
        try:
            self._pipe.send(message)
        except OSError:
            return False
        return True

    def receive(self, wake: Connection, timeout: float) -> tuple[list[tuple], bool]:
        """Wait for messages, or for `wake` to become readable. Returns the messages and whether the worker is dead."""
        ready = wait([wake, self._pipe], timeout)
        messages = []
        try:
            while self._pipe in ready and (not messages or self._pipe.poll()):
                messages.append(self._pipe.recv())
        except (EOFError, OSError):
            return messages, True
        return messages, False

    def kill(self) -> None:
        """End it at once: its threads may be deep inside TensorFlow."""
        self._process.kill()
        self._process.join(5)
        self._pipe.close()
