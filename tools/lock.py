"""Locks the Python tools: each .in of tools/requirements names what is wanted, the .txt beside it all that comes with it, with hashes.

pip installs nothing else (`--require-hashes`). The locks hold for Python 3.10 and later, on Linux for x86_64 and aarch64
and elsewhere. What is locked already keeps its version; --upgrade takes the latest of all that no .in file pins.
"""

import argparse
import hashlib
from pathlib import Path

from tools.environment import REQUIREMENTS, ROOT, STATE, install, run, say, scrubbed

LOCKED = [
    "tools/requirements/local",
    "tools/requirements/checks",
    "tools/requirements/browser",
    "tools/requirements/doctor",
    "tools/requirements/examples",
    "tools/requirements/gate",
    "tools/requirements/lock",
    "bench/python/requirements",
]
VENV = STATE / "lock"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="take the latest version of all that no .in file pins")
    arguments = parser.parse_args()
    install(VENV, REQUIREMENTS / "lock.txt", "uv")
    for name in LOCKED:
        say(f"{name}.txt, from {name}.in")
        command = [VENV / "bin" / "uv", "pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.10"]
        # The index is for whoever installs to choose, so that its address is not in the file.
        command += ["--generate-hashes", "--no-emit-index-url", "--custom-compile-command", origin(ROOT / f"{name}.in")]
        command += ["--upgrade"] if arguments.upgrade else []
        todo = "Look at uv's error above."
        run(f"{name}.in could not be locked", todo, *command, "--output-file", f"{name}.txt", f"{name}.in", env=scrubbed())


def origin(wanted: Path) -> str:
    """What the head of a lock says it was made with, by which a lock that is out of date is told."""
    return f"./dev lock, from {wanted.name} with SHA-256 {hashlib.sha256(wanted.read_bytes()).hexdigest()}"
