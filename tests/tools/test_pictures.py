"""./dev docs wants the pictures there and small, and says what to do where it cannot make them."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools import browser, docs
from tools.checks import pictures


class Check(unittest.TestCase):
    def test_a_picture_that_is_missing_or_too_large_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            self.assertEqual(pictures.check_pictures(root), [f"{name} is missing: ./dev docs makes it" for name in pictures.PICTURES])
            (root / "docs" / "images").mkdir(parents=True)
            for name in pictures.PICTURES:
                (root / name).write_bytes(b"x" * (pictures.MAX_BYTES - 1))
            self.assertEqual(pictures.check_pictures(root), [])
            (root / pictures.PICTURES[1]).write_bytes(b"x" * pictures.MAX_BYTES)
            found = ["docs/images/widget.png has 80000 bytes, and must have less than 80000"]
            self.assertEqual(pictures.check_pictures(root), found)


class Docs(unittest.TestCase):
    def run_docs(self, *words: str, found: str | None) -> tuple:
        """Which of the two steps were taken, of the pages and of the pictures."""
        with (
            mock.patch("sys.argv", ["./dev docs", *words]),
            mock.patch.object(browser, "find", return_value=found),
            mock.patch.object(docs, "write_generated") as pages,
            mock.patch.object(docs, "make_pictures") as images,
            mock.patch.object(docs, "check_pages", return_value=[]),
            mock.patch.object(docs, "check_pictures", return_value=[]),
            mock.patch("builtins.print"),
        ):
            self.assertEqual(docs.main(), 0)
        return pages.called, images.called

    def test_the_pictures_are_made_unless_they_are_not_wanted(self):
        self.assertEqual(self.run_docs(found="/usr/bin/chromium"), (True, True))
        self.assertEqual(self.run_docs("--no-pictures", found=None), (True, False))
        self.assertEqual(self.run_docs("--check", found=None), (False, False))

    def test_without_a_browser_it_says_what_to_install_before_anything_is_built(self):
        with self.assertRaisesRegex(SystemExit, r"There is no browser[\s\S]*apt-get install chromium[\s\S]*--no-pictures"):
            self.run_docs(found=None)
