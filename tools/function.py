"""The function on this machine: compiled, started under `cargo lambda watch`, invoked, and asked for its report as text."""

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from tools.account import free_port, hold_to_loopback, process, read_log
from tools.environment import BIN, ROOT, STATE, fail, run, say, scrubbed
from tools.terminal import progress

FUNCTION = "permissions-probe"
# Whatever the template says: over HTTP, the function gives the whole report, and makes a run for each request.
SETTINGS = {"PROBE_HTTP_REPORT": "full", "PROBE_HTTP_MAX_AGE": "0"}
# A request to the function's URL.
HTTP_EVENT = "events/function-url.json"
# A whole run, with all that it tries again.
TIMEOUT = 900


def compile_function() -> None:
    """Compiles it; cargo says on a terminal how far it is."""
    say("Compiling the function (a first build compiles the AWS SDK: several minutes; later ones: seconds)")
    run("The function could not be compiled", "Look at cargo's error above.", "cargo", "build", "--locked")


@contextmanager
def watch(environment: dict):
    """The function, in an account that the environment leads to; yields the port on which it is invoked."""
    port = free_port()
    command = [BIN / "cargo-lambda", "lambda", "watch", "-A", "127.0.0.1", "-P", port, "--ignore-changes"]
    # Its log is outside of what it watches.
    with process("watch", command, env=scrubbed(**{**environment, **SETTINGS})) as (started, log):
        deadline = time.monotonic() + 60
        with progress("Starting cargo lambda watch"):
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if started.poll() is not None or time.monotonic() > deadline:
                    fail("cargo lambda watch did not start.", f"Its log:\n{read_log(log)}")
                time.sleep(0.1)
        print(f"   {hold_to_loopback(started.pid, 'cargo lambda watch', port)}")
        yield port


def invoke(port: int, event: str | Path) -> str:
    """The response to an event of a file, which is JSON."""
    command = [BIN / "cargo-lambda", "lambda", "invoke", FUNCTION, "-A", "127.0.0.1", "-P", port, "--data-file", event]
    with progress("Invoking the function"):
        done = subprocess.run(
            [str(part) for part in command],
            check=False,
            cwd=ROOT,
            env=scrubbed(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
        )
    try:
        json.loads(done.stdout)
        return done.stdout.strip()
    except ValueError:
        fail(f"cargo lambda invoke gave no response: {done.stdout}{done.stderr}", show_log())


def fetch_text(port: int, width: int, color: bool) -> str:
    """The report of a run as text: what the function gives over HTTP to who accepts text.

    The request is an event, since `cargo lambda watch` 1.9.2 answers the function's URL with 500.
    """
    event = json.loads((ROOT / HTTP_EVENT).read_text())
    event["headers"] = {**event["headers"], "accept": "text/plain"}
    event["queryStringParameters"] = {"width": str(width), "color": str(color).lower()}
    request = STATE / "text-request.json"
    request.write_text(json.dumps(event))
    response = json.loads(invoke(port, request))
    kind = response.get("headers", {}).get("Content-Type", "nothing")
    if not kind.startswith("text/plain"):
        fail(f"The function gave no text but {kind}: {response}", show_log())
    return response["body"].rstrip("\n")


def show_log() -> str:
    return f"The function's log:\n{read_log(STATE / 'watch.log')}"
