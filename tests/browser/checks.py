"""What has to be true of a widget on a dashboard, and of a document of its own. A check returns its findings as sentences."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3
from axe_playwright_python.sync_playwright import Axe

from tools.browser import open_page
from tools.dashboard import MARGIN, host

# The elements that a widget is made of. What is none of them came out of a text.
# fmt: off
ELEMENTS = {
    "a", "bdi", "br", "button", "caption", "code", "cwdb-action", "dd", "details", "div", "dl", "dt", "em", "footer", "h1",
    "h2", "h3", "h4", "header", "hr", "li", "main", "ol", "p", "pre", "section", "small", "span", "strong", "style", "summary", "table",
    "tbody", "td", "th", "thead", "time", "tr", "ul",
}
ATTRIBUTES = {
    "action", "aria-hidden", "aria-label", "aria-labelledby", "class", "colspan", "confirmation", "datetime", "dir",
    "display", "endpoint", "event", "href", "id", "lang", "open", "rel", "role", "rowspan", "scope", "style",
    "tabindex", "target", "title", "type",
}
# fmt: on
# What CloudWatch keeps of a widget. Its sanitizer is not public. The CloudWatch User Guide says of the HTML that a function
# returns: "most HTML tags are supported", CSS by inline styles and by the <style> tag, and SVG ("Details about custom widgets
# in CloudWatch"); JavaScript "or other known security vulnerabilities" are removed, for example the tags <iframe> and <use>
# ("Security and JavaScript for custom CloudWatch widgets", the security page of "Custom widgets"); <cwdb-action> has these
# five attributes, and any element may have a title ("Interactivity in the custom widget in CloudWatch"). "Most tags" are
# taken to be those that nh3 keeps by default, with what is documented beside them. It is no list of what a widget of the
# function has, which is ELEMENTS and ATTRIBUTES.
# fmt: off
SVG = ("svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan")
KEPT_ELEMENTS = nh3.ALLOWED_TAGS | {
    "style", "section", "button", "select", "option", "input", "textarea", "cwdb-action", *SVG,
}
FIELD = {"name", "value", "disabled", "readonly", "required", "placeholder"}
SHAPE = {
    "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "d", "points", "transform", "viewBox",
    "fill", "stroke", "stroke-width", "opacity", "text-anchor", "font-size",
}
# fmt: on
KEPT_ATTRIBUTES = {
    **nh3.ALLOWED_ATTRIBUTES,
    "*": {"class", "id", "style", "title", "tabindex", "role", "lang", "dir"},
    "a": nh3.ALLOWED_ATTRIBUTES["a"] | {"target", "rel"},
    "details": {"open"},
    "time": {"datetime"},
    "button": {"type", "name", "value", "disabled"},
    "input": FIELD | {"type", "checked", "min", "max", "step", "size"},
    "textarea": FIELD | {"rows", "cols"},
    "select": FIELD | {"multiple", "size"},
    "option": {"value", "selected", "disabled", "label"},
    "cwdb-action": {"action", "confirmation", "display", "endpoint", "event"},
    **dict.fromkeys(SVG, SHAPE),
}
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr", "area", "base", "col", "embed", "source", "track"}
# What tools/dashboard.py has, with a widget that is closed where it should be.
AROUND = ["html", "head", "meta", "title", "style", "body", "button#before", "div#widget", "div", "button#after"]
# WCAG 2.1, levels A and AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# axe-core gives these reasons where a text is too short or has no letter, and there is nothing to measure then.
NOTHING_TO_MEASURE = {"shortTextContent", "nonBmp"}


@dataclass
class Shown:
    """A widget on a dashboard, or a document of its own, with the selectors of what is looked at."""

    markup: str
    page: object
    requests: list
    # All that a text can have come into.
    inside: str = "#widget *"
    # What is made of elements of ELEMENTS only.
    content: str = ".permissions-probe, .permissions-probe *"
    # What is as wide as it may be, and the element that is to fit into it.
    edges: str = "#widget"
    root: str = ".permissions-probe"


# There is nothing around a document.
DOCUMENT = {"inside": "html, html *", "content": "body *", "edges": "html", "root": "html"}
DOCTYPE = "<!doctype html>"


# --- What the markup is ----------------------------------------------------------------------------------------------------------


class Nesting(HTMLParser):
    """Holds markup to one root element, in which whatever is opened is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open, self.roots, self.found = [], 0, []
        self.feed(markup)
        self.close()
        self.found += [f"<{name}> is not closed" for name in self.open]
        if self.roots != 1:
            self.found.append(f"there are {self.roots} root elements")

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.roots += not self.open
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.found.append(f"</{tag}> closes {self.open[-1:] or 'nothing'}")

    def handle_data(self, data: str) -> None:
        if not self.open and data.strip():
            self.found.append(f"text is outside of the root: {data.strip()[:40]!r}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"there is a comment: {data[:40]!r}")


def check_nesting(shown: Shown) -> list:
    return Nesting(shown.markup).found


def check_elements(shown: Shown) -> list:
    """Every element and every attribute is one that a widget is made of."""
    names = shown.page.evaluate(
        "(content) => [...document.querySelectorAll(content)].map((element) => [element.localName, element.getAttributeNames()])",
        shown.content,
    )
    found = [f"there is an element {name}" for name, _ in names if name not in ELEMENTS]
    return found + [f"{name} has an attribute {given}" for name, attributes in names for given in attributes if given not in ATTRIBUTES]


def check_surroundings(shown: Shown) -> list:
    """The dashboard around the widget is what it was."""
    around = shown.page.evaluate(
        """() => [...document.querySelectorAll('*')].filter((element) => !element.closest('.permissions-probe *'))
            .map((element) => element.localName + (element.id && '#' + element.id))"""
    )
    text = shown.page.evaluate(
        """() => [...document.querySelector('#widget').childNodes].some((node) => node.nodeType == Node.TEXT_NODE && node.data.trim())"""
    )
    found = [f"the elements outside of the widget are {' '.join(around)}"] if around != AROUND else []
    return found + ["there is text beside the widget"] * text


def check_scripts(shown: Shown) -> list:
    """Nothing runs: no script, no handler of an event, no URL with code in it, nothing embedded."""
    return shown.page.evaluate(
        """(inside) => [...document.querySelectorAll(inside)].flatMap((element) => {
            const found = [];
            // In the head of a document, a meta element does no more than describe it, unless it stands for a header.
            if (element.matches('script, iframe, frame, use, object, embed, base, link, meta[http-equiv], body meta'))
                found.push(`there is <${element.localName}>`);
            for (const { name, value } of element.attributes) {
                if (name.startsWith('on')) found.push(`<${element.localName}> has ${name}`);
                if (name == 'srcdoc') found.push(`<${element.localName}> has a document`);
                if (/^(title|aria-label|class)$/.test(name)) continue;
                // The browser reads the URL, since it leaves out what a pattern would stumble over.
                const scheme = URL.canParse(value) ? new URL(value).protocol : '';
                if (/^(javascript|vbscript|data|blob):$/.test(scheme)) found.push(`<${element.localName}> has ${name}=${scheme}`);
            }
            return found;
        })""",
        shown.inside,
    )


def check_requests(shown: Shown) -> list:
    return [f"the page asked for {address[:80]}" for address in shown.requests]


def check_sanitized(shown: Shown) -> list:
    """A sanitizer that keeps what CloudWatch is documented to keep takes nothing away."""
    cleaned = nh3.clean(
        shown.markup,
        tags=KEPT_ELEMENTS,
        attributes=KEPT_ATTRIBUTES,
        generic_attribute_prefixes={"aria-"},
        clean_content_tags={"script", "iframe"},
        strip_comments=False,
        link_rel=None,
        url_schemes={"https", "http", "mailto"},
    )
    before, after = (shown.page.evaluate(TREE, markup) for markup in (shown.markup, cleaned))
    changed = [line for line in difflib.unified_diff(before, after, n=0, lineterm="") if line[:3] not in ("---", "+++") and line[0] in "-+"]
    return [f"a sanitizer changes it: {line[:120]}" for line in changed[:5]]


# Lines that are equal where two fragments have the same tree.
TREE = """(markup) => {
    const holder = document.createElement('template'), lines = [];
    holder.innerHTML = markup;
    const walk = (node, depth) => {
        const indent = ' '.repeat(depth);
        if (node.nodeType != 1) return lines.push(`${indent}${node.nodeName} ${JSON.stringify(node.data)}`);
        const attributes = [...node.attributes].map(({ name, value }) => `${name}=${JSON.stringify(value)}`).sort();
        lines.push(`${indent}<${[node.localName, ...attributes].join(' ')}>`);
        node.childNodes.forEach((child) => walk(child, depth + 1));
    };
    holder.content.childNodes.forEach((child) => walk(child, 0));
    return lines;
}"""


# --- How it is used --------------------------------------------------------------------------------------------------------------

# What somebody can act on: that includes whatever a cwdb-action acts for, which is the element before it.
ACTIONABLE = """[...document.querySelector(root).querySelectorAll('*')].filter((element) =>
    element.checkVisibility() && (
        element.matches('a, button, input, select, textarea, details > summary:first-of-type')
        || element.nextElementSibling?.localName == 'cwdb-action'))"""
DESCRIBE = "(element) => `<${element.localName}> ${JSON.stringify(element.textContent.trim().slice(0, 40))}`"
FOCUSED = f"""(root) => {{
    const element = document.activeElement, style = getComputedStyle(element);
    window.reached.add(element);
    return {{
        name: ({DESCRIBE})(element),
        end: element == document.body || !element.closest(root),
        visible: style.outlineStyle != 'none' && parseFloat(style.outlineWidth) > 0,
        closed: element.localName == 'summary' && !element.parentElement.open,
    }};
}}"""


def check_keyboard(shown: Shown) -> list:
    """Tab reaches whatever can be acted on, the focus can be seen there, and Enter opens what is folded."""
    page, found = shown.page, []
    page.evaluate("() => { window.reached = new Set(); document.querySelector('#before')?.focus(); }")
    # What is folded has at most as many stops as it has elements.
    for _ in range(page.evaluate("(inside) => document.querySelectorAll(inside).length", shown.inside) + 1):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED, shown.root)
        if focused["end"]:
            break
        if not focused["visible"]:
            found.append(f"the focus cannot be seen on {focused['name']}")
        if focused["closed"]:
            page.keyboard.press("Enter")
            if page.evaluate(FOCUSED, shown.root)["closed"]:
                found.append(f"Enter does not open {focused['name']}")
    else:
        found.append("Tab does not leave it")
    missed = page.evaluate(f"(root) => {ACTIONABLE}.filter((element) => !window.reached.has(element)).map({DESCRIBE})", shown.root)
    return found + [f"Tab does not reach {name}" for name in missed]


# --- How it looks, with all open that is folded ------------------------------------------------------------------------------------


def check_width(shown: Shown) -> list:
    """Nothing is wider than the widget or the document, and nothing is cut off, but for a `pre` that scrolls by itself."""
    return shown.page.evaluate(
        """([inside, within]) => {
            const root = document.querySelector(inside), edges = document.querySelector(within).getBoundingClientRect();
            const found = [], scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
            if (root.scrollWidth > root.clientWidth) found.push(`the content has ${root.scrollWidth} px, its room ${root.clientWidth}`);
            for (const element of [root, ...root.querySelectorAll('*')]) {
                const pre = element.parentElement?.closest('.permissions-probe pre'), box = element.getBoundingClientRect();
                if (!box.width || (pre && scrolls(pre))) continue;
                const over = Math.max(box.right - edges.right, edges.left - box.left);
                if (over > 0.5) found.push(`<${element.localName} class="${element.className}"> sticks out by ${over} px`);
                const cuts = /hidden|clip/.test(getComputedStyle(element).overflowX) && element.clientWidth > 1;
                if (cuts && element.scrollWidth > element.clientWidth) found.push(`<${element.localName}> cuts its content off`);
            }
            return found;
        }""",
        [shown.root, shown.edges],
    )


def check_accessibility(shown: Shown) -> list:
    """axe-core finds nothing; a contrast that it could not measure is a finding as well."""
    options = {"runOnly": RULES, "resultTypes": ["violations", "incomplete"]}
    response = Axe().run(shown.page, shown.root, options).response
    found = [
        f"{violation['id']}: {violation['help']}: {node['html'][:100]}"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]
    for rule in response["incomplete"]:
        for node in rule["nodes"] if rule["id"] == "color-contrast" else ():
            why = {check["data"].get("messageKey") for check in node["any"] if check["data"]}
            if not why & NOTHING_TO_MEASURE:
                found.append(f"{rule['id']} could not be measured ({why}): {node['html'][:100]}")
    return found


AS_IT_COMES: tuple[Callable, ...] = (
    check_nesting,
    check_elements,
    check_surroundings,
    check_scripts,
    check_sanitized,
    check_keyboard,
)
# A document has no dashboard around it, and no sanitizer between it and its reader.
NOT_OF_A_DOCUMENT = (check_surroundings, check_sanitized)
# The requests last, since what is opened can ask for something as well.
OPENED: tuple[Callable, ...] = (check_width, check_accessibility, check_requests)
OPEN_ALL = "() => document.querySelectorAll('details').forEach((details) => { details.open = true; })"


def is_document(markup: str) -> bool:
    return markup[: len(DOCTYPE)].lower() == DOCTYPE


def check(browser, markup: str, width: int, picture=None) -> dict:
    """The findings, by the name of the check. A picture is taken as it comes, and one with all open that is folded.

    A fragment is shown on a dashboard. A document is shown as it is.
    """
    whole = is_document(markup)
    html, room = (markup, width) if whole else (host(markup, width), width + 2 * MARGIN)
    with open_page(browser, html, room) as (page, requests):
        shown = Shown(markup, page, requests, **(DOCUMENT if whole else {}))
        if picture:
            page.screenshot(path=picture, full_page=True)
        found = {one.__name__: one(shown) for one in AS_IT_COMES if not (whole and one in NOT_OF_A_DOCUMENT)}
        page.evaluate(OPEN_ALL)
        found |= {one.__name__: one(shown) for one in OPENED}
        if picture and page.query_selector("details"):
            page.screenshot(path=picture.with_stem(f"{picture.stem}-open"), full_page=True)
        return {name: sentences for name, sentences in found.items() if sentences}
