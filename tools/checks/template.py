"""Lints the template, as it is and under combinations of its parameters."""

import subprocess
import textwrap
from pathlib import Path

from tools.checks.combinations import cover, factors, resolve
from tools.children import complete
from tools.environment import BIN, ROOT, say, scrubbed

REGION = "us-east-1"
# Parameters and conditions lose their use where a combination leaves something out. The whole template is held to these rules.
NOT_OF_A_PART = ["W2001", "W8001"]


def lint_whole(template: Path) -> list:
    command = [BIN / "sam", "validate", "--lint", "--region", REGION, "--template", template]
    say("sam validate --lint")
    done = complete(command, cwd=ROOT, env=scrubbed(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    print(f"{done.stdout}{done.stderr}".strip())
    return [(0, f"sam validate --lint ended with exit status {done.returncode}", "")] if done.returncode else []


def lint_combinations(template: dict, strength: int) -> list:
    parameters = factors(template)
    combinations = cover(template, parameters, strength)
    which = f"{len(combinations)} combinations of {len(parameters)} parameters"
    say(f"cfn-lint on {which}, every {strength} values of {strength} of them together")
    found = []
    for combination in combinations:
        resolved = resolve(template, combination)
        changed = {name: value for name, value in combination.items() if value != parameters[name][0]}
        where = ", ".join(f"{name}={textwrap.shorten(value, 24, placeholder='…') or '…'}" for name, value in changed.items())
        where = where or "all parameters at their defaults"
        for match in cfn_lint(resolved):
            found.append((match.linenumber, f"{match.rule.id} {match.message}", where))
        print(f"{len(resolved['Resources']):3} resources  {where}", flush=True)
    print(f"{len(combinations)} combinations linted")
    return found


def cfn_lint(template: dict) -> list:
    from cfnlint.api import ManualArgs
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    config = ConfigMixIn(**ManualArgs(regions=[REGION], ignore_checks=NOT_OF_A_PART))
    return list(Runner(config).validate_template(template))
