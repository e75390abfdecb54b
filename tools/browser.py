"""Drives the Chromium of this system, without a window and without the network, through Playwright.

Playwright stands in .local/browser (tools/environment.py, prepare_browser), so this module imports it only when it starts a
browser. It downloads no browser of its own: the system's browser gets the system's security updates.
"""

import shutil
from contextlib import contextmanager

# Debian's name, Google's, and the name that some other distributions have.
PROGRAMS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
INSTALL = "Install Chromium: apt-get install chromium, or your system's way. Google Chrome on the PATH is fine, too."
# A page is served under a name that is reserved for not existing (RFC 2606), so that a relative URL would be a request as well.
ADDRESS = "http://dashboard.invalid/"
# No name resolves for any caller: a page, or the browser itself for an update.
ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND",)
TIMEOUT_MS = 30_000


def find() -> str | None:
    """The path of a browser, or None where the system has none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@contextmanager
def start():
    """A browser that ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=list(ARGUMENTS), timeout=TIMEOUT_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser, html: str, width: int, scale: float = 1):
    """Shows a document; yields its page and the list of the URLs that it asks for, of which it gets none."""
    context = browser.new_context(viewport={"width": width, "height": 800}, device_scale_factor=scale)
    context.set_default_timeout(TIMEOUT_MS)
    refused: list = []

    unserved = [html]

    def answer(route) -> None:
        if unserved and route.request.url == ADDRESS:
            route.fulfill(content_type="text/html; charset=utf-8", body=unserved.pop())
        else:
            refused.append(route.request.url)
            route.abort()

    context.route("**/*", answer)
    try:
        page = context.new_page()
        page.goto(ADDRESS)
        yield page, refused
    finally:
        context.close()
