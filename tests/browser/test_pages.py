"""Every page of tests/pages, which the function's tests write, is shown as it should be: at each width, a widget in each theme."""

import shutil
import unittest

from case import BrowserTest
from checks import check, is_document
from tools.dashboard import ROOT_CLASS, THEMES, WIDTHS, with_theme
from tools.environment import ROOT, STATE

PAGES = ROOT / "tests" / "pages"
# For people to look at.
PICTURES = STATE / "pages"


class Pages(BrowserTest):
    def test_every_page_is_shown_as_it_should_be(self):
        pages = sorted(PAGES.glob("*.html"))
        self.assertTrue(pages, "tests/pages has no page")
        shutil.rmtree(PICTURES, ignore_errors=True)
        PICTURES.mkdir(parents=True)
        for page in pages:
            markup = page.read_text(encoding="utf-8")
            with self.subTest(page.stem):
                # A document that is taken for a widget would be looked at as one, and the other way round.
                self.assertEqual(is_document(markup), page.stem.startswith("whole-"))
                # Another theme is made of a widget, which would else be the same one.
                self.assertTrue(is_document(markup) or markup.count(ROOT_CLASS.format("light")) == 1)
            # Who asks for a document is shown no theme of a dashboard.
            for theme in THEMES[:1] if is_document(markup) else THEMES:
                for columns, width in WIDTHS.items():
                    with self.subTest(page.stem, theme=theme, columns=columns):
                        picture = PICTURES / f"{page.stem}-{theme}-{columns}.png"
                        found = check(self.browser, with_theme(markup, theme), width, picture)
                        sentences = [f"{name}: {sentence}" for name, some in found.items() for sentence in some]
                        if sentences:
                            self.fail("\n".join(["", *sentences]))


if __name__ == "__main__":
    unittest.main()
