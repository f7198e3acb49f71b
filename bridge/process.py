"""The worker process as the engine's thread holds it: start, send, wait, kill."""

import logging
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection, wait

from bridge import worker

log = logging.getLogger(__name__)


class WorkerProcess:
    """One run of `bridge.worker`. `dead` once it ended by itself."""

    def __init__(self):
        # A fresh interpreter: a forked copy would hold the daemon's socket and its locks in whatever state they were.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        said, errors = context.Pipe(duplex=False) if os.name == "posix" else (None, None)
        self._process = context.Process(target=worker.main, args=(theirs, errors), name="musicvae worker", daemon=True)
        if hasattr(signal, "pthread_sigmask"):
            # The mask is inherited: a Ctrl-C in the moment before the worker ignores it must not end it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
        self._process.start()
        theirs.close()
        if errors is not None:
            errors.close()
            threading.Thread(target=_log_errors, args=(said,), name="worker errors", daemon=True).start()

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

    def kill(self, patience: float = 5.0) -> None:
        """End it at once: its threads may be deep inside TensorFlow. patience: seconds to wait until it has ended."""
        self._process.kill()
        self._process.join(patience)
        self._pipe.close()


def _log_errors(said: Connection) -> None:
    """Log what native code in the worker prints, until it ends: TensorFlow prints much that is no fault."""
    with os.fdopen(os.dup(said.fileno()), errors="replace") as lines:
        for line in lines:
            log.debug("worker says", extra={"text": line.rstrip()})
    said.close()
