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


def given(name: str) -> dict:
    """A response that the function gave in a test (tests/snapshots), without what insta writes in front."""
    return json.loads((ROOT / "tests" / "snapshots" / f"response-{name}.snap").read_text().split("---\n", 2)[2])


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


def inconclusive(action: str, resource: str) -> dict:
    note = "No answer came within the time limit."
    return {"action": action, "resource": resource, "verdict": "inconclusive", "cause": "timedOut", "note": note}


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
        "note": "The action is allowed, but the resource does not exist in this Region and account.",
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

    def __init__(
        self, *responses: object, topic: str = TOPIC, events: str = "false", failing: str = "", redact: str = "false", arns: tuple = ()
    ) -> None:
        """A response is a payload of the function, or the name of the error with which the invocation fails."""
        arns = arns or [FUNCTION.format(number) for number in range(len(responses))]
        functions = dict(zip(arns, responses, strict=True))
        resources = deployed(CheckFunctionArns=",".join(functions), ChatTopicArn=topic, SendEvents=events)["Resources"]
        self.policies = resources["CheckAll"]["Properties"]["Policies"][0]["Statement"]
        definition = resources["CheckAll"]["Properties"]["Definition"]
        names = {"FunctionArns": ",".join(functions), "Partition": "aws", "ChatTopicArn": topic, "SendEvents": events}
        names |= {"RedactAccounts": redact}
        self.assert_substituted(resources["CheckAll"]["Properties"]["DefinitionSubstitutions"], names)
        self.invoked, self.messages, self.entries = [], [], []

        def invoke(arguments: dict) -> dict:
            self.invoked.append(arguments)
            answer = functions[arguments["FunctionName"]]
            if isinstance(answer, str):
                raise Failed(answer)
            return {"StatusCode": 200, "Payload": answer}

        def publish(arguments: dict) -> dict:
            if "publish" in failing:
                raise Failed("SNS.NotFoundException")
            assert arguments["TopicArn"] == topic
            self.messages.append(arguments["Message"])
            return {"MessageId": "1"}

        def put_events(arguments: dict) -> dict:
            if "put" in failing:
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
            "inconclusive": ["s3:PutObject"],
            "otherActions": ["s3:ListAllMyBuckets", "dynamodb:Scan"],
        }
        failed = {
            "functionArn": functions[3],
            "statusCode": 0,
            "denied": [],
            "inconclusive": [],
            "otherActions": [],
            "error": "Lambda.KMSAccessDeniedException",
        }
        one = {"functionArn": functions[1], "statusCode": 403, "denied": ["dynamodb:PutItem"], "inconclusive": [], "otherActions": []}
        self.assertEqual(run.output, {"checked": 4, "denied": [one, several], "inconclusive": [failed], "notSent": []})
        self.assertEqual([asked["FunctionName"] for asked in run.invoked], functions)

    def test_one_function_and_nothing_wrong(self) -> None:
        run = Run(SUCCESS)
        self.assertEqual(run.output, {"checked": 1, "denied": [], "inconclusive": [], "notSent": []})
        self.assertEqual((run.messages, run.entries), ([], []))
        self.assertEqual(run.invoked, [{"FunctionName": FUNCTION.format(0), "Payload": {}}])

    def test_a_function_with_a_warning_alone_is_inconclusive_as_its_verdict_is(self) -> None:
        run = Run(given("resourceMissing"), given("success"), topic="")
        actions = [f"dynamodb:{name}" for name in ("PutItem", "UpdateItem", "GetItem", "Scan", "Query")]
        entry = {"functionArn": FUNCTION.format(0), "statusCode": 503, "denied": [], "inconclusive": [], "otherActions": actions}
        self.assertEqual(run.output, {"checked": 2, "denied": [], "inconclusive": [entry], "notSent": []})

    def test_a_report_of_the_previous_version_is_an_error(self) -> None:
        old = {"statusCode": 403, "body": "{}", "report": {"schema": "permissions-probe/v1", "verdict": "denied", "actions": []}}
        later = response(200, schema="permissions-probe/v3")
        run = Run(old, later, events="true")
        errors = ["schema permissions-probe/v1; update the function", "schema permissions-probe/v3; update the state machine"]
        self.assertEqual([entry["error"] for entry in run.output["inconclusive"]], errors)
        titles = [message["content"]["title"] for message in run.notifications()]
        self.assertEqual(titles, [f"The check probe-{number} cannot be read: {error}" for number, error in enumerate(errors)])
        self.assertEqual([entries[0]["Detail"]["verdict"] for entries in run.entries], ["inconclusive"] * 2)

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
                error = {"publish": "SNS.NotFoundException", "put": "EventBridge.FailedEntry"}[failing]
                failed = [1] if failing == "publish" else [0, 1]
                expected = [{"functionArn": FUNCTION.format(number), "errors": [error]} for number in failed]
                self.assertEqual(run.output["notSent"], expected)
        both = Run(ONE, events="true", failing="publish put")
        self.assertEqual(both.output["notSent"][0]["errors"], ["SNS.NotFoundException", "EventBridge.FailedEntry"])

    def test_an_answer_that_is_no_response_is_an_error_of_its_function_alone(self) -> None:
        run = Run({"unexpected": True}, ONE)
        self.assertEqual(run.output["inconclusive"][0]["error"], "States.QueryEvaluationError")
        self.assertEqual(len(run.output["denied"]), 1)


class Chat(TestCase):
    def setUp(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    def published(self, *responses: object, **more: object) -> list:
        """The messages, each of which the schema takes and SNS as well (SNS API Reference, "Publish": 262,144 bytes)."""
        run = Run(*responses, **more)
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
        self.assertEqual(message["content"]["description"], f"`{TABLE}`: `{ONE['report']['wrong'][0]['message']}`")
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
                "dynamodb:Scan is allowed to lambda-ml-pipeline-role, with a warning",
            ],
        )
        get, put, put_item, listed, scan = messages
        self.assertEqual(get["metadata"]["relatedResources"], [OBJECTS, "arn:aws:s3:::another-bucket/*"])
        self.assertTrue(get["content"]["description"].startswith("A service control policy explicitly denies these actions.\n"))
        self.assertEqual(get["content"]["description"].count("\n"), 2, "the headline, and a line for each resource")
        self.assertEqual(put["content"]["description"].splitlines()[1], f"`{OBJECTS}`: No answer came within the time limit.")
        self.assertEqual(listed["content"]["description"].splitlines()[1], "`*`: AWS allows the action, and must deny it.")
        self.assertIn("the resource does not exist", scan["content"]["description"])
        self.assertEqual(scan["content"]["keywords"], ["permissions-probe", "allowed", "policyType", "resourceMissing"])
        self.assertEqual(put["content"]["nextSteps"], ["Invoke the check, and read its answer: " + invoke(0)])
        self.assertEqual(len(put_item["content"]["nextSteps"]), 5, "two pieces of advice name it")
        self.assertIn("policyType", put_item["content"]["keywords"])
        self.assertEqual(len({message["metadata"]["threadId"] for message in messages}), 5)

    def test_a_check_that_did_not_run_is_told_as_well(self) -> None:
        not_valid, failed, other = self.published(NOT_VALID, "Lambda.KMSAccessDeniedException", response(502))
        self.assertEqual(not_valid["content"]["title"], "The check probe-0 did not run. Not valid: PROBE_BUCKET, PROBE_TABLE_KEY")
        self.assertEqual(
            not_valid["content"]["description"].splitlines(),
            ["PROBE_BUCKET is `b/c`; expected: the name of an S3 bucket", "PROBE_TABLE_KEY; expected: a name and a type"],
        )
        self.assertEqual(failed["content"]["title"], "The check probe-1 did not run: Lambda.KMSAccessDeniedException")
        self.assertEqual(failed["content"]["description"], failed["content"]["title"])
        self.assertEqual(failed["content"]["nextSteps"], ["Invoke the check, and read its answer: " + invoke(1)])
        self.assertEqual(failed["metadata"]["threadId"], "123456789012/us-east-1/probe-1/check")
        self.assertEqual(other["metadata"]["threadId"], "123456789012/us-east-1/probe-2/check")
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

    def test_checks_of_two_accounts_that_did_not_run_are_two_threads(self) -> None:
        elsewhere = "arn:aws:lambda:us-east-1:210987654321:function:probe-0"
        other_region = "arn:aws:lambda:eu-west-1:123456789012:function:probe-0"
        arns = (FUNCTION.format(0), elsewhere, other_region, f"{elsewhere}:live")
        messages = self.published(*["Lambda.AccessDeniedException"] * 4, arns=arns)
        self.assertEqual(
            [message["metadata"]["threadId"] for message in messages],
            [
                "123456789012/us-east-1/probe-0/check",
                "210987654321/us-east-1/probe-0/check",
                "123456789012/eu-west-1/probe-0/check",
                "210987654321/us-east-1/probe-0:live/check",
            ],
        )
        context = messages[2]["metadata"]["additionalContext"]
        self.assertEqual((context["function"], context["region"], context["account"]), ("probe-0", "eu-west-1", "123456789012"))

    def test_a_function_is_not_called_a_role(self) -> None:
        """Without an answer of AWS STS, the report has no principal."""
        *_, last = messages = self.published(given("clockSkew"))
        self.assertEqual(messages[1]["content"]["title"], "s3:GetObject is inconclusive for the role that probe-0 checks")
        self.assertEqual(messages[1]["metadata"]["threadId"], "123456789012/us-east-1/probe-0/s3:GetObject")
        self.assertEqual(last["content"]["title"], "8 more actions are not as specified for the role that probe-0 checks")

    def test_the_command_asks_the_same_version(self) -> None:
        arns = tuple(f"{FUNCTION.format(0)}{qualifier}" for qualifier in ("", ":live", ":$LATEST"))
        steps = [message["content"]["nextSteps"][-1] for message in self.published(*["Lambda.AccessDeniedException"] * 3, arns=arns)]
        plain = "Invoke the check, and read its answer: " + invoke(0)
        self.assertEqual(steps, [plain, plain.replace(" /dev", " --qualifier live /dev"), plain])

    def test_what_is_masked_stays_masked(self) -> None:
        untold = json.loads(json.dumps(given("clockSkew")).replace("123456789012", "ACCOUNT-1"))
        for masked, redact in ((MASKED, "false"), (untold, "false"), (NOT_VALID, "true"), ("Lambda.AccessDeniedException", "true")):
            for message in Run(masked, redact=redact).messages:
                self.assertNotRegex(message, r"\d{12}(?!\d)", "an account id, which the report does not have")
        (masked,) = self.published(MASKED)
        self.assertEqual(masked["metadata"]["threadId"], f"us-east-1/probe-0/{ROLE}/dynamodb:PutItem")
        (failed,) = self.published("Lambda.AccessDeniedException", redact="true")
        self.assertEqual(failed["metadata"]["threadId"], "us-east-1/probe-0/check")

    def test_every_response_that_the_function_gives_is_told(self) -> None:
        for file in sorted((ROOT / "tests" / "snapshots").glob("response-*.snap")):
            name = file.stem.removeprefix("response-")
            with self.subTest(name):
                messages, answer = self.published(given(name)), given(name)
                actions = list(dict.fromkeys(row["action"] for row in answer["report"]["wrong"]))
                self.assertEqual(len(messages), min(len(actions), 10) if answer["statusCode"] != 200 else 0)
                for message in messages:
                    lines = message["content"]["description"].splitlines()
                    self.assertNotRegex(lines[-1], r": \w+$", "a cause is no sentence")
                    without_code = re.sub(r"```.*?```|`[^`]*`", "", json.dumps(message["content"]))
                    self.assertNotRegex(without_code, r"[*`]", "half of a code span, or markup")

    def test_one_cause_does_not_flood_the_channel(self) -> None:
        """Under a wrong role, all of its sixteen actions are denied."""
        *each, last = self.published(given("wrongRole"))
        actions = [row["action"] for row in given("wrongRole")["report"]["wrong"]]
        self.assertEqual(
            [message["content"]["title"] for message in each], [f"{action} is denied to another-role" for action in actions[:9]]
        )
        self.assertEqual(last["content"]["title"], "7 more actions are not as specified for another-role")
        self.assertEqual(last["content"]["description"].splitlines()[1], "Not as specified: " + ", ".join(actions[9:]))
        self.assertEqual(last["metadata"]["threadId"], "123456789012/another-role/more")
        self.assertEqual(last["content"]["nextSteps"][-1], "The report has more: " + invoke(0))
        general = given("wrongRole")["report"]["advice"][0]
        self.assertEqual(general["actions"], [])
        for message in (*each, last):
            self.assertEqual(message["content"]["nextSteps"][0], general["text"], "it is about every action")
        self.assertEqual(len(self.published(response(403, *[denied(f"s3:Action{number}", "*") for number in range(10)]))), 10)

    def test_stars_and_backticks_are_shown_as_they_are(self) -> None:
        row = denied("s3:GetObject", "arn:aws:s3:::*/`a`*") | {"message": "not a `word` of *this*"}
        text = "Allow arn:aws:s3:::a/* and arn:aws:s3:::b/*."
        (message,) = self.published(response(403, row, advice=[advice("s3:GetObject", text=text)]))
        self.assertEqual(message["content"]["description"], "`arn:aws:s3:::*/'a'*`: `not a 'word' of *this*`")
        self.assertEqual(message["content"]["nextSteps"], ["Allow `arn:aws:s3:::a/*` and `arn:aws:s3:::b/*.`"])

    def test_advice_is_whole_or_left_out(self) -> None:
        several = [advice("s3:GetObject") | {"text": f"Advice {number}."} for number in range(6)]
        (message,) = self.published(response(403, denied("s3:GetObject", OBJECTS), advice=several))
        *steps, last = message["content"]["nextSteps"]
        self.assertEqual([re.match(r"Advice \d|Policy|Command", step)[0] for step in steps[-3:]], ["Advice 2", "Policy", "Command"])
        self.assertEqual((len(steps), last), (9, "The report has more: " + invoke(0)))
        (message,) = self.published(response(403, denied("s3:GetObject", OBJECTS), advice=several[:3]))
        self.assertEqual(len(message["content"]["nextSteps"]), 9)

    def test_many_resources_are_whole_lines(self) -> None:
        rows = [denied("s3:GetObject", f"arn:aws:s3:::bucket-{number}/*") | {"message": "m" * 900} for number in range(20)]
        (message,) = self.published(response(403, *rows))
        *lines, last = message["content"]["description"].splitlines()
        self.assertEqual((len(lines), last), (2, "The report has more: " + invoke(0)))
        for line in lines:
            self.assertRegex(line, r"^`[^`]+`: `m{900}`$")

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
        self.assertTrue(message["content"]["description"].endswith("&lt;…`"), message["content"]["description"][-10:])
        text, policy, command = message["content"]["nextSteps"]
        self.assertEqual(text, "t" * 2999 + "…")
        self.assertEqual(policy, "The policy does not fit in a message. The report has it: " + invoke(0))
        self.assertEqual(command, "The command does not fit in a message. The report has it: " + invoke(0))

    def test_a_report_with_everything_wrong_fits(self) -> None:
        """Each of 60 actions on 4 resources is denied, and the advice has a policy for all of them."""
        actions = [f"sagemaker:Action{number}" for number in range(60)]
        rows = [denied(action, f"{TABLE}{number}") for action in actions for number in range(4)]
        run = Run(response(403, *rows, advice=[advice(*actions)]))
        self.assertEqual(len(run.messages), 10)
        self.assertIn("51 more actions", run.notifications()[-1]["content"]["title"])

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
        nothing = {"deniedActions": [], "inconclusiveActions": [], "otherActions": []}
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
                "inconclusiveActions": ["s3:PutObject"],
                "otherActions": ["s3:ListAllMyBuckets", "dynamodb:Scan"],
            },
        )
        self.assertEqual((details[2]["statusCode"], details[2]["verdict"], "role" in details[2]), (500, "inconclusive", False))
        failed = {"functionArn": FUNCTION.format(3), "verdict": "inconclusive", "statusCode": 0, "error": "Lambda.TooManyRequestsException"}
        self.assertEqual(details[3], nothing | failed)
        self.assertEqual(details[4], nothing | {"functionArn": FUNCTION.format(4), "verdict": "allowed", "statusCode": 200})
