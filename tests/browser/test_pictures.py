"""The pictures of the pages show a run, small, and are not made again where they would show the same."""

import io
import tempfile
import textwrap
import unittest
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest import mock

from PIL import Image

from case import BrowserTest
from tools import pictures
from tools.checks import pictures as checks

ID = "0b7f5b3f-9d0c-4f3f-8a59-c0a1c6a1d6ab"
RED = "\x1b[1;31mDenied\x1b[0m dynamodb:PutItem"


class Fixed(unittest.TestCase):
    def test_what_each_run_has_of_its_own_is_the_same_in_each_picture(self):
        first = "run 0b7f5b3f-9d0c-4f3f-8a59-c0a1c6a1d6ab at 2026-11-26T03:54:38.123Z in 1,234 ms (0.9 s), http://127.0.0.1:45417"
        second = "run 11111111-2222-4333-8444-555555555555 at 2027-01-02T13:00:00Z in 87 ms (12.5 s), http://127.0.0.1:4000"
        self.assertEqual(pictures.fix(first), pictures.fix(second))

    def test_what_is_the_same_in_each_run_stays(self):
        for text in ('"Version": "2012-10-17"', "settleSeconds: 30 s", "arn:aws:iam::123456789012:role/lambda-ml-pipeline-role"):
            self.assertEqual(pictures.fix(text), text)

    def test_a_paragraph_is_broken_in_the_same_places_however_long_its_duration_is(self):
        advice = "What to do\n  Add this policy:\n\n{\n  x\n}"
        for words in range(14, 24):
            start = "word " * (words - 1)
            fixed = set()
            for duration in ("7 ms", "123 ms", "12,345 ms", "1234567 ms"):
                paragraph = textwrap.fill(f"{start}Region, {duration}, request id {ID}.", pictures.COLUMNS, break_on_hyphens=False)
                report = f"{RED}\n4 of 5 are as specified.\n\n  {RED}\n      after 87 ms\n\n{paragraph}\n\n{advice}"
                fixed.add(pictures.fix_lines(report))
            self.assertEqual(len(fixed), 1, fixed)
            (text,) = fixed
            self.assertIn("412 ms, request id", " ".join(text.split()))
            self.assertLessEqual(max(map(len, text.split("\n"))), pictures.COLUMNS)
            for part in (f"{RED}\n4 of 5", f"  {RED}\n      after 412 ms\n", advice):
                self.assertIn(part, text)

    def test_each_replacement_replaces_itself_by_itself(self):
        for _, fixed in pictures.FIXED:
            text = fixed.replace(r"\g<1>", "T")
            self.assertEqual(pictures.fix(text), text)


class Taken(BrowserTest):
    def take(self, text: str, file: Path, sources: str = "sources") -> str:
        return pictures.take(self.browser, pictures.show_terminal(text), "#picture", file, sources)

    def test_a_terminal_shows_colors_and_no_markup(self):
        shown = pictures.show_terminal(f"{RED} <b>")
        self.assertRegex(shown, r'<span style="color: #[0-9a-f]{6}[^>]*font-weight: bold[^>]*>Denied</span> dynamodb:PutItem &lt;b&gt;')

    def test_a_picture_is_made_once(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "images", "report.png")
            self.assertRegex(self.take(RED, file), r"^\d+ bytes$")
            self.assertLess(file.stat().st_size, pictures.MAX_BYTES)
            with Image.open(file) as picture:
                reds = [color for _, color in picture.convert("RGB").getcolors() if color[0] - max(color[1:]) > 80]
            self.assertTrue(reds, "the picture has no red")
            first = file.read_bytes()
            self.assertEqual(self.take(RED, file), "shows the same already")
            self.assertEqual(file.read_bytes(), first)
            self.assertRegex(self.take(RED.replace("Put", "Get"), file), r"^\d+ bytes$")
            self.assertNotEqual(file.read_bytes(), first)

    def test_a_picture_says_from_which_sources_it_was_made_though_it_shows_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "report.png")
            self.take(RED, file)
            first = file.read_bytes()
            self.assertEqual(self.take(RED, file, "others"), "shows the same already")
            self.assertEqual(checks.read_png(file.read_bytes()).notes[checks.MADE_FROM], "others")
            self.assertEqual(checks.write_notes(file.read_bytes(), {}), checks.write_notes(first, {}))
            with Image.open(file) as picture:
                picture.load()

    def test_a_picture_that_is_broken_is_made_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "report.png")
            self.take(RED, file)
            first = file.read_bytes()
            for broken in (b"", b"no picture", first[:-20]):
                file.write_bytes(broken)
                self.assertRegex(self.take(RED, file), r"^\d+ bytes$")
                self.assertEqual(file.read_bytes(), first)

    def test_a_picture_is_as_sharp_as_its_size_allows(self):
        text = "\n".join(f"{RED} {number}" for number in range(40))
        with tempfile.TemporaryDirectory() as folder:
            sharp, small = Path(folder, "sharp.png"), Path(folder, "small.png")
            self.take(text, sharp)
            with mock.patch.object(pictures, "MAX_BYTES", sharp.stat().st_size):
                self.take(text, small)
            self.assertLess(small.stat().st_size, sharp.stat().st_size)
            with Image.open(small) as small_one, Image.open(sharp) as sharp_one:
                self.assertLess(small_one.width, sharp_one.width)
            with mock.patch.object(pictures, "MAX_BYTES", 100), self.assertRaisesRegex(SystemExit, "has to have less than 100"):
                self.take(text, Path(folder, "none.png"))
            self.assertFalse(Path(folder, "none.png").exists())


class Made(unittest.TestCase):
    def make(self, widget: str, root: Path) -> str:
        """Makes both pictures of a run that is made up."""

        @contextmanager
        def started(*_):
            yield {"environment": {}}

        replaced = {"emulator": started, "watch": started, "compile_function": mock.Mock(), "ask": mock.Mock(), "ROOT": root}
        replaced |= {"fetch_text": lambda *_, **__: RED, "invoke": lambda *_: widget}
        with mock.patch.multiple(pictures, **replaced), redirect_stdout(io.StringIO()) as said:
            pictures.main()
        return said.getvalue()

    def test_both_pictures_are_made_of_a_run_and_an_answer_that_is_no_widget_ends_the_command(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            self.make('"<div class=\\"permissions-probe light\\">Denied</div>"', root)
            for name in pictures.PICTURES:
                self.assertLess((root / name).stat().st_size, pictures.MAX_BYTES)
                self.assertEqual(checks.read_png((root / name).read_bytes()).notes[checks.MADE_FROM], checks.digest_sources(root))
            for answer in ('{"statusCode": 403}', '"<div>"'):
                with self.assertRaisesRegex(SystemExit, "was not answered with a widget"):
                    self.make(answer, root)


if __name__ == "__main__":
    unittest.main()
