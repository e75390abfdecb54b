"""Runs all tests on this machine. Nothing leaves it, and no AWS account is needed.

The wire tests answer the real SDK with recorded bytes; the others run against
an emulated account that enforces IAM and under the Lambda Runtime Interface
Emulator, both of which this command installs into .local/venv.

To run only some of the tests of these tools, by a part of their names, once they are installed:
.local/venv/bin/python -m unittest discover -s tests/tools -k PART
To look at the pages again: .local/browser/bin/python -m unittest discover -s tests/browser
"""

import argparse
import os
import subprocess
from contextlib import contextmanager

from tools import browser, children
from tools.environment import (
    BIN,
    BROWSER,
    DOCTOR,
    ROOT,
    STATE,
    fail,
    prepare,
    prepare_browser,
    prepare_doctor,
    prepare_examples,
    run,
    say,
    scrubbed,
)

# The benchmark is measured, not tested, and stands on what is built for a release only.
CARGO_TEST = ("test", "--workspace", "--locked", "--exclude", "bench")
OPTIONAL_FEATURE = ("test", "--locked", "--features", "authorization-details", "--test", "integration", "root_causes::details")
# Those of this package, for the Python of .local/venv, which has what they import.
TOOLS_TESTS = ("-m", "unittest", "discover", "-s", "tests/tools")
# Those of the command line, for the Python of .local/doctor.
DOCTOR_TESTS = ("-m", "unittest", "discover", "-s", "tests/doctor")
# Those that need a browser, for the Python of .local/browser.
BROWSER_TESTS = ("-m", "unittest", "discover", "-s", "tests/browser")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run the Runtime Interface Emulator with the debug build")
    parser.add_argument("arguments", nargs="*", help="passed on to cargo test")
    arguments = parser.parse_args()
    prepare()
    environment = scrubbed()
    todo = "Look at the failed tests above."
    with compiling(for_release=not arguments.quick):
        prepare_examples()
        say("Running the tests of the tools")
        run("The tests did not pass", todo, BIN / "python", *TOOLS_TESTS, env=environment)
    if not arguments.quick:
        environment["PROBE_BINARY"] = str(ROOT / "target" / "release" / "permissions-probe")
    say("Running the tests (a first build takes several minutes)")
    run("The tests did not pass", todo, "cargo", *CARGO_TEST, *arguments.arguments, env=environment)
    say("Running the tests of the command line, against the emulated account")
    prepare_doctor()
    run("The tests did not pass", todo, DOCTOR / "bin" / "python", *DOCTOR_TESTS, env=scrubbed())
    look_at_pages()
    say("Running the tests of the optional feature")
    run("The tests did not pass", todo, "cargo", *OPTIONAL_FEATURE, env=environment)


@contextmanager
def compiling(*, for_release: bool):
    """Compiles the function as for a release, beside the block: its last minutes take one core only."""
    if not for_release:
        yield
        return
    say("Compiling the function as for a release (a first build takes several minutes), and meanwhile:")
    log = STATE / "release.log"
    with open(log, "w") as output:
        command = ["cargo", "build", "--release", "--locked"]
        build = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        yield
        say("Waiting for the function that is compiled as for a release")
        if build.wait():
            fail("The function could not be compiled.", f"cargo said:\n{log.read_text(errors='replace')[-4000:]}")
    finally:
        children.stop(build, grace=10)


def look_at_pages() -> None:
    """Runs the tests that need a browser. Where there is none, `./dev ci` says whether they may be left out."""
    program = browser.find()
    if not program:
        say("The pages of tests/pages are not looked at: there is no browser")
        print(f"   {browser.INSTALL}")
        return
    prepare_browser()
    say(f"Looking at the pages of tests/pages, and at docs/explain, in {program}")
    todo = "Look at the failed tests above, and at the pictures in .local/pages."
    run("The tests did not pass", todo, BROWSER / "bin" / "python", *BROWSER_TESTS, env=scrubbed())
