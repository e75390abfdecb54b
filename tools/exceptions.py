"""What `./dev ci` could not check, and whether it may pass all the same.

Where CI=true, a check that cannot be made fails, unless its name is in GATE_EXCEPTIONS, a comma-separated list.
Elsewhere it is only said. A name that is none of the known ones fails, since it would except nothing.
"""

import os
import re
import sys

KNOWN = {
    "advisories": "RustSec's advisory database cannot be fetched",
    "yanked": "the registry's index cannot be fetched, so that what has been yanked since is not known",
    "ministack": "the emulated CloudFormation of ./dev gate cannot be installed",
    "browser": "there is no browser, and none can be installed, so that the pages were not looked at",
}


class Exceptions:
    """What was checked and what was not, beside what may be left out."""

    def __init__(self, named: str, strict: bool) -> None:
        self.named = [name for name in re.split(r"[,\s]+", named) if name]
        self.strict = strict
        self.checked_names: list = []
        self.unchecked: list = []
        for name in self.named:
            if name not in KNOWN:
                sys.exit(f"error: GATE_EXCEPTIONS has {name}, which is none of: {' '.join(KNOWN)}")

    @classmethod
    def from_environment(cls, default: dict) -> "Exceptions":
        """Those of GATE_EXCEPTIONS, which can be empty, or the default ones where it is not set."""
        return cls(os.environ.get("GATE_EXCEPTIONS", ",".join(default)), strict=os.environ.get("CI") == "true")

    def checked(self, name: str) -> None:
        self.checked_names.append(name)

    def not_checked(self, name: str, why: str) -> None:
        if name not in KNOWN:
            sys.exit(f"error: {name} is not a name that tools/exceptions.py knows")
        print(f"NOT CHECKED: {name}: {why}")
        self.unchecked.append(f"{name}: {why}")
        if self.strict and name not in self.named:
            sys.exit(f"error: where CI=true, everything has to be checked; GATE_EXCEPTIONS={name} would except this (tools/exceptions.py)")

    def sum_up(self) -> None:
        """Says at the end what a reader of the last lines would otherwise miss."""
        for what in self.unchecked:
            print(f"NOT CHECKED: {what}")
        for name in self.named:
            if name in self.checked_names:
                print(f"The exception {name} is not needed here: the check was made. It can go where every machine that runs this says so.")
