"""Holds the Python tools to Ruff, the spelling of everything to typos, and the workflows to zizmor."""

from tools.children import complete
from tools.environment import CHECKS, ROOT, say, scrubbed

PYTHON = ("dev", "tools", "tests/tools", "tests/browser", "tests/doctor", "bench/python/function.py", "examples/cdk/app.py")
WORKFLOWS = (".github/workflows", "action.yml", "examples/github")


def check_python() -> list:
    found = end_with_success("ruff", "check", *PYTHON, todo="./dev lint --write mends some of it")
    return found + end_with_success("ruff", "format", "--check", *PYTHON, todo="./dev lint --write formats it")


def write_python() -> None:
    """Formats the Python tools, and mends what Ruff knows how to."""
    start("ruff", "check", "--fix", "--quiet", *PYTHON)
    start("ruff", "format", *PYTHON)


def check_spelling() -> list:
    return end_with_success("typos", todo="an exception belongs into _typos.toml")


def check_workflows() -> list:
    there = [path for path in WORKFLOWS if (ROOT / path).exists()]
    if not there:
        return []
    return end_with_success("zizmor", "--offline", *there, todo="look at its findings above")


def end_with_success(*words: str, todo: str) -> list:
    say(" ".join(words))
    status = start(*words)
    return [(0, f"{' '.join(words)} ended with exit status {status}; {todo}", "")] if status else []


def start(program: str, *arguments: str) -> int:
    return complete([CHECKS / "bin" / program, *arguments], cwd=ROOT, env=scrubbed()).returncode
