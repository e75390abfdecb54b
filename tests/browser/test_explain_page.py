"""The page that explains denials, opened from disk: it says what the command line says, and sends no request."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

from case import BrowserTest
from tools.environment import ROOT, STATE, scrubbed

PAGE = ROOT / "docs" / "explain" / "index.html"
TEXTS = ROOT / "crates" / "core" / "src" / "explain" / "texts"
PROGRAM = Path(os.environ.get("PERMISSIONS_DOCTOR", ROOT / "target" / "debug" / "permissions-doctor"))
DENIAL = (
    "User: arn:aws:sts::123456789012:assumed-role/train/s is not authorized to perform: s3:GetObject on resource: "
    '"arn:aws:s3:::data/<b>.csv" because no identity-based policy allows the s3:GetObject action'
)


class ExplainPage(BrowserTest):
    def setUp(self):
        self.context = self.browser.new_context(viewport={"width": 800, "height": 900})
        self.addCleanup(self.context.close)
        self.asked = []
        self.wrong = []
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.goto(PAGE.as_uri())
        self.page.wait_for_selector("html[data-ready=yes]")

    def tearDown(self):
        self.assertEqual(self.wrong, [])
        foreign = [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]
        self.assertEqual(foreign, [])

    def test_it_says_what_the_command_line_says(self):
        texts = [json.loads(line)["text"] for name in sorted(TEXTS.glob("*.jsonl")) for line in name.read_text().splitlines()]
        self.assertGreater(len(texts), 400)
        said = self.page.evaluate("texts => texts.map(text => JSON.parse(wasm_bindgen.explain(text)))", texts)
        differing = [text for text, page in zip(texts, said, strict=True) if page != explain(text)]
        self.assertEqual(differing, [], "Run ./dev page: docs/explain/index.html is older than the code.")

    def test_a_pasted_denial_is_shown_with_the_policy_to_paste(self):
        self.page.fill("#text", DENIAL)
        shown = self.page.inner_text("#told")
        for part in ("AWS denied s3:GetObject to the caller.", "s3:GetObject", "assumed-role/train/s", "What to do", "implicitDeny"):
            self.assertIn(part, shown)
        self.assertEqual(self.page.locator("#told b").count(), 0, "nothing of a text is markup")
        (STATE / "pages").mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            self.page.screenshot(path=STATE / "pages" / f"explain-{theme}.png", full_page=True)
        self.page.fill("#text", "nothing of the kind")
        self.assertIn("Nothing is guessed", self.page.inner_text("#told"))

    def test_it_is_accessible_in_both_themes_and_fits_a_phone(self):
        from axe_playwright_python.sync_playwright import Axe

        self.page.fill("#text", DENIAL)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            # Tells that axe runs in a page whose policy allows no other code: it is evaluated by the browser's own tools.
            found = Axe().run(self.page, options={"runOnly": ["wcag2a", "wcag2aa"]})
            self.assertEqual([violation["id"] for violation in found.response["violations"]], [], theme)
        self.page.set_viewport_size({"width": 320, "height": 640})
        wide = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        self.assertFalse(wide)

    def test_a_keyboard_is_enough(self):
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "text")
        self.page.keyboard.insert_text(DENIAL.replace("<b>", "b"))
        self.page.keyboard.press("Tab")
        self.assertEqual(self.page.evaluate("document.activeElement.tagName"), "PRE")
        self.page.keyboard.press("Tab")
        self.assertEqual(self.page.evaluate("document.activeElement.textContent"), "Copy")


def explain(text: str) -> dict:
    command = [PROGRAM, "explain", "--format", "json"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", env=scrubbed(), timeout=60, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
