"""The demo asks the function for its report as text, and decides on the report of the invocation."""

import argparse
import io
import json
import socket
import tempfile
import unittest
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest import mock

from tools import demo, function

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
        wanted = {"PROBE_BUCKET": "your-bucket-name", "PROBE_HTTP_REPORT": "full", "PROBE_HTTP_MAX_AGE": "0"}
        self.assertEqual({name: started["env"].get(name) for name in wanted}, wanted)


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
            mock.patch.object(function, "read_log", lambda: "log"),
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

    def test_each_step_invokes_the_function_and_prints_its_text_or_its_json(self):
        for as_json, shown in ((False, "\nthe text\n"), (True, '{"statusCode": 200}\n')):
            said, arguments = io.StringIO(), argparse.Namespace(event="events/console-test.json", json=as_json)
            with (
                mock.patch.object(demo, "invoke", lambda *_: '{"statusCode": 200}'),
                mock.patch.object(demo, "fetch_text", lambda *_: "the text"),
                mock.patch.object(demo, "WHOLE"),
                redirect_stdout(said),
            ):
                self.assertEqual(demo.run_function(1, arguments), {"statusCode": 200})
            self.assertEqual(said.getvalue(), shown)
