"""The demo asks the function for its report as text, and decides on the report of the invocation."""

import argparse
import io
import json
import socket
import sys
import tempfile
import unittest
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest import mock

from tools import account, demo, function
from tools.environment import ROOT

DENIED = {
    "statusCode": 403,
    "body": "AWS denied dynamodb:PutItem.",
    "report": {
        "schema": "permissions-probe/v2",
        "verdict": "denied",
        "wrong": [
            {"action": "dynamodb:PutItem", "verdict": "denied"},
            {"action": "s3:GetObject", "verdict": "inconclusive"},
        ],
        "allowed": [{"action": "s3:PutObject"}, {"action": "s3:ListBucket"}],
    },
}


class Watch(unittest.TestCase):
    def test_the_function_gives_whole_reports_over_http_whatever_the_template_says(self):
        started = {}

        @contextmanager
        def process(_what, command, **options):
            started.update(options)
            # It listens on the port that the command names.
            with socket.create_server(("127.0.0.1", int(command[command.index("-P") + 1]))):
                yield mock.Mock(poll=lambda: None), Path()

        with (
            mock.patch.object(function, "process", process),
            mock.patch.object(function, "hold_to_loopback", lambda *_: "seen"),
            redirect_stdout(io.StringIO()),
            function.watch({"PROBE_BUCKET": "your-bucket-name", "PROBE_HTTP_REPORT": "summary", "PROBE_HTTP_MAX_AGE": "60"}),
        ):
            pass
        self.assertNotIn("stdout", started)
        wanted = {"PROBE_BUCKET": "your-bucket-name", "PROBE_HTTP_REPORT": "full", "PROBE_HTTP_MAX_AGE": "0"}
        self.assertEqual({name: started["env"].get(name) for name in wanted}, wanted)

    def test_the_log_has_both_streams_whatever_their_encoding(self):
        program = "import os; os.write(1, b'to stdout \\xff\\n'); os.write(2, b'to stderr\\n')"
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(account, "STATE", Path(folder)):
            with account.process("it", [sys.executable, "-c", program]) as (started, log):
                started.wait()
            self.assertEqual(account.read_log(log), "to stdout \ufffd\nto stderr\n")


class Text(unittest.TestCase):
    def fetch(self, kind: str, color: bool = False) -> tuple:
        """The text, and the event that was sent for it."""
        sent = []

        def invoke(_port, event):
            sent.append(json.loads(event.read_text()))
            return json.dumps({"statusCode": 403, "headers": {"Content-Type": kind}, "body": "Denied: dynamodb:PutItem\n"})

        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(function, "STATE", Path(folder)),
            mock.patch.object(function, "invoke", invoke),
            mock.patch.object(function, "show_log", lambda: "log"),
        ):
            return function.fetch_text(1, 72, color), *sent

    def test_the_report_is_asked_for_as_text_as_wide_as_the_terminal(self):
        for color, asked in ((False, "false"), (True, "true")):
            text, event = self.fetch("text/plain; charset=utf-8", color)
            self.assertEqual(text, "Denied: dynamodb:PutItem")
            self.assertEqual(event["headers"]["accept"], "text/plain")
            self.assertEqual(event["queryStringParameters"], {"width": "72", "color": asked})

    def test_what_is_no_text_ends_the_command(self):
        with self.assertRaisesRegex(SystemExit, "no text but application/json"):
            self.fetch("application/json")


class Demo(unittest.TestCase):
    def test_the_denied_actions_are_those_of_the_rows_that_are_wrong(self):
        self.assertEqual(demo.find_denied(DENIED["report"]), ["dynamodb:PutItem"])
        self.assertEqual(demo.find_denied({}), [])

    def test_a_response_as_json_leaves_out_the_rows_that_are_allowed_and_says_so(self):
        said = io.StringIO()
        with redirect_stdout(said):
            shown = demo.summarize(DENIED)
        self.assertIn("without 2 rows that are allowed", said.getvalue())
        self.assertIn('"verdict": "denied"', shown)
        self.assertNotIn("s3:PutObject", shown)
        self.assertEqual(demo.summarize({"statusCode": 200, "body": "done"}), '{"statusCode": 200, "body": "done"}')

    def run_function(self, response: str, as_json: bool) -> str:
        said, arguments = io.StringIO(), argparse.Namespace(event="events/console-test.json", json=as_json)
        with (
            mock.patch.object(demo, "invoke", lambda *_: response),
            mock.patch.object(demo, "fetch_text", lambda *_: "the text"),
            mock.patch.object(demo, "WHOLE"),
            redirect_stdout(said),
        ):
            self.assertEqual(demo.run_function(1, arguments), json.loads(response))
        return said.getvalue()

    def test_each_step_invokes_the_function_and_prints_its_text_or_its_json(self):
        for as_json, shown in ((False, "\nthe text\n"), (True, '{"statusCode": 200}\n')):
            self.assertEqual(self.run_function('{"statusCode": 200}', as_json), shown)

    def test_a_response_without_a_run_ends_the_command(self):
        for response in ('"<div></div>"', "null", '{"statusCode": 400, "body": "verbose: true or false"}', '{"errorMessage": "no"}'):
            with self.assertRaisesRegex(SystemExit, "yields no report of a run"):
                self.run_function(response, as_json=True)

    def start(self, *words: str) -> list:
        """Whether each step printed JSON, up to a success where there is no denial."""
        asked = []

        @contextmanager
        def started(*_):
            yield {"environment": {}, "endpoint": "", "role": ""}

        def run_function(_port, arguments):
            asked.append(arguments.json)
            return {"statusCode": 200}

        replaced = {"emulator": started, "watch": started, "run_function": run_function}
        replaced |= {name: mock.Mock() for name in ("prepare", "compile_function", "ask")}
        with (
            mock.patch("sys.argv", ["./dev demo", *words]),
            mock.patch.multiple(demo, **replaced),
            redirect_stdout(io.StringIO()),
            self.assertRaisesRegex(SystemExit, "was not reported as denied"),
        ):
            demo.main()
        return asked

    def test_only_the_default_event_is_shown_as_text_since_the_text_is_of_a_request_over_http(self):
        for words, as_json in (
            ((), False),
            (("--event", "events/../events/console-test.json"), False),
            (("--event", "events/options.json"), True),
            (("--json",), True),
        ):
            self.assertEqual(self.start(*words), [as_json, as_json], words)

    def test_an_event_of_the_repository_that_makes_no_report_is_refused_before_anything_is_built(self):
        events = {f"events/{file.name}" for file in (ROOT / "events").glob("*.json")}
        self.assertLess(set(demo.WITH_REPORT), events)
        for event in demo.WITH_REPORT:
            # An HTTP front end, a dashboard and a deployment are known by these keys (docs/reference/events.md).
            other = {"requestContext", "widgetContext", "describe", "ResponseURL", "RequestType", "DeploymentId"}
            self.assertFalse(other & set(json.loads((ROOT / event).read_text())), event)
            demo.check_event(event)
        for event in events - set(demo.WITH_REPORT):
            with self.assertRaisesRegex(SystemExit, f"{event} yields no report[^!]*events/console-test.json, .*events/verbose.json"):
                demo.check_event(event)
        with self.assertRaisesRegex(SystemExit, "There is no file events/none.json"):
            demo.check_event("events/none.json")
