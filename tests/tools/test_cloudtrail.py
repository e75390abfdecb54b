"""The documentation's filters for CloudTrail, held to events: they leave out what the function itself is denied, and nothing else.

The filters are taken from docs/operations/cloudtrail.md as they stand there. The pattern of EventBridge is matched by
moto, the condition of Athena by DuckDB, on a table with the columns of the Athena User Guide, "Query AWS CloudTrail
logs". No kept matcher knows the whole syntax of metric filters, so a small one here knows what the filter uses, and is
held to AWS's own examples.
"""

import json
import re
import tempfile
from unittest import TestCase

from moto.events.models import EventPattern

from support import fenced, page

ACCOUNT = "123456789012"
OTHER = "210987654321"
AGENT = "aws-sdk-rust/1.3.8 os/linux lang/rust/1.90.0 app/permissions-probe"
ROLE, FUNCTION = "lambda-ml-pipeline-role", "permissions-probe"


def session(role: str = ROLE, name: str = FUNCTION, account: str = ACCOUNT) -> dict:
    """A role's session (CloudTrail User Guide, "CloudTrail userIdentity element")."""
    issuer = {"type": "Role", "principalId": "AROAEXAMPLE", "arn": f"arn:aws:iam::{account}:role/{role}"}
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "sessionContext": {
            "sessionIssuer": {**issuer, "accountId": account, "userName": role},
            "attributes": {"mfaAuthenticated": "false", "creationDate": "2026-01-01T00:00:00Z"},
        },
    }


def without(identity: dict, *names: str) -> dict:
    return {name: value for name, value in identity.items() if name not in names}


def record(identity: dict | None, code: str | None = "AccessDenied", agent: str | None = AGENT) -> dict:
    event = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": "2026-01-01T00:00:00Z",
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": "DescribeTrainingJob",
        "awsRegion": "us-east-1",
        "userAgent": agent,
        "errorCode": code,
    }
    return {name: value for name, value in event.items() if value is not None}


ROOT_USER = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}
USER = {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::{ACCOUNT}:user/{FUNCTION}", "accountId": ACCOUNT}
SERVICE = {"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"}
# What the owner of a resource sees of a caller from elsewhere: no ARN, only who it is there and where.
FROM_ELSEWHERE = {"type": "AWSAccount", "principalId": f"AROAEXAMPLE:{FUNCTION}", "accountId": OTHER}

# Whether somebody should hear of each.
EVENTS = {
    "the function, denied": (False, record(session())),
    "the function, denied by a service that says it at length": (False, record(session(), "AccessDeniedException")),
    "the function, denied by EC2's code": (False, record(session(), "Client.UnauthorizedOperation")),
    "the function, under another user agent": (False, record(session(), agent="anything")),
    "the function, not denied": (False, record(session(), None)),
    "somebody else, not denied": (False, record(session("admin", "eve"), None)),
    "somebody else, throttled": (False, record(session("admin", "eve"), "ThrottlingException")),
    "another role, with the function's session name and user agent": (True, record(session("admin"))),
    "another function under the role": (True, record(session(name="train"))),
    "a session whose name begins with the function's": (True, record(session(name=f"{FUNCTION}-2"))),
    "a role whose name ends with the function's role's": (True, record(session(f"x{ROLE}"))),
    "a role and a session of the same names in another account": (True, record(session(account=OTHER))),
    "somebody, denied at length": (True, record(session("admin", "eve"), "AccessDeniedException")),
    "somebody, denied by EC2": (True, record(session("admin", "eve"), "Client.UnauthorizedOperation")),
    "a caller of another account, without an ARN": (True, record(FROM_ELSEWHERE)),
    "the same without a user agent": (True, record(FROM_ELSEWHERE, agent=None)),
    "the root user": (True, record(ROOT_USER)),
    "an AWS service": (True, record(SERVICE)),
    "a user without a session, named after the function": (True, record(USER)),
    "a session of which CloudTrail tells no context": (True, record(without(session("admin"), "sessionContext"))),
    "the same without its ARN": (True, record(without(session("admin"), "sessionContext", "arn"))),
    "nobody": (True, record(None)),
}


class Filters(TestCase):
    def setUp(self) -> None:
        self.section = page("operations/cloudtrail")

    def hold(self, matches) -> None:
        for name, (expected, event) in EVENTS.items():
            with self.subTest(name):
                self.assertEqual(matches(event), expected)

    def test_eventbridge(self) -> None:
        (pattern,) = [block for block in fenced(self.section, "json") if "detail-type" in block]
        matcher = EventPattern.load(pattern)
        envelope = {"source": "aws.sagemaker", "detail-type": "AWS API Call via CloudTrail"}
        self.hold(lambda event: matcher.matches_event({**envelope, "detail": event}))

    def test_metric_filter(self) -> None:
        (pattern,) = fenced(self.section, "text")
        # AWS does not say whether a property that is missing differs from a text. The filter must not depend on it.
        for missing_differs in (False, True):
            with self.subTest(missing_differs=missing_differs):
                self.hold(lambda event, differs=missing_differs: matches(pattern, event, differs))

    def test_athena(self) -> None:
        (condition,) = fenced(self.section, "sql")
        found = select(condition, {name: event for name, (_, event) in EVENTS.items()})
        self.hold(lambda event: any(event == EVENTS[name][1] for name in found))

    def test_all_name_one_session_and_no_wildcard_in_it(self) -> None:
        named = set(re.findall(r"arn:aws:[^\s\"']+", "\n".join(fenced(self.section, "(?:json|text|sql)"))))
        own = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/{FUNCTION}"
        self.assertEqual({arn for arn in named if ":assumed-role/" in arn}, {own})


# --- Athena -----------------------------------------------------------------------

# Athena User Guide, "Query AWS CloudTrail logs". Its reader takes the names of JSON without their case.
COLUMNS = {
    "useridentity": """STRUCT(
        type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, invokedby VARCHAR, accesskeyid VARCHAR, username VARCHAR,
        sessioncontext STRUCT(
            attributes STRUCT(mfaauthenticated VARCHAR, creationdate VARCHAR),
            sessionissuer STRUCT(type VARCHAR, principalid VARCHAR, arn VARCHAR, accountid VARCHAR, username VARCHAR)
        )
    )""",
    **dict.fromkeys(("eventversion", "eventtime", "eventsource", "eventname", "awsregion", "useragent", "errorcode"), "VARCHAR"),
}


def lowered(node: object) -> object:
    return {name.lower(): lowered(value) for name, value in node.items()} if isinstance(node, dict) else node


def select(condition: str, events: dict) -> set:
    """The names of the events that a query with this WHERE gives."""
    import duckdb

    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in {"name": "VARCHAR", **COLUMNS}.items())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as lines:
        for name, event in events.items():
            lines.write(json.dumps({"name": name, **lowered(event)}) + "\n")
        lines.flush()
        table = f"read_json('{lines.name}', format = 'newline_delimited', columns = {{{columns}}})"
        return {name for (name,) in duckdb.connect().execute(f"SELECT name FROM {table} {condition}").fetchall()}


# --- Metric filters ----------------------------------------------------------------

TOKEN = re.compile(r"""\s*(?:(?P<sign>&&|\|\||!=|[=(){}])|(?P<selector>\$[\w.\-\[\]]+)|(?P<text>"[^"]*"|[\w.*:/\-]+))""")
MISSING = object()


def matches(pattern: str, event: dict, missing_differs: bool = False) -> bool:
    """Whether a metric filter matches (CloudWatch Logs User Guide, "Filter and pattern syntax").

    It knows =, != and NOT EXISTS of texts, parentheses, && before ||, and the wildcard at the ends of a text, where alone
    it is one. `missing_differs` is what != says of a property that is not there.
    """
    tokens = [(match.lastgroup, match[match.lastgroup]) for match in TOKEN.finditer(pattern)]
    assert "".join(text for _, text in tokens) == re.sub(r"\s+", "", pattern), f"cannot be read: {pattern}"
    assert tokens[0][1] == "{" and tokens[-1][1] == "}", pattern
    tokens = tokens[1:-1]

    def either() -> bool:
        found = [both()]
        while tokens and tokens[0][1] == "||":
            tokens.pop(0)
            found.append(both())
        return any(found)

    def both() -> bool:
        found = [one()]
        while tokens and tokens[0][1] == "&&":
            tokens.pop(0)
            found.append(one())
        return all(found)

    def one() -> bool:
        kind, text = tokens.pop(0)
        if text == "(":
            found = either()
            assert tokens.pop(0)[1] == ")", pattern
            return found
        assert kind == "selector", f"{text} is no selector in {pattern}"
        value = property_of(event, text)
        sign = tokens.pop(0)[1]
        if sign == "NOT":
            assert tokens.pop(0)[1] == "EXISTS", pattern
            return value is MISSING
        wanted = tokens.pop(0)[1].strip('"')
        assert sign in ("=", "!="), pattern
        if value is MISSING:
            return sign == "!=" and missing_differs
        # It has to be a value: of an array or an object, neither holds.
        if isinstance(value, (dict, list)):
            return False
        begins, ends = wanted.startswith("*"), len(wanted) > 1 and wanted.endswith("*")
        middle = re.escape(wanted[begins : len(wanted) - ends])
        same = re.fullmatch(f"{'.*' if begins else ''}{middle}{'.*' if ends else ''}", str(value), re.DOTALL) is not None
        return same == (sign == "=")

    found = either()
    assert not tokens, f"{tokens} is left of {pattern}"
    return found


def property_of(event: dict, selector: str) -> object:
    node = event
    for name, index in re.findall(r"\.([\w\-]+)|\[(\d+)\]", selector):
        try:
            node = node[int(index) if index else name]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return node


class MetricFilterSyntax(TestCase):
    """The examples of the CloudWatch Logs User Guide, "Filter and pattern syntax", of what the filter uses."""

    EVENT = {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
    }
    COMPOUND = {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }

    def test_examples(self) -> None:
        for event, pattern, expected in (
            (self.EVENT, '{ $.eventType = "UpdateTrail" }', True),
            (self.EVENT, "{ $.sourceIPAddress != 123.123.* }", True),
            (self.EVENT, '{ $.arrayKey[0] = "value" }', True),
            (self.EVENT, "{ $.objectList[1].id = 2 }", True),
            (self.EVENT, "{ $.SomeOtherObject NOT EXISTS }", True),
            (self.EVENT, "{ $.SomeObject NOT EXISTS }", False),
            (self.COMPOUND, '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
            (self.COMPOUND, '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
            (
                self.COMPOUND,
                '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
                True,
            ),
            (
                self.COMPOUND,
                '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
                False,
            ),
            ({"users": [1, 2, 3]}, "{$.users = 1}", False),
            ({"users": [1, 2, 3]}, "{$.users != 1}", False),
            # *Event matches PutEvent and GetEvent, Event* EventId and EventName, and Ev*ent only Ev*ent itself.
            ({"name": "PutEvent"}, '{ $.name = "*Event" }', True),
            ({"name": "EventId"}, '{ $.name = "*Event" }', False),
            ({"name": "EventId"}, '{ $.name = "Event*" }', True),
            ({"name": "PutEvent"}, '{ $.name = "Event*" }', False),
            ({"name": "Ev*ent"}, '{ $.name = "Ev*ent" }', True),
            ({"name": "Evident"}, '{ $.name = "Ev*ent" }', False),
        ):
            with self.subTest(pattern):
                self.assertEqual(matches(pattern, event), expected)
