"""The emulator's own paths, which hand out credentials, answer nobody who does not have the token."""

import json
import threading
import unittest
import urllib.error
import urllib.request

from tools import account, emulator


def ask(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


class Token(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = emulator.TestBed(0)
        cls.thread = threading.Thread(target=cls.bed.server.serve_forever)
        cls.thread.start()
        cls.account = {"endpoint": cls.bed.endpoint, "token": cls.bed.token}

    @classmethod
    def tearDownClass(cls):
        cls.bed.server.shutdown()
        cls.thread.join()
        cls.bed.server.server_close()

    def test_without_the_token_nothing_is_answered(self):
        for path in ("/test-bed/deployed", "/test-bed/policies", "/test-bed/role", "/moto-api", "/moto-api/data.json"):
            for given in (None, "", "wrong", self.bed.token[:-1], self.bed.token + "x", "é"):
                headers = {} if given is None else {"x-test-bed-token": given}
                with self.subTest(path=path, given=given):
                    self.assertEqual(ask(self.bed.endpoint + path, **headers), 403)

    def test_with_the_token_the_paths_answer(self):
        for path in ("/test-bed/deployed", "/moto-api/data.json"):
            self.assertEqual(ask(self.bed.endpoint + path, **{"x-test-bed-token": self.bed.token}), 200)

    def test_awss_own_paths_want_no_token(self):
        self.assertEqual(ask(self.bed.endpoint + "/some-bucket"), 404)

    def test_the_commands_send_the_token(self):
        account.ask(self.account, "role", {"policies": []})
        with self.assertRaises(SystemExit) as ended:
            account.ask({**self.account, "token": "wrong"}, "role", {"policies": []})
        self.assertIn("x-test-bed-token", str(ended.exception))

    def test_every_start_has_a_token_of_its_own(self):
        other = emulator.TestBed(0)
        other.server.server_close()
        self.assertNotEqual(other.token, self.bed.token)
        self.assertGreaterEqual(len(other.token), 40)


class Start(unittest.TestCase):
    def test_the_token_is_in_the_line_that_says_where_everything_is_and_the_account_is_on_the_loopback(self):
        with account.emulator() as facts:
            self.assertTrue(facts["endpoint"].startswith("http://127.0.0.1:"), facts["endpoint"])
            self.assertEqual(ask(f"{facts['endpoint']}/test-bed/state"), 403)
            with urllib.request.urlopen(
                urllib.request.Request(f"{facts['endpoint']}/test-bed/state", headers={"x-test-bed-token": facts["token"]}), timeout=30
            ) as answer:
                self.assertIn("objects", json.load(answer))
