"""Servers that other machines could reach are found, and the others are not."""

import os
import re
import socket
import subprocess
import sys
import unittest
from contextlib import contextmanager, nullcontext
from unittest import mock

from tools import loopback
from tools.environment import ROOT

ME = os.getpid()


@contextmanager
def listener(address: str, port: int = 0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as server:
        server.bind(socket.getaddrinfo(address, port, family)[0][4])
        server.listen()
        yield server.getsockname()[1]


@contextmanager
def child(address: str):
    """A process whose own child listens, as a launcher's does."""
    inner = (
        "import socket, sys; s = socket.socket(); s.bind((sys.argv[1], 0)); s.listen(); "
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    command = [sys.executable, "-c", outer, inner, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started.pid, int(started.stdout.readline())
        started.stdin.close()


@unittest.skipUnless(loopback.readable(), "this system does not tell which process has which socket")
class Sockets(unittest.TestCase):
    def test_a_server_on_the_loopback_passes_and_is_named(self):
        with listener("127.0.0.1") as port, listener("127.0.0.3") as other:
            seen = loopback.check(ME, "it", port, other)
        self.assertIn(f"127.0.0.1:{port}", seen)
        self.assertIn(f"127.0.0.3:{other}", seen)

    def test_a_server_on_all_interfaces_is_found(self):
        for address in ("0.0.0.0", "::"):
            with self.subTest(address), listener(address) as port:
                reachable = f"it listens on .*:{port}, which other machines can reach"
                self.assertRaisesRegex(loopback.Exposed, reachable, loopback.check, ME, "it", port)

    def test_one_beside_a_server_on_the_loopback_is_found_though_nobody_named_its_port(self):
        with listener("127.0.0.1") as port, listener("0.0.0.0"):
            self.assertRaisesRegex(loopback.Exposed, "other machines can reach", loopback.check, ME, "it", port)

    def test_a_server_of_a_descendant_counts(self):
        with child("127.0.0.1") as (pid, port):
            self.assertIn(f"127.0.0.1:{port}", loopback.check(pid, "it", port))
        with child("0.0.0.0") as (pid, port), self.assertRaisesRegex(loopback.Exposed, f"0.0.0.0:{port}"):
            loopback.check(pid, "it", port)

    def test_a_server_of_another_process_does_not_count(self):
        with child("0.0.0.0") as (_, port), child("127.0.0.1") as (pid, own):
            self.assertNotIn(str(port), loopback.check(pid, "it", own))

    def test_what_does_not_listen_does_not_pass(self):
        with listener("127.0.0.1") as port:
            pass
        with self.assertRaisesRegex(loopback.Exposed, f"does not listen on {port}"):
            loopback.check(ME, "it", port)

    def test_a_process_that_has_ended_does_not_pass(self):
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        with self.assertRaisesRegex(loopback.Exposed, "no process"):
            loopback.check(ended.pid, "it")

    def test_the_command_ends_with_the_verdict(self):
        for address, status in (("127.0.0.1", 0), ("0.0.0.0", 1)):
            with self.subTest(address), child(address) as (pid, port):
                command = [sys.executable, "-m", "tools.loopback", str(pid), str(port)]
                done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
                self.assertEqual(done.returncode, status, done.stderr)


class Addresses(unittest.TestCase):
    def test_an_address_that_answers_is_found_without_the_list_of_sockets(self):
        """What the check comes down to on a system without /proc, with an address of the loopback in the other one's place."""
        with mock.patch.multiple(loopback, readable=lambda: False, addresses=lambda: ["127.0.0.9"]):
            for address, outcome in (("127.0.0.1", nullcontext()), ("0.0.0.0", self.assertRaisesRegex(loopback.Exposed, "127.0.0.9"))):
                with self.subTest(address), listener(address) as port, outcome:
                    self.assertIn("none answers", loopback.check(ME, "it", port))

    @unittest.skipUnless(loopback.readable(), "this system does not tell which process has which socket")
    def test_an_address_that_another_program_has_is_not_taken_for_ours(self):
        elsewhere = mock.patch.object(loopback, "addresses", lambda: ["127.0.0.9"])
        with elsewhere, child("127.0.0.1") as (pid, port), listener("127.0.0.9", port):
            self.assertIn("none answers", loopback.check(pid, "it", port))

    def test_a_machine_without_another_address_is_said(self):
        with mock.patch.object(loopback, "addresses", list), listener("127.0.0.1") as port:
            self.assertIn("has no other address", loopback.check(ME, "it", port))

    def test_the_machines_addresses_are_its_own_and_none_is_of_the_loopback(self):
        for address in loopback.addresses():
            self.assertFalse(loopback.is_loopback(address), address)
            # Only an address of this machine can be bound.
            with listener(address):
                pass

    def test_the_addresses_are_found_without_proc_as_well(self):
        known = {address.partition("%")[0] for address in loopback.addresses()}
        for address in (found.partition("%")[0] for found in loopback.asked()):
            self.assertTrue(loopback.is_loopback(address) or address in known, address)

    def test_the_tables_of_the_kernel_are_read(self):
        table = (
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
            "   0: {}:38E6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51726 1 0 100 0 0 10 0\n"
            "   1: {}:01BB 0200A8C0:C001 01 00000000:00000000 00:00000000 00000000     0        0 51727 1 0 100 0 0 10 0\n"
        )
        read = {
            "0100007F": "127.0.0.1",
            "00000000": "0.0.0.0",
            "0" * 24 + "01000000": "::1",
            "0" * 32: "::",
        }
        for text, address in read.items():
            # The texts are those of a machine that puts the least significant byte first.
            self.assertEqual(loopback.parse_table(table.format(text, text), "little"), [(address, 14566, "51726")])
        trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.0\n        /24 link UNICAST\n     |-- 192.0.2.7\n        /32 host LOCAL\n"
        self.assertEqual(loopback.parse_trie(trie), {"192.0.2.7"})
        interfaces = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n20010db8000000000000000000000002 04 40 00 82     eth0\n"
        self.assertEqual(loopback.parse_interfaces(interfaces), {"fe80::fc:ff:fe00:1%eth0", "2001:db8::2"})

    def test_the_loopback_has_more_than_one_form(self):
        for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(loopback.is_loopback(address), address)
        for address in ("0.0.0.0", "::", "192.0.2.7", "::ffff:0.0.0.0", "fe80::1%eth0"):
            self.assertFalse(loopback.is_loopback(address), address)


class Sources(unittest.TestCase):
    def test_what_is_written_in_rust_listens_on_the_loopback(self):
        """Among it the runtime API of a benchmark, which lasts too short a time to be looked at from outside."""
        calls = [
            (file.relative_to(ROOT), call)
            for folder in ("src", "crates", "tools", "tests", "bench", "examples", "fuzz")
            for file in sorted((ROOT / folder).rglob("*.rs"))
            if not {"target", "corpus"} & set(file.parts)
            for call in re.findall(r"(?:TcpListener|UdpSocket)::bind\((.*)", file.read_text())
        ]
        self.assertTrue(calls)
        for file, call in calls:
            # The second one is held to it when it runs: bench/run.
            self.assertRegex(call, r'^("127\.0\.0\.1:0"|\(address\(index\), 0\))\)', file)
