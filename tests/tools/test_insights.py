"""The checker of the saved queries tells a query that is right from one that is not."""

import unittest

from tools.checks.insights import check


class Insights(unittest.TestCase):
    def test_conditions_can_be_grouped_behind_and_or_and_not(self):
        for query in [
            'filter kind = "check" and (verdict = "denied" or ispresent(warning))',
            "filter ispresent(warning) or (verdict in ['denied'])",
            "filter not (ispresent(warning)) | stats count(*) as times by verdict | sort times desc",
        ]:
            self.assertEqual(check(query, {"kind", "verdict", "warning"}, {"check"}), [], query)

    def test_what_is_wrong_is_found(self):
        for query, wrong in [
            ("filter andalso (verdict = 'denied')", "has an unknown function: andalso"),
            ("filter ispresent(warnings)", "has a field that no log line has here: warnings"),
            ("filter kind = 'checked'", "asks for a kind of line that is never logged: 'checked'"),
            ("filter message = 'probed'", "compares the message, which has no fixed text, with 'probed'"),
        ]:
            self.assertEqual(check(query, {"kind", "verdict", "warning"}, {"check"}), [wrong], query)
        self.assertIn("parentheses", check("filter (verdict = 'denied'", {"verdict"}, set())[0])
