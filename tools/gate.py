"""Runs the deployment gate on this machine: template.yaml under an emulated CloudFormation.

The stack is template.yaml with GateDeployment=true. CloudFormation and the Lambda that it invokes are
ministack's, which knows no denial; so the function is told that AWS is the account of ./dev demo,
which enforces IAM. The role's policy is changed from one deployment to the next, and the command
ends with exit status 1 where CloudFormation does not come to what it must. A deployment that fails
takes half a minute, in which the gate tries again what is denied.
"""

import argparse
import io
import json
import os
import shutil
import socket
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

from tools.account import ask, emulator, free_port, hold_to_loopback, process, read_log
from tools.environment import REQUIREMENTS, ROOT, STATE, enter_venv, fail, install, prepare, run, say, scrubbed

MINISTACK = STATE / "ministack"
REGION = "us-east-1"
ACCOUNT = "123456789012"
STACK = "permissions-probe"
PARAMETERS = {
    "BucketName": "your-bucket-name",
    "ObjectKey": "training/data.csv",
    "GateDeployment": "true",
    # ministack refuses what it does not know: saved queries, and the math of the alarm on missing runs, which belongs to the schedule.
    "SavedQueries": "false",
    "ScheduleState": "DISABLED",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="only install what it runs on")
    arguments = parser.parse_args()
    prepare()
    # boto3 and the SAM transform are there.
    enter_venv()
    if not shutil.which("openssl"):
        fail("openssl was not found.", "Install it, for ministack's certificate: apt-get install openssl, or your system's way.")
    install(MINISTACK / "venv", REQUIREMENTS / "gate.txt", "ministack")
    if arguments.install:
        return
    say("Compiling the function (a first build compiles the AWS SDK: several minutes; later ones: seconds)")
    run("The function could not be compiled", "Look at cargo's error above.", "cargo", "build", "--locked")

    say("Starting an AWS account that enforces IAM, and CloudFormation beside it")
    with emulator() as account, cloudformation() as stacks:
        deployment = Deployment(account, stacks)
        say("The stack of template.yaml with GateDeployment=true, and dynamodb:PutItem taken out of the role")
        ask(account, "without", {"action": "dynamodb:PutItem"})
        reason = deployment.run("create_stack", "1", gate="CREATE_FAILED", stack="ROLLBACK_COMPLETE")
        deployment.delete()
        say("The same with the policy of the reason put into the role")
        ask(account, "paste", {"policy": json.loads(reason[reason.index('{"Version"') :])})
        deployment.run("create_stack", "1", gate="CREATE_COMPLETE", stack="CREATE_COMPLETE")
        say("The next deployment, DeploymentId=2")
        deployment.run("update_stack", "2", gate="UPDATE_COMPLETE", stack="UPDATE_COMPLETE")
        say("DeploymentId=3, with s3:GetObject taken out of the role: it fails, and goes back to what has passed")
        ask(account, "without", {"action": "s3:GetObject"})
        deployment.run("update_stack", "3", gate="UPDATE_FAILED", stack="UPDATE_ROLLBACK_COMPLETE")
        say("The stack deleted")
        deployment.delete()
    say("Done; everything that was started has been stopped")


class Deployment:
    """The stack, from one deployment to the next."""

    def __init__(self, account: dict, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client("s3").create_bucket(Bucket="code")
        self.client("s3").put_object(Bucket="code", Key="bootstrap.zip", Body=package(account, endpoint))
        # A template of more than 51,200 bytes is read from a bucket (CloudFormation User Guide, "Quotas"), as `sam deploy` does.
        self.client("s3").put_object(Bucket="code", Key="template.json", Body=transformed(account).encode())
        self.stacks = self.client("cloudformation")
        self.stack, self.shown = None, set()

    def client(self, service: str):
        import boto3

        # ministack takes the account from the key.
        keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "any"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, verify=str(certificate()), **keys)

    def run(self, how: str, deployment_id: str, gate: str, stack: str) -> str:
        """Deploys; returns the reason that CloudFormation shows for the gate."""
        parameters = {**PARAMETERS, "DeploymentId": deployment_id}
        request = {
            "StackName": STACK,
            "TemplateURL": f"{self.endpoint}/code/template.json",
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        self.stack = getattr(self.stacks, how)(**request)["StackId"]
        ended, events = self.ended(), self.news()
        told = [event for event in events if event["LogicalResourceId"] == "Gate" and not event["ResourceStatus"].endswith("IN_PROGRESS")]
        for event in told:
            print(f"   Gate   {event['ResourceStatus']}  {event.get('ResourceStatusReason', '')}".rstrip())
        print(f"   stack  {ended}")
        if ended != stack or not told or told[0]["ResourceStatus"] != gate:
            shown = "\n".join(f"{e['LogicalResourceId']} {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}" for e in events)
            fail(f"The gate should come to {gate}, and the stack to {stack}.", f"Look at .local/ministack.log. The events:\n{shown}")
        return told[0].get("ResourceStatusReason", "")

    def delete(self) -> None:
        self.stacks.delete_stack(StackName=self.stack)
        ended = self.ended()
        print(f"   stack  {ended}")
        if ended != "DELETE_COMPLETE":
            fail("The stack could not be deleted.", "Look at .local/ministack.log.")

    def ended(self) -> str:
        """The status in which the stack comes to rest."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            status = self.stacks.describe_stacks(StackName=self.stack)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.2)
        fail("The stack does not come to an end.", "Look at .local/ministack.log.")

    def news(self) -> list:
        events = self.stacks.describe_stack_events(StackName=self.stack)["StackEvents"]
        news = [event for event in reversed(events) if event["EventId"] not in self.shown]
        self.shown |= {event["EventId"] for event in news}
        return news


def certificate() -> Path:
    return MINISTACK / "ministack-tls" / "server.crt"


@contextmanager
def cloudformation():
    """ministack, behind TLS, since the function answers no other URL."""
    port = free_port()
    with process("ministack", [MINISTACK / "venv" / "bin" / "ministack"], env=scrubbed(**settings(port))) as (started, log):
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if certificate().exists() and probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if started.poll() is not None or time.monotonic() > deadline:
                fail("ministack did not start.", f"Its log:\n{read_log(log)}")
            time.sleep(0.1)
        print(f"   {hold_to_loopback(started.pid, 'ministack', port)}")
        yield f"https://localhost:{port}"


def settings(port: int) -> dict:
    """Ministack's environment. It checks no credentials and runs what it is given, so that nobody else may reach it."""
    return {
        # By default it listens on all interfaces, on this port and, where it may, on 443 as well.
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "USE_SSL": "1",
        # These two listen on all interfaces whatever BIND_HOST says, once the libraries that they need are there.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "TMPDIR": str(MINISTACK),
    }


def package(account: dict, stacks: str) -> bytes:
    """The function, which is told that AWS is the account that enforces IAM, and where CloudFormation waits."""
    environment = {
        **{name: value for name, value in account["environment"].items() if name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": account["endpoint"],
        "PROBE_GATE_ENDPOINT": stacks,
        "AWS_CA_BUNDLE": str(certificate()),
    }
    # Where Lambda started the function, nothing would stand for CloudFormation's bucket.
    exports = "unset AWS_LAMBDA_INITIALIZATION_TYPE\n" + "".join(f"export {name}='{value}'\n" for name, value in environment.items())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        for name, content in (
            ("bootstrap", f'#!/bin/sh\n{exports}exec "$(dirname "$0")/permissions-probe"\n'.encode()),
            ("permissions-probe", (ROOT / "target" / "debug" / "permissions-probe").read_bytes()),
        ):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            package.writestr(entry, content)
    return packed.getvalue()


def transformed(account: dict) -> str:
    """template.yaml as CloudFormation sees it, after AWS SAM's transform."""
    import boto3
    from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    document = yaml_parse((ROOT / "template.yaml").read_text())
    document["Resources"]["Function"]["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "bootstrap.zip"}
    keys = account["administrator"]
    iam = boto3.client(
        "iam",
        endpoint_url=account["endpoint"],
        region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    os.environ["AWS_DEFAULT_REGION"] = REGION
    return json.dumps(transform(document, PARAMETERS, ManagedPolicyLoader(iam)))
