"""What a terminal is told, and what a pipe is spared: color, control sequences and the news that something is still running."""

import os
import shutil
import sys
import threading
import time
from contextlib import contextmanager

# The columns of a report, as the function takes them; where there is no terminal, this many.
NARROWEST, WIDEST, USUAL = 40, 1000, 100
ERASE_LINE = "\r\x1b[2K"


def takes_control(stream) -> bool:
    """Whether control sequences do on it what they are for. TERM=dumb is a terminal's word for no."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_color(stream) -> bool:
    """A terminal, unless its user set NO_COLOR to anything but nothing (https://no-color.org)."""
    return takes_control(stream) and not os.environ.get("NO_COLOR")


def columns() -> int:
    return min(max(shutil.get_terminal_size((USUAL, 24)).columns, NARROWEST), WIDEST)


@contextmanager
def progress(what: str, stream=None):
    """On a terminal, says on its error stream what is running and for how long; erases that at the end. Elsewhere it is silent."""
    stream = stream or sys.stderr
    if not takes_control(stream):
        yield
        return
    started, done = time.monotonic(), threading.Event()

    def draw() -> None:
        # A line that wraps could not be erased.
        fits = columns() - len("    9999 s")
        while not done.is_set():
            stream.write(f"{ERASE_LINE}   {what[:fits]} {int(time.monotonic() - started)} s")
            stream.flush()
            done.wait(1)

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    try:
        yield
    finally:
        done.set()
        drawing.join()
        stream.write(ERASE_LINE)
        stream.flush()
