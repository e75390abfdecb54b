"""permissions-doctor against the emulated account, as people run it."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from tools.account import emulator
from tools.environment import ROOT, scrubbed

PROGRAM = Path(os.environ.get("PERMISSIONS_DOCTOR", ROOT / "target" / "debug" / "permissions-doctor"))
ACCOUNT = "123456789012"


class Account:
    """The emulated account, and the role of its template."""

    def __init__(self, account: dict) -> None:
        self.account = account
        own = {name: value for name, value in account["environment"].items() if name.startswith("AWS_") and "LAMBDA" not in name}
        self.environment = {**scrubbed(), **own}
        self.bucket = account["environment"]["PROBE_BUCKET"]
        log = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME")
        group, stream = (account["environment"][name] for name in log)
        self.guide = ("--bucket", self.bucket, "--log-group", group, "--log-stream", stream)

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess:
        return run(*words, environment={**self.environment, **more})


def run(*words: str, environment: dict | None = None, text: str = "") -> subprocess.CompletedProcess:
    command = [str(PROGRAM), *words]
    return subprocess.run(
        command, env=environment or scrubbed(), input=text, capture_output=True, encoding="utf-8", timeout=120, check=False
    )


@contextmanager
def account():
    with emulator() as started:
        yield Account(started)


def explain(text: str) -> dict:
    return json.loads(run("explain", "--format", "json", text=text).stdout)
