"""The checker of the saved queries tells a query that is right from one that is not."""

import unittest

from tools.checks.insights import check


class Insights(unittest.TestCase):
    def test_conditions_can_be_grouped_behind_and_or_and_not(self):
        for query in [
            'filter message = "probed" and (verdict = "denied" or ispresent(warning))',
            "filter ispresent(warning) or (verdict in ['denied'])",
            "filter not (ispresent(warning)) | stats count(*) as times by verdict | sort times desc",
        ]:
            self.assertEqual(check(query, {"verdict", "warning"}, {"probed"}), [], query)

    def test_what_is_wrong_is_found(self):
        for query, wrong in [
            ("filter andalso (verdict = 'denied')", "has an unknown function: andalso"),
            ("filter ispresent(warnings)", "has a field that no log line has here: warnings"),
            ("filter message = 'probe'", "asks for a message that is never logged: 'probe'"),
        ]:
            self.assertEqual(check(query, {"verdict", "warning"}, {"probed"}), [wrong], query)
        self.assertIn("parentheses", check("filter (verdict = 'denied'", {"verdict"}, set())[0])
