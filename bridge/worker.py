"""The worker process: TensorFlow and the models live here, so that nothing they do can delay the receive thread.

Importing TensorFlow and tracing a graph hold Python's interpreter lock for up to seconds; in a process of its own that
costs the daemon nothing. It also means that a crash in native code ends this process, not the daemon. Messages are
tuples whose first element says what they are; see `Worker` for those it takes and `bridge.engine` for those it sends.
"""

import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

from bridge.chunks import pack_clip
from vae.xla import KeptPrograms


def main(pipe: Connection, errors: Connection | None) -> None:
    """Serve the daemon at the other end of `pipe` until it closes it or dies.

    errors: where what native code prints goes; None leaves it on the terminal.
    """
    if errors is not None:
        os.dup2(errors.fileno(), 2)
    for name in ("SIGINT", "SIGHUP"):  # a terminal sends them to this process too; the daemon alone decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(10)  # a computed clip can wait, audio and the receive thread cannot
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # a performer's other programs need the GPU too
    Worker(pipe, KeptPrograms()).run()


class Worker:
    """Takes ("load", name, path or None to unload) and ("render", batch, name, items) from the daemon.

    Models load in one thread while another renders with those that are loaded.
    """

    def __init__(self, pipe: Connection, programs: KeptPrograms):
        self._pipe = pipe
        self._programs = programs
        self._sending = threading.Lock()
        self._renderers: dict[str, object] = {}
        self._loads: queue.SimpleQueue = queue.SimpleQueue()
        self._renders: queue.SimpleQueue = queue.SimpleQueue()

    def run(self) -> None:
        """Hand the daemon's messages to the threads; the process ends when the daemon is gone."""
        for name, messages, handle in (("load", self._loads, self._load), ("render", self._renders, self._render)):
            threading.Thread(target=self._serve, args=(messages, handle), name=name, daemon=True).start()
        try:
            while True:
                message = self._pipe.recv()
                (self._renders if message[0] == "render" else self._loads).put(message[1:])
        except (EOFError, OSError):
            os._exit(0)  # threads may be deep inside TensorFlow, nobody waits for them any more

    def _serve(self, messages: queue.SimpleQueue, handle: Callable) -> None:
        while True:
            handle(*messages.get())

    def _send(self, *message: object) -> None:
        with self._sending:
            try:
                self._pipe.send(message)
            except OSError:
                os._exit(0)

    def _load(self, name: str, path: str | None) -> None:
        """Load a model from a folder, or drop it when the path is None. The old version serves until the new is warm."""
        if path is None:
            self._renderers.pop(name, None)
            self._send("unloaded", name)
            return
        try:
            from vae import registry  # these import TensorFlow, here and not in the daemon
            from vae.render import Renderer

            self._send("progress", name, 0.1)
            model = registry.load(path)
            self._send("progress", name, 0.4)
            renderer = Renderer(model)
        except Exception as error:  # noqa: BLE001 - whatever a model folder can break must end as a message, not as this process
            known = type(error).__name__ in ("ModelError", "ConfigError")
            self._send("failed", name, str(error) if known else f"{type(error).__name__}: {error}")
            return
        self._renderers[name] = renderer
        self._send("loaded", name, str(model.device))
        self._programs.keep()

    def _render(self, batch: int, name: str, items: list) -> None:
        renderer = self._renderers.get(name)
        if renderer is None:
            self._send("absent", batch)
            return
        try:
            clips = renderer.render(items)
            self._send("rendered", batch, [pack_clip(clip, index, job.name(index))
                                           for (job, index), clip in zip(items, clips)])
        except Exception as error:  # noqa: BLE001 - a job that cannot be rendered fails alone, the next ones are served
            self._send("error", batch, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
