"""Every page of tests/pages, which the function's tests write, is shown as it should be: in each theme and at each width."""

import shutil
import unittest

from case import BrowserTest
from checks import check
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
            fragment = page.read_text()
            with self.subTest(page.stem):
                # Another theme is made of it, which would else be the same one.
                self.assertEqual(fragment.count(ROOT_CLASS.format("light")), 1)
            for theme in THEMES:
                for columns, width in WIDTHS.items():
                    with self.subTest(page.stem, theme=theme, columns=columns):
                        picture = PICTURES / f"{page.stem}-{theme}-{columns}.png"
                        found = check(self.browser, with_theme(fragment, theme), width, picture)
                        sentences = [f"{name}: {sentence}" for name, some in found.items() for sentence in some]
                        if sentences:
                            self.fail("\n".join(["", *sentences]))


if __name__ == "__main__":
    unittest.main()
