"""Writes the generated pages and the pictures, and checks all Markdown of the repository.

The pages are written by the tests that compare them otherwise, those of WRITTEN_BY, which are told to by UPDATE_DOCS=1.
The pictures are taken in a browser, of a run in the emulated account of `./dev demo` (tools/pictures.py).
What is checked is that every relative link and its anchor lead somewhere, that docs/SUMMARY.md has every page of docs/,
that README.md stays short, and that the pictures are there and small. --check writes nothing; `./dev test` makes the
comparisons of the pages.

It ends with exit status 1 if anything was found.
"""

import argparse
import subprocess
from pathlib import Path

from tools import browser
from tools.checks.pages import check_pages
from tools.checks.pictures import check_pictures
from tools.environment import BROWSER, ROOT, fail, prepare, prepare_browser, run, say, scrubbed
from tools.test import CARGO_TEST

# The tests that hold a file to what the code says, or write it.
WRITTEN_BY = ("docs::", "pages::")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--no-pictures", action="store_true", help="leave the pictures as they are")
    arguments = parser.parse_args()
    if not arguments.check:
        with_pictures = not arguments.no_pictures
        if with_pictures and not browser.find():
            fail("There is no browser to make the pictures with.", f"{browser.INSTALL}\n       Or leave them as they are: --no-pictures.")
        write_generated()
        if with_pictures:
            make_pictures()
    pages = find_pages()
    say(f"The links of {len(pages)} pages, docs/SUMMARY.md, the size of README.md, and the pictures")
    found = check_pages(ROOT, pages) + check_pictures(ROOT)
    print("\n".join(found) or "Nothing found")
    return 1 if found else 0


def write_generated() -> None:
    prepare()
    say("Writing the generated pages (a first build takes several minutes)")
    todo = "Look at the failed tests above."
    run("The pages could not be written", todo, "cargo", *CARGO_TEST, "--", *WRITTEN_BY, env=scrubbed(UPDATE_DOCS="1"))


def make_pictures() -> None:
    prepare_browser()
    run("The pictures could not be made", "Look at the error above.", BROWSER / "bin" / "python", "-m", "tools.pictures")


def find_pages() -> list:
    """The Markdown files that are in the repository, or will be when they are committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f"The pages could not be listed: {error}", "It needs git, and a checkout of the repository.")
    # One that was deleted is listed until that is committed.
    return sorted({Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()})
