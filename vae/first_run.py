"""Setting up on a fresh machine, with nothing but Python: `python3 cli.py start` and `python3 cli.py test`.

Both make the virtual environment .venv beside cli.py, install the project into it and go on inside. Only the standard
library is imported here, since nothing else may be there yet.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
SUPPORTED = ((3, 11), (3, 13))  # the Pythons that TensorFlow 2.21 has builds for and this code is written for
TEST_PROCESSES = "2"  # share the test files, and each needs a gigabyte for TensorFlow; `cli.py test -n 4` if there is more


def run(command: str, arguments: list[str]) -> int:
    """Set up, then run `start` (the daemon) or `test` (the tests) with further arguments. Returns the exit code."""
    try:
        if command == "start":
            programs = install("gpu" if shutil.which("nvidia-smi") and sys.platform == "linux" else "")
            words = [str(programs / "musicvae"), "serve", *arguments]
        else:
            programs = install("test")
            os.chdir(ROOT)  # where pytest finds its settings
            words = [str(programs / "python"), "-m", "pytest", "-n", TEST_PROCESSES, *arguments]
        if os.name == "nt":  # Windows has no exec that keeps the console
            return subprocess.run(words).returncode
        os.execv(words[0], words)  # becomes the program: Ctrl-C is then the daemon's own, which stops in order
    except SetupError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


class SetupError(Exception):
    """The machine lacks something; the message says what to do."""


def install(extra: str) -> pathlib.Path:
    """Make the environment if need be and install the project with an extra; returns the folder of its programs.

    What was installed last is remembered, so that the second start takes no time.
    """
    lowest, highest = SUPPORTED
    if not lowest <= sys.version_info[:2] <= highest:
        raise SetupError(f"Python {lowest[0]}.{lowest[1]} to {highest[0]}.{highest[1]} is needed, this is "
                         f"{sys.version.split()[0]}. If you have another one: python3.{highest[1]} cli.py ...")
    programs = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / "pip").exists() and not (programs / "pip.exe").exists():
        make_environment()
    mark = ENVIRONMENT / f"installed-{extra or 'base'}"
    wanted = hashlib.sha256((ROOT / "setup.cfg").read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        print("Installing into .venv (TensorFlow is large: this takes a few minutes the first time).", flush=True)
        target = f"{ROOT}[{extra}]" if extra else str(ROOT)
        done = subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                               "--editable", target])
        if done.returncode:
            raise SetupError("the installation failed; pip's message above says why")
        mark.write_text(wanted)
    return programs


def make_environment() -> None:
    """Make .venv. Debian and Ubuntu ship Python without the part that does this: there it is installed first."""
    def make() -> bool:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        return subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    print("Making the virtual environment .venv", flush=True)
    if make():
        return
    package = f"python3.{sys.version_info[1]}-venv"
    if shutil.which("apt-get"):
        administrator = [] if os.geteuid() == 0 else ["sudo"]
        print(f"Installing {package}", flush=True)
        subprocess.run([*administrator, "apt-get", "install", "--yes", "--quiet", package])
        if make():
            return
        raise SetupError(f"Python cannot make virtual environments. Install them: sudo apt-get install {package}")
    raise SetupError(f"{sys.executable} -m venv {ENVIRONMENT} failed; run it to see why")
