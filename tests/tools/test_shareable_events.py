"""The test events can be put into the template, and change nothing else of it."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools.checks import shareable_events
from tools.environment import ROOT


class Write(unittest.TestCase):
    def write(self, text: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "template.yaml")
            file.write_text(text)
            shareable_events.write_test_events(file)
            return file.read_text()

    def test_the_template_has_them_and_stays_as_it_is(self):
        text = (ROOT / "template.yaml").read_text()
        self.assertEqual(self.write(text), text)

    def test_another_event_is_written_and_the_rest_is_kept(self):
        text = (ROOT / "template.yaml").read_text()
        examples = {**shareable_events.read_examples(), "zzz": {"value": {}}}
        with mock.patch.object(shareable_events, "read_examples", lambda: examples):
            changed = self.write(text)
        self.assertIn('"zzz"', changed)
        self.assertNotEqual(changed, text)
        self.assertEqual(self.write(changed), text)
