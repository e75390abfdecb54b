"""A browser for the tests of a class."""

import unittest
from contextlib import ExitStack

from tools import browser


class BrowserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = ExitStack()
        cls.addClassCleanup(stack.close)
        cls.browser = stack.enter_context(browser.start())
