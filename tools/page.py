"""Writes docs/explain/index.html: what explains a pasted denial, as WebAssembly in one file that works from disk.

It compiles crates/explain-page for wasm32-unknown-unknown, which rustup installs (rustup target add wasm32-unknown-unknown),
and takes a module that was compiled elsewhere with --wasm. The tests of tests/doctor hold the page to what the command line
says, in a browser, so that a page which is older than the code is found by what it says.
"""

import argparse
import base64
import gzip
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.environment import ROOT, STATE, fail, run, say

# The version that crates/explain-page names.
WASM_BINDGEN = "0.2.130"
TARGET = "wasm32-unknown-unknown"
CRATE = ROOT / "crates" / "explain-page"
SOURCE = CRATE / "page.html"
PAGE = ROOT / "docs" / "explain" / "index.html"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wasm", type=Path, metavar="FILE", help="a module that was compiled elsewhere")
    arguments = parser.parse_args()
    module = arguments.wasm or compile_module()
    with tempfile.TemporaryDirectory() as folder:
        glue, wasm = bind(module, Path(folder))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(fill(SOURCE.read_text(encoding="utf-8"), glue, wasm), encoding="utf-8")
    print(f"   {PAGE.relative_to(ROOT)}: {PAGE.stat().st_size:,} bytes")


def compile_module() -> Path:
    say(f"Compiling crates/explain-page for {TARGET}")
    todo = f"Install the target: rustup target add {TARGET}. Or compile it elsewhere, and give it with --wasm."
    where = ("--manifest-path", CRATE / "Cargo.toml", "--target-dir", ROOT / "target" / "explain-page")
    run("The page could not be compiled", todo, "cargo", "build", "--release", "--locked", "--target", TARGET, *where)
    return ROOT / "target" / "explain-page" / TARGET / "release" / "explain_page.wasm"


def bind(module: Path, folder: Path) -> tuple[str, bytes]:
    """What wasm-bindgen makes of a module: the JavaScript beside it, and the module itself."""
    program = shutil.which("wasm-bindgen") or shutil.which("wasm-bindgen", path=STATE / "bin")
    todo = f"cargo install wasm-bindgen-cli --version ={WASM_BINDGEN} --root .local"
    if not program:
        fail("wasm-bindgen was not found.", todo)
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    if version != WASM_BINDGEN:
        fail(f"wasm-bindgen is of version {version}, and the page needs {WASM_BINDGEN}.", todo)
    command = [program, "--target", "no-modules", "--no-typescript", "--out-dir", folder, "--out-name", "page", module]
    run("wasm-bindgen did not pass", "Look at its error above.", *command)
    return (folder / "page.js").read_text(encoding="utf-8"), (folder / "page_bg.wasm").read_bytes()


def fill(page: str, glue: str, wasm: bytes) -> str:
    # Without a time, so that the same module makes the same page.
    packed = base64.b64encode(gzip.compress(wasm, compresslevel=9, mtime=0)).decode()
    assert "</script" not in glue
    return page.replace("/*@GLUE@*/", glue.strip()).replace("/*@WASM@*/", packed)
