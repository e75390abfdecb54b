"""A browser is found where there is one, and ./dev ci says so where there is none."""

import io
import subprocess
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from tools import browser, ci, exceptions


class Find(unittest.TestCase):
    def test_the_first_browser_on_the_path_is_found_under_any_of_its_names(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"PATH": folder}):
            self.assertIsNone(browser.find())
            for name in reversed(browser.PROGRAMS):
                program = Path(folder, name)
                program.touch(mode=0o755)
                self.assertEqual(browser.find(), str(program))


class Bring(unittest.TestCase):
    def bring(self, install, *found: str | None) -> tuple:
        """What is checked and what is not, and the commands that were run to install a browser."""
        noted = exceptions.Exceptions("", strict=False)
        with (
            mock.patch.object(browser, "find", side_effect=found),
            mock.patch.object(subprocess, "run", side_effect=install) as run,
            redirect_stdout(io.StringIO()),
        ):
            ci.bring_browser(noted)
        return noted.checked_names, [what.partition(":")[0] for what in noted.unchecked], [call.args[0] for call in run.call_args_list]

    def test_nothing_is_installed_where_there_is_a_browser(self):
        self.assertEqual(self.bring(None, "/usr/bin/google-chrome", "/usr/bin/google-chrome"), (["browser"], [], []))

    def test_chromium_is_installed_where_there_is_none(self):
        commands = [("apt-get", "update", "-qq"), ("apt-get", "install", "-y", "-qq", "chromium")]
        self.assertEqual(self.bring(None, None, "/usr/bin/chromium"), (["browser"], [], commands))

    def test_where_it_cannot_be_installed_the_pages_are_not_checked(self):
        for error in (FileNotFoundError("apt-get"), subprocess.CalledProcessError(100, "apt-get")):
            checked, unchecked, _ = self.bring(error, None, None)
            self.assertEqual((checked, unchecked), ([], ["browser"]))
