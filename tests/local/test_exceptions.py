"""What .ci/run could not check fails it where CI=true, unless it is named, and is said at the end."""

import re
import subprocess
import unittest

from harness import ROOT


def gate(script: str, **environment: str) -> tuple:
    """Runs lines of a gate; returns its exit status and what it has said."""
    lines = f"set -euo pipefail\n. .ci/exceptions\nread_exceptions\n{script}\necho went on\nsum_up_exceptions"
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environment}
    done = subprocess.run(["bash", "-c", lines], cwd=ROOT, env=path, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Exceptions(unittest.TestCase):
    def test_what_cannot_be_checked_fails_in_ci_alone(self):
        status, said = gate("not_checked advisories 'no way'", CI="true")
        self.assertEqual(status, 1, said)
        self.assertNotIn("went on", said)
        self.assertIn("GATE_EXCEPTIONS=advisories", said)
        status, said = gate("not_checked advisories 'no way'")
        self.assertEqual((status, said.count("NOT CHECKED: advisories: no way")), (0, 2), said)

    def test_what_is_named_passes_and_is_said_again_at_the_end(self):
        for named in ("advisories", "ministack,advisories", "ministack, advisories"):
            status, said = gate("not_checked advisories 'no way'", CI="true", GATE_EXCEPTIONS=named)
            self.assertEqual(status, 0, said)
            self.assertIn("NOT CHECKED: advisories: no way", said.partition("went on")[2])

    def test_another_name_does_not_except_it(self):
        status, said = gate("not_checked advisories 'no way'", CI="true", GATE_EXCEPTIONS="ministack")
        self.assertEqual(status, 1, said)

    def test_an_unknown_name_fails_everywhere(self):
        for named in ("advisory", "advisories,all", "*"):
            status, said = gate("", GATE_EXCEPTIONS=named)
            self.assertEqual(status, 1, said)
            self.assertIn("advisories yanked ministack", said)
        status, said = gate("not_checked licenses 'no way'")
        self.assertEqual(status, 1, said)

    def test_an_exception_that_is_not_needed_is_said(self):
        status, said = gate("checked advisories", CI="true", GATE_EXCEPTIONS="advisories")
        self.assertEqual(status, 0, said)
        self.assertIn("The exception advisories is not needed", said)
        self.assertNotIn("NOT CHECKED", said)

    def test_nothing_is_said_where_everything_was_checked(self):
        self.assertEqual(gate("checked advisories; checked ministack", CI="true"), (0, "went on\n"))


class Run(unittest.TestCase):
    def test_the_gate_names_its_own_exceptions_and_sums_them_up_last(self):
        lines = (ROOT / ".ci" / "run").read_text().splitlines()
        default = [match[1] for line in lines if (match := re.match(r': "\$\{GATE_EXCEPTIONS=(.*)\}"$', line))]
        self.assertEqual(len(default), 1)
        for name in default[0].split(","):
            reason = rf"^# {name}, \d{{4}}-\d\d-\d\d: \S"
            self.assertTrue(any(re.match(reason, line) for line in lines), f"{name} has no reason with a date in .ci/run")
        self.assertEqual(lines[-1], "sum_up_exceptions")

    def test_every_check_that_may_be_left_out_has_a_name_that_can_be_excepted(self):
        text = (ROOT / ".ci" / "run").read_text() + (ROOT / ".ci" / "dependencies").read_text()
        known = re.search(r"KNOWN_EXCEPTIONS=\((.*)\)", (ROOT / ".ci" / "exceptions").read_text())[1].split()
        self.assertEqual(sorted(re.findall(r"^ *not_checked (\w+)", text, re.MULTILINE)), sorted(known))
        self.assertEqual(sorted(re.findall(r"^ *checked (\w+)", text, re.MULTILINE)), sorted(known))
        self.assertNotRegex(text, "echo .*NOT CHECKED")

    def test_every_tool_that_is_compiled_has_a_version(self):
        text = (ROOT / ".ci" / "run").read_text()
        tools = re.findall(r"^tool .*$", text, re.MULTILINE)
        self.assertTrue(tools)
        for tool in tools:
            self.assertRegex(tool, r"^tool cargo-[a-z]+ \d+\.\d+\.\d+$")
        self.assertEqual(re.findall(r"cargo install .*", text), ['cargo install "$1" --version "=$2" --locked --quiet --root .local; }'])

    def test_the_toolchain_is_one_version_that_can_compile_what_is_promised(self):
        def number(text: str) -> tuple:
            return tuple(map(int, text.split(".")))

        channel = re.search(r'^channel = "(\d+\.\d+\.\d+)"$', (ROOT / "rust-toolchain.toml").read_text(), re.MULTILINE)
        least = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
        self.assertGreaterEqual(number(channel[1]), number(least[1]))

    def test_every_lock_of_cargo_is_among_those_that_are_checked(self):
        listed = re.search(r"^LOCKS=\((.*)\)$", (ROOT / ".ci" / "dependencies").read_text(), re.MULTILINE)[1].split()
        found = {
            str(file.parent.relative_to(ROOT) / "Cargo.toml")
            for file in (*ROOT.glob("Cargo.lock"), *ROOT.glob("*/Cargo.lock"), *ROOT.glob("*/*/Cargo.lock"))
            if not {"target", ".local", ".aws-sam"} & set(file.relative_to(ROOT).parts)
        }
        self.assertEqual(set(listed), found)
        self.assertRegex((ROOT / "deny.toml").read_text(), r'(?m)^\[advisories\]\nyanked = "deny"$')


if __name__ == "__main__":
    unittest.main()
