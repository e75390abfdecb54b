"""The dashboard's body: CloudWatch takes the JSON as it is, and shows what is wrong with it to whoever opens the dashboard."""

import itertools
import json
from unittest import TestCase

from support import deployed, filled

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:probe"


def widgets(**parameters: str) -> list:
    resolved = deployed(Dashboard="true", **parameters)
    values = {name: str(parameter.get("Default", "")) for name, parameter in resolved["Parameters"].items()}
    body = resolved["Resources"]["ReportDashboard"]["Properties"]["DashboardBody"]
    return json.loads(filled(body, values | {"Function.Arn": FUNCTION, "LogGroup": "/aws/lambda/probe"}))["widgets"]


class Dashboard(TestCase):
    def test_the_report_of_now_is_on_top(self) -> None:
        """CloudWatch User Guide, "Custom widgets": the endpoint is the function's ARN, and `params` are merged into the event."""
        first = min(widgets(FunctionName="probe"), key=lambda widget: (widget["y"], widget["x"]))
        self.assertEqual((first["type"], first["x"], first["width"]), ("custom", 0, 24))
        self.assertEqual(first["height"], 15, "a denial with its policy is seen without scrolling")
        self.assertEqual(
            first["properties"],
            {
                "title": "Report of probe",
                "endpoint": FUNCTION,
                "updateOn": {"refresh": True, "resize": False, "timeRange": False},
                "params": {"probe": {"maxAgeSeconds": 300}},
            },
        )

    def test_no_widget_lies_on_another_and_all_fit_the_width(self) -> None:
        """CloudWatch API Reference, "Dashboard Body Structure and Syntax": the grid is 24 wide."""
        found = widgets()
        for widget in found:
            self.assertLessEqual(widget["x"] + widget["width"], 24)
        for one, other in itertools.combinations(found, 2):
            apart = any(
                first[at] + first[size] <= second[at]
                for at, size in (("x", "width"), ("y", "height"))
                for first, second in ((one, other), (other, one))
            )
            self.assertTrue(apart, (one["properties"]["title"], other["properties"]["title"]))

    def test_the_log_widget_asks_for_kinds_of_lines(self) -> None:
        (query,) = [widget["properties"]["query"] for widget in widgets() if widget["type"] == "log"]
        self.assertIn("SOURCE '/aws/lambda/probe'", query)
        self.assertIn("filter kind = 'check'", query)
