"""Runs everything that has to pass before a change is merged.

That is formatting, lints, the code's documentation, all tests, the pages, fuzzing, the dependencies, instructions, the
deployment gate and the template's lint. What could not be checked is said at the end, and fails where CI=true unless it
is excepted by name in GATE_EXCEPTIONS (tools/exceptions.py).
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from tools import browser, dependencies
from tools.children import complete
from tools.environment import ROOT, STATE, fail, run, say
from tools.exceptions import Exceptions

# What may go unchecked where CI=true, each with the day and the reason; another list can be given in GATE_EXCEPTIONS.
EXCEPTIONS = {
    "advisories": "2026-11-24: RustSec distributes its database through GitHub alone, which not every runner can reach",
}
# Compiled into .local, unless this version is there.
TOOLS = {"cargo-fuzz": "0.13.2", "cargo-deny": "0.20.2"}
LOOK = "Look at the error above."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    exceptions = Exceptions.from_environment(EXCEPTIONS)
    # Whatever follows finds the tools that are compiled into .local.
    os.environ["PATH"] = f"{STATE / 'bin'}{os.pathsep}{os.environ['PATH']}"
    took: dict = {}
    try:
        run_steps(exceptions, took)
    finally:
        say("How long each step took")
        print("\n".join(f"{int(seconds) // 60:3} min {int(seconds) % 60:02} s  {title}" for title, seconds in took.items()))
    say("All passed")
    exceptions.sum_up()


def run_steps(exceptions: Exceptions, took: dict) -> None:
    with step("Formatting", took):
        check_formatting()
    with step("Lints", took):
        check_lints()
    with step("Documentation", took):
        document_code()
    # It is short, and its targets are compiled nowhere else.
    with step("Fuzzing, bounded", took):
        fuzz()
    with step("Tests", took):
        bring_browser(exceptions)
        dev("test")
    with step("Pages", took):
        dev("docs", "--check")
    with step("Dependencies: licenses, sources, bans", took):
        bring("cargo-deny")
        dependencies.check_licenses_sources_and_bans()
    with step("Dependencies: yanked versions and advisories", took):
        dependencies.check_yanked_and_advisories(exceptions)
    with step("Instructions", took):
        bring_package("valgrind")
        dev("bench", "--count", "--check")
    with step("The deployment gate, under an emulated CloudFormation", took):
        bring_package("openssl")
        run_gate(exceptions)
    with step("The template, the workflows, the Python tools and the spelling", took):
        dev("lint", "--without-tests")


@contextmanager
def step(title: str, took: dict):
    say(title)
    started = time.monotonic()
    try:
        yield
    finally:
        took[title] = time.monotonic() - started


def dev(*words: str) -> None:
    run(f"./dev {words[0]} did not pass", LOOK, sys.executable, ROOT / "dev", *words)


def cargo(*words: str, **options) -> None:
    run(f"cargo {words[0]} did not pass", LOOK, "cargo", *words, **options)


def check_formatting() -> None:
    bring_component("rustfmt")
    cargo("fmt", "--all", "--check")
    # They are a workspace of their own.
    run("The fuzz targets are not formatted", LOOK, "rustfmt", "--check", "--edition", "2024", *fuzz_targets())


def check_lints() -> None:
    bring_component("clippy")
    cargo("clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings")
    # The function alone has a feature that is off by default.
    cargo("clippy", "--package", "permissions-probe", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings")


def document_code() -> None:
    options = ("--workspace", "--no-deps", "--locked", "--all-features", "--document-private-items")
    cargo("doc", *options, env={**os.environ, "RUSTDOCFLAGS": "-D warnings"})


def fuzz_targets() -> list:
    return sorted((ROOT / "fuzz" / "fuzz_targets").glob("*.rs"))


def fuzz() -> None:
    bring("cargo-fuzz")
    for target in (file.stem for file in fuzz_targets()):
        corpus, seeds = f"fuzz/corpus/{target}", f"fuzz/seeds/{target}"
        (ROOT / corpus).mkdir(parents=True, exist_ok=True)
        # One that plans what it has read makes hundreds of runs a second, the others hundreds of thousands.
        limits = ("-runs=200000", "-max_total_time=30", "-max_len=8192")
        command = ["cargo", "fuzz", "run", "--sanitizer", "none", target, corpus, seeds, "--", *limits]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
        done = complete(command, cwd=ROOT, **streams)
        # Its progress fills screens, and is of use only where something was found.
        print(done.stdout if done.returncode else f"{target}:\n" + "\n".join(done.stdout.splitlines()[-3:]))
        if done.returncode:
            fail(f"Fuzzing found something in {target}.", LOOK)


def run_gate(exceptions: Exceptions) -> None:
    if complete([sys.executable, ROOT / "dev", "gate", "--install"], cwd=ROOT).returncode == 0:
        dev("gate")
        exceptions.checked("ministack")
    else:
        exceptions.not_checked("ministack", "it could not be installed on this machine")


def bring(tool: str) -> None:
    """Compiles a tool into .local, unless this version is there."""
    record, version = STATE / ".crates.toml", TOOLS[tool]
    if (STATE / "bin" / tool).exists() and record.exists() and f'"{tool} {version} ' in record.read_text():
        return
    cargo("install", tool, "--version", f"={version}", "--locked", "--quiet", "--root", str(STATE))


def bring_component(name: str) -> None:
    command = ["cargo", name.replace("rust", ""), "--version"]
    if subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        run(f"{name} could not be installed", LOOK, "rustup", "component", "add", name)


def bring_package(name: str) -> None:
    """Installs a program of the operating system, where it is missing."""
    if shutil.which(name):
        return
    for command in commands_to_install(name):
        run(f"{name} could not be installed", LOOK, *command)


def commands_to_install(name: str) -> tuple:
    return ("apt-get", "update", "-qq"), ("apt-get", "install", "-y", "-qq", name)


def bring_browser(exceptions: Exceptions) -> None:
    """Installs Debian's Chromium, where there is no browser; with one, `./dev test` looks at the pages."""
    if not browser.find():
        # What goes wrong here is seen below, in that there still is none.
        with suppress(OSError, subprocess.CalledProcessError):
            for command in commands_to_install("chromium"):
                subprocess.run(command, check=True)
    if browser.find():
        exceptions.checked("browser")
    else:
        exceptions.not_checked("browser", "Chromium could not be installed on this machine")
