"""./dev docs wants the pictures there, whole, small and up to date, and says what to do where it cannot make them."""

import struct
import tempfile
import unittest
import zlib
from pathlib import Path
from unittest import mock

from tools import browser, docs
from tools.checks import pictures
from tools.environment import ROOT


def make_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(width: int = 800, height: int = 600, rows: bytes | None = None, notes: dict | None = None) -> bytes:
    """A white picture of one bit a pixel."""
    pixels = zlib.compress((b"\0" + b"\xff" * (width // 8)) * height) if rows is None else rows
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", pixels), (b"IEND", b"")]
    return pictures.write_notes(pictures.SIGNATURE + b"".join(make_chunk(*chunk) for chunk in chunks), notes or {})


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for pattern in pictures.SOURCES:
            source = self.root / pattern.replace("*", "mod")
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(pattern)
        self.notes = {pictures.SHOWS: "0" * 64, pictures.MADE_FROM: pictures.digest_sources(self.root)}

    def put(self, content: bytes) -> list:
        """What is found where both pictures have this content, for the second of them."""
        for name in pictures.PICTURES:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(content)
        found = pictures.check_pictures(self.root)
        half = len(found) // 2
        self.assertEqual([line.replace("report", "widget") for line in found[:half]], found[half:])
        return [line.removeprefix("docs/images/widget.png ") for line in found[half:]]

    def test_a_picture_that_is_missing_or_too_large_is_found(self):
        found = pictures.check_pictures(self.root)
        self.assertEqual(found, [f"{name} is missing: ./dev docs makes it" for name in pictures.PICTURES])
        whole = make_png(notes=self.notes)
        self.assertEqual(self.put(whole), [])
        with mock.patch.object(pictures, "MAX_BYTES", len(whole)):
            self.assertEqual(self.put(whole), [f"has {len(whole)} bytes, and must have less than {len(whole)}"])

    def test_a_file_that_is_no_whole_picture_is_found(self):
        whole = make_png(notes=self.notes)
        for content, why in (
            (b"", "is not a PNG"),
            (b"GIF89a", "is not a PNG"),
            (pictures.SIGNATURE, "is cut off"),
            (whole[:-12], "is cut off"),
            (whole[:-3], "is cut off"),
            (whole[:100], "is cut off"),
            (whole.replace(b"0000", b"0001", 1), "has a chunk with another checksum than it should have"),
            (make_png(rows=b"none", notes=self.notes), "has no pixels that can be read"),
            (make_png(rows=zlib.compress(b"few"), notes=self.notes), "has fewer pixels than it says"),
        ):
            self.assertEqual(self.put(content), [f"{why}: delete it and run ./dev docs"])

    def test_a_picture_of_another_size_is_found(self):
        for width, height in ((16, 600), (800, 16), (8000, 600)):
            found = [f"has {width} by {height} pixels, and must have 400 to 4000 each way"]
            self.assertEqual(self.put(make_png(width, height, notes=self.notes)), found)

    def test_a_picture_that_does_not_say_what_it_shows_is_found(self):
        for shows in ("", "abc"):
            found = self.put(make_png(notes=self.notes | {pictures.SHOWS: shows}))
            self.assertEqual(found, ["does not say what it shows: run ./dev docs"])

    def test_a_picture_is_stale_after_any_of_its_sources_has_changed(self):
        stale = "is older than what it was made from (SOURCES in tools/checks/pictures.py): run ./dev docs"
        content = make_png(notes=self.notes)
        for pattern in pictures.SOURCES:
            source = self.root / pattern.replace("*", "mod")
            source.write_text("other words")
            self.assertEqual(self.put(content), [stale], pattern)
            source.write_text(pattern)
            self.assertEqual(self.put(content), [])
        (self.root / "crates/core/src/diagnosis/wording/new.rs").touch()
        self.assertEqual(self.put(content), [stale])
        self.assertEqual(len(self.put(make_png())), 2)

    def test_each_source_is_in_the_repository(self):
        for pattern in pictures.SOURCES:
            self.assertTrue(list(ROOT.glob(pattern)), pattern)

    def test_the_notes_of_a_picture_take_the_place_of_others(self):
        picture = pictures.read_png(pictures.write_notes(make_png(notes={"Source": "x"}), self.notes))
        self.assertEqual((picture.width, picture.height, picture.notes), (800, 600, self.notes))


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
