"""Runs the function on this machine, against an emulated AWS account that enforces IAM.

The account is made from template.yaml. The function is compiled, run under
`cargo lambda watch` and invoked with `cargo lambda invoke`: first with the
template's role as it is, then with one action taken out of it, and then with
the policy that the report offers put into it. Each time a request
over HTTP that accepts text gives the report as text.
"""

import argparse
import json
import sys

from tools import terminal
from tools.account import ask, emulator
from tools.environment import ROOT, STATE, fail, prepare, say
from tools.function import FUNCTION, compile_function, fetch_text, invoke, watch

# The test event to invoke with: the one that the Lambda console offers.
EVENT = "events/console-test.json"
# Those of events/ that make a run and give its report. HTTP front ends, a dashboard and a deployment are answered in other ways.
WITH_REPORT = (EVENT, "events/guide-test.json", "events/options.json", "events/scheduled.json", "events/verbose.json")
WHOLE = STATE / "response.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", default="dynamodb:PutItem", metavar="ACTION", help="the action to take away (default: %(default)s)")
    parser.add_argument("--event", default=EVENT, metavar="FILE", help="the event to invoke with (default: %(default)s); others give JSON")
    parser.add_argument("--json", action="store_true", help="print the responses as JSON, instead of the reports as text")
    arguments = parser.parse_args()
    check_event(arguments.event)
    # The text is that of a request over HTTP, which has none of the options of an event.
    arguments.json |= not is_one_of(arguments.event, [EVENT])

    prepare()
    compile_function()
    say("Starting an AWS account on this machine: moto, IAM enforced, deployed from template.yaml")
    with emulator() as account, watch(account["environment"]) as port:
        print(f"   {account['endpoint']}: bucket, table, log group and the role {account['role']}")
        say(f"The function with the role as it is: cargo lambda invoke {FUNCTION} --data-file {arguments.event}")
        response = run_function(port, arguments)
        if response["statusCode"] != 200:
            fail("The role of template.yaml should pass.", "Look at the report above, and at .local/emulator.log.")

        say(f"The same with {arguments.without} taken out of the role's policy")
        ask(account, "without", {"action": arguments.without})
        response = run_function(port, arguments)
        report = response.get("report", {})
        if not report and response["statusCode"] != 200:
            refuse_event(arguments.event)
        if arguments.without not in find_denied(report):
            fail(
                f"{arguments.without} was not reported as denied.",
                "It has to be an action of the template's policy, and of the event.",
            )

        say("The same with the policy of the advice put into the role")
        ask(account, "paste", {"policy": report["advice"][0]["policy"]})
        response = run_function(port, arguments)
        if response["statusCode"] != 200:
            fail("The policy of the advice should allow what was denied.", f"Please report this, with {WHOLE.relative_to(ROOT)}.")
    say("Done; everything that was started has been stopped")


def is_one_of(event: str, events) -> bool:
    return (ROOT / event).resolve() in [(ROOT / name).resolve() for name in events]


def check_event(event: str) -> None:
    if not (ROOT / event).is_file():
        fail(f"There is no file {event}.", f"Choose one of {', '.join(WITH_REPORT)}.")
    if (ROOT / event).resolve().parent == ROOT / "events" and not is_one_of(event, WITH_REPORT):
        refuse_event(event)


def refuse_event(event: str) -> None:
    fail(f"{event} yields no report of a run.", f"Choose one of {', '.join(WITH_REPORT)}, or an event like these.")


def run_function(port: int, arguments: argparse.Namespace) -> dict:
    """Invokes the function and prints its report; returns the response to the invocation."""
    response = json.loads(invoke(port, arguments.event))
    # A dashboard gets HTML, a deployment gets nothing here, and what is not accepted gets 400.
    if not isinstance(response, dict) or response.get("statusCode") in (None, 400):
        refuse_event(arguments.event)
    WHOLE.write_text(json.dumps(response, indent=2))
    if arguments.json:
        print(summarize(response))
    else:
        print(f"\n{fetch_text(port, terminal.columns(), terminal.wants_color(sys.stdout))}")
    return response


def find_denied(report: dict) -> list:
    return [row["action"] for row in report.get("wrong", []) if row["verdict"] == "denied"]


def summarize(response: dict) -> str:
    """The response as JSON; of a report without the rows that are allowed, since they fill a screen."""
    report = response.get("report")
    if report is None:
        return json.dumps(response)
    print(f"   Here without {len(report.get('allowed', ()))} rows that are allowed; the whole response is in {WHOLE.relative_to(ROOT)}.")
    return lay_out({**response, "report": {key: value for key, value in report.items() if key != "allowed"}})


def lay_out(value: object, indent: str = "") -> str:
    """JSON with each value on a line of its own, unless it fits on one with its parent."""
    flat = json.dumps(value)
    if len(indent) + len(flat) <= 120 or not isinstance(value, (dict, list)):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        parts, ends = [f"{json.dumps(key)}: {lay_out(part, deeper)}" for key, part in value.items()], "{}"
    else:
        parts, ends = [lay_out(part, deeper) for part in value], "[]"
    return ends[0] + ",".join(f"\n{deeper}{part}" for part in parts) + f"\n{indent}{ends[1]}"
