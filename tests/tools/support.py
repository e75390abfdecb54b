"""What the tests beside it stand on: the repository's files, and the libraries of .local/checks."""

import re
import site
import sys

from tools.checks.combinations import resolve
from tools.environment import CHECKS, ROOT, prepare_checks

ACCOUNT, REGION = "123456789012", "us-east-1"

prepare_checks()
# Behind this interpreter's own packages, so that only what it lacks comes from there.
site.addsitedir(str(CHECKS / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"))


def template() -> dict:
    """template.yaml, with each short form as the function that it stands for."""
    from cfnlint.decode import decode_str

    decoded, wrong = decode_str((ROOT / "template.yaml").read_text())
    assert not wrong, wrong
    return decoded


def deployed(**parameters: str) -> dict:
    """What CloudFormation would create with these parameters: template.yaml without conditions, as ./dev lint lints it."""
    return resolve(template(), parameters)


def filled(node: object, parameters: dict) -> object:
    """The node with its references as in the stack of an account and Region."""
    known = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::URLSuffix": "amazonaws.com"} | parameters
    if isinstance(node, list):
        return [filled(part, parameters) for part in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"}:
        return known.get(node["Ref"], node["Ref"])
    if set(node) == {"Fn::Sub"}:
        return re.sub(r"\$\{([\w:.]+)\}", lambda match: known[match[1]], node["Fn::Sub"])
    return {name: filled(value, parameters) for name, value in node.items()}


def page(name: str) -> str:
    """A page of the documentation, such as `guides/deploy`."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def pages() -> str:
    """All pages of the documentation, the README first."""
    return "\n".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))))


def section(text: str, title: str) -> str:
    """A page's text under a heading, as far as the next heading of its level or above."""
    level, at = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)[1], text.index(f"# {title}\n")
    rest = text[text.index("\n", at) :]
    end = re.search(rf"^#{{1,{len(level)}}} (?!#)", re.sub(r"(?s)```.*?```", lambda block: " " * len(block[0]), rest), re.MULTILINE)
    return rest[: end.start()] if end else rest


def fenced(text: str, language: str) -> list:
    """The fenced blocks of a language, without their fences."""
    return [block.strip() for block in re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]
