"""Makes the pictures of docs/images: the report of one denial as a terminal shows it, and the widget of the same denial.

Both come from real runs of the function in the emulated account of `./dev demo`. What differs from run to run is replaced
before: the ids of requests, durations, times and the ports of this machine. A picture carries the digest of what it shows, and
is made again only where that differs, since each machine has other fonts. It also carries the digest of the sources that it was
made from, which `./dev docs --check` looks at (tools/checks/pictures.py). `./dev docs` runs this with the Python of .local/browser.
"""

import hashlib
import io
import json
import re
import textwrap
from pathlib import Path

from tools import browser
from tools.account import ask, emulator
from tools.checks.pictures import MADE_FROM, MAX_BYTES, PICTURES, SHOWS, Broken, digest_sources, read_png, write_notes
from tools.children import exit_when_terminated
from tools.dashboard import ROOT_CLASS, host
from tools.environment import ROOT, fail, say
from tools.function import compile_function, fetch_text, invoke, watch

ACTION = "dynamodb:PutItem"
EVENT = "events/widget.json"
COLUMNS = 100
WIDGET_WIDTH = 760
# What a run has of its own, and what a picture has in its place.
FIXED = (
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "c6af9ac6-7b61-11e6-9a41-93e812345678"),
    # An id of DynamoDB and other services.
    (r"\b[A-Za-z0-9]{52}\b", "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG"),
    (r"\b\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\.\d+)?", r"2026-01-01\g<1>12:00:00"),
    (r"\b[\d,]+ ms\b", "412 ms"),
    (r"\b\d+\.\d+ s\b", "0.4 s"),
    (r"\b127\.0\.0\.1:\d+", "127.0.0.1:4566"),
)
TERMINAL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A terminal</title><style>
body {{ margin: 0; background: {background}; }}
pre {{ margin: 0; padding: 16px; width: max-content; font: 14px/19px "DejaVu Sans Mono", Menlo, Consolas, monospace;
  background: {background}; color: {foreground}; }}
</style></head><body><pre id="picture">{code}</pre></body></html>
"""


def main() -> None:
    compile_function()
    say(f"Running the function with {ACTION} taken out of the role's policy, for the pictures")
    with emulator() as account, watch(account["environment"]) as port:
        ask(account, "without", {"action": ACTION})
        text = fetch_text(port, COLUMNS, color=True)
        widget = json.loads(invoke(port, EVENT))
    if not isinstance(widget, str) or ROOT_CLASS.format("light") not in widget:
        fail(f"{EVENT} was not answered with a widget, but with {widget!r:.200}", "Look at the function's log, .local/watch.log.")
    dashboard = host(fix(widget), WIDGET_WIDTH).replace("</style>", "#widget { padding: 16px; }</style>", 1)
    pages = (show_terminal(fix_lines(text)), "#picture"), (dashboard, "#widget")
    sources = digest_sources(ROOT)
    with browser.start() as chromium:
        for name, (html, element) in zip(PICTURES, pages, strict=True):
            print(f"   {name}: {take(chromium, html, element, ROOT / name, sources)}")


def fix(text: str) -> str:
    """The text with the same ids, durations and times in each run."""
    for pattern, fixed in FIXED:
        text = re.sub(pattern, fixed, text)
    return text


def fix_lines(text: str) -> str:
    """The same for a report in lines. Its paragraph with the duration is broken anew, since durations differ in length."""
    parts = []
    for part in text.split("\n\n"):
        # Lines without indentation and color: no heading, row, advice or policy. A line may end within the duration.
        if re.search(r"\d\s+m?s\b", part) and not re.search(r"^\s|\x1b", part, re.MULTILINE):
            # Broken as wrap() of crates/core/src/report/text.rs does.
            fixed = fix(" ".join(part.split()))
            parts.append(textwrap.fill(fixed, COLUMNS, break_long_words=False, break_on_hyphens=False))
        else:
            parts.append(fix(part))
    return "\n\n".join(parts)


def show_terminal(text: str) -> str:
    """A page that shows a text as a terminal does, with its colors."""
    from rich.console import Console
    from rich.terminal_theme import SVG_EXPORT_THEME
    from rich.text import Text

    console = Console(record=True, file=io.StringIO(), width=COLUMNS, force_terminal=True, color_system="truecolor")
    # A line that is too long goes on in the next one, as in a terminal.
    console.print(Text.from_ansi(text), overflow="fold")
    return console.export_html(theme=SVG_EXPORT_THEME, code_format=TERMINAL, inline_styles=True)


def take(chromium, html: str, element: str, file: Path, sources: str) -> str:
    """Writes a picture of an element of a page, unless the one that is there shows the same; returns what was done."""
    notes = {SHOWS: hashlib.sha256(html.encode()).hexdigest(), MADE_FROM: sources}
    former = read_notes(file)
    if former.get(SHOWS) == notes[SHOWS]:
        if former != notes:
            file.write_bytes(write_notes(file.read_bytes(), notes))
        return "shows the same already"
    # As sharp as its size allows.
    for scale in (2, 1.5, 1):
        with browser.open_page(chromium, html, WIDGET_WIDTH + 200, scale) as (page, _):
            content = write_notes(compress(page.locator(element).screenshot()), notes)
        if len(content) < MAX_BYTES:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            return f"{len(content)} bytes"
    fail(f"{file.name} has {len(content)} bytes.", f"It has to have less than {MAX_BYTES}: make what it shows shorter.")


def read_notes(file: Path) -> dict:
    """Those of the picture that is there; none where it is missing or broken."""
    try:
        return read_png(file.read_bytes()).notes
    except (FileNotFoundError, Broken):
        return {}


def compress(picture: bytes) -> bytes:
    """A PNG with a palette, since text has few colors."""
    from PIL import Image

    small = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as whole:
        # This method keeps a color that few pixels have.
        reduced = whole.convert("RGB").quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    reduced.save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    # ./dev docs waits for this to stop what it has started.
    exit_when_terminated()
    main()
