"""Nothing in this repository names an account or an organization that may be somebody's."""

import os
import re
import unittest
from urllib.parse import unquote

from tools.environment import ROOT

# Each with where AWS's documentation has it as an example, or why it can be nobody's.
ACCOUNTS = {
    "123456789012": 'IAM User Guide, "IAM identifiers"',
    "111122223333": 'IAM User Guide, "AWS JSON policy elements: Principal"',
    "444455556666": 'IAM User Guide, "AWS JSON policy elements: Principal"',
    "777788889999": 'IAM User Guide, "Troubleshoot access denied error messages"',
    "111111111111": 'Organizations User Guide, the output of "aws organizations list-roots"',
    "210987654321": 'AWS CLI Command Reference, "iam resync-mfa-device"',
    "000000000000": "the account of an emulator, LocalStack",
}
ORGANIZATIONS = {
    "o-exampleorgid": 'IAM User Guide, "Troubleshoot access denied error messages"',
    "o-a1b2c3d4e5": 'IAM User Guide, "AWS global condition context keys", aws:PrincipalOrgPaths',
}
# What is built, installed or generated.
LEFT_OUT = {".git", ".local", ".aws-sam", "target", "corpus", "artifacts", "node_modules", "__pycache__"}
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# Twelve digits that are a word of their own: neither a part of a longer number nor of a digest.
ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
# Organizations API Reference, "Organization": the pattern of Id.
ORGANIZATION = re.compile(r"(?<![\w-])o-[a-z0-9]{10,32}(?![\w-])")


def texts():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in files:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8", errors="replace") as file:
                yield os.path.relpath(path, ROOT), file.read()


def identifiers(text: str) -> set:
    """The account and organization ids of a text, those in a URL's encoding as well."""
    found = set()
    for form in (text, unquote(text)):
        words = UUID.sub("", form)
        found |= set(ACCOUNT.findall(words)) | set(ORGANIZATION.findall(words))
    return found


class Identifiers(unittest.TestCase):
    def test_every_account_and_organization_is_an_example(self):
        examples = set(ACCOUNTS) | set(ORGANIZATIONS)
        read = 0
        for name, text in texts():
            # This file has what is not one of them, to show that it is found.
            if name != os.path.relpath(__file__, ROOT):
                read += 1
                self.assertEqual(identifiers(text) - examples, set(), f"{name} has what is no documented example")
        self.assertGreater(read, 100)

    def test_an_identifier_is_found_in_every_form(self):
        for text in (
            "arn:aws:iam::314159265358:role/r",
            "repository/name-314159265358",
            "314159265358.dkr.ecr.us-east-1.amazonaws.com",
            "arn%3Aaws%3Aiam%3A%3A314159265358%3Arole",
            "account%20314159265358",
            '"account": 314159265358',
        ):
            self.assertEqual(identifiers(text), {"314159265358"}, text)
        self.assertEqual(identifiers("policy/o-zyxwvu9876/service_control_policy"), {"o-zyxwvu9876"})

    def test_what_only_has_twelve_digits_is_none(self):
        for text in ("1700000000000", "857e3909-eb57-462d-aea9-314159265358", "sha256:ab314159265358cd", "no-zyxwvu9876"):
            self.assertEqual(identifiers(text), set(), text)
