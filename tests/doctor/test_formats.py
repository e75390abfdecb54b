"""One run against the emulated account gives every format, and each is what its readers take."""

import json
import tempfile
import unittest
from pathlib import Path

import jsonschema
import xmlschema
from doctor import ACCOUNT, account

from tools.account import ask
from tools.environment import ROOT

DATA = ROOT / "tests" / "data"
REPORT = json.loads((ROOT / "docs" / "reference" / "report.schema.json").read_text())
FORMATS = ("text", "json", "junit", "sarif", "github", "markdown")


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        opened = account()
        cls.account = opened.__enter__()
        cls.addClassCleanup(opened.__exit__, None, None, None)
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # Before anything is taken away.
        cls.clean = cls.account.run("check", *cls.account.guide, "--format", "json")
        ask(cls.account.account, "without", {"action": "dynamodb:PutItem"})
        files = [word for name in FORMATS for word in ("--output", f"{name}={cls.folder / name}")]
        cls.summary = cls.folder / "summary.md"
        template = ("--template", str(ROOT / "template.yaml"), "--role", "PipelineRole", "--parameter", f"BucketName={cls.account.bucket}")
        words = ("check", *template, *cls.account.guide[2:], *files)
        cls.done = cls.account.run(*words, GITHUB_STEP_SUMMARY=str(cls.summary))

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def test_the_exit_code_is_that_of_what_was_found(self):
        self.assertEqual((self.clean.returncode, self.done.returncode), (0, 1), self.done.stderr)
        self.assertEqual(json.loads(self.clean.stdout)["summary"]["allowed"], 17)

    def test_the_json_is_the_report_of_the_function(self):
        for text in (self.clean.stdout, self.read("json")):
            jsonschema.validate(json.loads(text), REPORT)
        self.assertEqual([row["action"] for row in json.loads(self.read("json"))["wrong"]], ["dynamodb:PutItem"])

    def test_the_text_ends_with_what_to_do(self):
        self.assertIn('"dynamodb:PutItem"', self.read("text").partition("What to do")[2])

    def test_junit_is_what_jenkins_and_gitlab_read(self):
        schema = xmlschema.XMLSchema(DATA / "junit-10.xsd")
        schema.validate(self.folder / "junit")
        cases = schema.to_dict(self.folder / "junit")["testsuite"][0]["testcase"]
        failed = [case["@name"] for case in cases if "failure" in case]
        self.assertEqual(failed, [f"dynamodb:PutItem on arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/ModelMetadata"])
        # GitLab counts the first of a name only.
        names = [(case["@classname"], case["@name"]) for case in cases]
        self.assertEqual(len(names), len(set(names)))

    def test_sarif_is_valid_and_has_what_code_scanning_asks_for(self):
        sarif = json.loads(self.read("sarif"))
        schema = json.loads((DATA / "sarif-2.1.0.schema.json").read_text())
        jsonschema.validators.validator_for(schema)(schema).validate(sarif)
        (run,) = sarif["runs"]
        for rule in run["tool"]["driver"]["rules"]:
            self.assertTrue(rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"])
            self.assertGreater(float(rule["properties"]["security-severity"]), 0)
        denied = [result for result in run["results"] if result["ruleId"] == "denied"]
        self.assertEqual(len(denied), 1)
        place = denied[0]["locations"][0]["physicalLocation"]
        line = (ROOT / "template.yaml").read_text().splitlines()[place["region"]["startLine"] - 1]
        self.assertIn("dynamodb:PutItem", line)
        self.assertRegex(denied[0]["partialFingerprints"]["primaryLocationLineHash"], "^[0-9a-f]{16}:1$")

    def test_github_gets_annotations_and_a_summary(self):
        lines = self.read("github").splitlines()
        errors = [line for line in lines if line.startswith("::error ")]
        self.assertEqual(len(errors), 1)
        properties, _, message = errors[0].removeprefix("::error ").partition("::")
        named = dict(pair.split("=", 1) for pair in properties.split(","))
        self.assertTrue(named["file"].endswith("template.yaml") and int(named["line"]) > 1, named)
        self.assertIn("dynamodb%3APutItem", named["title"])
        self.assertIn("%0A", message)
        self.assertEqual(self.summary.read_text(), self.read("markdown"))

    def test_markdown_has_the_row_and_the_policy(self):
        self.assertIn("| denied | `dynamodb:PutItem` |", self.read("markdown"))
        self.assertIn("```json", self.read("markdown"))

    def test_three_roles_are_one_matrix(self):
        caller = f"arn:aws:iam::{ACCOUNT}:role/lambda-ml-pipeline-role"
        trust = [{"Effect": "Allow", "Principal": {"AWS": caller}, "Action": "sts:AssumeRole"}]
        whole = json.loads(self.account.run("policy", *self.account.guide, "--region", "us-east-1", "--account", ACCOUNT).stdout)
        without = json.loads(json.dumps(whole).replace('"dynamodb:Scan", ', ""))
        roles = []
        for policies in ([whole], [without], []):
            made = self.make_role(policies, trust)
            roles.append(f"arn:aws:iam::{ACCOUNT}:role/{made}")
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": roles}]}
        ask(self.account.account, "paste", {"policy": allow})
        done = self.account.run("check", *self.account.guide, "--role-arn", *roles)
        self.assertEqual(done.returncode, 1, done.stderr)
        matrix, _, _ = done.stdout.partition("\n\n")
        rows = {line.split()[0]: " ".join(line.split()[2:]) for line in matrix.splitlines()[1:]}
        self.assertEqual(rows["dynamodb:Scan"], "✓ allowed ✗ denied ✗ denied")
        self.assertEqual(rows["dynamodb:PutItem"], "✓ allowed ✓ allowed ✗ denied")

    def make_role(self, policies: list, trust: list) -> str:
        import urllib.request

        account = self.account.account
        headers = {"content-type": "application/json", "x-test-bed-token": account["token"]}
        body = json.dumps({"policies": policies, "trust": trust}).encode()
        request = urllib.request.Request(f"{account['endpoint']}/test-bed/role", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["role"]


if __name__ == "__main__":
    unittest.main()
