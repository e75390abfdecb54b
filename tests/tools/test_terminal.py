"""A terminal is told what a pipe is spared, unless its user wants otherwise."""

import io
import os
import unittest
from unittest import mock

from tools import terminal


class Stream(io.StringIO):
    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.isatty = lambda: is_terminal


def with_environment(**variables: str):
    kept = {name: value for name, value in os.environ.items() if name not in ("TERM", "NO_COLOR", "COLUMNS")}
    return mock.patch.dict("os.environ", {**kept, **variables}, clear=True)


class Color(unittest.TestCase):
    def test_color_is_for_a_terminal_whose_user_did_not_refuse_it(self):
        for is_terminal, variables, wanted in (
            (True, {}, True),
            (True, {"TERM": "xterm-256color", "NO_COLOR": ""}, True),
            (True, {"NO_COLOR": "1"}, False),
            (True, {"NO_COLOR": "0"}, False),
            (True, {"TERM": "dumb"}, False),
            (False, {"TERM": "xterm-256color"}, False),
        ):
            with self.subTest(variables, is_terminal=is_terminal), with_environment(**variables):
                self.assertIs(terminal.wants_color(Stream(is_terminal)), wanted)


class Columns(unittest.TestCase):
    def test_a_report_is_as_wide_as_the_terminal_within_what_the_function_takes(self):
        for given, columns in (("120", 120), ("20", 40), ("5000", 1000)):
            with with_environment(COLUMNS=given):
                self.assertEqual(terminal.columns(), columns)


class Progress(unittest.TestCase):
    def write(self, is_terminal: bool, **variables: str) -> str:
        stream = Stream(is_terminal)
        with with_environment(COLUMNS="60", **variables), terminal.progress("Starting " + "x" * 100, stream):
            pass
        return stream.getvalue()

    def test_a_terminal_shows_a_line_that_fits_and_that_is_erased(self):
        shown = self.write(True)
        self.assertTrue(shown.endswith(terminal.ERASE_LINE))
        for line in shown.split(terminal.ERASE_LINE):
            self.assertLess(len(line), 60)
            self.assertRegex(line, r"^(   Starting x+ \d+ s)?$")

    def test_a_pipe_and_a_dumb_terminal_show_nothing(self):
        self.assertEqual((self.write(False), self.write(True, TERM="dumb")), ("", ""))

    def test_it_ends_with_what_went_wrong(self):
        stream = Stream(True)
        with self.assertRaises(SystemExit), terminal.progress("Starting", stream):
            raise SystemExit(1)
        self.assertTrue(stream.getvalue().endswith(terminal.ERASE_LINE))
