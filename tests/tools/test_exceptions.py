"""What ./dev ci could not check fails it where CI=true, unless it is named, and is said at the end."""

import io
import re
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from tools import ci, dependencies, exceptions
from tools.environment import ROOT


def run(named: str, strict: bool, *steps: tuple) -> tuple:
    """Takes the steps, each a method and its arguments; returns the exit status and what has been said."""
    said = io.StringIO()
    with redirect_stdout(said):
        try:
            found = exceptions.Exceptions(named, strict)
            for method, *arguments in steps:
                getattr(found, method)(*arguments)
            print("went on")
            found.sum_up()
        except SystemExit as ended:
            print(ended)
            return 1, said.getvalue()
    return 0, said.getvalue()


NO_ADVISORIES = ("not_checked", "advisories", "no way")


class Exceptions(unittest.TestCase):
    def test_what_cannot_be_checked_fails_in_ci_alone(self):
        status, said = run("", True, NO_ADVISORIES)
        self.assertEqual(status, 1, said)
        self.assertNotIn("went on", said)
        self.assertIn("GATE_EXCEPTIONS=advisories", said)
        status, said = run("", False, NO_ADVISORIES)
        self.assertEqual((status, said.count("NOT CHECKED: advisories: no way")), (0, 2), said)

    def test_what_is_named_passes_and_is_said_again_at_the_end(self):
        for named in ("advisories", "ministack,advisories", "ministack, advisories"):
            status, said = run(named, True, NO_ADVISORIES)
            self.assertEqual(status, 0, said)
            self.assertIn("NOT CHECKED: advisories: no way", said.partition("went on")[2])

    def test_another_name_does_not_except_it(self):
        status, said = run("ministack", True, NO_ADVISORIES)
        self.assertEqual(status, 1, said)

    def test_an_unknown_name_fails_everywhere(self):
        for named in ("advisory", "advisories,all", "*"):
            status, said = run(named, False)
            self.assertEqual(status, 1, said)
            self.assertIn("advisories yanked ministack", said)
        status, said = run("", False, ("not_checked", "licenses", "no way"))
        self.assertEqual(status, 1, said)

    def test_an_exception_that_is_not_needed_is_said(self):
        status, said = run("advisories", True, ("checked", "advisories"))
        self.assertEqual(status, 0, said)
        self.assertIn("The exception advisories is not needed", said)
        self.assertNotIn("NOT CHECKED", said)

    def test_nothing_is_said_where_everything_was_checked(self):
        self.assertEqual(run("", True, ("checked", "advisories"), ("checked", "ministack")), (0, "went on\n"))

    def test_the_environment_says_what_is_excepted_and_where_it_has_to_be(self):
        for environment, named, strict in (
            ({}, ["yanked"], False),
            ({"CI": "true"}, ["yanked"], True),
            ({"CI": "1", "GATE_EXCEPTIONS": ""}, [], False),
            ({"GATE_EXCEPTIONS": "ministack, advisories"}, ["ministack", "advisories"], False),
        ):
            with mock.patch.dict("os.environ", environment, clear=True):
                found = exceptions.Exceptions.from_environment({"yanked": "a reason"})
            self.assertEqual((found.named, found.strict), (named, strict))


class Run(unittest.TestCase):
    def test_every_default_exception_has_a_known_name_and_a_reason_with_a_date(self):
        self.assertLessEqual(set(ci.EXCEPTIONS), set(exceptions.KNOWN))
        for name, reason in ci.EXCEPTIONS.items():
            self.assertRegex(reason, r"^\d{4}-\d\d-\d\d: \S", name)

    def test_the_exceptions_are_summed_up_last_and_every_step_has_its_time(self):
        def run_steps(found, took):
            found.not_checked("ministack", "no way")
            with ci.step("One step", took):
                pass

        said = io.StringIO()
        with (
            mock.patch.object(ci, "run_steps", run_steps),
            mock.patch("sys.argv", ["./dev ci"]),
            mock.patch.dict("os.environ", {"CI": "", "GATE_EXCEPTIONS": ""}),
            redirect_stdout(said),
        ):
            ci.main()
        end = said.getvalue().partition("How long each step took")[2]
        self.assertIn("0 min 00 s  One step\n", end)
        self.assertEqual(end.splitlines()[-2:], ["== All passed", "NOT CHECKED: ministack: no way"])

    def test_every_check_that_may_be_left_out_has_a_name_that_can_be_excepted(self):
        text = "".join(Path(module.__file__).read_text() for module in (ci, dependencies))
        known = sorted(exceptions.KNOWN)
        self.assertEqual(sorted(re.findall(r'exceptions\.not_checked\(\s*"(\w+)"', text)), known)
        self.assertEqual(sorted(re.findall(r'exceptions\.checked\("(\w+)"\)', text)), known)
        self.assertNotIn("NOT CHECKED", text)

    def test_every_tool_that_is_compiled_has_a_version(self):
        text = Path(ci.__file__).read_text()
        self.assertTrue(ci.TOOLS)
        for tool, version in ci.TOOLS.items():
            self.assertRegex(f"{tool} {version}", r"^cargo-[a-z]+ \d+\.\d+\.\d+$")
        self.assertEqual(sorted(re.findall(r'bring\("(.*)"\)', text)), sorted(ci.TOOLS))
        self.assertEqual(
            re.findall(r'"install", tool, .*', text),
            ['"install", tool, "--version", f"={version}", "--locked", "--quiet", "--root", str(STATE))'],
        )

    def test_the_toolchain_is_one_version_that_can_compile_what_is_promised(self):
        def number(text: str) -> tuple:
            return tuple(map(int, text.split(".")))

        channel = re.search(r'^channel = "(\d+\.\d+\.\d+)"$', (ROOT / "rust-toolchain.toml").read_text(), re.MULTILINE)
        least = re.search(r'^rust-version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
        self.assertGreaterEqual(number(channel[1]), number(least[1]))

    def test_every_lock_of_cargo_is_among_those_that_are_checked(self):
        found = {
            str(file.parent.relative_to(ROOT) / "Cargo.toml")
            for file in (*ROOT.glob("Cargo.lock"), *ROOT.glob("*/Cargo.lock"), *ROOT.glob("*/*/Cargo.lock"))
            if not {"target", ".local", ".aws-sam"} & set(file.relative_to(ROOT).parts)
        }
        self.assertEqual(set(dependencies.LOCKS), found)
        self.assertRegex((ROOT / "deny.toml").read_text(), r'(?m)^\[advisories\]\nyanked = "deny"$')

    def test_the_configuration_without_advisories_is_the_usual_one_with_another_database(self):
        usual = (ROOT / "deny.toml").read_text()
        config = dependencies.configure_without_advisories()
        changed = [line for line in (ROOT / config).read_text().splitlines() if line not in usual.splitlines()]
        self.assertEqual(changed, [f'db-path = "{dependencies.STATE / "no-advisories"}"'])
