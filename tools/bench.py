"""Measures the function: `./dev bench [ARGUMENT...]` is bench/run, `./dev bench --count [ARGUMENT...]` is bench/count."""

import os
import sys

from tools.environment import ROOT


def main() -> None:
    arguments = sys.argv[1:]
    program = "count" if "--count" in arguments else "run"
    passed_on = [argument for argument in arguments if argument != "--count"]
    os.execv(sys.executable, [sys.executable, str(ROOT / "bench" / program), *passed_on])
