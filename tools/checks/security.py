"""Looks with Checkov for what is not secure in the template."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.checks.combinations import cover, factors, resolve
from tools.children import complete
from tools.environment import CHECKS, ROOT, STATE, say, scrubbed


def check_security(template: dict, path: Path) -> list:
    """Holds what Checkov finds to what the template's metadata skips: nothing else, and nothing less."""
    combinations = cover(template, factors(template), 1)
    say(f"Checkov on {path.name}, and on {len(combinations)} combinations of its parameters")
    skipped, wrong = {}, []
    for name, resource in template["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
            skipped[skip["id"], name] = resource
            if not skip.get("comment"):
                wrong.append((resource.start_mark.line + 1, f"{skip['id']} is skipped on {name} without a reason", ""))
    failed = {}
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        for number, combination in enumerate(combinations):
            resolved = resolve(template, combination)
            for resource in resolved["Resources"].values():
                resource.get("Metadata", {}).pop("checkov", None)
            Path(folder, f"{number}.json").write_text(json.dumps(resolved))
        for check in checkov("--directory", folder)["failed_checks"]:
            failed[check["check_id"], check["resource"].partition(".")[2]] = check["check_name"]
    for (check, name), text in sorted(failed.items()):
        print(f"{'skipped' if (check, name) in skipped else 'found  '}  {check}  {name}: {text}")
        if (check, name) not in skipped:
            wrong.append((template["Resources"][name].start_mark.line + 1, f"{check} on {name}: {text}", ""))
    for check, name in sorted(set(skipped) - set(failed)):
        wrong.append((skipped[check, name].start_mark.line + 1, f"{check} is skipped on {name}, and is not found there", ""))
    # As everybody runs it who has the template alone.
    left = checkov("--file", path)["failed_checks"]
    wrong += [(check["file_line_range"][0], f"Checkov does not skip {check['check_id']} on {check['resource']}", "") for check in left]
    return wrong


def checkov(*arguments: object) -> dict:
    """Checkov's results. It asks nobody for its guidelines, which are on the network."""
    options = ("--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "--output", "json", "--soft-fail")
    command = [CHECKS / "bin" / "python", "-m", "checkov.main", *options, *arguments]
    done = complete(command, cwd=ROOT, env=scrubbed(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        answer = json.loads(done.stdout)
        counted = answer["summary"]
    except (ValueError, KeyError, TypeError):
        sys.exit(f"error: Checkov ended with exit status {done.returncode} and no results:\n{done.stdout}{done.stderr}")
    if counted["parsing_errors"] or not counted["resource_count"]:
        sys.exit(f"error: Checkov could not read what it should check: {counted}\n{done.stderr}")
    return answer["results"]
