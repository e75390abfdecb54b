"""A command that is ended waits for what it has started, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tools import children, loopback
from tools.environment import ROOT

# Waits until it is ended, with a child of its own.
PARENT = """
import subprocess, sys
from contextlib import contextmanager
from pathlib import Path

@contextmanager
def emulator():
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        Path("started").write_text(str(started.pid))
        started.wait()
        yield
    finally:
        started.terminate()
        started.wait()
        Path("stopped").touch()
"""
# In place of the Python of .local/browser: what ./dev docs starts, with something else in place of the emulated account.
PICTURES = f"""#!{sys.executable}
{PARENT}
import runpy
sys.path.insert(0, {str(ROOT)!r})
from tools import account, function
account.emulator, function.compile_function = emulator, lambda: None
assert sys.argv[1:] == ["-m", "tools.pictures"], sys.argv
import os
os.chdir(Path(__file__).parent.parent)
runpy.run_module("tools.pictures", run_name="__main__")
"""
DOCS = """
import sys
from pathlib import Path
from tools import children, docs
children.exit_when_terminated()
docs.prepare_browser, docs.BROWSER = lambda: None, Path(sys.argv[1])
docs.make_pictures()
"""
# One that knows nothing of its child when it is ended, and one that does not end by itself.
HEEDLESS = f"{PARENT}\nwith emulator(): pass"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{HEEDLESS}"


def wait_for(condition) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def is_running(pid: int) -> bool:
    if loopback.readable():
        return children.read_start(pid) is not None
    return subprocess.run(["kill", "-0", str(pid)], check=False, capture_output=True).returncode == 0


class Ended(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read_child(self) -> int:
        file = self.folder / "started"
        self.assertTrue(wait_for(lambda: file.exists() and file.read_text()), "it did not start")
        return int(file.read_text())

    def test_docs_that_are_terminated_wait_until_the_pictures_have_stopped_what_they_started(self):
        python = self.folder / "bin" / "python"
        python.parent.mkdir()
        python.write_text(PICTURES)
        python.chmod(0o755)
        docs = subprocess.Popen([sys.executable, "-c", DOCS, str(self.folder)], cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            child = self.read_child()
            docs.terminate()
            self.assertEqual(docs.wait(20), 1)
        finally:
            docs.kill()
            docs.wait()
        self.assertTrue((self.folder / "stopped").exists())
        self.assertFalse(is_running(child))

    def stop(self, program: str, **how) -> int:
        """Stops a program that has a child; returns the child's number."""
        with subprocess.Popen([sys.executable, "-c", program], cwd=self.folder, stderr=subprocess.DEVNULL) as started:
            child = self.read_child()
            children.stop(started, **how)
            self.assertIsNotNone(started.poll())
        return child

    @unittest.skipUnless(loopback.readable(), "this system does not tell which process is whose child")
    def test_what_a_program_leaves_behind_is_ended_as_well(self):
        for program, how in ((HEEDLESS, {}), (STUBBORN, {"grace": 0.2})):
            (self.folder / "started").unlink(missing_ok=True)
            self.assertFalse(is_running(self.stop(program, **how)))
            self.assertFalse((self.folder / "stopped").exists())

    def test_after_ctrl_c_a_program_ends_as_it_has_been_told_already(self):
        with subprocess.Popen([sys.executable, "-c", HEEDLESS], cwd=self.folder, stderr=subprocess.DEVNULL) as started:
            child = self.read_child()
            started.send_signal(signal.SIGINT)
            children.stop(started, interrupted=True)
        self.assertTrue((self.folder / "stopped").exists())
        self.assertFalse(is_running(child))


class Identified(unittest.TestCase):
    @unittest.skipUnless(loopback.readable(), "this system does not tell when a process was started")
    def test_a_process_is_known_by_when_it_was_started(self):
        me = os.getpid()
        self.assertEqual(children.find_running({me: children.read_start(me)}), [me])
        self.assertEqual(children.find_running({me: "1"}), [])
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            ended.wait()
        self.assertIsNone(children.read_start(ended.pid))

    def test_a_process_that_has_ended_has_no_descendants(self):
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            ended.wait()
        self.assertEqual(children.identify_descendants(ended.pid), {})


class Complete(unittest.TestCase):
    def test_it_returns_what_subprocess_does(self):
        done = children.complete([sys.executable, "-c", "print('said'); exit(3)"], stdout=subprocess.PIPE, encoding="utf-8")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "said\n", None))


if __name__ == "__main__":
    unittest.main()
