"""Checks that the pictures of the pages are there, and small."""

from pathlib import Path

PICTURES = ("docs/images/report.png", "docs/images/widget.png")
# Each clone and each reader of the README gets them.
MAX_BYTES = 80_000


def check_pictures(root: Path) -> list:
    found = []
    for name in PICTURES:
        file = root / name
        if not file.is_file():
            found.append(f"{name} is missing: ./dev docs makes it")
        elif file.stat().st_size >= MAX_BYTES:
            found.append(f"{name} has {file.stat().st_size} bytes, and must have less than {MAX_BYTES}")
    return found
