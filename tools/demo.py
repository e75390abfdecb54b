"""Runs the function on this machine, against an emulated AWS account that enforces IAM.

The account is made from template.yaml. The function is compiled, run under
`cargo lambda watch` and invoked with `cargo lambda invoke`: first with the
template's role as it is, then with one action taken out of it, and then with
the policy that the report offers put into it.
"""

import argparse
import json
import socket
import subprocess
import time
from contextlib import contextmanager

from tools.account import ask, emulator, free_port, hold_to_loopback, process
from tools.environment import BIN, ROOT, STATE, fail, prepare, run, say, scrubbed

FUNCTION = "permissions-probe"
# The test event to invoke with: the one that the Lambda console offers.
EVENT = "events/console-test.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", default="dynamodb:PutItem", metavar="ACTION", help="the action to take away (default: %(default)s)")
    parser.add_argument("--event", default=EVENT, metavar="FILE", help="the event to invoke with (default: %(default)s)")
    arguments = parser.parse_args()
    if not (ROOT / arguments.event).is_file():
        fail(f"There is no file {arguments.event}.", "Choose one of events/*.json.")

    prepare()
    say("Compiling the function (a first build compiles the AWS SDK: several minutes; later ones: seconds)")
    run("The function could not be compiled", "Look at cargo's error above.", "cargo", "build", "--locked")
    say("Starting an AWS account on this machine: moto, IAM enforced, deployed from template.yaml")
    with emulator() as account, watch(account["environment"]) as port:
        print(f"   {account['endpoint']}: bucket, table, log group and the role {account['role']}")
        say(f"The function with the role as it is: cargo lambda invoke {FUNCTION} --data-file {arguments.event}")
        response = invoke(port, arguments.event)
        print(summarize(response))
        if json.loads(response)["statusCode"] != 200:
            fail("The role of template.yaml should pass.", "Look at the rows above, and at .local/emulator.log.")

        say(f"The same with {arguments.without} taken out of the role's policy")
        ask(account, "without", {"action": arguments.without})
        response = invoke(port, arguments.event)
        print(summarize(response))
        report = json.loads(response).get("report", {})
        if arguments.without not in [row["action"] for row in report.get("actions", []) if row["verdict"] == "denied"]:
            fail(f"{arguments.without} was not reported as denied.", "It has to be an action of the policy in template.yaml.")

        say("The same with the policy of the advice put into the role")
        ask(account, "paste", {"policy": report["advice"][0]["policy"]})
        response = invoke(port, arguments.event)
        print(summarize(response))
        if json.loads(response)["statusCode"] != 200:
            fail("The policy of the advice should allow what was denied.", "Please report this, with .local/response.json.")
    say("Done; everything that was started has been stopped")


@contextmanager
def watch(environment: dict):
    port = free_port()
    command = [BIN / "cargo-lambda", "lambda", "watch", "-A", "127.0.0.1", "-P", port, "--ignore-changes"]
    # Its log is outside of what it watches, and both its streams go there.
    options = {"env": scrubbed(**environment), "stdout": subprocess.DEVNULL}
    with process("watch", command, **options) as (started, log):
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if started.poll() is not None or time.monotonic() > deadline:
                fail("cargo lambda watch did not start.", f"Its log:\n{log.read_text()}")
            time.sleep(0.1)
        print(f"   {hold_to_loopback(started.pid, 'cargo lambda watch', port)}")
        yield port


def invoke(port: int, event: str) -> str:
    command = [BIN / "cargo-lambda", "lambda", "invoke", FUNCTION, "-A", "127.0.0.1", "-P", port, "--data-file", event]
    done = subprocess.run(
        [str(part) for part in command], check=False, cwd=ROOT, env=scrubbed(), capture_output=True, text=True, timeout=900
    )
    try:
        json.loads(done.stdout)
        return done.stdout.strip()
    except ValueError:
        log = (STATE / "watch.log").read_text()
        fail(f"cargo lambda invoke gave no response: {done.stdout}{done.stderr}", f"The function's log:\n{log}")


def summarize(text: str) -> str:
    """The response; of a report only what is wrong, since the whole of it fills screens."""
    response = json.loads(text)
    report = response.get("report")
    if report is None:
        return text
    whole = STATE / "response.json"
    whole.write_text(json.dumps(response, indent=2))
    wrong = [row for row in report["actions"] if row["verdict"] != "allowed"]
    left_out = len(report["actions"]) - len(wrong)
    print(f"   Here without its body, which is the report as a string, and without {left_out} rows that are allowed;")
    print(f"   the whole response is in {whole.relative_to(ROOT)}.")
    return lay_out({"statusCode": response["statusCode"], "report": {**report, "actions": wrong}})


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
