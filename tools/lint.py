"""Lints template.yaml, under combinations of its parameters, the workflows, the Python tools and the spelling.

- Ruff lints the Python tools and holds their format, typos holds the spelling of everything, and zizmor looks for what
  is not secure in the workflows.
- cfn-lint lints what CloudFormation would create under each of a set of combinations: the template with its
  conditions resolved. Any three values of three parameters occur together in one of them, or as many as --strength
  says. A reference to something that a combination does not create is found this way.
- `sam validate --lint` lints the template as it is.
- Checkov looks for what is not secure, in the template and under a few combinations in which every value of every
  parameter occurs. What it finds is either mended or skipped beside the resource, with the reason. A skip that skips
  nothing is found, too.
- The saved queries are checked for their syntax and for their fields, the test events against events/.
- The tests of tests/tools hold the template's alarms, its parameters, and the filters of the documentation.

Combinations that the template's Rules refuse are left out.

It ends with exit status 1 if anything was found.
"""

import argparse
from pathlib import Path

from tools.checks.queries import check_queries
from tools.checks.security import check_security
from tools.checks.shareable_events import check_test_events, write_test_events
from tools.checks.sources import check_python, check_spelling, check_workflows, write_python
from tools.checks.template import lint_combinations, lint_whole
from tools.children import complete
from tools.environment import BIN, ROOT, enter_venv, prepare, prepare_checks, say, scrubbed
from tools.test import TOOLS_TESTS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--strength", type=int, default=3, metavar="N", help="have every N values of N parameters occur together (default: %(default)s)"
    )
    parser.add_argument("--write", action="store_true", help="first put the test events into the template, and format the Python tools")
    parser.add_argument("--without-tests", action="store_true", help="leave out the tests of tests/tools, which ./dev test has run")
    parser.add_argument("template", nargs="?", type=Path, default=ROOT / "template.yaml", help="default: %(default)s")
    arguments = parser.parse_args()
    prepare()
    prepare_checks()
    # cfn-lint is imported, since starting it for each combination takes longer than linting.
    enter_venv()
    if arguments.write:
        write_test_events(arguments.template)
        write_python()

    from cfnlint.decode import decode_str

    template, broken = decode_str(arguments.template.read_text())
    if broken:
        return report(arguments.template, [(match.linenumber, f"{match.rule.id} {match.message}", "") for match in broken])
    found = check_python()
    found += check_spelling()
    found += check_workflows()
    found += lint_whole(arguments.template)
    found += lint_combinations(template, arguments.strength)
    found += check_security(template, arguments.template)
    found += check_queries(template)
    found += check_test_events(template)
    if not arguments.without_tests:
        found += run_tests()
    return report(arguments.template, found)


def run_tests() -> list:
    say("The tests of tests/tools")
    status = complete([BIN / "python", *TOOLS_TESTS], cwd=ROOT, env=scrubbed()).returncode
    return [(0, f"the tests of tests/tools ended with exit status {status}", "")] if status else []


def report(template: Path, found: list) -> int:
    """Prints what was found, a finding of several combinations once."""
    first = {}
    for line, text, where in found:
        # The rest of a message can be a list that differs from one combination to the next.
        first.setdefault((line, text[:40]), (text, where))
    for (line, _), (text, where) in sorted(first.items()):
        place = f"{template}:{line}: " if line else ""
        print(f"{place}{text}{where and f'{chr(10)}    with {where}'}")
    say(f"Found: {len(first)}" if first else "Nothing found")
    return 1 if first else 0
