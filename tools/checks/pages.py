"""Checks Markdown: that links lead somewhere, that the summary has every page, and that the README stays short.

An anchor is what GitHub makes of a heading, or an explicit `<a id="…">`.
"""

import html
import os.path
import re
import unicodedata
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

README, SUMMARY = Path("README.md"), Path("docs/SUMMARY.md")
MAX_LINES, MAX_WORDS = 130, 900

FENCED = re.compile(r"(?ms)^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ >]*(?P=fence)[`~]*[ ]*$|\Z)")
COMMENT = re.compile(r"(?s)<!--.*?-->")
# It ends with as many backticks as it begins with, in the same paragraph.
CODE = re.compile(r"(?s)(?<!`)(?P<ticks>`+)(?!`)(?P<code>(?:(?!\n\n).)+?)(?<!`)(?P=ticks)(?!`)")
HEADING = re.compile(r"(?m)^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
EXPLICIT = re.compile(r"""<[a-z][^>]*\s(?:id|name)=["']([^"']+)["']""")
LINKS = (
    # The target may have parentheses that match, and a title behind it.
    re.compile(r"\]\(\s*(<[^<>\n]*>|(?:[^\s()<]|\([^\s()]*\))*)(?=[\s)])"),
    re.compile(r"(?m)^ {0,3}\[(?!\^)[^\]\n]+\]:\s*(\S+)"),
    re.compile(r"""<[a-z][^>]*\s(?:href|src)=["']([^"']*)["']"""),
)
ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
# GitHub gives these to the lines of a file that is no page.
LINES = re.compile(r"L\d+(-L\d+)?")


def check_pages(root: Path, pages: list) -> list:
    """Says what is wrong with the pages, whose paths are relative to the root."""
    wrong = [f"{page}:{line}: {text}" for page in pages for line, text in check_links(root, page)]
    return wrong + check_summary(root, pages) + check_size(root)


def check_links(root: Path, page: Path) -> list:
    wrong = []
    for line, target in find_links((root / page).read_text()):
        if problem := explain_broken(root, page, target):
            wrong.append((line, f"the link to {target or 'nothing'} {problem}"))
    return wrong


def explain_broken(root: Path, page: Path, target: str) -> str:
    """Says why a link leads nowhere; nothing of one that leads somewhere, or out of the repository to a URL."""
    if ELSEWHERE.match(target):
        return ""
    if not target:
        return "leads nowhere"
    file, fragment = resolve(page, target)
    if file.parts[:1] == ("..",):
        return "leads out of the repository"
    if not (root / file).exists():
        return f"leads nowhere: there is no {file}"
    if not fragment:
        return ""
    if file.suffix != ".md":
        return "" if LINES.fullmatch(fragment) else f"has an anchor, and {file} is no page"
    return "" if fragment in find_anchors((root / file).read_text()) else f"leads nowhere: {file} has no anchor #{fragment}"


def resolve(page: Path, target: str) -> tuple:
    """The file that a relative link leads to, from the root, and the anchor in it."""
    path, _, fragment = target.partition("#")
    path = unquote(path.partition("?")[0])
    if not path:
        return page, unquote(fragment)
    # GitHub takes a leading slash for the repository's root.
    joined = path.lstrip("/") if path.startswith("/") else page.parent / path
    return Path(os.path.normpath(joined)), unquote(fragment)


def find_links(text: str) -> list:
    """The targets of all links and images, each with its line."""
    text = blank(CODE, blank(COMMENT, blank(FENCED, text)))
    found = [(match.start(1), match[1].strip("<>")) for links in LINKS for match in links.finditer(text)]
    return [(text.count("\n", 0, at) + 1, target) for at, target in sorted(found)]


def find_anchors(text: str) -> set:
    text = blank(COMMENT, blank(FENCED, text))
    found, seen = set(EXPLICIT.findall(blank(CODE, text))), Counter()
    for heading in HEADING.findall(text):
        slug = make_slug(heading)
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def make_slug(heading: str) -> str:
    """GitHub's anchor of a heading: its text in lower case without punctuation, and a hyphen for each space."""
    # What is code stays as it is: its underscores are no emphasis.
    parts, at = [], 0
    for code in CODE.finditer(heading):
        parts += [render(heading[at : code.start()]), code["code"]]
        at = code.end()
    text = "".join([*parts, render(heading[at:])]).strip().lower()
    return "".join(letter for letter in text if is_kept(letter)).replace(" ", "-")


def render(text: str) -> str:
    """The text of a piece of a heading, without images, tags, the targets of links and emphasis."""
    text = re.sub(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])", "", text)
    text = re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    text = re.sub(r"(?<!\w)(_{1,2})(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    return html.unescape(re.sub(r"</?[A-Za-z][^>]*>", "", text))


def is_kept(letter: str) -> bool:
    # Letters, marks, digits, and what connects words, such as the underscore.
    category = unicodedata.category(letter)
    return letter in " -" or letter.isdecimal() or category[0] in "LM" or category == "Pc"


def blank(pattern: re.Pattern, text: str) -> str:
    """The text with spaces for what matches, so that every line keeps its number."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def check_summary(root: Path, pages: list) -> list:
    if not (root / SUMMARY).exists():
        return [f"{SUMMARY} is missing"]
    listed = {resolve(SUMMARY, target)[0] for _, target in find_links((root / SUMMARY).read_text()) if not ELSEWHERE.match(target)}
    missing = [page for page in pages if page.parts[0] == "docs" and page != SUMMARY and page not in listed]
    return [f"{SUMMARY}: {page} is missing" for page in missing]


def check_size(root: Path) -> list:
    text = (root / README).read_text()
    counts = (("lines", len(text.splitlines()), MAX_LINES), ("words", len(text.split()), MAX_WORDS))
    return [f"{README}: has {count} {what}, and may have {most}" for what, count, most in counts if count > most]
