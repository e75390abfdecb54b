"""The emulated account that the local commands run against, and the programs beside it."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager

from environment import BIN, ROOT, STATE, fail, scrubbed


@contextmanager
def process(what: str, command: list, **options):
    """A program that is stopped when the block ends, whatever ends it."""
    log = STATE / f"{what}.log"
    with open(log, "w") as output:
        started = subprocess.Popen([str(part) for part in command], stderr=output, cwd=ROOT, **options)
    try:
        yield started, log
    finally:
        started.terminate()
        try:
            started.wait(timeout=10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def emulator():
    command = [BIN / "python", ROOT / "local" / "emulator.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with process("emulator", command, env=scrubbed(), **pipes) as (started, log):
        line = started.stdout.readline()
        if not line:
            fail("The emulator did not start.", f"Its error:\n{log.read_text()}")
        yield json.loads(line)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ask(account: dict, question: str, body: dict) -> None:
    """Changes the role through the emulator, which does it through IAM."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{account['endpoint']}/test-bed/{question}", json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=30).read()
    except urllib.error.HTTPError as error:
        fail("The role could not be changed.", error.read().decode())
