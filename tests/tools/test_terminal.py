"""A terminal is told what a pipe is spared, unless its user wants otherwise."""

import fcntl
import io
import os
import pty
import struct
import tempfile
import termios
import unittest
from contextlib import contextmanager
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


@contextmanager
def open_terminal(columns: int):
    """A terminal of this system, and what reads from it."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with open(reader, "rb", buffering=0) as shown, open(writer, "w") as stream:
        yield stream, shown


@contextmanager
def open_pipe():
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "w") as stream:
        yield stream


class Columns(unittest.TestCase):
    def measure(self, stdout, stderr, **variables: str) -> int:
        with mock.patch.multiple("sys", stdout=stdout, stderr=stderr), with_environment(**variables):
            return terminal.columns()

    def test_a_report_is_as_wide_as_the_terminal_within_what_the_function_takes(self):
        for given, columns in ((120, 120), (20, 40), (5000, 1000), (0, 100)):
            with open_terminal(given) as (stdout, _), open_terminal(70) as (stderr, _):
                self.assertEqual(self.measure(stdout, stderr), columns)

    def test_its_user_may_want_another_width(self):
        with open_terminal(120) as (stdout, _):
            self.assertEqual(self.measure(stdout, stdout, COLUMNS="60"), 60)
            for wrong in ("", "0", "wide", "-1"):
                self.assertIn(self.measure(stdout, stdout, COLUMNS=wrong), (120, 100), wrong)

    def test_a_pager_shows_it_on_the_terminal_of_the_errors_and_a_file_is_read_anywhere(self):
        with open_terminal(70) as (stderr, _), open_pipe() as pipe, tempfile.TemporaryFile("w") as file:
            self.assertEqual(self.measure(pipe, stderr), 70)
            self.assertEqual(self.measure(pipe, file), 100)
            self.assertEqual(self.measure(file, stderr), 100)
            self.assertEqual(self.measure(io.StringIO(), stderr), 100)


class Progress(unittest.TestCase):
    def write(self, is_terminal: bool, **variables: str) -> str:
        stream = Stream(is_terminal)
        with (
            mock.patch.object(terminal, "measure", lambda _: 60),
            with_environment(**variables),
            terminal.progress("Starting " + "x" * 100, stream),
        ):
            pass
        return stream.getvalue()

    def test_a_terminal_shows_a_line_that_fits_and_that_is_erased(self):
        shown = self.write(True)
        self.assertTrue(shown.endswith(terminal.ERASE_LINE))
        for line in shown.split(terminal.ERASE_LINE):
            self.assertLess(len(line), 60)
            self.assertRegex(line, r"^(   Starting x+ \d+ s)?$")

    def test_a_line_fits_into_a_terminal_of_any_width_whatever_columns_says(self):
        for columns in (60, 39, 12, 5, 1):
            with open_terminal(columns) as (stream, shown), with_environment(TERM="xterm", COLUMNS="200"):
                with terminal.progress("Starting " + "x" * 100, stream):
                    pass
                for line in shown.read(4096).decode().split(terminal.ERASE_LINE):
                    self.assertLess(len(line), columns)

    def test_a_pipe_and_a_dumb_terminal_show_nothing(self):
        self.assertEqual((self.write(False), self.write(True, TERM="dumb")), ("", ""))

    def test_it_ends_with_what_went_wrong(self):
        stream = Stream(True)
        with self.assertRaises(SystemExit), terminal.progress("Starting", stream):
            raise SystemExit(1)
        self.assertTrue(stream.getvalue().endswith(terminal.ERASE_LINE))
