"""The Python tools are those that were locked."""

import re
import unittest

from tools import environment, lock
from tools.environment import ROOT

# A distribution, where it is not for every machine the condition, and its hashes.
LOCKED = re.compile(r"([a-z0-9.-]+)==(\S+?)(?: ; .+?)?((?: --hash=sha256:[0-9a-f]{64})+)")


def lines(text: str) -> list:
    """The lines of a lock that are no comments, those joined that go on."""
    return [line for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines() if line.strip() and not line.lstrip().startswith("#")]


class Locks(unittest.TestCase):
    def test_every_lock_was_made_from_the_file_beside_it(self):
        for name in lock.LOCKED:
            self.assertIn(lock.origin(ROOT / f"{name}.in"), (ROOT / f"{name}.txt").read_text(), f"{name}.txt is out of date: ./dev lock")

    def test_every_distribution_has_hashes_and_no_lock_names_an_index(self):
        for name in lock.LOCKED:
            text = (ROOT / f"{name}.txt").read_text()
            for line in lines(text):
                self.assertRegex(line, rf"^{LOCKED.pattern}$", name)
            self.assertNotRegex(text, r"://|--(extra-)?index-url|--find-links|--trusted-host", name)

    def test_what_is_wanted_is_pinned(self):
        for name in lock.LOCKED:
            for line in lines((ROOT / f"{name}.in").read_text()):
                self.assertRegex(line, r"^[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?==[0-9.]+$", name)

    def test_there_is_no_other_list_of_requirements(self):
        found = {
            str(file.relative_to(ROOT).with_suffix(""))
            for pattern in ("*/requirements*", "*/*/requirements*", "*/requirements/*")
            for file in ROOT.glob(pattern)
            if file.is_file() and not file.relative_to(ROOT).parts[0].startswith(".")
        }
        self.assertEqual(found, set(lock.LOCKED))

    def test_pip_takes_nothing_without_a_hash(self):
        self.assertLessEqual({"--require-hashes", "--no-deps"}, set(environment.PIP))
        for command in ("tools/environment.py", "bench/run"):
            calls = re.findall(r'"-m", "pip", ([^\s,]+)', (ROOT / command).read_text())
            self.assertEqual([call for call in calls if call != '"check"'], ["*PIP"], command)
