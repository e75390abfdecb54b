"""How ./dev gate starts ministack, which checks no credentials and runs what it is given."""

import ipaddress
import unittest

from tools import gate


class Settings(unittest.TestCase):
    def test_ministack_is_asked_to_listen_on_the_loopback_and_where_it_cannot_be_asked_not_at_all(self):
        """./dev gate looks at what it then listens on; this test needs no ministack."""
        settings = gate.settings(4566)
        self.assertTrue(ipaddress.ip_address(settings["BIND_HOST"]).is_loopback)
        self.assertEqual((settings["IOT_MTLS_ENABLED"], settings["SFTP_ENABLED"]), ("0", "0"))
