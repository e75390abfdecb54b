"""The requests of `crates/core/src/form` as Python reads them: what the program sends, and what proves that it is allowed.

The records there are written one member a line, and each literal is on one line. A record that cannot be read ends the
command, so that none is left out in silence.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from tools.environment import ROOT

FOLDER = ROOT / "crates" / "core" / "src" / "form"
# A literal of Rust: a raw one with its hashes, or an ordinary one.
LITERAL = r'(?:r(?P<hashes{0}>#*)"(?P<raw{0}>.*?)"(?P=hashes{0})|"(?P<plain{0}>(?:[^"\\]|\\.)*)")'
PAIR = re.compile(rf"\({LITERAL.format(1)}, {LITERAL.format(2)}\)")


@dataclass(frozen=True)
class Proof:
    """One answer that proves the permission: a success, or an error by its code and the parts of its text."""

    code: str
    text: str = ""
    missing: bool = False

    @property
    def is_success(self) -> bool:
        return self.code == ""


@dataclass(frozen=True)
class Form:
    """One record: `signing` is the service in the signature, `protocol` is json, query or rest."""

    action: str
    signing: str
    arn: str
    harmless_on: str
    protocol: str
    proofs: tuple
    # Of json and query: the operation, as it comes in the request. Of rest: the method.
    operation: str
    # Of json: the protocol's; of query: the API's.
    version: str = ""
    path: str = "/"
    query: tuple = ()
    headers: tuple = ()
    # JSON, or the text of a body that is none.
    body: object = ""
    success: tuple = ()
    names: tuple = field(default=(), compare=False)


def literal(match: re.Match, number: str = "") -> str:
    raw = match[f"raw{number}"]
    return raw if raw is not None else re.sub(r"\\(.)", r"\1", match[f"plain{number}"])


def pairs(text: str) -> tuple:
    return tuple((literal(match, "1"), literal(match, "2")) for match in PAIR.finditer(text))


def member(text: str, name: str) -> str:
    found = re.search(rf"(?<!\w){name}: {LITERAL.format('')}", text)
    if not found:
        raise ValueError(f"no member {name} in: {text}")
    return literal(found)


def read_call(line: str) -> dict:
    if line.startswith("Call::Json"):
        body = json.loads(member(line, "body"))
        return {"protocol": "json", "operation": member(line, "target"), "version": member(line, "version"), "body": body}
    if line.startswith("Call::Query"):
        call = {"protocol": "query", "operation": member(line, "action"), "version": member(line, "version")}
        return call | {"query": pairs(line.partition("parameters:")[2])}
    query, headers = re.search(r"query: &\[(.*?)\], headers: &\[(.*?)\], body: ", line).groups()
    body = member(line, "body")
    if body.startswith("{"):
        body = json.loads(body)
    call = {"protocol": "rest", "operation": member(line, "method"), "path": member(line, "path"), "body": body}
    return call | {"query": pairs(query), "headers": pairs(headers)}


def read_proofs(block: str) -> tuple:
    proofs = []
    for line in re.findall(r"^ +(Proof::.*),$", block, re.MULTILINE):
        strings = [literal(match) for match in re.finditer(LITERAL.format(""), line.partition(".warn(")[0])]
        code, text = ("", "") if line.startswith("Proof::success") else strings[:2]
        proofs.append(Proof(code, text, ".missing()" in line))
    return tuple(proofs)


def read(path: Path) -> list:
    """The records of one file."""
    text = path.read_text()
    signing = dict(re.findall(r'^const (\w+): Service =\s*Service \{[^}]* signing: "([^"]+)"', text, re.MULTILINE))
    forms = []
    for block in re.findall(r"^    Form \{\n(.*?)^    \},$", text, re.DOTALL | re.MULTILINE):
        # The first `call` is the record's own: no text of ProbeInfo begins a line.
        call = re.search(r"^        call: (.*),$", block, re.MULTILINE)[1]
        success = re.search(r'^        success: Some\(Success::(\w+)\("?([^")]*)"?\)\),$', block, re.MULTILINE)
        arn = member(block, "        arn")
        forms.append(
            Form(
                action=member(block, "action"),
                signing=signing[re.search(r"^        service: (\w+),$", block, re.MULTILINE)[1]],
                arn=arn,
                harmless_on=re.search(r"harmless_on: HarmlessOn::(\w+)", block)[1],
                proofs=read_proofs(block),
                success=success.groups() if success else (),
                names=tuple(name for name in re.findall(r"\{(\w+)\}", arn) if name not in ("account", "region")),
                **read_call(call),
            )
        )
    if len(forms) != len(re.findall(r"^    Form \{$", text, re.MULTILINE)):
        raise ValueError(f"{path} has records that cannot be read")
    return forms


def forms() -> list:
    """All records, in the order of the files."""
    return [form for name in ("sagemaker.rs", "others.rs") for form in read(FOLDER / name)]
