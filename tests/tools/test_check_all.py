"""The state machine over many functions: what it gathers, what it publishes to a chat channel, and what it sends.

The template's own definition is interpreted (state_machine.py), with reports as the function gives them in place of its
answers (docs/reference/report.md).
"""

import json
import re
from unittest import TestCase, mock

from jsonschema import Draft202012Validator

import state_machine
from state_machine import Failed, Machine
from support import ROOT, deployed, filled

SCHEMA = json.loads((ROOT / "tests" / "data" / "chat-message.schema.json").read_text())
TOPIC = "arn:aws:sns:us-east-1:123456789012:chat"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:probe-{}"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/ModelMetadata"
OBJECTS = "arn:aws:s3:::your-bucket-name/*"
ROLE = "lambda-ml-pipeline-role"
INVOKE, PUBLISH, PUT_EVENTS = (f"arn:aws:states:::{name}" for name in ("lambda:invoke", "sns:publish", "events:putEvents"))

SUCCESS = {"statusCode": 200, "body": "Preprocessing complete and metadata updated", "headers": {"Content-Type": "application/json"}}


def principal(account: str = "123456789012", role: str = ROLE) -> dict:
    return {"arn": f"arn:aws:sts::{account}:assumed-role/{role}/probe", "account": account, "role": role}


def denied(action: str, resource: str) -> dict:
    return {
        "action": action,
        "resource": resource,
        "verdict": "denied",
        "proof": {"code": "AccessDeniedException", "grade": "documented"},
        "code": "AccessDeniedException",
        "message": f"User: {principal()['arn']} is not authorized to perform: {action} on resource: {resource}",
        "denial": {"kind": "implicitDeny", "policyType": "identity-based"},
    }


def inconclusive(action: str, resource: str, cause: str = "timeout") -> dict:
    return {"action": action, "resource": resource, "verdict": "inconclusive", "cause": cause}


def advice(*actions: str, **more: object) -> dict:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": [TABLE]}]}
    command = f"aws iam put-role-policy --role-name={ROLE} --policy-name permissions-probe --policy-document '{json.dumps(policy)}'"
    return {"text": f"No identity-based policy of the role {ROLE} allows these actions.", "actions": list(actions)} | (
        more or {"policy": policy, "command": command}
    )


def response(status: int, *wrong: dict, **more: object) -> dict:
    report = {
        "schema": "permissions-probe/v2",
        "verdict": "denied" if status == 403 else "inconclusive",
        "summary": {"allowed": 17 - len(wrong), "denied": len(wrong), "inconclusive": 0, "proofs": {}},
        "wrong": list(wrong),
        "advice": [],
        "allowed": [{"action": "s3:ListBucket", "resource": "arn:aws:s3:::your-bucket-name", "proof": "documented"}],
        "principal": principal(),
        "region": "us-east-1",
        "requestId": "11de232d-a8f2-4549-9729-8c4d02472593",
        "durationMs": 151,
    }
    return {"statusCode": status, "report": report | more, "body": "A sentence.", "headers": {"Content-Type": "application/json"}}


ONE = response(403, denied("dynamodb:PutItem", TABLE), advice=[advice("dynamodb:PutItem")])
SEVERAL = response(
    403,
    denied("s3:GetObject", OBJECTS),
    denied("s3:GetObject", "arn:aws:s3:::another-bucket/*"),
    inconclusive("s3:PutObject", OBJECTS),
    denied("dynamodb:PutItem", TABLE),
    {"action": "s3:ListAllMyBuckets", "resource": "*", "verdict": "allowed", "mustBeDenied": True},
    {
        "action": "dynamodb:Scan",
        "resource": TABLE,
        "verdict": "allowed",
        "warning": "resourceMissing",
        "message": "Requested resource not found",
    },
    headline={"cause": "policyType", "text": "A service control policy explicitly denies these actions."},
    advice=[
        advice("s3:GetObject", "dynamodb:PutItem"),
        advice("dynamodb:PutItem", text="Or change the trust policy.", trustPolicy={"Statement": []}),
    ],
)
NOT_VALID = response(
    500,
    problems=[
        {"name": "PROBE_BUCKET", "value": "b/c", "expected": "the name of an S3 bucket"},
        {"name": "PROBE_TABLE_KEY", "expected": "a name and a type"},
    ],
)
NOT_VALID["report"].pop("principal")
# With PROBE_REDACT=account, the function masks these.
MASKED = json.loads(json.dumps(ONE).replace("123456789012", "ACCOUNT-1").replace("/probe", "/SESSION"))


class Run:
    """One execution: what each task was asked, and the output."""

    def __init__(self, *responses: object, topic: str = TOPIC, events: str = "false", failing: str = "") -> None:
        """A response is a payload of the function, or the name of the error with which the invocation fails."""
        functions = {FUNCTION.format(number): answer for number, answer in enumerate(responses)}
        resources = deployed(CheckFunctionArns=",".join(functions), ChatTopicArn=topic, SendEvents=events)["Resources"]
        self.policies = resources["CheckAll"]["Properties"]["Policies"][0]["Statement"]
        definition = resources["CheckAll"]["Properties"]["Definition"]
        names = {"FunctionArns": ",".join(functions), "Partition": "aws", "ChatTopicArn": topic, "SendEvents": events}
        self.assert_substituted(resources["CheckAll"]["Properties"]["DefinitionSubstitutions"], names)
        self.invoked, self.messages, self.entries = [], [], []

        def invoke(arguments: dict) -> dict:
            self.invoked.append(arguments)
            answer = functions[arguments["FunctionName"]]
            if isinstance(answer, str):
                raise Failed(answer)
            return {"StatusCode": 200, "Payload": answer}

        def publish(arguments: dict) -> dict:
            if failing == "publish":
                raise Failed("SNS.NotFoundException")
            assert arguments["TopicArn"] == topic
            self.messages.append(arguments["Message"])
            return {"MessageId": "1"}

        def put_events(arguments: dict) -> dict:
            if failing == "put":
                raise Failed("EventBridge.FailedEntry")
            self.entries.append(arguments["Entries"])
            return {"Entries": [{"EventId": "1"}], "FailedEntryCount": 0}

        self.output = Machine(definition, names, {INVOKE: invoke, PUBLISH: publish, PUT_EVENTS: put_events}).run({})

    @staticmethod
    def assert_substituted(substitutions: dict, names: dict) -> None:
        assert set(substitutions) == set(names), substitutions

    def notifications(self) -> list:
        return [json.loads(message) for message in self.messages]


class Gathered(TestCase):
    def test_it_says_what_is_denied_to_whom(self) -> None:
        run = Run(SUCCESS, ONE, SEVERAL, "Lambda.KMSAccessDeniedException", topic="")
        functions = [FUNCTION.format(number) for number in range(4)]
        several = {
            "functionArn": functions[2],
            "statusCode": 403,
            "denied": ["s3:GetObject", "dynamodb:PutItem"],
            "inconclusive": ["s3:PutObject", "s3:ListAllMyBuckets", "dynamodb:Scan"],
        }
        failed = {
            "functionArn": functions[3],
            "statusCode": 0,
            "denied": [],
            "inconclusive": [],
            "error": "Lambda.KMSAccessDeniedException",
        }
        one = {"functionArn": functions[1], "statusCode": 403, "denied": ["dynamodb:PutItem"], "inconclusive": []}
        self.assertEqual(run.output, {"checked": 4, "denied": [one, several], "inconclusive": [failed], "notSent": []})
        self.assertEqual([asked["FunctionName"] for asked in run.invoked], functions)

    def test_one_function_and_nothing_wrong(self) -> None:
        run = Run(SUCCESS)
        self.assertEqual(run.output, {"checked": 1, "denied": [], "inconclusive": [], "notSent": []})
        self.assertEqual((run.messages, run.entries), ([], []))
        self.assertEqual(run.invoked, [{"FunctionName": FUNCTION.format(0), "Payload": {}}])

    def test_nothing_is_sent_unless_it_is_asked_for(self) -> None:
        run = Run(SEVERAL, topic="")
        self.assertEqual((run.messages, run.entries), ([], []))
        self.assertEqual([statement["Action"] for statement in run.policies], [["lambda:InvokeFunction"]])

    def test_its_own_role_may_send_and_no_role_that_is_checked(self) -> None:
        run = Run(SUCCESS, events="true")
        self.assertEqual(
            [statement["Action"] for statement in run.policies], [["lambda:InvokeFunction"], ["sns:Publish"], ["events:PutEvents"]]
        )
        self.assertNotIn("*", json.dumps(filled([statement["Resource"] for statement in run.policies], {})))
        (entry,) = [entries[0] for entries in run.entries]
        self.assertEqual(
            run.policies[2]["Condition"], {"StringEquals": {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}}
        )
        resources = deployed(CheckFunctionArns=FUNCTION.format(0), ChatTopicArn=TOPIC, SendEvents="true")["Resources"]
        self.assertNotRegex(json.dumps(resources["PipelineRole"]), "sns:|events:")

    def test_an_encrypted_topic_needs_its_key(self) -> None:
        key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        resources = deployed(CheckFunctionArns=FUNCTION.format(0), ChatTopicArn=TOPIC, ChatTopicKeyArn=key)["Resources"]
        *_, statement = filled(resources["CheckAll"]["Properties"]["Policies"][0]["Statement"], {"ChatTopicKeyArn": key})
        self.assertEqual(
            statement,
            {
                "Effect": "Allow",
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}},
            },
        )

    def test_what_cannot_be_sent_keeps_nothing_from_the_output(self) -> None:
        for failing in ("publish", "put"):
            with self.subTest(failing):
                run = Run(SUCCESS, SEVERAL, events="true", failing=failing)
                gathered = Run(SUCCESS, SEVERAL, topic="").output
                self.assertEqual(run.output["checked"], gathered["checked"])
                self.assertEqual([entry["denied"] for entry in run.output["denied"]], [entry["denied"] for entry in gathered["denied"]])
                expected = [FUNCTION.format(1)] if failing == "publish" else [FUNCTION.format(0), FUNCTION.format(1)]
                self.assertEqual(run.output["notSent"], expected)

    def test_an_answer_that_is_no_response_is_an_error_of_its_function_alone(self) -> None:
        run = Run({"unexpected": True}, ONE)
        self.assertEqual(run.output["inconclusive"][0]["error"], "States.QueryEvaluationError")
        self.assertEqual(len(run.output["denied"]), 1)


class Chat(TestCase):
    def setUp(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    def published(self, *responses: object) -> list:
        """The messages, each of which the schema takes and SNS as well (SNS API Reference, "Publish": 262,144 bytes)."""
        run = Run(*responses)
        for text in run.messages:
            self.assertLessEqual(len(text.encode()), 262144)
            problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(text))]
            self.assertEqual(problems, [], text)
        self.assertEqual(run.output["notSent"], [])
        return run.notifications()

    def test_a_denial_is_a_message_with_what_to_do(self) -> None:
        (message,) = self.published(ONE)
        command = ONE["report"]["advice"][0]["command"]
        policy = ONE["report"]["advice"][0]["policy"]
        self.assertEqual(message["id"], "11de232d-a8f2-4549-9729-8c4d02472593/dynamodb:PutItem")
        self.assertEqual(message["content"]["title"], "dynamodb:PutItem is denied to lambda-ml-pipeline-role")
        self.assertEqual(message["content"]["description"], f"{TABLE}: {ONE['report']['wrong'][0]['message']}")
        text, with_policy, with_command = message["content"]["nextSteps"]
        self.assertEqual(text, "No identity-based policy of the role lambda-ml-pipeline-role allows these actions.")
        self.assertEqual(json.loads(re.fullmatch(r"Policy:\n```\n(.*)\n```", with_policy)[1]), policy)
        self.assertEqual(re.fullmatch(r"Command:\n```\n(.*)\n```", with_command)[1], command)
        self.assertEqual(message["content"]["keywords"], ["permissions-probe", "denied"])
        self.assertEqual(
            message["metadata"],
            {
                "threadId": "123456789012/lambda-ml-pipeline-role/dynamodb:PutItem",
                "summary": "dynamodb:PutItem is denied to lambda-ml-pipeline-role",
                "eventType": "permissions-probe",
                "relatedResources": [TABLE],
                "additionalContext": {
                    "function": "probe-0",
                    "region": "us-east-1",
                    "account": "123456789012",
                    "role": "lambda-ml-pipeline-role",
                    "requestId": "11de232d-a8f2-4549-9729-8c4d02472593",
                    "statusCode": "403",
                },
            },
        )

    def test_each_action_that_is_not_as_specified_is_one_message(self) -> None:
        messages = self.published(SEVERAL)
        self.assertEqual(
            [message["content"]["title"] for message in messages],
            [
                "s3:GetObject is denied to lambda-ml-pipeline-role",
                "s3:PutObject is inconclusive for lambda-ml-pipeline-role",
                "dynamodb:PutItem is denied to lambda-ml-pipeline-role",
                "s3:ListAllMyBuckets is allowed to lambda-ml-pipeline-role, and must be denied",
                "dynamodb:Scan is allowed to lambda-ml-pipeline-role, with a warning: resourceMissing",
            ],
        )
        get, put, put_item, *_ = messages
        self.assertEqual(get["metadata"]["relatedResources"], [OBJECTS, "arn:aws:s3:::another-bucket/*"])
        self.assertTrue(get["content"]["description"].startswith("A service control policy explicitly denies these actions.\n"))
        self.assertEqual(get["content"]["description"].count("\n"), 2, "the headline, and a line for each resource")
        self.assertEqual(put["content"]["description"].splitlines()[1], f"{OBJECTS}: timeout")
        self.assertEqual(put["content"]["nextSteps"], ["Invoke the check, and read its answer: " + invoke(0)])
        self.assertEqual(len(put_item["content"]["nextSteps"]), 5, "two pieces of advice name it")
        self.assertIn("policyType", put_item["content"]["keywords"])
        self.assertEqual(len({message["metadata"]["threadId"] for message in messages}), 5)

    def test_a_check_that_did_not_run_is_told_as_well(self) -> None:
        not_valid, failed, other = self.published(NOT_VALID, "Lambda.KMSAccessDeniedException", response(502))
        self.assertEqual(not_valid["content"]["title"], "The check probe-0 did not run. Not valid: PROBE_BUCKET, PROBE_TABLE_KEY")
        self.assertEqual(
            not_valid["content"]["description"].splitlines(),
            ["PROBE_BUCKET is b/c; expected: the name of an S3 bucket", "PROBE_TABLE_KEY; expected: a name and a type"],
        )
        self.assertEqual(failed["content"]["title"], "The check probe-1 did not run: Lambda.KMSAccessDeniedException")
        self.assertEqual(failed["content"]["description"], failed["content"]["title"])
        self.assertEqual(failed["content"]["nextSteps"], ["Invoke the check, and read its answer: " + invoke(1)])
        self.assertEqual(failed["metadata"]["threadId"], "probe-1/check")
        self.assertEqual(other["content"]["title"], "The check probe-2 ended with the status 502")

    def test_nothing_wrong_is_no_message(self) -> None:
        self.assertEqual(self.published(SUCCESS, response(200)), [])

    def test_the_same_fault_has_the_same_thread_and_another_has_another(self) -> None:
        later = json.loads(json.dumps(ONE).replace("11de232d", "22de232d"))
        later["report"]["wrong"][0]["message"] = "another text"
        threads = [message["metadata"]["threadId"] for message in self.published(ONE, later)]
        self.assertEqual(len(set(threads)), 1, threads)
        elsewhere = json.loads(json.dumps(ONE).replace("123456789012", "210987654321"))
        another_role = json.loads(json.dumps(ONE).replace(ROLE, "another-role"))
        another_action = json.loads(json.dumps(ONE).replace("PutItem", "GetItem"))
        threads = [message["metadata"]["threadId"] for message in self.published(ONE, elsewhere, another_role, another_action)]
        self.assertEqual(len(set(threads)), 4, threads)

    def test_what_is_masked_stays_masked(self) -> None:
        for masked in (MASKED, NOT_VALID, "Lambda.AccessDeniedException"):
            run = Run(masked)
            self.assertEqual(len(run.messages), 1)
            self.assertNotRegex(run.messages[0], r"\d{12}(?!\d)", "an account id, which the report does not have")
        self.assertEqual(json.loads(Run(MASKED).messages[0])["metadata"]["threadId"], f"{ROLE}/dynamodb:PutItem")

    def test_a_text_can_mention_nobody_in_the_channel(self) -> None:
        row = denied("s3:GetObject", "arn:aws:s3:::b/<!channel>")
        (message,) = self.published(response(403, row, advice=[advice("s3:GetObject", text="a & b <@U1>")]))
        shown = json.dumps(message["content"])
        self.assertNotRegex(shown, "[<>]")
        self.assertIn("b/&lt;!channel&gt;", shown)
        self.assertIn("a &amp; b &lt;@U1&gt;", shown)

    def test_what_is_too_long_is_cut_but_for_what_is_pasted(self) -> None:
        row = denied("s3:GetObject", OBJECTS) | {"message": "<" * 5000}
        long = advice("s3:GetObject", text="t" * 5000, policy={"Statement": ["p" * 2900]}, command="c" * 2901)
        (message,) = self.published(response(403, row, advice=[long], principal=principal(role="r" * 64)))
        self.assertTrue(message["content"]["description"].endswith("&lt;…"), message["content"]["description"][-10:])
        text, policy, command = message["content"]["nextSteps"]
        self.assertEqual(text, "t" * 2999 + "…")
        self.assertEqual(policy, "The policy is too long for a message. The report has it: " + invoke(0))
        self.assertEqual(command, "The command is too long for a message. The report has it: " + invoke(0))

    def test_a_report_with_everything_wrong_fits(self) -> None:
        """Each of 60 actions on 4 resources is denied, and the advice has a policy for all of them."""
        actions = [f"sagemaker:Action{number}" for number in range(60)]
        rows = [denied(action, f"{TABLE}{number}") for action in actions for number in range(4)]
        run = Run(response(403, *rows, advice=[advice(*actions)]))
        self.assertEqual(len(run.messages), 60)

    def test_the_interpreter_holds_the_quota(self) -> None:
        with mock.patch.object(state_machine, "MOST_BYTES", 100), self.assertRaises(AssertionError):
            Run(ONE)


def invoke(number: int) -> str:
    return f"aws lambda invoke --function-name probe-{number} --region us-east-1 /dev/stdout"


class Events(TestCase):
    def entries(self, *responses: object) -> list:
        run = Run(*responses, topic="", events="true")
        for entries in run.entries:
            # EventBridge API Reference, "PutEvents": at most 10 entries; User Guide, "Sending events with PutEvents": 256 KB.
            self.assertEqual(len(entries), 1)
            self.assertLessEqual(len(json.dumps(entries).encode()), 256 * 1024)
            self.assertEqual((entries[0]["Source"], entries[0]["DetailType"]), ("permissions-probe", "Permissions check finished"))
            self.assertNotIn("EventBusName", entries[0], "the default bus")
        self.assertEqual([asked["Payload"] for asked in run.invoked], [{"probe": {"verbose": True}}] * len(responses))
        return [entry["Detail"] for entries in run.entries for entry in entries]

    def test_each_check_is_an_event(self) -> None:
        details = self.entries(response(200, verdict="allowed"), SEVERAL, NOT_VALID, "Lambda.TooManyRequestsException", SUCCESS)
        same = {"role": ROLE, "account": "123456789012", "requestId": "11de232d-a8f2-4549-9729-8c4d02472593"}
        nothing = {"deniedActions": [], "inconclusiveActions": []}
        self.assertEqual(details[0], same | nothing | {"functionArn": FUNCTION.format(0), "verdict": "allowed", "statusCode": 200})
        self.assertEqual(
            details[1],
            same
            | {
                "functionArn": FUNCTION.format(1),
                "verdict": "denied",
                "statusCode": 403,
                "headline": SEVERAL["report"]["headline"],
                "deniedActions": ["s3:GetObject", "dynamodb:PutItem"],
                "inconclusiveActions": ["s3:PutObject", "s3:ListAllMyBuckets", "dynamodb:Scan"],
            },
        )
        self.assertEqual((details[2]["statusCode"], details[2]["verdict"], "role" in details[2]), (500, "inconclusive", False))
        failed = {"functionArn": FUNCTION.format(3), "verdict": "inconclusive", "statusCode": 0, "error": "Lambda.TooManyRequestsException"}
        self.assertEqual(details[3], nothing | failed)
        self.assertEqual(details[4], nothing | {"functionArn": FUNCTION.format(4), "verdict": "allowed", "statusCode": 200})
