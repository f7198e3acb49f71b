"""Who holds a port: a daemon of ours says so itself, of others the system knows the process."""

import psutil

from bridge.client import DaemonClient
from bridge.config import is_loopback
from bridge.protocol import Fail


def ask_daemon(host: str, port: int, timeout: float = 0.5) -> str | None:
    """What a daemon at that address says of itself, or None when none answers."""
    reachable = host if is_loopback(host) else "127.0.0.1" if host == "0.0.0.0" else host
    try:
        with DaemonClient(reachable, port, timeout) as client:
            _, version, models = client.hello("musicvae port check")
        return f"MusicVAE Bridge {version} with {models} models loaded"
    except Fail:  # one that asks for a token is one too
        return "MusicVAE Bridge (it asks for a token)"
    except (OSError, ValueError):
        return None


def process_on(port: int) -> str | None:
    """The process that has a UDP port, as far as the system tells this user."""
    try:
        pids = {connection.pid for connection in psutil.net_connections("udp4")
                if connection.laddr and connection.laddr.port == port and connection.pid}
        return ", ".join(f"process {pid} ({psutil.Process(pid).name()})" for pid in sorted(pids)) or None
    except psutil.Error:  # macOS tells only root about other processes
        return None


def describe_holder(host: str, port: int) -> str:
    """One sentence on who holds a port and what to do."""
    daemon, process = ask_daemon(host, port), process_on(port)
    if daemon:
        return f"{daemon} already serves there{f', {process}' if process else ''}: use it, stop it, or give another --port."
    if process:
        return f"It is held by {process}: stop that, or give another --port."
    return "Give an address of this machine and a free --port."
