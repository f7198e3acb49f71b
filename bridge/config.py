"""How the daemon is set up: the options of `serve`, which a YAML file and environment variables can give too.

A flag comes before an environment variable, that before the file, and the file before the default. The options
themselves are declared once, on the command (`bridge.commands.serve`).
"""

import ipaddress
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


def read_defaults(path: Path, known: dict[str, bool]) -> dict[str, str | list[str]]:
    """The values of a YAML config file by option name, as the words that a flag would be given.

    known: the options, and whether one may be given several times: it is then a list here. A key without a value is
    left out. Raises ConfigError, which names an unknown key's nearest.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # all text, as the words of flags are
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not values:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold `key: value` lines, received {type(values).__name__}")
    words = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"{path}: unknown key {key!r}{did_you_mean(key, known)}; keys: {', '.join(sorted(known))}")
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed) or not (
                known[name] or isinstance(value, str)):
            allowed = "a value or a list of values" if known[name] else "one value"
            raise ConfigError(f"{path}: {key}: {allowed} expected, received {value}")
        if value:
            words[name] = listed if known[name] else value
    return words


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may lead anywhere
        return False
