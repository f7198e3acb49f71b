"""How the daemon is set up: the options of `serve`, which a YAML file and environment variables can give too.

A flag comes before an environment variable, that before the file, and the file before the default. The options
themselves are declared once, on the command (`bridge.commands.serve`).
"""

from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from bridge.protocol import DEFAULT_HOST, DEFAULT_PORT
from vae.errors import did_you_mean


@dataclass(frozen=True)
class Config:
    """host and port: where the daemon listens. token: what clients must show, None for nothing.

    models: names to load at the start, empty for all. folders: model folders beside the shipped ones and the user's.
    queue: requests that may wait. deadline: seconds that one may wait.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str | None = None
    models: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    queue: int = 256
    deadline: float = 60.0


class ConfigError(click.UsageError):
    """A config file that cannot be used; exit code 2."""


def read_defaults(path: Path, known: set[str]) -> dict:
    """The values of a YAML config file, by option name. Raises ConfigError naming an unknown key's nearest."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold `key: value` lines, received {type(values).__name__}")
    for key in values:
        if str(key).replace("-", "_") not in known:
            raise ConfigError(f"{path}: unknown key {key!r}{did_you_mean(key, known)}; keys: {', '.join(sorted(known))}")
    return {key.replace("-", "_"): value for key, value in values.items()}


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    return host == "localhost" or host.startswith("127.")
