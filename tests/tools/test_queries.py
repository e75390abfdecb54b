"""The queries of the template are held to the lists of what the function logs."""

import io
import json
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

from support import template
from tools.checks import queries

LISTS = queries.LOGGED


def check(document: dict) -> list:
    with redirect_stdout(io.StringIO()):
        return [text for _, text, _ in queries.check_queries(document)]


class Queries(unittest.TestCase):
    def test_the_lists_are_sorted_so_that_a_change_shows_as_a_line(self):
        for what in ("fields", "kinds"):
            text = (queries.LOGGED / f"log-{what}.json").read_text()
            listed = json.loads(text)
            self.assertEqual(text, json.dumps(sorted(set(listed)), indent=2) + "\n", what)

    def test_a_field_or_a_kind_that_is_no_longer_logged_is_found(self):
        document = template()
        self.assertEqual(check(document), [])
        for what, name in (("fields", "verdict"), ("kinds", "check")):
            with tempfile.TemporaryDirectory() as folder, mock.patch.object(queries, "LOGGED", Path(folder)):
                for file in ("log-fields.json", "log-kinds.json"):
                    listed = json.loads((LISTS / file).read_text())
                    kept = [one for one in listed if (file, one) != (f"log-{what}.json", name)]
                    Path(folder, file).write_text(json.dumps(kept))
                found = check(document)
            self.assertTrue(found)
            for text in found:
                self.assertIn(name, text)
