"""Logs: short lines for people on the terminal, one JSON object a line in a rotating file for programs.

Records go through a queue, so that the receive thread never waits for a disk or a terminal.
"""

import json
import logging
import logging.handlers
import queue
import time
from pathlib import Path

MAX_BYTES = 5_000_000  # of a log file, of which the five last are kept
BACKUPS = 5
LEVELS = ("debug", "info", "warning", "error")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _fields(record: logging.LogRecord) -> dict:
    """What a log call gave with `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class TextFormatter(logging.Formatter):
    """`12:30:01 info served command=/vae/generate ms=12.1`"""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        trace = "\n" + record.exc_text if record.exc_text else ""
        return f"{clock} {record.levelname.lower()} {record.getMessage()}{fields}{trace}"


class JsonFormatter(logging.Formatter):
    """`{"time": 1767225600.0, "level": "info", "event": "served", "command": "/vae/generate", "ms": 12.1}`"""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": round(record.created, 3), "level": record.levelname.lower(), "event": record.getMessage()}
        line |= _fields(record)
        if record.exc_text:
            line["trace"] = record.exc_text
        return json.dumps(line, default=str)


def start_logs(level: str, file: Path | None) -> logging.handlers.QueueListener:
    """Send the log of `bridge` to the terminal and, if given, a file. Stop the listener that is returned at the end."""
    terminal = logging.StreamHandler()
    terminal.setFormatter(TextFormatter())
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rotating = logging.handlers.RotatingFileHandler(file, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
        rotating.setFormatter(JsonFormatter())
        handlers.append(rotating)
    records: queue.Queue = queue.Queue(10_000)  # a full one drops records rather than memory
    root = logging.getLogger("bridge")
    root.setLevel(level.upper())
    root.propagate = False
    root.handlers = [_Enqueue(records)]
    listener = logging.handlers.QueueListener(records, *handlers)
    listener.start()
    return listener


class _Enqueue(logging.handlers.QueueHandler):
    """Queues records with their traceback as text, the rest as it is: formatting is the listener's work."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        return record

    def handleError(self, record: logging.LogRecord) -> None:
        """The queue is full: the record is dropped, since logging must not slow down what it logs."""
