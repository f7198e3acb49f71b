"""The daemon as a service of the user's session: a systemd user unit on Linux, a launchd agent on macOS.

systemd: a unit in ~/.config/systemd/user, enabled for default.target (systemd.unit(5), "User Unit Search Path").
launchd: a property list named after its label in ~/Library/LaunchAgents, loaded into the user's gui domain with
`launchctl bootstrap` (launchd.plist(5), launchctl(1)). Both start it at login and again when it fails.
"""

import os
import plistlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vae.program import program

NAME = "musicvae-bridge"
LABEL = "io.github.musicvae-bridge"


class ServiceError(Exception):
    """The service cannot be installed, removed or asked; the message says what to do."""


@dataclass(frozen=True)
class Service:
    """One platform's way. path: the file that says what to run. program: the command to run, as words."""

    path: Path
    program: tuple[str, ...]

    def install(self) -> None:
        """Write the file and start the service, now and at every login. Replaces an earlier one.

        Raises ServiceError when the platform refuses; the file is not left behind then.
        """
        if self.path.exists():
            for command in self.stop_commands():
                _run(command, allow_failure=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.content())
        try:
            for command in self.start_commands():
                _run(command)
        except ServiceError:
            self.path.unlink()
            raise

    def remove(self) -> bool:
        """Stop the service and remove its file; whether there was one."""
        if not self.path.exists():
            return False
        for command in self.stop_commands():
            _run(command, allow_failure=True)
        self.path.unlink()
        for command in self.forget_commands():
            _run(command, allow_failure=True)
        return True

    def forget_commands(self) -> list[list[str]]:
        """What to run once the file is gone."""
        return []


class Systemd(Service):
    """A systemd user unit."""

    def content(self) -> bytes:
        words = " ".join(_systemd_word(word) for word in self.program)
        return f"""[Unit]
Description=MusicVAE Bridge, the OSC daemon of the Max for Live devices
# Past five failures in a minute something is wrong that a restart does not mend.
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
# Paths among the options are meant from where the service was installed.
WorkingDirectory=-{_systemd_text(Path.cwd())}
ExecStart={words}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=100ms
# A port that is taken and a wrong option (exit code 2) stay as they are.
RestartPreventExitStatus=2
TimeoutStopSec=5

[Install]
WantedBy=default.target
""".encode()

    def start_commands(self) -> list[list[str]]:
        unit = self.path.name
        return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", unit],
                ["systemctl", "--user", "restart", unit]]

    def stop_commands(self) -> list[list[str]]:
        return [["systemctl", "--user", "disable", "--now", self.path.name]]

    def forget_commands(self) -> list[list[str]]:
        return [["systemctl", "--user", "daemon-reload"]]

    def status_command(self) -> list[str]:
        return ["systemctl", "--user", "--no-pager", "--lines=5", "status", self.path.name]


class Launchd(Service):
    """A launchd agent."""

    def content(self) -> bytes:
        log = str(Path.home() / "Library" / "Logs" / f"{NAME}.log")
        return plistlib.dumps({
            "Label": LABEL,
            "ProgramArguments": list(self.program),
            "WorkingDirectory": str(Path.cwd()),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 2,  # seconds between two starts at the least; the next one is at once after a longer run
            "ProcessType": "Interactive",  # not slowed down in the background, as a performer's tool must not be
            "StandardOutPath": log,
            "StandardErrorPath": log,
        })

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def start_commands(self) -> list[list[str]]:
        return [["launchctl", "enable", f"{self._domain}/{LABEL}"],
                ["launchctl", "bootstrap", self._domain, str(self.path)]]

    def stop_commands(self) -> list[list[str]]:
        return [["launchctl", "bootout", f"{self._domain}/{LABEL}"]]

    def status_command(self) -> list[str]:
        return ["launchctl", "print", f"{self._domain}/{LABEL}"]


def service(options: Sequence[str] = (), platform: str = sys.platform, home: Path | None = None) -> Service:
    """This platform's service, running `serve` with some options. Raises ServiceError where there is none."""
    home = home or Path.home()
    program = (sys.executable, str(Path(__file__).resolve().parent.parent / "cli.py"), "serve", *options)
    if platform == "linux":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
        return Systemd(config / "systemd" / "user" / f"{NAME}.service", program)
    if platform == "darwin":
        return Launchd(home / "Library" / "LaunchAgents" / f"{LABEL}.plist", program)
    raise ServiceError("services are set up on Linux (systemd) and macOS (launchd); on Windows put "
                       f"`{' '.join(program)}` into the Task Scheduler, to run at logon")


def status(chosen: Service) -> str:
    """What the platform says of the service."""
    if not chosen.path.exists():
        return f"not installed ({chosen.path} does not exist)"
    return _run(chosen.status_command(), allow_failure=True)


def _systemd_word(word: str) -> str:
    """A word of ExecStart: quoted, with systemd's specifiers and variables taken literally (systemd.service(5))."""
    escaped = _systemd_text(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def _systemd_text(text: object) -> str:
    """Text with systemd's specifiers taken literally."""
    return str(text).replace("%", "%%")


def _run(command: list[str], allow_failure: bool = False) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        raise ServiceError(f"{command[0]} is not on this machine; start the daemon by hand: {program()} serve") from None
    except subprocess.TimeoutExpired:
        raise ServiceError(f"`{' '.join(command)}` did not end within 30 s") from None
    printed = (done.stdout + done.stderr).strip()
    if done.returncode and not allow_failure:
        raise ServiceError(f"`{' '.join(command)}` failed: {printed}")
    return printed
