"""Writes the generated pages, and checks all Markdown of the repository.

The pages are written by the tests that compare them otherwise, those of `docs::`, which are told to by UPDATE_DOCS=1.
What is checked is that every relative link and its anchor lead somewhere, that docs/SUMMARY.md has every page of docs/,
and that README.md stays short. --check writes nothing; `./dev test` makes the comparisons.

It ends with exit status 1 if anything was found.
"""

import argparse
import subprocess
from pathlib import Path

from tools.checks.pages import check_pages
from tools.environment import ROOT, fail, prepare, run, say, scrubbed
from tools.test import CARGO_TEST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    if not arguments.check:
        write_generated()
    pages = find_pages()
    say(f"The links of {len(pages)} pages, docs/SUMMARY.md, and the size of README.md")
    found = check_pages(ROOT, pages)
    print("\n".join(found) or "Nothing found")
    return 1 if found else 0


def write_generated() -> None:
    prepare()
    say("Writing the generated pages (a first build takes several minutes)")
    todo = "Look at the failed tests above."
    run("The pages could not be written", todo, "cargo", *CARGO_TEST, "docs::", env=scrubbed(UPDATE_DOCS="1"))


def find_pages() -> list:
    """The Markdown files that are in the repository, or will be when they are committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"The pages could not be listed: {error}", "It needs git, and a checkout of the repository.")
    # One that was deleted is listed until that is committed.
    return sorted({Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()})
