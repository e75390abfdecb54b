"""The demo asks the function's URL for its report as text, and decides on the report of the invocation."""

import argparse
import io
import socket
import threading
import unittest
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, HTTPServer
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


@contextmanager
def serve(status: int, kind: str, body: str):
    """A server of one response on the loopback; yields its port and the requests that it gets."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append((self.path, self.headers["accept"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args) -> None:
            """Requests are not worth a line each."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield server.server_port, requests
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


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
    def fetch(self, status: int, kind: str, color: bool = False) -> tuple:
        with serve(status, kind, "Denied: dynamodb:PutItem\n") as (port, requests), mock.patch.object(function, "read_log", lambda: "log"):
            return function.fetch_text(port, 72, color), requests

    def test_the_report_is_asked_for_as_text_as_wide_as_the_terminal(self):
        path = "/lambda-url/permissions-probe/?width=72"
        self.assertEqual(self.fetch(200, "text/plain; charset=utf-8"), ("Denied: dynamodb:PutItem", [(path, "text/plain")]))
        self.assertEqual(self.fetch(200, "text/plain", color=True)[1], [(f"{path}&color=true", "text/plain")])

    def test_the_report_of_a_denial_is_a_report(self):
        for status in (403, 503):
            self.assertEqual(self.fetch(status, "text/plain")[0], "Denied: dynamodb:PutItem")

    def test_what_is_no_text_ends_the_command(self):
        for status, kind in ((200, "application/json"), (502, "text/html")):
            with self.assertRaisesRegex(SystemExit, f"no text but {kind}"):
                self.fetch(status, kind)

    def test_no_answer_ends_the_command(self):
        with mock.patch.object(function, "read_log", lambda: "log"), self.assertRaisesRegex(SystemExit, "was not answered"):
            function.fetch_text(function.free_port(), 72, False)

    def test_the_proxy_of_the_environment_is_not_asked(self):
        with mock.patch.dict("os.environ", {"http_proxy": "http://127.0.0.1:1", "no_proxy": ""}):
            self.assertEqual(self.fetch(200, "text/plain")[0], "Denied: dynamodb:PutItem")


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
