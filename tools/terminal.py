"""What a terminal is told, and what a pipe is spared: color, control sequences and the news that something is still running."""

import os
import stat
import sys
import threading
import time
from contextlib import contextmanager

# The columns of a report, as the function takes them; where there is no terminal, this many.
NARROWEST, WIDEST, USUAL = 40, 1000, 100
# Those of a terminal that does not know how many it has.
UNKNOWN = 80
ERASE_LINE = "\r\x1b[2K"


def takes_control(stream) -> bool:
    """Whether control sequences do on it what they are for. TERM=dumb is a terminal's word for no."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_color(stream) -> bool:
    """A terminal, unless its user set NO_COLOR to anything but nothing (https://no-color.org)."""
    return takes_control(stream) and not os.environ.get("NO_COLOR")


def replace_what_cannot_be_encoded() -> None:
    """Prints a question mark for a character that the encoding of an output lacks, such as the mark of a denial in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")


def measure(stream) -> int | None:
    """The columns of a terminal; None for what is no terminal, and for one that does not know."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def columns() -> int:
    """As wide as a report is: COLUMNS, where its user has set that, or what its reader looks at."""
    wanted = os.environ.get("COLUMNS", "")
    width = int(wanted) if wanted.isdecimal() else measure(sys.stdout)
    if not width and is_pipe(sys.stdout):
        # A pager shows it on the terminal that has the errors. A file is read anywhere.
        width = measure(sys.stderr)
    return min(max(width or USUAL, NARROWEST), WIDEST)


def is_pipe(stream) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:
        return False


@contextmanager
def progress(what: str, stream=None):
    """On a terminal, says on its error stream what is running and for how long; erases that at the end. Elsewhere it is silent."""
    stream = stream or sys.stderr
    if not takes_control(stream):
        yield
        return
    started, done = time.monotonic(), threading.Event()

    def draw() -> None:
        while not done.is_set():
            seconds = f" {int(time.monotonic() - started)} s"
            # A line that wraps could not be erased, and the last column is left free, since some terminals wrap behind it.
            width = (measure(stream) or UNKNOWN) - 1
            stream.write(ERASE_LINE + (f"   {what}"[: max(width - len(seconds), 0)] + seconds)[: max(width, 0)])
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
