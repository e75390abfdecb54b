"""Checks that the pictures of the pages are there, whole and small, and made from the sources as they are.

That needs neither a browser nor a build: tools/pictures.py writes into each picture a digest of the sources that it depends on.
"""

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

PICTURES = ("docs/images/report.png", "docs/images/widget.png")
# Each clone and each reader of the README gets them.
MAX_BYTES = 80_000
# In pixels: a report fills a part of a screen, and a screen or a few of them have room for it.
MIN_SIDE, MAX_SIDE = 400, 4000
# What decides how a picture looks: the words and the layout of a report, and how a picture is taken.
SOURCES = (
    "crates/core/src/report/text.rs",
    "crates/core/src/report/html.rs",
    "crates/core/src/report/sentence.rs",
    "crates/core/src/diagnosis/wording/*.rs",
    "tools/pictures.py",
    "tools/dashboard.py",
)
# The notes of a picture, each a digest: of the document that it shows, and of the sources. They are keywords of PNG's tEXt chunks.
SHOWS, MADE_FROM = "Shows", "Made from"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Broken(Exception):
    """Why something is not a whole PNG."""


@dataclass
class Picture:
    """A PNG: its size in pixels, and its texts by their keywords."""

    width: int
    height: int
    notes: dict


def check_pictures(root: Path) -> list:
    found = []
    sources = digest_sources(root)
    for name in PICTURES:
        file = root / name
        if not file.is_file():
            found.append(f"{name} is missing: ./dev docs makes it")
            continue
        content = file.read_bytes()
        if len(content) >= MAX_BYTES:
            found.append(f"{name} has {len(content)} bytes, and must have less than {MAX_BYTES}")
        try:
            picture = read_png(content)
        except Broken as broken:
            found.append(f"{name} {broken}: delete it and run ./dev docs")
            continue
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (picture.width, picture.height)):
            found.append(f"{name} has {picture.width} by {picture.height} pixels, and must have {MIN_SIDE} to {MAX_SIDE} each way")
        if not re.fullmatch("[0-9a-f]{64}", picture.notes.get(SHOWS, "")):
            found.append(f"{name} does not say what it shows: run ./dev docs")
        if picture.notes.get(MADE_FROM) != sources:
            found.append(f"{name} is older than what it was made from (SOURCES in tools/checks/pictures.py): run ./dev docs")
    return found


def digest_sources(root: Path) -> str:
    """One digest of all sources, with their names."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for file in sorted(root.glob(pattern)):
            digest.update(f"{file.relative_to(root).as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def split_chunks(content: bytes) -> list:
    """The chunks of a PNG, each with its type and its content (Portable Network Graphics Specification, "Chunk layout")."""
    if not content.startswith(SIGNATURE):
        raise Broken("is not a PNG")
    chunks, at = [], len(SIGNATURE)
    while at < len(content):
        if len(content) < at + 12:
            raise Broken("is cut off")
        (length,) = struct.unpack_from(">I", content, at)
        body, end = content[at + 4 : at + 8 + length], at + 8 + length
        if len(content) < end + 4:
            raise Broken("is cut off")
        if struct.unpack_from(">I", content, end)[0] != zlib.crc32(body):
            raise Broken("has a chunk with another checksum than it should have")
        chunks.append((body[:4], body[4:]))
        at = end + 4
    if not chunks or (chunks[0][0], chunks[-1][0]) != (b"IHDR", b"IEND"):
        raise Broken("is cut off")
    return chunks


def read_png(content: bytes) -> Picture:
    chunks = split_chunks(content)
    width, height = struct.unpack_from(">II", chunks[0][1])
    try:
        rows = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    except zlib.error:
        raise Broken("has no pixels that can be read") from None
    # Each row begins with a byte for its filter.
    if len(rows) < 2 * height:
        raise Broken("has fewer pixels than it says")
    texts = (body.decode("latin-1").partition("\0") for kind, body in chunks if kind == b"tEXt")
    return Picture(width, height, {keyword: text for keyword, _, text in texts})


def write_notes(content: bytes, notes: dict) -> bytes:
    """The same picture with these notes, and no others."""
    kept = [chunk for chunk in split_chunks(content) if chunk[0] != b"tEXt"]
    texts = [(b"tEXt", f"{keyword}\0{text}".encode("latin-1")) for keyword, text in notes.items()]
    bodies = (kind + body for kind, body in kept[:1] + texts + kept[1:])
    return SIGNATURE + b"".join(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in bodies)
