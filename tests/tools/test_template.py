"""What the template takes, what it refuses, and that it gives the role that is checked nothing beside the guide's policy."""

import itertools
import json
from unittest import TestCase

from support import ACCOUNT, REGION, deployed, fenced, filled, page, pages, section, template
from tools.checks import combinations, rules

ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagemaker-ml-pipeline-role"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:probe"
BUCKET = {"BucketName": "your-bucket-name"}

# For each rule, parameters that it refuses, and the nearest that it does not.
RULES = {
    "CodeDeployNamesItsApplication": (
        {"CodeDeployHook": "true"},
        {"CodeDeployHook": "true", "CodeDeployApplication": "pipeline"},
    ),
    "TableOfThisStackHasItsOwnKey": (
        {"CreateBucketAndTable": "true", "TableKey": "id:N"},
        {"CreateBucketAndTable": "true"},
        {"TableKey": "id:N"},
    ),
    "ExpectedRegionNeedsAPolicyFromElsewhere": (
        {"ExpectedRegion": "eu-west-1"},
        {"ExpectedRegion": "eu-west-1", "ExistingRoleArn": ROLE},
        {"ExpectedRegion": "eu-west-1", "AssumeRoleArn": ROLE},
    ),
    "NotificationsNeedAlarms": (
        {"AlarmEmail": "someone@example.com", "Metrics": "off"},
        {"AlarmEmail": "someone@example.com", "Metrics": "actions"},
        {"Metrics": "off"},
    ),
    "RecoveryNeedsSomebodyToNotify": (
        {"AlarmRecovery": "true"},
        {"AlarmRecovery": "true", "AlarmTopicArn": TOPIC},
    ),
    "ActionAlarmNeedsItsMetric": (
        {"AlarmByAction": "true"},
        {"AlarmByAction": "true", "Metrics": "actions"},
        {"AlarmByAction": "true", "Metrics": "actions", "AlarmPeriodSeconds": "300"},
    ),
    "DashboardNeedsMetrics": ({"Dashboard": "true", "Metrics": "off"}, {"Dashboard": "true"}),
    "ChatNeedsFunctions": (
        {"ChatTopicArn": TOPIC},
        {"ChatTopicArn": TOPIC, "CheckFunctionArns": FUNCTION},
    ),
    "ChatKeyNeedsItsTopic": (
        {"ChatTopicKeyArn": KEY},
        {"ChatTopicKeyArn": KEY, "ChatTopicArn": TOPIC, "CheckFunctionArns": FUNCTION},
    ),
    "EventsNeedFunctions": (
        {"SendEvents": "true"},
        {"SendEvents": "true", "CheckFunctionArns": f"{FUNCTION},{FUNCTION}:live"},
    ),
    "RegistryNeedsEvents": (
        {"CreateTestEventRegistry": "true"},
        {"CreateTestEventRegistry": "true", "ShareTestEvents": "true"},
    ),
    "InconclusivePeriodsAreAmongThoseLookedAt": (
        {"InconclusivePeriods": "4"},
        {"InconclusivePeriods": "3"},
        {"InconclusivePeriods": "4", "InconclusiveOf": "7"},
    ),
}

# For each parameter without a list of values: what it takes, and what it refuses.
PATTERNS = {
    "BucketName": (["your-bucket-name"], ["", "Bucket", "b/c", "*"]),
    "TableName": (["ModelMetadata"], ["", "a b", "*", "table/x"]),
    "TableKey": (["", "modelId:S", "a:b:N", "naïve key:B"], ["modelId", "modelId:X", ":S", "a:S\n", "a\nb:S"]),
    "RoleName": (["lambda-ml-pipeline-role"], ["", "a/b", "*", "r" * 65]),
    "ExistingRoleArn": (
        ["", ROLE, f"arn:aws-cn:iam::{ACCOUNT}:role/a/b/c"],
        ["role", f"{ROLE}*", f"arn:aws:iam::{ACCOUNT}:role/*", f"arn:aws:iam::{ACCOUNT}:user/u"],
    ),
    "SageMakerRoleArn": (["", ROLE], [f"arn:aws:iam::{ACCOUNT}:role/*", f"arn:aws:iam::{ACCOUNT}:role/a b"]),
    "AssumeRoleArn": (["", ROLE], [f"arn:aws:iam::{ACCOUNT}:role/*", "arn:aws:iam::*:role/r", "*"]),
    "ExpectedRegion": (["", "us-east-1", "us-gov-west-1"], ["us", "us-east-1a", "*"]),
    "Prefix": (["", "training/", "año/1"], ["a\nb", "a\x00b", "p" * 901]),
    "ObjectKey": (["", "training/data.csv", "a b"], ["a\nb", "a\x7fb", "k" * 1025]),
    "EndpointName": (["", "endpoint-1", "e" * 63], ["-a", "a-", "a_b", "a/b", "*", "e" * 64]),
    "TrainingJobName": (["", "job-1", "j" * 63], ["-a", "a-", "a_b", "*", "j" * 64]),
    "FunctionName": (["permissions-probe", "CodeDeployHook_probe"], ["", "a.b", "a:b", "*"]),
    "ReservedConcurrency": (["", "1", "1000"], ["0", "-1", "01", "1.5", "10000", "one"]),
    "HttpMaxAge": (["0", "60", "3600"], ["-1", "3601", "", "a"]),
    "ProbeTimeoutMs": (["100", "60000"], ["99", "60001"]),
    "ScheduleRate": (
        ["rate(1 hour)", "rate(5 minutes)", "rate(2 days)", "cron(0 8 * * ? *)", "cron(0/15 * ? * MON-FRI *)"],
        ["", "1 hour", "rate(0 hours)", "rate(1 week)", "rate(hour)", "cron(0 8 * * ?)", "at(2026-01-01T00:00:00)", "rate(1 hour) "],
    ),
    "MetricsNamespace": (["PermissionsProbe", "Team/Probe"], ["", "AWS/Lambda", "a b", 'a"b']),
    "AlarmTopicArn": (["", TOPIC, f"{TOPIC}.fifo"], ["alarms", f"arn:aws:sns:{REGION}:{ACCOUNT}:*", f"{TOPIC}:subscription"]),
    "ChatTopicArn": (["", TOPIC], ["chat", f"arn:aws:sns:{REGION}:{ACCOUNT}:*", f"{TOPIC}.fifo", f"{TOPIC}:subscription"]),
    "ChatTopicKeyArn": (
        ["", KEY],
        ["key", "*", f"{KEY}*", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/a"],
    ),
    "AlarmEmail": (["", "someone@example.com"], ["someone", "a@b c"]),
    "InconclusivePeriods": (["1", "7"], ["0", "8"]),
    "InconclusiveOf": (["1", "7"], ["0", "8"]),
    "DeploymentId": (["1", "0123abc"], ["", "a" * 257]),
    "CodeDeployApplication": (["", "pipeline", "a.b-c"], ["*", "pipe*", "a/b", "a" * 101]),
    "CheckFunctionArns": (
        ["", FUNCTION, f"{FUNCTION},{FUNCTION}:live", f"{FUNCTION}:$LATEST"],
        ["probe", "*", f"{FUNCTION}*", f"{FUNCTION},*", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"],
    ),
    "PipelineFunctionArns": (
        ["", FUNCTION, f"{FUNCTION},{FUNCTION}:live", f"{FUNCTION}:$LATEST"],
        ["probe", "*", f"{FUNCTION}*", f"{FUNCTION},*", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*"],
    ),
    "Specification": (["", "specification.json", "config/own.json", '{"policy": {"Statement": []}}'], ["a b", "../x", "{", "/etc/passwd"]),
}


class Parameters(TestCase):
    def test_the_bucket_alone_is_enough(self) -> None:
        self.assertEqual(rules.refused(template(), BUCKET), [])

    def test_every_rule_refuses_what_it_is_for_and_nothing_more(self) -> None:
        document = template()
        self.assertEqual(set(RULES), set(document.get("Rules", {})))
        for name, (wrong, *right) in RULES.items():
            with self.subTest(name):
                values = {key: str(parameter.get("Default", "")) for key, parameter in document["Parameters"].items()}
                self.assertEqual(set(rules.broken(document, values | BUCKET | wrong)), {name})
                for parameters in right:
                    self.assertEqual(rules.refused(document, BUCKET | parameters), [])

    def test_the_alarm_by_action_looks_at_three_hours_at_most(self) -> None:
        """CloudWatch User Guide, "Limits" of alarms: Metrics Insights evaluates the latest 3 hours."""
        document = template()
        for period in document["Parameters"]["AlarmPeriodSeconds"]["AllowedValues"]:
            asked = {"AlarmByAction": "true", "Metrics": "actions", "AlarmPeriodSeconds": str(period)}
            periods = deployed(**asked)["Resources"]["DeniedActionAlarm"]["Properties"]["EvaluationPeriods"]
            self.assertEqual(bool(rules.refused(document, BUCKET | asked)), periods * int(period) > 3 * 3600, period)
        without_alarms = {"AlarmByAction": "true", "Metrics": "actions", "Alarms": "false"}
        self.assertIn("AlarmByAction needs Alarms", " ".join(rules.refused(document, BUCKET | without_alarms)))

    def test_the_rule_on_periods_compares_numbers(self) -> None:
        document = template()
        for periods in range(1, 8):
            for of in range(1, 8):
                refused = rules.refused(document, BUCKET | {"InconclusivePeriods": str(periods), "InconclusiveOf": str(of)})
                self.assertEqual(bool(refused), periods > of, (periods, of))

    def test_no_parameter_is_free(self) -> None:
        parameters = template()["Parameters"]
        listed = {name for name, parameter in parameters.items() if "AllowedValues" in parameter}
        self.assertEqual(set(PATTERNS), set(parameters) - listed)
        for name, (right, wrong) in PATTERNS.items():
            for value in right:
                with self.subTest(name, taken=value):
                    self.assertEqual(rules.constraints(name, parameters[name], value), [])
            for value in wrong:
                with self.subTest(name, refused=value):
                    self.assertNotEqual(rules.constraints(name, parameters[name], value), [])

    def test_rule_functions(self) -> None:
        """The examples of the CloudFormation User Guide, "Rule-specific intrinsic functions", of those that the template uses."""
        group = {"Fn::Equals": ["sg-mysggroup", {"Ref": "ASecurityGroup"}]}
        size = {"Fn::Contains": [["m1.large", "m1.small"], {"Ref": "InstanceType"}]}
        for function, values, expected in (
            ({"Fn::And": [group, size]}, {"ASecurityGroup": "sg-mysggroup", "InstanceType": "m1.small"}, True),
            ({"Fn::And": [group, size]}, {"ASecurityGroup": "sg-mysggroup", "InstanceType": "t2.nano"}, False),
            ({"Fn::Or": [group, size]}, {"ASecurityGroup": "sg-other", "InstanceType": "m1.large"}, True),
            ({"Fn::Or": [group, size]}, {"ASecurityGroup": "sg-other", "InstanceType": "t2.nano"}, False),
            ({"Fn::Not": [{"Fn::Equals": [{"Ref": "EnvironmentType"}, "prod"]}]}, {"EnvironmentType": "test"}, True),
            ({"Fn::Not": [{"Fn::Equals": [{"Ref": "EnvironmentType"}, "prod"]}]}, {"EnvironmentType": "prod"}, False),
            ({"Fn::EachMemberEquals": [{"Ref": "Departments"}, "IT"]}, {"Departments": "IT,IT"}, True),
            ({"Fn::EachMemberEquals": [{"Ref": "Departments"}, "IT"]}, {"Departments": "IT,HR"}, False),
        ):
            self.assertEqual(rules.evaluate(function, values), expected, function)
        with self.assertRaises(ValueError):
            rules.evaluate({"Fn::If": ["Condition", "a", "b"]}, {})


class Combinations(TestCase):
    """What ./dev lint lints: whatever two parameters may be together, and nothing that CloudFormation would refuse."""

    def test_every_pair_that_the_rules_allow_occurs(self) -> None:
        document = template()
        parameters = combinations.factors(document)
        covering = combinations.cover(document, parameters, 2)
        defaults = {name: str(parameter.get("Default", "")) for name, parameter in document["Parameters"].items()}
        for combination in covering:
            self.assertEqual(rules.broken(document, defaults | combination), {})
        # Rules that share no parameter cannot contradict each other, so each set of connected rules is looked at alone.
        connected = {frozenset(rules.connected(document, name)) for name in document["Rules"]}
        possible = []
        for together in connected:
            looked_at = sorted(set().union(*(rules.mentioned(document["Rules"][name]) for name in together)) & set(parameters))
            values = (dict(zip(looked_at, chosen, strict=True)) for chosen in itertools.product(*(parameters[name] for name in looked_at)))
            possible.append((looked_at, [chosen for chosen in values if not together & set(rules.broken(document, defaults | chosen))]))
        for one, other in itertools.combinations(parameters, 2):
            for pair in ({one: a, other: b} for a in parameters[one] for b in parameters[other]):
                with self.subTest(pair):
                    occurs = any(pair.items() <= combination.items() for combination in covering)
                    allowed = True
                    for looked_at, choices in possible:
                        ruled = {name: value for name, value in pair.items() if name in looked_at}
                        allowed = allowed and any(ruled.items() <= chosen.items() for chosen in choices)
                    self.assertEqual(occurs, allowed)


def environment(**parameters: str) -> dict:
    resolved = deployed(**parameters)
    values = {name: parameter.get("Default", "") for name, parameter in resolved["Parameters"].items()}
    variables = resolved["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    return {name: str(value) for name, value in filled(variables, values).items()}


class Role(TestCase):
    PARAMETERS = {
        "AssumeRoleArn": ROLE,
        "CodeDeployHook": "true",
        "CodeDeployApplication": "your-application",
        "FunctionName": "permissions-probe",
    }

    def own(self, **changed: str) -> dict:
        """The policies that the template puts into the role beside the guide's."""
        parameters = self.PARAMETERS | changed
        resources = deployed(**parameters)["Resources"]
        policies = list(resources["PipelineRole"]["Properties"]["Policies"])
        self.assertEqual(
            [policy["PolicyName"] for policy in policies], ["ml-pipeline-access-policy"], "the role that stays has the guide's policy alone"
        )
        for resource in resources.values():
            if resource["Type"] == "AWS::IAM::Policy":
                self.assertEqual(resource["Properties"]["Roles"], [{"Ref": "PipelineRole"}])
                policies.append(resource["Properties"])
        return {policy["PolicyName"]: filled(policy["PolicyDocument"]["Statement"], parameters) for policy in policies[1:]}

    def test_what_the_check_needs_holds_for_its_own_code_alone(self) -> None:
        own = self.own(FunctionName="probe")
        self.assertEqual(set(own), {"permissions-probe-assume-role", "permissions-probe-codedeploy-hook"})
        for statement in (statement for statements in own.values() for statement in statements):
            self.assertEqual(statement["Condition"], {"ArnEquals": {"lambda:SourceFunctionArn": FUNCTION}}, statement)
            self.assertNotIn("*", (statement["Resource"].removesuffix("/*")))

    def test_the_pages_have_the_same_statements(self) -> None:
        statements = [json.loads(block) for block in fenced(pages(), "json") if block.startswith('{"Effect"')]
        assume = self.own()["permissions-probe-assume-role"]
        hook = self.own(FunctionName="CodeDeployHook_permissions-probe")["permissions-probe-codedeploy-hook"]
        identity_based = [statement for statement in statements if "Resource" in statement]
        self.assertEqual(sorted(map(json.dumps, identity_based)), sorted(map(json.dumps, assume + hook)))
        # A trust policy is resource-based, and does not know the key.
        (trust,) = [statement for statement in statements if "Principal" in statement]
        self.assertNotIn("Condition", trust)

    def test_the_role_outlives_the_stack_and_what_the_check_needs_does_not(self) -> None:
        resources = template()["Resources"]
        role = resources["PipelineRole"]
        self.assertEqual((role.get("DeletionPolicy"), role.get("UpdateReplacePolicy")), ("RetainExceptOnCreate", "Retain"))
        for name in ("AssumeRolePolicy", "CodeDeployPolicy"):
            self.assertNotIn("DeletionPolicy", resources[name])
        self.assertIn("**The role that the stack makes outlives it**", section(page("guides/deploy"), "Delete or replace the stack"))

    def test_an_existing_role_is_left_alone(self) -> None:
        resources = deployed(**self.PARAMETERS, ExistingRoleArn=ROLE)["Resources"]
        self.assertEqual([name for name, resource in resources.items() if resource["Type"].startswith("AWS::IAM::")], ["ScheduleRole"])


class Environment(TestCase):
    def test_the_key_is_that_of_the_table(self) -> None:
        table = template()["Resources"]["Table"]["Properties"]
        (key,) = [part["AttributeName"] for part in table["KeySchema"] if part["KeyType"] == "HASH"]
        (kind,) = [part["AttributeType"] for part in table["AttributeDefinitions"] if part["AttributeName"] == key]
        self.assertEqual(environment(CreateBucketAndTable="true")["PROBE_TABLE_KEY"], f"{key}:{kind}")
        self.assertEqual(environment()["PROBE_TABLE_KEY"], "")
        self.assertEqual(environment(TableKey="id:N")["PROBE_TABLE_KEY"], "id:N")

    def test_the_gate_is_what_the_parameters_ask_for(self) -> None:
        for gate, hook, expected in (
            ("false", "false", ""),
            ("true", "false", "cloudformation"),
            ("false", "true", "codedeploy"),
            ("true", "true", "cloudformation,codedeploy"),
        ):
            self.assertEqual(environment(GateDeployment=gate, CodeDeployHook=hook)["PROBE_GATE"], expected)

    def test_the_rest_is_passed_on(self) -> None:
        variables = environment()
        self.assertEqual((variables["PROBE_HTTP_REPORT"], variables["PROBE_HTTP_MAX_AGE"]), ("summary", "60"))
        variables = environment(HttpReport="full", HttpMaxAge="0", TrainingJobName="job-1")
        self.assertEqual((variables["PROBE_HTTP_REPORT"], variables["PROBE_HTTP_MAX_AGE"]), ("full", "0"))
        self.assertEqual(variables["PROBE_TRAINING_JOB_NAME"], "job-1")

    def test_concurrency_is_reserved_only_when_asked_for(self) -> None:
        def reserved(**parameters: str) -> object:
            resolved = deployed(**parameters)
            value = resolved["Resources"]["Function"]["Properties"].get("ReservedConcurrentExecutions")
            return value and resolved["Parameters"][value["Ref"]]["Default"]

        self.assertEqual((reserved(), reserved(ReservedConcurrency="2")), (None, "2"))
