"""The tools that the commands run on, installed where nothing else sees them."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.children import complete

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
VENV = STATE / "venv"
BIN = VENV / "bin"
# Apart from the rest, whose versions of what both stand on are others.
CHECKS = STATE / "checks"
# Apart from both: whoever makes pictures needs neither.
BROWSER = STATE / "browser"
# What the command line is held to, and what the examples are synthesized and validated with.
DOCTOR = STATE / "doctor"
EXAMPLES = STATE / "examples"
REQUIREMENTS = ROOT / "tools" / "requirements"
# What is installed is what was locked, to the byte, and none of it runs code of its own while it is installed. pip looks
# for nothing else: its resolver takes a distribution with an extra for one that is not locked.
PIP = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary", ":all:")


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def fail(what: str, todo: str) -> None:
    """Ends the command with what went wrong and what to do about it."""
    sys.exit(f"\nerror: {what}\n       {todo}")


def run(what: str, todo: str, *command: object, **options) -> None:
    """Runs a step whose output is worth seeing."""
    try:
        done = complete(command, cwd=ROOT, **options)
    except FileNotFoundError as error:
        fail(f"{what}: {error.filename} was not found.", todo)
    if done.returncode:
        fail(f"{what}: {done.args[0]} ended with exit status {done.returncode}.", todo)


def prepare() -> None:
    """Installs the locked Python tools into .local/venv, unless they are there already."""
    for program, todo in (
        ("cargo", "Install Rust: https://www.rust-lang.org/tools/install"),
        ("cc", "Install a C compiler, which the TLS library needs: apt-get install gcc, or your system's way."),
    ):
        if not shutil.which(program):
            fail(f"{program} was not found.", todo)
    install(VENV, REQUIREMENTS / "local.txt", "cargo-lambda, the AWS SAM CLI and moto")


def prepare_checks() -> None:
    """Installs what `./dev lint` and the tests of the tools check with into .local/checks, unless it is there already."""
    install(CHECKS, REQUIREMENTS / "checks.txt", "Checkov, DuckDB, Ruff, typos and zizmor")


def prepare_browser() -> None:
    """Installs what drives a browser into .local/browser, unless it is there already; the browser is the system's own."""
    install(BROWSER, REQUIREMENTS / "browser.txt", "Playwright, axe-core, nh3, Pillow and Rich")


def prepare_doctor() -> None:
    """Installs the official client of the Model Context Protocol and what validates reports, unless they are there already."""
    install(DOCTOR, REQUIREMENTS / "doctor.txt", "the client of the Model Context Protocol, jsonschema and xmlschema")


def prepare_examples() -> None:
    """Installs what the examples are synthesized and validated with, unless it is there already."""
    install(EXAMPLES, REQUIREMENTS / "examples.txt", "the AWS CDK, check-jsonschema and ShellCheck")


def enter_venv() -> None:
    """Starts this command again with the Python of .local/venv, where the libraries are that it imports."""
    if not os.path.samefile(sys.prefix, VENV):
        os.execve(BIN / "python", [str(BIN / "python"), *sys.orig_argv[1:]], scrubbed())


def install(venv: Path, requirements: Path, what: str) -> None:
    """Installs locked Python tools into a virtual environment of their own, unless they are there already."""
    stamp = venv / "requirements.sha256"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say(f"Installing {what} into {venv.relative_to(ROOT)} (once)")
    shutil.rmtree(venv, ignore_errors=True)
    todo = "Install Python's venv module: apt-get install python3-venv, or your system's way."
    run("The virtual environment could not be made", todo, sys.executable, "-m", "venv", venv)
    todo = "Look at pip's error above; it needs to reach the Python Package Index, or a mirror of it."
    run("The Python tools could not be installed", todo, venv / "bin" / "python", "-m", "pip", *PIP, "-r", requirements)
    todo = f"Run ./dev lock: something is missing from {requirements.relative_to(ROOT)}."
    run("The Python tools do not fit together", todo, venv / "bin" / "python", "-m", "pip", "check", stdout=subprocess.DEVNULL)
    stamp.write_text(wanted)


# How long the long tests run (docs/development/testing.md).
LENGTHS = ("PROBE_SUBSETS", "PROBE_INVOCATIONS", "PROBE_RUNS")


def scrubbed(**more: str) -> dict:
    """The environment without anybody's AWS settings, and with the tools first on the path."""
    foreign = ("AWS_", "PROBE_", "SAM_")
    kept = {name: value for name, value in os.environ.items() if name in LENGTHS or not name.startswith(foreign)}
    # cargo-lambda finds its linker through the first python3 on the path.
    kept["PATH"] = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", "SAM_CLI_TELEMETRY": "0", **more}
