"""Programs that a command starts and waits for: none of them outlives the command, nor does what they have started themselves."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tools import loopback

# How long a program may take to stop what it has started: as long as `tools.account.process` waits for two of its own.
GRACE = 30
# How long what it left behind may take.
GRACE_OF_ORPHANS = 5


def exit_when_terminated() -> None:
    """On SIGTERM, ends this program as an error would, so that its context managers stop what it has started."""

    def leave(*_) -> None:
        # Another one would end what the first one began.
        signal.signal(signal.SIGTERM, lambda *_: None)
        sys.exit(1)

    signal.signal(signal.SIGTERM, leave)


def complete(command, **options) -> subprocess.CompletedProcess:
    """Runs a program as subprocess.run does, which would kill it where this one is ended, so that it could stop nothing itself."""
    with subprocess.Popen([str(part) for part in command], **options) as started:
        try:
            stdout, stderr = started.communicate()
        except BaseException as error:
            stop(started, interrupted=isinstance(error, KeyboardInterrupt))
            raise
    return subprocess.CompletedProcess(started.args, started.returncode, stdout, stderr)


def stop(started: subprocess.Popen, grace: float = GRACE, interrupted: bool = False) -> None:
    """Asks a program to end, unless Ctrl-C has asked it already; ends it, and what it leaves behind, if it does not."""
    relatives = identify_descendants(started.pid)
    if not interrupted:
        started.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            started.wait(grace)
    finally:
        started.kill()
        started.wait()
        end(relatives)


def identify_descendants(pid: int) -> dict:
    """When each descendant of a process was started, by its number; nothing on a system without /proc."""
    try:
        family = loopback.family(pid) - {pid}
    except loopback.Exposed:
        return {}
    return {relative: read_start(relative) for relative in family}


def read_start(pid: int) -> str | None:
    """When a process was started, which tells it from a later one with its number; None where it has ended."""
    try:
        # The fields after the name, from the third on; starttime is the twenty-second (proc_pid_stat(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def end(processes: dict) -> None:
    for sign, grace in ((signal.SIGTERM, GRACE_OF_ORPHANS), (signal.SIGKILL, 1)):
        for pid in find_running(processes):
            with suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + grace
        while find_running(processes) and time.monotonic() < deadline:
            time.sleep(0.05)


def find_running(processes: dict) -> list:
    return [pid for pid, started in processes.items() if started and read_start(pid) == started]
