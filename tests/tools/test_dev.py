"""./dev names its commands, each of which is a module, and knows no others."""

import os
import re
import subprocess
import sys
import unittest

from tools.environment import ROOT


def dev(*words: str) -> tuple:
    done = subprocess.run([sys.executable, ROOT / "dev", *words], check=False, capture_output=True, encoding="utf-8")
    return done.returncode, done.stdout, done.stderr


class Dev(unittest.TestCase):
    def setUp(self):
        _, self.listed, _ = dev()
        self.names = re.findall(r"^  (\w+) ", self.listed, re.MULTILINE)

    def test_alone_it_lists_every_command_with_one_line(self):
        for words in ((), ("--help",), ("-h",)):
            self.assertEqual(dev(*words), (0, self.listed, ""))
        self.assertEqual(self.names, ["demo", "test", "gate", "lint", "page", "docs", "bench", "ci", "lock"])

    def test_every_command_is_a_module_that_says_what_it_is_for(self):
        # The benchmark's own programs say it for themselves.
        for name in set(self.names) - {"bench"}:
            with self.subTest(name):
                status, said, wrong = dev(name, "--help")
                self.assertEqual(status, 0, wrong)
                self.assertIn(f"usage: dev {name}", said)

    def test_an_unknown_command_is_an_error_that_names_the_known_ones(self):
        for unknown in ("demos", "../tools/demo", "environment", ""):
            status, said, wrong = dev(unknown)
            self.assertEqual((status, said), (1, ""), unknown)
            self.assertIn(f"has no command {unknown}.", wrong)
            for name in self.names:
                self.assertIn(name, wrong)

    def test_what_the_encoding_of_an_output_lacks_is_replaced(self):
        """With a command that prints the mark of a denial."""
        program = (
            "import runpy, sys, types; sys.argv[1:] = ['demo']; "
            "sys.modules['tools.demo'] = types.SimpleNamespace(main=lambda: print('\\u2717 denied')); "
            "runpy.run_path('dev', run_name='__main__')"
        )
        for encoding, shown in (("ascii", "? denied"), ("latin-1", "? denied"), ("utf-8", "\u2717 denied")):
            environment = {**os.environ, "PYTHONIOENCODING": encoding}
            done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, cwd=ROOT, env=environment)
            self.assertEqual((done.returncode, done.stdout.decode(encoding).strip()), (0, shown), done.stderr)

    def test_the_gate_of_the_repository_is_one_of_them(self):
        done = subprocess.run([ROOT / ".ci" / "run", "--help"], check=False, capture_output=True, text=True)
        self.assertIn("usage: dev ci", done.stdout)
