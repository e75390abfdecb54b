"""The JSON Schema of a specification (docs/reference/specification.schema.json), held to examples that the function takes and refuses."""

import json
import re
from unittest import TestCase

from jsonschema import Draft202012Validator

from support import ROOT, fenced, page

SCHEMA = json.loads((ROOT / "docs" / "reference" / "specification.schema.json").read_text())
EXAMPLE = json.loads((ROOT / "docs" / "examples" / "specification.json").read_text())
GUIDE = json.loads((ROOT / "crates" / "core" / "src" / "guide.json").read_text())

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::example/*"}
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/Example"
ROLE = "arn:aws:iam::123456789012:role/example"
MISSING = object()


def of_statement(**changes: object) -> dict:
    """A specification of one statement, with these elements in place of its own."""
    statement = {name: value for name, value in {**STATEMENT, **changes}.items() if value is not MISSING}
    return {"policy": {"Version": "2012-10-17", "Statement": [statement]}}


def of_member(name: str, value: object) -> dict:
    """A specification of one statement and another member."""
    return {**of_statement(), name: value}


def of_resource(**details: object) -> dict:
    return of_member("resources", {TABLE: details})


class SpecificationSchemaTest(TestCase):
    def setUp(self):
        Draft202012Validator.check_schema(SCHEMA)
        self.validator = Draft202012Validator(SCHEMA)

    def problems(self, specification: object) -> list:
        return [f"{error.json_path}: {error.message}" for error in self.validator.iter_errors(specification)]

    def test_the_examples_of_the_documentation_are_specifications(self):
        self.assertEqual(self.problems(EXAMPLE), [])
        texts = [text for name in ("guides/your-own-policy", "reference/specification") for text in fenced(page(name), "json")]
        texts += fenced((ROOT / "README.md").read_text(), "json")
        specifications = [found for text in texts if isinstance(found := json.loads(text), dict) and "policy" in found]
        self.assertGreaterEqual(len(specifications), 3)
        for specification in specifications:
            self.assertEqual(self.problems(specification), [], specification)

    def test_the_example_has_what_the_guide_says_of_it(self):
        statements = json.dumps(EXAMPLE["policy"])
        for pattern, count in (
            (r":::([\w-]+)", 2),
            (r":table/(\w+)[\"/]", 2),
            (r"/index/(\W)", 1),
            (r":key/([\w-]+)", 1),
            (r":role/([\w-]+)", 2),
        ):
            self.assertEqual(len(set(re.findall(pattern, statements))), count, pattern)
        self.assertEqual({"$schema", *EXAMPLE} & set(SCHEMA["properties"]), {"$schema", "policy", "requests", "resources", "functions"})

    def test_the_guides_policy_is_one(self):
        self.assertEqual(self.problems({"policy": GUIDE}), [])
        self.assertEqual(self.problems({"policy": [GUIDE, GUIDE]}), [])

    def test_what_iam_takes_is_taken(self):
        for specification in (
            of_statement(Effect="Deny", Sid="No", Condition={"Bool": {"aws:SecureTransport": False}}),
            of_statement(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}, "NumericLessThan": {"s3:max-keys": 10}}),
            of_statement(Action=["s3:Get*", "s3:?etObject", "*"], Resource=["*", "arn:aws:s3*", "arn:aws:s3:::${aws:username}/*"]),
            of_statement(Resource="arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*"),
            {"policy": {"Statement": STATEMENT}},
            {"policy": {"Version": "2008-10-17", "Id": "old", "Statement": STATEMENT}},
            {"$schema": "specification.schema.json", **of_statement()},
        ):
            self.assertEqual(self.problems(specification), [], specification)

    def test_what_no_policy_has_is_refused(self):
        for specification in (
            of_statement(Effect="allow"),
            of_statement(Effect=MISSING),
            of_statement(Action=MISSING),
            of_statement(Action=[]),
            of_statement(Action="GetObject"),
            of_statement(Action="s3:GetObject:x"),
            of_statement(Action=1),
            of_statement(Resource=MISSING),
            of_statement(Resource=""),
            of_statement(Resource="example/*"),
            of_statement(Resource="arn:aws:s3:example"),
            of_statement(Action=MISSING, NotAction="iam:*"),
            of_statement(NotAction="iam:*"),
            of_statement(Resource=MISSING, NotResource="arn:aws:s3:::example"),
            of_statement(Principal="*"),
            of_statement(NotPrincipal={"AWS": ROLE}),
            of_statement(Ressource="*"),
            of_statement(Sid=""),
            of_statement(Condition=[]),
            of_statement(Condition={"StringEquals": "aws:SourceVpc"}),
            of_statement(Condition={"StringEquals": {"aws:SourceVpc": {}}}),
            {"policy": {"Version": "2012-10-18", "Statement": [STATEMENT]}},
            {"policy": {"Version": "2012-10-17"}},
            {"policy": {"Version": "2012-10-17", "Statement": []}},
            {"policy": {"Statement": [STATEMENT], "Statements": []}},
            {"policy": []},
            {"policy": "policy.json"},
            {"requests": {}},
            {},
            [],
            of_member("actions", []),
        ):
            self.assertTrue(self.problems(specification), specification)

    def test_what_is_refused_of_a_statement_has_a_reason(self):
        for element in ("NotAction", "NotResource", "Principal", "NotPrincipal"):
            refused = SCHEMA["$defs"]["statement"]["properties"][element]
            self.assertEqual(refused["not"], {}, element)
            self.assertTrue(refused["description"].startswith("Refused: "), element)

    def test_requests_are_objects_by_action(self):
        self.assertEqual(self.problems(of_member("requests", {"s3:PutObject": {"StorageClass": "STANDARD_IA"}})), [])
        for requests in ([], {"s3:PutObject": []}, {"PutObject": {}}, {"s3:Put*": {}}, {"s3:PutObject": "x"}):
            self.assertTrue(self.problems(of_member("requests", requests)), requests)

    def test_resources_are_things_by_their_exact_arns(self):
        for resource in (
            {"key": "modelId:S"},
            {"key": "a:b:N"},
            {"region": "ap-southeast-1"},
            {"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/example:1", "modelData": "s3://example/model.tar.gz"},
            {},
        ):
            self.assertEqual(self.problems(of_resource(**resource)), [], resource)
        for resource in (
            {"key": "modelId"},
            {"key": "modelId:X"},
            {"region": "us-east"},
            {"region": "us_east_1"},
            {"image": "a b"},
            {"image": ""},
            {"modelData": "example/model.tar.gz"},
            {"modelData": "s3://example"},
            {"name": "Example"},
        ):
            self.assertTrue(self.problems(of_resource(**resource)), resource)
        for arn in ("*", "arn:aws:s3:::example/*", "example", "arn:aws:s3:::", "arn:aws:s3:example", "arn:aws:s3:::e?ample"):
            self.assertTrue(self.problems(of_member("resources", {arn: {}})), arn)
        self.assertTrue(self.problems(of_member("resources", [TABLE])))

    def test_functions_are_names_or_have_a_name_and_a_role(self):
        arn = "arn:aws:lambda:us-east-1:123456789012:function:PreprocessLambda"
        for function in ("PreprocessLambda", arn, {"name": arn}, {"name": "f", "role": "r"}, {"name": "f", "role": ROLE}):
            self.assertEqual(self.problems(of_member("functions", [function])), [], function)
        for function in (
            "",
            "a b",
            "x" * 65,
            f"{arn}:prod",
            "arn:aws:lambda:us-east-1:1:function:f",
            {"role": "r"},
            {"name": "f", "role": "a/b"},
            {"name": "f", "roles": ["r"]},
            1,
        ):
            self.assertTrue(self.problems(of_member("functions", [function])), function)
        self.assertTrue(self.problems(of_member("functions", "PreprocessLambda")))

    def test_every_member_is_in_the_reference(self):
        reference = page("reference/specification")
        members = [name for name in SCHEMA["properties"] if name != "$schema"]
        members += [*SCHEMA["$defs"]["resource"]["properties"], *SCHEMA["$defs"]["function"]["anyOf"][1]["properties"]]
        for member in members:
            self.assertIn(f"`{member}`", reference)
