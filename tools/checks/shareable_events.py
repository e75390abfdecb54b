"""Holds the shareable test events, which the Lambda console offers, to the files of events/."""

import json
import re
import textwrap
from pathlib import Path

from tools.environment import ROOT, fail, say

# The one property in the template: its lines are indented deeper than its name.
CONTENT = re.compile(r"(?m)^  TestEvents:\n(?:(?:    .*)?\n)*?      Content: >-\n((?: {8}.*\n)+)")


def check_test_events(template: dict) -> list:
    examples = read_examples()
    say(f"The {len(examples)} test events, against events/")
    resource = template["Resources"]["TestEvents"]
    if resource["Properties"]["Content"] == content(examples):
        print(", ".join(examples))
        return []
    print(f"Content should be:\n\n      Content: >-\n{lay_out(examples)}")
    return [(resource.start_mark.line + 1, "TestEvents does not have the events of events/: ./dev lint --write puts them there", "")]


def write_test_events(template: Path) -> None:
    """Puts the events of events/ into the template."""
    text = template.read_text()
    found = CONTENT.search(text)
    if not found:
        fail(
            f"{template.name} has no place for the test events.", "It is the property Content of the resource TestEvents, a text with `>-`."
        )
    template.write_text(text[: found.start(1)] + lay_out(read_examples()) + text[found.end(1) :])


def read_examples() -> dict:
    """The files of events/, but for those that carry an address to answer to."""
    examples = {}
    for file in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(file.read_text())
        if not {"ResponseURL", "LifecycleEventHookExecutionId"} & set(event):
            examples[file.stem] = {"value": event, "x-metadata": {"invocationType": "RequestResponse"}}
    return examples


def content(examples: dict) -> str:
    """What `sam remote test-event put` writes: one line, a schema with an example for each event."""
    return json.dumps(
        {
            "openapi": "3.0.0",
            "info": {"version": "1.0.0", "title": "Event"},
            "paths": {},
            "components": {"schemas": {"Event": {"type": "object"}}, "examples": examples},
        }
    )


def lay_out(examples: dict) -> str:
    """The content as lines of the template."""
    lines = textwrap.wrap(content(examples), 112, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{' ' * 8}{line}\n" for line in lines)
