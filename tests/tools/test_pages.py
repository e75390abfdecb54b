"""Broken links, missing anchors, pages that no summary has and a README that is too long are found, and nothing else is."""

import tempfile
import unittest
from pathlib import Path

from tools.checks import pages


class Slugs(unittest.TestCase):
    def test_a_heading_becomes_what_github_makes_of_it(self):
        for heading, slug in (
            ("Deploy it", "deploy-it"),
            ("AWS's answer? None!", "awss-answer-none"),
            ("Once – twice & again", "once--twice--again"),
            ("`s3:GetObject` on `your_bucket`", "s3getobject-on-your_bucket"),
            ("`Vec<u8>` and <b>HTML</b>", "vecu8-and-html"),
            ("See [the page](docs/page.md) and [another][1]", "see-the-page-and-another"),
            ("![A picture](picture.png) Title", "title"),
            ("_Very_ **important** __words__ of snake_case", "very-important-words-of-snake_case"),
            ("Größe 2 · 日本語", "größe-2--日本語"),
            ("A &amp; B", "a--b"),
            ("-dashes-", "-dashes-"),
        ):
            self.assertEqual(pages.make_slug(heading), slug, heading)

    def test_the_anchors_are_those_of_headings_and_explicit_ones(self):
        text = (
            "# Title #\n\n## Same\n## Same\n### `Same`\n\n<a id=\"own\"></a><a name='single'></a>\n"
            '```\n# not a heading\n```\n~~~~ text\n## nor this\n```\n~~~~\n<!--\n# nor that\n-->\n    # nor code\n`<a id="code">`\n'
        )
        self.assertEqual(pages.find_anchors(text), {"title", "same", "same-1", "same-2", "own", "single"})


class Links(unittest.TestCase):
    def test_links_are_found_in_every_form_and_in_no_code(self):
        text = (
            '[a](a.md) ![b](b.png "title") [`c`](c.md#c) [d](<d e.md>) [e](e_(1).md)\n'
            '[![f](f.png)](g.md)\n[two\nlines](h.md)\n\n[i]: i.md\n<img src="j.png"> <a class="x" href="k.md">k</a>\n'
            "`[no](no.md)` ``[no](`no`.md)``\n```json\n[no](no.md)\n```\n<!-- [no](no.md) -->\n"
            "- list\n  ```\n  [no](no.md)\n  ```\n[l](l.md)\n"
        )
        targets = [target for _, target in pages.find_links(text)]
        expected = ["a.md", "b.png", "c.md#c", "d e.md", "e_(1).md", "f.png", "g.md", "h.md", "i.md", "j.png", "k.md", "l.md"]
        self.assertEqual(targets, expected)
        self.assertEqual(dict((target, line) for line, target in pages.find_links(text))["l.md"], text.count("\n"))


class Repository(unittest.TestCase):
    FILES = {
        "README.md": "# Read me\n[guide](docs/guide.md#first-step) [again](/docs/guide.md) [web](https://a.example/#x) [own](#read-me)\n",
        "docs/SUMMARY.md": "- [Read me](../README.md)\n- [Guide](guide.md)\n",
        "docs/guide.md": "# Guide\n## First step\n[up](../README.md) [code](../src/main.rs#L3) [folder](../src) [text](a%20b.txt?raw=1)\n",
        "docs/a b.txt": "",
        "src/main.rs": "",
    }

    def check(self, **changed: str) -> list:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {**self.FILES, **changed}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return pages.check_pages(root, sorted(file.relative_to(root) for file in root.rglob("*.md")))

    def test_nothing_is_found_where_every_link_leads_somewhere(self):
        self.assertEqual(self.check(), [])

    def test_a_link_that_leads_nowhere_is_found_with_its_line(self):
        for link, problem in (
            ("other.md", "leads nowhere: there is no docs/other.md"),
            ("../README.md#nowhere", "leads nowhere: README.md has no anchor #nowhere"),
            ("#nowhere", "leads nowhere: docs/guide.md has no anchor #nowhere"),
            ("#Guide", "leads nowhere: docs/guide.md has no anchor #Guide"),
            ("../../outside.md", "leads out of the repository"),
            ("../src/main.rs#main", "has an anchor, and src/main.rs is no page"),
        ):
            found = self.check(**{"docs/guide.md": f"# Guide\n## First step\n\n[link]({link})\n"})
            self.assertEqual(found, [f"docs/guide.md:4: the link to {link} {problem}"])
        self.assertEqual(
            self.check(**{"docs/guide.md": "# First step\n[link]()\n"}), ["docs/guide.md:2: the link to nothing leads nowhere"]
        )

    def test_a_page_that_the_summary_does_not_have_is_found(self):
        found = self.check(**{"docs/operations/cost.md": "# Cost\n"})
        self.assertEqual(found, ["docs/SUMMARY.md: docs/operations/cost.md is missing"])

    def test_a_readme_that_is_too_long_is_found(self):
        self.assertEqual(
            self.check(**{"README.md": "# Read me\n" + "\n" * 129 + " word" * 897}), ["README.md: has 131 lines, and may have 130"]
        )
        self.assertEqual(self.check(**{"README.md": "# Read me\n" + "\n" * 128 + " word" * 897}), [])
        self.assertEqual(self.check(**{"README.md": "# Read me\n" + "word " * 898}), ["README.md: has 901 words, and may have 900"])
