"""The template's alarms, held to how CloudWatch treats missing data, and then played through.

CloudWatch looks back further than an alarm's periods: over its evaluation range, of which AWS does not say how long it is.
So what is claimed here is claimed for every length. The rule is that of the CloudWatch User Guide, "Configuring how
CloudWatch alarms treat missing data", and is held to every row of the tables there.
"""

import json
import re
import shlex
from unittest import TestCase

import botocore.session
from botocore import xform_name

from support import ROOT, deployed, filled, page, section, template

OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
KEEP = "Retain current state"
# Two periods longer than the longest alarm looks at, and much longer.
RANGES = range(2, 13)
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def evaluate(points: str, needed: int, periods: int, treatment: str) -> str:
    """The state that follows from the points of an evaluation range, the latest at the end: `0` holds, `X` breaches, `-` is missing.

    The alarm is on `needed` points to alarm out of `periods`.
    """
    real = points.replace("-", "")
    if len(real) >= periods:
        return ALARM if real[-periods:].count("X") >= needed else OK
    breaching = real.count("X")
    if treatment == "breaching":
        return ALARM if breaching + periods - len(real) >= needed else OK
    if treatment == "notBreaching" or breaching >= needed:
        return ALARM if breaching >= needed else OK
    if "0" in real:
        return OK
    # "Avoiding premature transitions to alarm state": what breaches, with nothing else after it, is old enough to be believed.
    if treatment == "missing" and real and len(points) - points.index("X") >= needed:
        return ALARM
    return INSUFFICIENT if treatment == "missing" else KEEP


# A phrase of the alarms' descriptions for each policy type, cause and warning that a report can have.
POLICY_TYPES = {
    "identity-based": "identity-based policy",
    "resource-based": "resource-based policy",
    "permissions-boundary": "permissions boundary",
    "session": "session policy",
    "service-control": "SCP",
    "resource-control": "RCP",
    "vpc-endpoint": "VPC endpoint policy",
    "role-trust": "role trust policy",
}
CAUSES = {
    "credentials": "credentials",
    "clockSkew": "clock",
    "throttled": "throttling",
    "network": "network",
    "timedOut": "timeout",
    "wrongRegion": "in another Region",
    "resourceMissing": "that is missing",
    "requestRefused": "a request refused",
    "notSent": "not sent",
    "serviceFault": "a fault of AWS",
    "accountNotReady": "one that is not ready",
    "kmsKey": "KMS key",
    "notConfigured": "a value not configured",
    "otherAccount": "another account",
    "leftover": "leftover",
    "setting": "a bucket setting",
    "notAssumed": "a role that is not assumed",
    "otherActionDenied": "another action denied first",
    "ambiguous": "without the denied action's name",
    "notFromAws": "of a proxy",
    "controlFailed": "a failed control",
    "unrecognized": "an answer that is unknown",
    "probeBroken": "a broken probe",
}
WARNINGS = {
    "resourceMissing": "that is missing",
    "sideEffect": "a side effect",
    "roleTrust": "not trusted",
    "functionConfiguration": "on a function",
    "wrongRoleOnFunction": "wrong on a function",
}
# Nothing was tried then, and such a run writes no metric.
WITHOUT_METRICS = {"notRun"}


class MissingData(TestCase):
    """CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": both tables, with an evaluation range of 5."""

    def hold(self, needed: int, table: str) -> None:
        for row in table.strip().splitlines():
            points, filled, *states = (cell.strip() for cell in row.strip(" |").split("|"))
            points = points.replace(" ", "")
            with self.subTest(points):
                self.assertEqual(max(0, 3 - len(points.replace("-", ""))), int(filled))
                self.assertEqual([evaluate(points, needed, 3, treatment) for treatment in TREATMENTS], states)

    def test_three_out_of_three(self) -> None:
        self.hold(
            3,
            """
            | 0 - X - X | 0 | OK                | OK                   | OK    | OK    |
            | 0 - - - - | 2 | OK                | OK                   | OK    | OK    |
            | - - - - - | 3 | INSUFFICIENT_DATA | Retain current state | ALARM | OK    |
            | 0 X X - X | 0 | ALARM             | ALARM                | ALARM | ALARM |
            | - - X - - | 2 | ALARM             | Retain current state | ALARM | OK    |
            """,
        )

    def test_two_out_of_three(self) -> None:
        self.hold(
            2,
            """
            | 0 - X - X | 0 | ALARM | ALARM                | ALARM | ALARM |
            | 0 0 X 0 X | 0 | ALARM | ALARM                | ALARM | ALARM |
            | 0 - X - - | 1 | OK    | OK                   | ALARM | OK    |
            | - - - - 0 | 2 | OK    | OK                   | ALARM | OK    |
            | - - - X - | 2 | ALARM | Retain current state | ALARM | OK    |
            """,
        )

    def test_no_premature_alarm(self) -> None:
        """The same page: with 3 out of 3, neither of these goes into ALARM at once where missing data is missing."""
        for points in ("----X", "---X-"):
            self.assertNotEqual(evaluate(points, 3, 3, "missing"), ALARM, points)


class Alarm:
    """An alarm of the template, by its own settings, with the parameters at their defaults or as given."""

    def __init__(self, name: str, **parameters: str) -> None:
        document = template()
        properties = document["Resources"][name]["Properties"]

        def value(node: object) -> object:
            if isinstance(node, dict):
                return parameters.get(node["Ref"], document["Parameters"][node["Ref"]]["Default"])
            return node

        self.treatment = properties["TreatMissingData"]
        self.periods = int(value(properties["EvaluationPeriods"]))
        self.needed = int(value(properties.get("DatapointsToAlarm", self.periods)))
        self.below = properties["ComparisonOperator"] == "LessThanThreshold"
        assert self.below or properties["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        self.threshold = properties["Threshold"]
        # Of a math expression, only the filling of a metric with 0 is known here.
        self.statistic, self.metric, self.period, self.filled = self.source(properties)
        self.period = int(value(self.period))

    @staticmethod
    def source(properties: dict) -> tuple:
        if "Metrics" not in properties:
            return properties["Statistic"], properties["MetricName"], properties["Period"], False
        (asked,) = [query for query in properties["Metrics"] if "MetricStat" in query]
        (result,) = [query for query in properties["Metrics"] if query.get("ReturnData", True)]
        assert result["Expression"] == f"FILL({asked['Id']}, 0)", result
        return asked["MetricStat"]["Stat"], asked["MetricStat"]["Metric"]["MetricName"], asked["MetricStat"]["Period"], True

    def point(self, value: float | None) -> str:
        """`value` is the statistic of one period, and nothing where no run reported in it."""
        if value is None and self.filled:
            value = 0
        if value is None:
            return "-"
        return "X" if (value < self.threshold) == self.below else "0"

    def play(self, values: list, length: int, state: str = OK) -> list:
        """The states after each of the values, one a period, with the evaluation range that long. What lies before is like the first."""
        states = []
        for at in range(len(values)):
            shown = ([values[0]] * length + values[: at + 1])[-length:]
            found = evaluate("".join(map(self.point, shown)), self.needed, self.periods, self.treatment)
            state = state if found == KEEP else found
            states.append(state)
        return states


class MissingRuns(TestCase):
    def test_it_goes_off_after_exactly_two_periods_without_a_run(self) -> None:
        for length in RANGES:
            with self.subTest(evaluation_range=length):
                states = Alarm("MissingAlarm").play([1, 1, None, None, None, None, 1, 1], length)
                self.assertEqual(states, [OK, OK, OK, ALARM, ALARM, ALARM, OK, OK])

    def test_it_counts_runs(self) -> None:
        alarm = Alarm("MissingAlarm")
        self.assertEqual((alarm.statistic, alarm.metric), ("SampleCount", "DurationMs"))
        self.assertEqual([alarm.point(count) for count in (None, 1, 2, 60)], ["X", "0", "0", "0"])

    def test_by_the_minute(self) -> None:
        """Hourly runs never set the alarm off, and when they end, it goes off two periods after the last of them.

        Alarms are evaluated every minute, on windows that slide, and a metric arrives late.
        """
        alarm = Alarm("MissingAlarm")
        period, last = alarm.period // 60, 12
        for length in RANGES:
            for late in (0, 1, 5, 30):
                # Scheduler runs within the minute after the hour: this one at the minute, and the next at the end of it.
                runs = [60 * hour + hour % 2 for hour in range(last + 1)]
                states = {}
                for now in range(length * period + 60, runs[-1] + 5 * period):
                    counts = [
                        sum(now - (at + 1) * period < run <= now - at * period and run + late <= now for run in runs)
                        for at in range(length)
                    ]
                    points = "".join(alarm.point(count or None) for count in reversed(counts))
                    states[now] = evaluate(points, alarm.needed, alarm.periods, alarm.treatment)
                with self.subTest(evaluation_range=length, minutes_late=late):
                    off = min((now for now, state in states.items() if state == ALARM), default=None)
                    self.assertEqual(off, runs[-1] + 2 * period)


class Verdicts(TestCase):
    def test_one_denial_notifies_once_and_lasts_until_the_next_run(self) -> None:
        for length in RANGES:
            with self.subTest(evaluation_range=length):
                states = Alarm("DeniedAlarm").play([0, 1, None, None, None, 1, None, 0, None], length)
                self.assertEqual(states, [OK] + [ALARM] * 6 + [OK, OK])

    def test_inconclusive_runs_notify_when_two_of_three_are(self) -> None:
        for length in range(3, 13):
            with self.subTest(evaluation_range=length):
                alarm = Alarm("InconclusiveAlarm")
                self.assertEqual(alarm.play([0, 1, 0, 0, 0], length), [OK] * 5, "one slow answer notifies nobody")
                self.assertEqual(alarm.play([0, 1, 0, 1, 0, 0], length), [OK, OK, OK, ALARM, OK, OK])
                self.assertEqual(alarm.play([0, 1, 1, None, None, 0, 0], length)[2:5], [ALARM] * 3, "it keeps its state until the next run")

    def test_the_parameters_say_how_many(self) -> None:
        alarm = Alarm("InconclusiveAlarm", InconclusivePeriods="1", InconclusiveOf="1")
        self.assertEqual((alarm.needed, alarm.periods), (1, 1))
        self.assertEqual(alarm.play([0, 1, 0], 4), [OK, ALARM, OK])


class ByAction(TestCase):
    """The alarm with a contributor for each action, which exists only while the query returns data of it."""

    RESOURCES = {"AlarmByAction": "true", "Metrics": "actions"}

    def setUp(self) -> None:
        self.alarm = deployed(**self.RESOURCES)["Resources"]["DeniedActionAlarm"]["Properties"]
        (self.query,) = self.alarm["Metrics"]

    def test_the_query_asks_for_the_actions_of_this_function(self) -> None:
        """CloudWatch User Guide, "Metrics Insights query components and syntax"; an alarm needs GROUP BY and ORDER BY."""
        names = {"MetricsNamespace": "Team/Probe", "FunctionName": "probe"}
        self.assertEqual(
            filled(self.query["Expression"], names),
            'SELECT MAX(ActionDenied) FROM SCHEMA("Team/Probe", FunctionName, "Action") '
            "WHERE FunctionName = 'probe' GROUP BY \"Action\" ORDER BY MAX() DESC",
        )

    def test_it_is_created_only_when_asked_for(self) -> None:
        self.assertNotIn("DeniedActionAlarm", deployed(Metrics="actions")["Resources"])
        self.assertNotIn("DeniedActionAlarm", deployed(**self.RESOURCES, Alarms="false")["Resources"])

    def test_a_denial_that_lasts_keeps_its_contributor(self) -> None:
        """Hourly runs as in test_by_the_minute: the action is denied until hour 6, and allowed from then on."""
        period, needed, periods = 60, self.alarm["DatapointsToAlarm"], self.alarm["EvaluationPeriods"]
        runs = {60 * hour + hour % 2: hour < 6 for hour in range(13)}
        for length in range(periods, 8):
            states = {}
            for now in range(length * period + 60, 12 * 60):
                points = ""
                for at in reversed(range(length)):
                    denied = [denied for run, denied in runs.items() if now - (at + 1) * period < run <= now - at * period]
                    points += "-" if not denied else "X" if any(denied) else "0"
                # Without data in the periods that the alarm is on, the query returns no such series.
                self.assertTrue(points[-periods:].replace("-", ""), now)
                states[now] = evaluate(points, needed, periods, self.alarm["TreatMissingData"])
            with self.subTest(evaluation_range=length):
                recovered = min((now for now, state in states.items() if state == OK), default=12 * 60)
                if min(states) < 6 * 60:
                    self.assertTrue(all(state == ALARM for now, state in states.items() if now < 6 * 60))
                    self.assertLessEqual(recovered, 6 * 60 + 2 * period, "it is OK within two periods of the run that found it allowed")

    def states(self, values: list) -> list:
        """The contributor's state after each of these values, one a period, and None where it does not exist."""
        found, state = [], None
        for at in range(len(values)):
            shown = "".join("-" if value is None else "X" if value else "0" for value in values[max(0, at - 1) : at + 1])
            if not shown.replace("-", ""):
                # Without data in both periods, the query returns no series of the action.
                state = None
            else:
                evaluated = evaluate(
                    shown, self.alarm["DatapointsToAlarm"], self.alarm["EvaluationPeriods"], self.alarm["TreatMissingData"]
                )
                state = state if evaluated == KEEP else evaluated
            found.append(state)
        return found

    def test_an_inconclusive_run_does_not_turn_it_off(self) -> None:
        """Such a run writes no value of the action. A zero would end the alarm one period later, while the denial lasts."""
        self.assertEqual(self.states([0, 1, None, 1, 1, 0, 0]), [OK, ALARM, ALARM, ALARM, ALARM, ALARM, OK])
        self.assertEqual(self.states([0, 1, 0, 0]), [OK, ALARM, ALARM, OK])

    def test_after_two_periods_without_a_value_the_contributor_is_gone(self) -> None:
        self.assertEqual(self.states([0, 1, None, None, None, 1]), [OK, ALARM, ALARM, None, None, ALARM])
        text = section(page("guides/schedule-and-alarms"), "Alarms")
        (row,) = [line for line in text.splitlines() if line.startswith("| `…-denied-action` | in 1")]
        self.assertIn("no state of an action after two periods", row)


class Descriptions(TestCase):
    """What CloudWatch shows beside the alarm and sends in its e-mails."""

    # The AWS CLI's own command, which is no operation of the API (AWS CLI Command Reference, "aws logs tail").
    LOGS_TAIL = {"--region", "--since", "--filter-pattern", "--format", "--follow", "--log-stream-names"}
    # Options of every command (AWS CLI Command Reference, "aws").
    EVERYWHERE = {"--region", "--query", "--output", "--cli-binary-format"}

    def descriptions(self) -> dict:
        """Each alarm's description, where the names are as long as they can be."""
        resolved = deployed(AlarmByAction="true", Metrics="actions")["Resources"]
        names = {"FunctionName": "f" * 64, "LogGroup": "/aws/lambda/" + "f" * 64, "AWS::Region": "ap-southeast-7", "Schedule": "s" * 64}
        return {
            name: filled(resource["Properties"]["AlarmDescription"], names)
            for name, resource in resolved.items()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        }

    def test_every_description_fits_with_the_longest_names(self) -> None:
        """CloudWatch API Reference, PutMetricAlarm: AlarmDescription has at most 1,024 characters."""
        found = self.descriptions()
        self.assertEqual(set(found), {"DeniedAlarm", "DeniedActionAlarm", "InconclusiveAlarm", "MissingAlarm"})
        for name, text in found.items():
            self.assertLessEqual(len(text), 1024, name)

    def commands(self) -> list:
        """Each command with where it is: the descriptions, and the page that they name."""
        texts = self.descriptions() | {"page": section(page("guides/schedule-and-alarms"), "When an alarm goes off")}
        found = []
        for name, text in texts.items():
            commands = re.findall(r"aws (?:logs|lambda|iam|scheduler) [a-z-]+ [^\n`,;]*", text)
            self.assertTrue(commands, name)
            # Arguments are words and quoted texts; what a sentence has behind them is no argument.
            found += [(name, command.rstrip(" .")) for command in commands]
        return found

    def test_a_command_names_its_region(self) -> None:
        """Functions of the same stack in two Regions have the same name. IAM has no Region."""
        for name, command in self.commands():
            self.assertEqual(" --region " in command, not command.startswith("aws iam "), f"{name}: {command}")

    def test_looking_ends_no_alarm(self) -> None:
        """What counts as a run: with the option actions, a run writes no DurationMs."""
        invocations = [command for name, command in self.commands() if "aws lambda invoke" in command and name in ("MissingAlarm", "page")]
        self.assertEqual(len(invocations), 2)
        for command in invocations:
            words = shlex.split(command)
            self.assertEqual(json.loads(words[words.index("--payload") + 1]), {"probe": {"actions": ["s3:*"]}})
            self.assertIn("--cli-binary-format raw-in-base64-out", command)

    def test_the_log_is_read_as_far_back_as_the_alarm_looks(self) -> None:
        longest = max(template()["Parameters"]["AlarmPeriodSeconds"]["AllowedValues"])
        periods = {"InconclusiveAlarm": template()["Parameters"]["InconclusiveOf"]["MaxValue"]}
        for name, text in self.descriptions().items():
            for days in re.findall(r"--since (\d+)d", text):
                self.assertGreaterEqual(int(days) * 86400, periods.get(name, 2) * longest, name)

    def test_every_policy_type_and_cause_is_among_the_possible_ones(self) -> None:
        row = json.loads((ROOT / "docs" / "reference" / "report.schema.json").read_text())
        listed = {}

        def look(node: object) -> None:
            for key, value in node.items() if isinstance(node, dict) else ():
                if key in ("policyType", "warning", "cause") and isinstance(value, dict) and "enum" in value:
                    listed.setdefault(key, []).append(set(value["enum"]))
                look(value)
            for value in node if isinstance(node, list) else ():
                look(value)

        look(row)
        found = self.descriptions()
        table = section(page("reference/verdicts"), "Causes of inconclusive")
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) - {"cause"}, set(CAUSES) | WITHOUT_METRICS)
        self.assertIn(set(POLICY_TYPES), listed["policyType"])
        self.assertIn(set(WARNINGS), listed["warning"])
        (denied,) = [line for line in page("guides/schedule-and-alarms").splitlines() if line.startswith("| `…-denied`, ")]
        for phrase in (*POLICY_TYPES.values(), "explicitly denies", "runs under", "setting of the bucket"):
            self.assertIn(phrase, found["DeniedAlarm"])
            self.assertIn(phrase, denied)
        for phrase in (*CAUSES.values(), *WARNINGS.values(), "an allowed action that must be denied"):
            self.assertIn(phrase, found["InconclusiveAlarm"])
        for name in ("DeniedAlarm", "InconclusiveAlarm"):
            self.assertIn(" Possible causes: ", found[name])

    def test_no_command_replaces_a_trust_policy(self) -> None:
        text = section(page("guides/schedule-and-alarms"), "When an alarm goes off")
        for command in (command for _, command in self.commands()):
            self.assertNotIn("update-assume-role-policy", command)
        statement = re.search(r"```json\n\s+(\{.*\})\n", text)[1]
        role = deployed()["Resources"]["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]
        self.assertEqual([json.loads(statement)], role["Statement"])

    def test_an_update_is_waited_for(self) -> None:
        commands = [command for name, command in self.commands() if name == "page"]
        updates = [at for at, command in enumerate(commands) if "update-function-configuration" in command]
        self.assertEqual(len(updates), 2)
        for at in updates:
            self.assertIn("aws lambda wait function-updated ", commands[at + 1])

    def test_the_description_names_a_page_that_exists(self) -> None:
        (named,) = re.findall(r"docs/[\w/.-]+\.md", self.descriptions()["MissingAlarm"])
        self.assertTrue((ROOT / named).is_file())

    def test_every_command_is_one_of_the_aws_cli(self) -> None:
        model = botocore.session.get_session()
        for name, command in self.commands():
            service, operation, *words = shlex.split(command)[1:]
            options = {word for word in words if word.startswith("--")} - self.EVERYWHERE
            with self.subTest(name, command=command):
                if (service, operation) == ("logs", "tail"):
                    self.assertLessEqual(options, self.LOGS_TAIL)
                    continue
                client = model.create_client(service, region_name="us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
                if operation == "wait":
                    operation = xform_name(
                        model.get_waiter_model(service).get_waiter("".join(part.capitalize() for part in words[0].split("-"))).operation,
                        "-",
                    )
                api = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation.replace("-", "_")])
                known = {f"--{xform_name(member, '-')}" for member in api.input_shape.members}
                self.assertLessEqual(options, known)

    def test_every_kind_of_line_is_one_that_is_logged(self) -> None:
        kinds = json.loads((ROOT / "tests" / "data" / "log-kinds.json").read_text())
        for name, text in self.descriptions().items():
            asked = re.findall(r'\$\.kind = "(\w+)"', text) + re.findall(r'with "(\w+)" instead', text)
            self.assertLessEqual(set(asked), set(kinds), name)
            self.assertEqual(bool(asked), name != "MissingAlarm", name)
