"""The emulated account that the commands run against, and the programs beside it."""

import json
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tools import children, loopback
from tools.environment import BIN, ROOT, STATE, fail, scrubbed
from tools.terminal import progress


@contextmanager
def process(what: str, command: list, **options):
    """A program that is stopped when the block ends, whatever ends it; its log has what it writes to either stream.

    What it has come to listen on by then has to be on the loopback; whoever starts it looks at it as soon as it listens, too.
    """
    log = STATE / f"{what}.log"
    with open(log, "w") as output:
        streams = {"stdout": output, "stderr": output, **options}
        started = subprocess.Popen([str(part) for part in command], cwd=ROOT, **streams)
    try:
        yield started, log
        if started.poll() is None:
            hold_to_loopback(started.pid, what)
    finally:
        children.stop(started, grace=10)
        for pipe in filter(None, (started.stdin, started.stdout)):
            pipe.close()


def read_log(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def hold_to_loopback(pid: int, what: str, *ports: int) -> str:
    """Ends the command unless what was started can be reached from this machine only; returns what was seen."""
    try:
        return loopback.check(pid, what, *ports)
    except loopback.Exposed as error:
        fail(f"{error}.", "It was stopped. Look at how it is started: it has to listen on 127.0.0.1 only.")


@contextmanager
def emulator():
    command = [BIN / "python", "-m", "tools.emulator"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with process("emulator", command, env=scrubbed(), **pipes) as (started, log):
        with progress("Starting the emulated account"):
            line = started.stdout.readline()
        if not line:
            fail("The emulator did not start.", f"Its error:\n{read_log(log)}")
        account = json.loads(line)
        print(f"   {hold_to_loopback(started.pid, 'the emulator', int(account['endpoint'].rpartition(':')[2]))}")
        yield account


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ask(account: dict, question: str, body: dict) -> None:
    """Changes the role through the emulator, which does it through IAM."""
    headers = {"content-type": "application/json", "x-test-bed-token": account["token"]}
    request = urllib.request.Request(f"{account['endpoint']}/test-bed/{question}", json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=30).read()
    except urllib.error.HTTPError as error:
        fail("The role could not be changed.", error.read().decode())
