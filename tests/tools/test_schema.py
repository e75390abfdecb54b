"""The JSON Schema of the report (docs/reference/report.schema.json), held to the responses that the function gives."""

import copy
import json
from unittest import TestCase

from jsonschema import Draft202012Validator

from support import ROOT

SCHEMA = json.loads((ROOT / "docs" / "reference" / "report.schema.json").read_text())


def reports() -> dict:
    """The reports of the snapshots, by the names of their files."""
    files = sorted((ROOT / "tests" / "snapshots").glob("response-*.snap"))
    # What insta writes in front stands between two lines of dashes.
    return {file.name: json.loads(file.read_text().split("---\n", 2)[2])["report"] for file in files}


class SchemaTest(TestCase):
    def setUp(self):
        Draft202012Validator.check_schema(SCHEMA)
        self.validator = Draft202012Validator(SCHEMA)

    def test_every_report_is_one(self):
        found = reports()
        self.assertGreaterEqual(len(found), 17)
        for name, report in found.items():
            problems = [f"{error.json_path}: {error.message}" for error in self.validator.iter_errors(report)]
            self.assertEqual(problems, [], name)

    def test_no_key_of_a_report_is_left_out_of_the_schema(self):
        closed = close(copy.deepcopy(SCHEMA))
        for name, report in reports().items():
            problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(closed).iter_errors(report)]
            self.assertEqual(problems, [], name)

    def test_no_value_is_null(self):
        for name, report in reports().items():
            self.assertNotIn("null", json.dumps(report).replace('"null"', ""), name)

    def test_what_is_no_report_is_found(self):
        report = reports()["response-success.snap"]
        for change in ({"verdict": "fine"}, {"summary": None}, {"schema": "permissions-probe/v1"}):
            self.assertTrue(list(self.validator.iter_errors({**report, **change})), change)
        for key in ("wrong", "allowed", "advice", "requestId"):
            self.assertTrue(list(self.validator.iter_errors({name: value for name, value in report.items() if name != key})), key)

    def test_a_report_of_a_specification_is_one(self):
        report = reports()["response-success.snap"]
        left_out = {"action": "sqs:SendMessage", "resource": "*", "reason": "a message would go out"}
        sent = {"sent": {"aws:TagKeys": ["project"]}, "differ": ["aws:SourceVpce"]}
        row = {"action": "s3:PutObject", "verdict": "inconclusive", "cause": "unrecognized", "durationMs": 1}
        function = {
            "action": "lambda:GetFunctionConfiguration",
            "verdict": "allowed",
            "proof": {"grade": "documented", "source": "a page"},
            "warning": "wrongRoleOnFunction",
            "durationMs": 1,
        }
        good = {
            "verdict": "excess",
            "headline": {"cause": "wrongRoleOnFunction", "text": "The function f runs under another role."},
            "conformity": "excess: s3:DeleteObject; not covered: sqs:SendMessage",
            "coverage": {"checked": 1, "of": 2},
            "notCovered": [left_out, {**left_out, "action": "sqs:*", "count": 2}],
            "wrong": [{**row, "conditions": sent}, function],
        }
        for validator in (self.validator, Draft202012Validator(close(copy.deepcopy(SCHEMA)))):
            problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors({**report, **good})]
            self.assertEqual(problems, [])
        for change in (
            {"coverage": {"checked": 1}},
            {"conformity": []},
            {"notCovered": []},
            {"notCovered": [{"action": "sqs:SendMessage", "resource": "*"}]},
            {"notCovered": [{**left_out, "count": 1}]},
            # The verdict of a whole run is none of a row.
            {"wrong": [{**row, "verdict": "excess"}]},
            {"wrong": [{**row, "conditions": {"sent": {"aws:TagKeys": "project"}}}]},
            {"wrong": [{**row, "conditions": {}}]},
        ):
            self.assertTrue(list(self.validator.iter_errors({**report, **change})), change)


def close(schema: object) -> object:
    """The schema with no keys but those that it names; what has no type is a condition, and names only some."""
    if isinstance(schema, dict):
        for value in schema.values():
            close(value)
        if "properties" in schema and "type" in schema:
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        for value in schema:
            close(value)
    return schema
