"""A small checker for queries of CloudWatch Logs Insights, since AWS publishes no parser of the language.

It knows the commands and functions of the CloudWatch Logs User Guide, "CloudWatch Logs Insights query syntax", and is told
which fields and kinds the function's log lines have. AWS itself has not parsed the queries.
"""

import re

COMMANDS = {"fields", "filter", "stats", "sort", "limit", "parse", "display", "dedup"}
FUNCTIONS = {
    # Aggregation, in stats.
    *("avg", "count", "count_distinct", "max", "min", "pct", "stddev", "sum"),
    *("earliest", "latest", "sortsFirst", "sortsLast"),
    # Everywhere.
    *("bin", "ceil", "coalesce", "concat", "datefloor", "dateceil", "floor", "fromMillis", "greatest", "isblank"),
    *("isempty", "ispresent", "least", "ltrim", "replace", "rtrim", "strcontains", "strlen", "substr", "tolower"),
    *("toMillis", "toupper", "trim", "abs", "log", "sqrt"),
}
WORDS = {"and", "or", "not", "in", "like", "by", "as", "asc", "desc"}
# What CloudWatch Logs gives every event, and Lambda and tracing every JSON line.
GIVEN = {"@timestamp", "@message", "@logStream", "@log", "@ingestionTime", "timestamp", "level", "target", "message"}
TOKEN = re.compile(
    r"""\s*(?:(?P<regex>/(?:\\.|[^/\\])+/)(?<=/)|(?P<text>'[^']*'|"[^"]*")|(?P<number>\d+(?:\.\d+)?[smhdw]?\b)"""
    r"""|(?P<name>`[^`]+`|[@A-Za-z_][\w.]*)|(?P<sign>=~|!=|<=|>=|[=<>(),|+\-*/%^\[\]]))"""
)


def check(query: str, fields: set, kinds: set) -> list:
    """Says what is wrong with a query."""
    try:
        commands = split(tokens(query))
    except ValueError as error:
        return [str(error)]
    known = GIVEN | fields
    wrong = []
    for command in commands:
        known, found = check_command(command, known, kinds)
        wrong += found
    return wrong


def tokens(query: str) -> list:
    found, at = [], 0
    query = re.sub(r"(?m)^\s*#.*$", "", query).rstrip()
    while at < len(query):
        match = TOKEN.match(query, at)
        # A slash begins a regular expression only where one may stand.
        if match and match.lastgroup == "regex" and (not found or found[-1][1] not in ("like", "=~", "parse")):
            match = re.compile(r"\s*(?P<sign>/)").match(query, at)
        if not match:
            raise ValueError(f"cannot be read from here on (a quote that is never closed?): {query[at:].strip()[:40]}")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def split(found: list) -> list:
    """Splits at the pipes, and holds the parentheses to be balanced within each command."""
    commands = [[]]
    for token in found:
        if token == ("sign", "|"):
            commands.append([])
        else:
            commands[-1].append(token)
    for command in commands:
        depth = 0
        for _, text in command:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text, 0)
            if depth < 0:
                break
        if depth:
            raise ValueError(f"has parentheses that do not match in: {' '.join(text for _, text in command)}")
    return commands


def check_command(command: list, known: set, kinds: set) -> tuple:
    """Checks one command; returns the fields that the next one sees, too."""
    if not command:
        return known, ["has an empty command between two pipes"]
    (_, name), rest = command[0], command[1:]
    if name == "SOURCE":
        return known, []
    if name not in COMMANDS:
        return known, [f"has an unknown command: {name}"]
    if not rest:
        return known, [f"has a {name} that says nothing"]
    if name == "limit":
        ok = len(rest) == 1 and rest[0][0] == "number" and rest[0][1].isdigit() and 1 <= int(rest[0][1]) <= 10000
        return known, [] if ok else ["has a limit that is not a number from 1 to 10000"]
    wrong, new, grouped, after_by = [], set(), set(), False
    for index, (kind, written) in enumerate(rest):
        before = rest[index - 1][1] if index else ""
        after = rest[index + 1][1] if index + 1 < len(rest) else ""
        if kind == "text" and before in ("=", "!=") and rest[index - 2][1] == "kind" and written[1:-1] not in kinds:
            wrong.append(f"asks for a kind of line that is never logged: {written}")
        # A message is a sentence for people, which can change with every version.
        if kind == "text" and before in ("=", "!=") and rest[index - 2][1] == "message":
            wrong.append(f"compares the message, which has no fixed text, with {written}")
        if kind != "name":
            continue
        text = written.strip("`")
        if before == "as" or (name == "parse" and "as" in [word for _, word in rest[:index]]):
            new.add(text)
        elif text in WORDS:
            # A parenthesis behind one of these groups conditions.
            after_by |= text == "by"
        elif after == "(":
            wrong += [] if text in FUNCTIONS else [f"has an unknown function: {text}"]
        elif text in known:
            grouped |= {text} if after_by else set()
        else:
            wrong.append(f"has a field that no log line has here: {text}")
    # After stats, only what it made and grouped by is left.
    return (new | grouped if name == "stats" else known | new), wrong
