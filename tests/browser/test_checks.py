"""Each check passes on a widget and a document that are well, and finds what is wrong with one that is not."""

import tempfile
import unittest
from pathlib import Path

from PIL import Image

from case import BrowserTest
from checks import check, is_document
from tools.dashboard import THEMES, WIDTHS, with_theme

# Made for these tests, not by the function. Its long word is as long as a text from AWS can be.
WELL = Path(__file__).with_name("well.html").read_text().strip().replace("WORD", "long" * 2048)

# As the function gives it over HTTP.
DOCUMENT = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>denied: permissions-probe</title>
</head>
<body>
{WELL}
</body>
</html>
"""


class Checks(BrowserTest):
    def find(self, fragment: str, theme: str = "light", width: int = WIDTHS[6]) -> dict:
        return check(self.browser, with_theme(fragment, theme), width)

    def assert_found(self, name: str, sentence: str, found: dict) -> None:
        self.assertIn(name, found)
        self.assertIn(sentence, "\n".join(found[name]))


class Well(Checks):
    def test_nothing_is_found_in_a_widget_that_is_well(self):
        for theme in THEMES:
            for width in WIDTHS.values():
                with self.subTest(theme=theme, width=width):
                    self.assertEqual(self.find(WELL, theme, width), {})


class Wrong(Checks):
    def find_in(self, old: str, new: str, **how) -> dict:
        """What is found where one place of the widget is another."""
        self.assertEqual(WELL.count(old), 1, old)
        return self.find(WELL.replace(old, new), **how)

    def put(self, markup: str, **how) -> dict:
        """What is found where markup came through with a text."""
        return self.find_in("&lt;script&gt;alert(1)&lt;/script&gt;", markup, **how)

    def test_an_element_of_a_text_is_found(self):
        for markup, name in (("<b>bold</b>", "b"), ("<img alt='' src=''>", "img"), ("<svg></svg>", "svg"), ("<x-y></x-y>", "x-y")):
            self.assert_found("check_elements", f"there is an element {name}", self.put(markup))
        self.assert_found("check_elements", "p has an attribute id2", self.find_in("<p>No", "<p id2>No"))

    def test_a_text_that_closes_an_element_is_found(self):
        for markup, sentence in (
            ("</p>", "</p> closes"),
            ("</div>", "</div> closes ['p']"),
            ("<p>", "<p> is not closed"),
            ("<!-- x -->", "there is a comment"),
            ("</style>", "</style> closes"),
        ):
            self.assert_found("check_nesting", sentence, self.put(markup))
        self.assert_found("check_nesting", "there are 2 root elements", self.find(WELL + "<div></div>"))
        self.assert_found("check_nesting", "text is outside of the root", self.find(WELL + "and more"))

    def test_a_dashboard_that_is_not_as_it_was_is_found(self):
        for markup in ("</p></div><p>", "</p></div></div><div>", "</p></div></div></body><div><div>", "<textarea>"):
            self.assert_found("check_surroundings", "the elements outside of the widget are", self.put(markup))
        self.assert_found("check_surroundings", "there is text beside the widget", self.find(WELL + "and more"))

    def test_a_script_is_found_however_it_came_in(self):
        for markup, sentence in (
            ("<script>window.ran = 1</script>", "there is <script>"),
            ("<iframe srcdoc='<p>'></iframe>", "<iframe> has a document"),
            ("<svg><use href='#x'></use></svg>", "there is <use>"),
            ("<b onclick='x()'>x</b>", "<b> has onclick"),
            ("<img src=x onerror=x()>", "<img> has onerror"),
            ("<a href='javascript:x()'>x</a>", "<a> has href=javascript:"),
            ("<a href=' java&#9;script:x()'>x</a>", "<a> has href=javascript:"),
            ("<a href='data:text/html,x'>x</a>", "<a> has href=data:"),
            ("<object data='https://a.example'></object>", "there is <object>"),
            ("<meta http-equiv=refresh content='9;https://a.example'>", "there is <meta>"),
        ):
            self.assert_found("check_scripts", sentence, self.put(markup))

    def test_a_request_is_found_whoever_makes_it(self):
        for markup, address in (
            ("<img alt='' src='https://a.example/1'>", "https://a.example/1"),
            ("<img alt='' src='2.png'>", "http://dashboard.invalid/2.png"),
            ("<p style='background: url(https://a.example/3)'>x</p>", "https://a.example/3"),
            ("<link rel=stylesheet href='https://a.example/4'>", "https://a.example/4"),
            ("<script>fetch('https://a.example/5')</script>", "https://a.example/5"),
        ):
            self.assert_found("check_requests", f"the page asked for {address}", self.put(markup))
        style = self.find_in("<style>", "<style>@import url(https://a.example/6);")
        self.assert_found("check_requests", "the page asked for https://a.example/6", style)

    def test_what_a_sanitizer_takes_away_is_found(self):
        for markup in ("<script>1</script>", "<iframe></iframe>", "<b onclick='x()'>x</b>", "<a href='javascript:x()'>x</a>"):
            self.assert_found("check_sanitized", "a sanitizer changes it", self.put(markup))
        self.assert_found("check_sanitized", "a sanitizer changes it", self.put("<svg><use href='#x'></use></svg>"))

    def test_a_sanitizer_takes_away_what_no_other_check_finds(self):
        for markup in (
            # Each attribute is one that some element of a widget has.
            "</p><p endpoint='arn:aws:lambda:us-east-1:123456789012:function:other'>x",
            "</p><p href='https://a.example'>x",
            "<span datetime='2026-01-01'>x</span>",
            # These are no code, and no request either before they are followed.
            "<a href='file:///etc/passwd'>x</a>",
            "<a href='ms-settings:network'>x</a>",
        ):
            found = self.put(markup)
            self.assertEqual(list(found), ["check_sanitized"], markup)
            self.assert_found("check_sanitized", "a sanitizer changes it", found)

    def test_a_sanitizer_keeps_what_cloudwatch_is_documented_to_keep(self):
        for markup in (
            "<b style='color: #16191f' title='x' aria-live='polite'>x</b>",
            "<svg width='9' height='9' viewBox='0 0 9 9'><path d='M0 0h9'></path><circle cx='4' cy='4' r='2'></circle></svg>",
            "<input type='text' name='x' value='y'><select name='x'><option value='y' selected>y</option></select>",
            "<cwdb-action action='html' confirmation='x' display='popup' event='dblclick'>y</cwdb-action>",
        ):
            self.assertNotIn("check_sanitized", self.put(markup), markup)

    def test_what_the_keyboard_does_not_reach_is_found(self):
        without = self.find_in(' role="button" tabindex="0">Check now', ">Check now")
        self.assert_found("check_keyboard", 'Tab does not reach <a> "Check now"', without)
        hidden = self.find_in("<summary>", '<summary tabindex="-1">')
        self.assert_found("check_keyboard", 'Tab does not reach <summary> "Policy to paste"', hidden)
        link = self.find_in('<a href="https', '<a tabindex="-1" href="https')
        self.assert_found("check_keyboard", 'Tab does not reach <a> "The role in the console"', link)

    def test_a_focus_that_cannot_be_seen_is_found(self):
        for rule in ("outline: none", "outline-style: none", "outline: 0 solid red"):
            found = self.find_in("</style>", f".permissions-probe a:focus {{ {rule}; }}</style>")
            self.assert_found("check_keyboard", 'the focus cannot be seen on <a> "Check now"', found)

    def test_what_enter_does_not_open_is_found(self):
        script = "<script>addEventListener('keydown', (event) => { if (event.key == 'Enter') event.preventDefault(); })</script>"
        self.assert_found("check_keyboard", 'Enter does not open <summary> "Policy to paste"', self.put(script))
        script = "<script>addEventListener('keydown', (event) => event.preventDefault())</script>"
        self.assert_found("check_keyboard", "Tab does not reach", self.put(script))

    def test_what_is_wider_than_the_widget_is_found(self):
        self.assert_found("check_width", "the content has", self.find_in("overflow-wrap: anywhere;", ""))
        self.assert_found("check_width", "the content has", self.find_in(".permissions-probe pre { overflow-x: auto; }", ""))
        self.assert_found("check_width", "<p", self.put("</p><p style='width: 2000px'>x"))
        self.assert_found("check_width", "sticks out by", self.put("</p><p style='position: relative; left: -20px'>x"))
        self.assert_found("check_width", "cuts its content off", self.find_in("overflow-wrap: anywhere;", "overflow: hidden;"))
        self.assert_found("check_width", "sticks out by", self.find_in("font-size: 14px;", "width: 2000px;", width=WIDTHS[24]))

    def test_what_axe_finds_is_found_in_each_theme(self):
        gray = ("</style>", ".permissions-probe h3 { color: #777f86; }</style>")
        self.assert_found("check_accessibility", "color-contrast", self.find_in("color: #d5dbdb;", "color: #414d5c;", theme="dark"))
        self.assertEqual(self.find_in("color: #d5dbdb;", "color: #414d5c;", theme="light"), {})
        self.assert_found("check_accessibility", "color-contrast", self.find_in(*gray))
        self.assert_found("check_accessibility", "image-alt", self.put("<img src=''>"))
        self.assert_found("check_accessibility", "scrollable-region-focusable", self.find_in('<pre tabindex="0">', "<pre>"))

    def test_a_contrast_that_cannot_be_measured_is_found(self):
        found = self.find_in("</style>", ".permissions-probe h3 { background: linear-gradient(red, blue); }</style>")
        self.assert_found("check_accessibility", "color-contrast could not be measured", found)


class Document(Checks):
    def find_in(self, old: str, new: str, width: int = WIDTHS[6]) -> dict:
        """What is found where one place of the document is another."""
        self.assertEqual(DOCUMENT.count(old), 1, old)
        return check(self.browser, DOCUMENT.replace(old, new), width)

    def test_a_document_is_known_by_how_it_begins(self):
        self.assertTrue(is_document(DOCUMENT))
        self.assertTrue(is_document("<!DOCTYPE HTML><p>"))
        self.assertFalse(is_document(WELL))
        self.assertFalse(is_document(f"{WELL}{DOCUMENT}"))

    def test_nothing_is_found_in_a_document_that_is_well(self):
        for width in WIDTHS.values():
            self.assertEqual(check(self.browser, DOCUMENT, width), {}, width)

    def test_it_is_shown_as_it_is_and_as_wide_as_the_window(self):
        with tempfile.TemporaryDirectory() as folder:
            check(self.browser, DOCUMENT, 320, Path(folder, "whole.png"))
            for name in ("whole.png", "whole-open.png"):
                with Image.open(Path(folder, name)) as picture:
                    self.assertEqual(picture.width, 320)

    def test_what_is_wrong_with_a_document_is_found(self):
        for name, sentence, old, new in (
            ("check_nesting", "<div> is not closed", "</body>", "<div></body>"),
            ("check_elements", "there is an element b", "<p>No", "<b>x</b><p>No"),
            ("check_scripts", "there is <script>", "<title>", "<script>1</script><title>"),
            ("check_scripts", "<body> has onload", "<body>", "<body onload='x()'>"),
            ("check_scripts", "there is <meta>", '<meta charset="utf-8">', "<meta http-equiv=refresh content='9;https://a.example'>"),
            ("check_scripts", "there is <meta>", "<p>No", "<meta name=x><p>No"),
            ("check_scripts", "there is <link>", "<title>", "<link rel=icon href='data:,'><title>"),
            ("check_requests", "the page asked for https://a.example/1", "<body>", "<body style='background: url(https://a.example/1)'>"),
            ("check_keyboard", "Tab does not reach <summary>", "<summary>", '<summary tabindex="-1">'),
            ("check_keyboard", "the focus cannot be seen on <a>", "</style>", ".permissions-probe a:focus { outline: none; }</style>"),
            ("check_width", "the content has", "overflow-wrap: anywhere;", ""),
            ("check_width", "sticks out by", "<p>No", "<p style='position: relative; left: -20px'>No"),
            ("check_accessibility", "html-has-lang", ' lang="en"', ""),
            ("check_accessibility", "document-title", "<title>denied: permissions-probe</title>", ""),
            ("check_accessibility", "color-contrast", "color: #16191f;", "color: #bbbbbb;"),
        ):
            with self.subTest(new):
                self.assert_found(name, sentence, self.find_in(old, new))


if __name__ == "__main__":
    unittest.main()
